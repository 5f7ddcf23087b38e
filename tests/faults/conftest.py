"""One installation for all fault tests, one yard for the matrix: each leaves it whole, or the next gets a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any, Generic, TypeVar

import pytest

from tests.faults.harness import Installation
from tests.faults.yard import Yard

S = TypeVar("S", bound=AbstractContextManager[Any])


class Keeper(Generic[S]):
    """Makes a site when one is asked for, and keeps it for the next test as long as none has failed."""

    def __init__(self, make: Callable[[], S]) -> None:
        self._make = make
        self._kept: S | None = None
        self._stack = ExitStack()

    def get(self) -> S:
        if self._kept is None:
            self._kept = self._stack.enter_context(self._make())
        return self._kept

    def close(self) -> None:
        self._kept = None
        self._stack.close()


@pytest.fixture(scope="package")
def _keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper[Installation]]:
    keeper = Keeper(lambda: Installation(tmp_path_factory.mktemp("installation")))
    yield keeper
    keeper.close()


@pytest.fixture(scope="package")
def _yard_keeper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keeper[Yard]]:
    keeper = Keeper(lambda: Yard(tmp_path_factory.mktemp("yard")))
    yield keeper
    keeper.close()


@pytest.fixture
def almanac(_keeper: Keeper[Installation], request: pytest.FixtureRequest) -> Iterator[Installation]:
    """An installation that runs and has nothing to do."""
    failed_before = request.session.testsfailed
    installation = _keeper.get()
    installation.mail.forget()
    yield installation
    try:
        assert request.session.testsfailed == failed_before
        installation.bring_up()
    except AssertionError:  # nobody knows what state it is in
        _keeper.close()


@pytest.fixture
def yard(_yard_keeper: Keeper[Yard], request: pytest.FixtureRequest) -> Iterator[Yard]:
    """A yard where everything runs."""
    failed_before = request.session.testsfailed
    yield _yard_keeper.get()
    if request.session.testsfailed != failed_before:  # nobody knows what state it is in
        _yard_keeper.close()
