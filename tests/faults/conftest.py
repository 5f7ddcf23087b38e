"""One installation for all fault tests: each leaves it whole, or the next gets a new one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.faults.harness import Installation


class Keeper:
    """Makes an installation when one is asked for, and keeps it for the next test as long as none has failed."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._kept: Installation | None = None
        self._stack = ExitStack()

    def get(self) -> Installation:
        if self._kept is None:
            self._kept = self._stack.enter_context(Installation(self._factory.mktemp("installation")))
        self._kept.mail.forget()
        return self._kept

    def close(self) -> None:
        self._kept = None
        self._stack.close()


@pytest.fixture(scope="session")
def _keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path_factory)
    yield keeper
    keeper.close()


@pytest.fixture
def almanac(_keeper: Keeper, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """An installation that runs and has nothing to do."""
    failed_before = request.session.testsfailed
    installation = _keeper.get()
    yield installation
    try:
        assert request.session.testsfailed == failed_before
        installation.bring_up()
    except AssertionError:  # nobody knows what state it is in
        _keeper.close()
