from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from jobs.runtime import current, reconcile, store
from jobs.runtime.current import Claim
from jobs.runtime.facts import confirm_held, record_fact
from jobs.runtime.models import JobRun
from jobs.runtime.policies import LeaseLost
from tests.jobs import sample
from webapp.core.db import session, transaction

pytestmark = pytest.mark.usefixtures("effects")


@pytest.fixture
def claim(effects: object) -> Iterator[Claim]:
    """The run that the test is part of."""
    run_id = sample.mark.enqueue("mine")
    with transaction():
        taken = store.take(run_id, worker="me", lease=60)
    assert taken is not None
    token = current.claim.set(taken)
    yield taken
    current.claim.reset(token)


def take_away(claim: Claim) -> None:
    """Have the run of a worker whose lease ran out go elsewhere, as the scheduler's process does."""
    token = current.claim.set(None)
    with transaction():
        session().execute(update(JobRun).where(JobRun.id == claim.id).values(lease_until=datetime.now(UTC)))
    assert reconcile.free_interrupted() == 1
    current.claim.reset(token)


def test_who_holds_its_run_is_told_so(claim: Claim) -> None:
    confirm_held()


def test_who_has_lost_its_run_is_told_so(claim: Claim) -> None:
    take_away(claim)
    with pytest.raises(LeaseLost):
        confirm_held()


def test_outside_of_a_run_there_is_nothing_to_lose() -> None:
    confirm_held()


def test_what_has_happened_is_recorded_even_by_who_has_lost_its_run(claim: Claim) -> None:
    take_away(claim)
    record_fact(lambda: sample.mark_here("sent"))
    assert current.claim.get() is claim
    with pytest.raises(LeaseLost), transaction():
        sample.mark_here("anything else")
    current.claim.set(None)
    assert sample.marks() == {"sent": 1}


def test_what_has_happened_waits_for_a_database_that_is_away() -> None:
    tries: list[int] = []

    def write() -> None:
        sample.mark_here("sent")
        tries.append(len(tries))
        if len(tries) < 3:
            raise OperationalError("INSERT", {}, ConnectionRefusedError())

    record_fact(write)
    assert (sample.marks(), len(tries)) == ({"sent": 1}, 3)
