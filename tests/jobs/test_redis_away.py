"""While Redis is away people are served all the same, and the log says what follows, of each thing what is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from jobs.runtime import dead_letters, execute, reconcile, revoke, store
from jobs.runtime.models import RunState
from tests.conftest import Servers
from tests.jobs import sample
from tests.jobs.workers import queued, row
from webapp.core.db import transaction
from webapp.core.redis import jobs_redis

pytestmark = pytest.mark.usefixtures("effects")

Said = Callable[[], str]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """Returns what was logged since it was last asked."""

    def since() -> str:
        text = caplog.text
        caplog.clear()
        return text

    return since


@contextmanager
def redis_away(servers: Servers) -> Iterator[None]:
    servers.jobs_redis.stop()
    try:
        yield
    finally:
        servers.jobs_redis.start()


def test_a_run_with_a_row_is_pushed_later_and_one_without_is_lost(servers: Servers, said: Said) -> None:
    with redis_away(servers):
        run_id = sample.mark.enqueue("x")
        told = said()
        assert "the reconciler will push what has a row" in told
        assert "lost" not in told
        sample.mark_cheaply.enqueue("y")
        assert f"what has none is lost: {sample.mark_cheaply.path}" in said()
    reconcile.Reconciler(jobs_redis()).run()
    assert queued("maintenance") == [str(run_id)]


def test_a_revoked_run_is_passed_over_or_hears_of_it_by_its_lease(servers: Servers, said: Said) -> None:
    waiting, running = sample.mark.enqueue("x"), sample.mark.enqueue("y")
    with transaction():
        claim = store.take(running, worker="one", lease=60)
    assert claim is not None
    with redis_away(servers):
        revoke(waiting, by="anna")
        assert "workers will pass over them" in said()
        revoke(running, by="anna")
        assert "hear of it when their leases are renewed" in said()
    assert execute.run(waiting) is None


def test_a_dead_letter_is_in_its_row(servers: Servers, said: Said) -> None:
    first, second = (sample.refuse.enqueue("no") for _ in range(2))
    assert execute.run(first) is RunState.DEAD
    with redis_away(servers):
        assert execute.run(second) is RunState.DEAD
        assert "a dead letter is in its row alone" in said()
        with transaction():
            dead_letters.replay(first)
        assert "goes on showing dead letters that are none any more" in said()
    assert (row(first).state, row(second).state) == (RunState.WAITING, RunState.DEAD)
