"""Dead letters: runs that were given up, for people to look at, to replay, or to discard.

The rows hold them, with every attempt's error, for 90 days. Redis shows those of the last 24 hours, 10,000 at most, on
the queue `dead_letter`, where nobody works.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from redis import Redis
from sqlalchemy import ColumnElement, exists, func, select, tuple_, update
from sqlalchemy.orm import aliased

from jobs.runtime import carrier, handover
from jobs.runtime.deliver import CARRIED, carried, carry_after_commit, exhume_after_commit
from jobs.runtime.models import JobRun, RunState
from webapp.core import measures
from webapp.core.db import savepoint, session, transaction
from webapp.core.errors import Conflict, NotFound
from webapp.core.words import say

Place = tuple[datetime, UUID]
SHOW_BATCH = 1000
_LIVE = (RunState.WAITING, RunState.RUNNING)


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """Which dead letters are meant: all that fit everything that is given.

    `name` and `text` are looked for inside of the job's name and of its last error, case aside; `since` and `until`
    (aware) are about when it died, the second one excluded.
    """

    name: str = ""
    queue: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return them as conditions on a row."""
        conditions: list[ColumnElement[bool]] = [JobRun.state == RunState.DEAD]
        if self.name:
            conditions.append(JobRun.name.icontains(self.name, autoescape=True))
        if self.queue:
            conditions.append(JobRun.queue == self.queue)
        if self.text:
            conditions.append(JobRun.error.icontains(self.text, autoescape=True))
        if self.since is not None:
            conditions.append(JobRun.finished_at >= self.since)
        if self.until is not None:
            conditions.append(JobRun.finished_at < self.until)
        return conditions


def search(wanted: DeadLetters, *, before: Place | None = None, limit: int = 50) -> list[JobRun]:
    """Return dead runs, those that died last first.

    `before` is the place of the last one of the page before.
    """
    query = select(JobRun).where(*wanted.conditions())
    if before is not None:
        query = query.where(tuple_(JobRun.finished_at, JobRun.id) < before)
    return list(session().scalars(query.order_by(JobRun.finished_at.desc(), JobRun.id.desc()).limit(limit)))


def place_of(letter: JobRun) -> Place:
    """Return where a dead run stands among the others."""
    return cast("datetime", letter.finished_at), letter.id  # a constraint of the table


def count(wanted: DeadLetters) -> int:
    """Return how many there are."""
    return session().scalar(select(func.count()).select_from(JobRun).where(*wanted.conditions())) or 0


def replay(run_id: UUID) -> None:
    """Have a dead run wait again as if it were new, its history kept, in the caller's transaction.

    The canvas that it is a step of is taken up again. Raises NotFound when it is not dead, Conflict when a run with
    its unique key is alive, and NotResumable when its canvas was revoked, or what that had done is undone.
    """
    if _revive([run_id]):
        return
    found = session().get(JobRun, run_id, populate_existing=True)
    if found is None or found.state is not RunState.DEAD:
        raise NotFound(say("This job is not among the dead letters; it may have been replayed or discarded already."))
    raise Conflict(say("Another run of this job with the same key is waiting or running; this one is not needed."))


def replay_many(run_ids: Collection[UUID]) -> list[UUID]:
    """Have those of the runs wait again for which `replay` would not raise; return which.

    In the caller's transaction: for more than some hundred, in several.
    """
    replayed = _revive(_alone(run_ids))
    for run_id in _steps(run_ids):
        try:
            with savepoint():
                replayed += _revive([run_id])
        except handover.NotResumable:
            continue
    return replayed


def discard(run_ids: Collection[UUID], *, by: str) -> list[UUID]:
    """Take runs from the dead letters for good, in the caller's transaction; return which were there.

    They are kept as cancelled, with their errors and who discarded them, as long as other finished runs.
    """
    discarded = session().scalars(
        update(JobRun)
        .where(JobRun.id.in_(run_ids), JobRun.state == RunState.DEAD)
        .values(state=RunState.CANCELLED, revoked_by=by, finished_at=func.now())
        .returning(JobRun.id)
        .execution_options(synchronize_session=False)
    )
    ids = list(discarded)
    exhume_after_commit(*ids)
    return ids


def show_again(redis: Redis, *, keep_going: Callable[[], bool]) -> bool:
    """Give a Redis that lost its memory the dead letters that it should show; raises redis.RedisError.

    False when it was not to `keep_going` between two batches.
    """
    young = func.now() - timedelta(seconds=carrier.DEAD_LETTER_SECONDS)
    age = func.extract("epoch", func.now() - JobRun.finished_at).label("age")
    with transaction():
        rows = session().execute(
            select(*CARRIED, age)
            .where(JobRun.state == RunState.DEAD, JobRun.finished_at > young)
            .order_by(JobRun.finished_at.desc(), JobRun.id.desc())
            .limit(carrier.DEAD_LETTER_LIMIT)
        )
        letters = list(rows)
    for number, row in enumerate(reversed(letters), start=1):
        carrier.bury(redis, carried(row), seconds=max(carrier.DEAD_LETTER_SECONDS - int(row.age), 1))
        if number % SHOW_BATCH == 0 and not keep_going():
            return False
    return True


def _revive(run_ids: Sequence[UUID]) -> list[UUID]:
    """Have dead runs wait again, of several with one unique key the newest; return their ids."""
    live, newer = aliased(JobRun), aliased(JobRun)
    has_successor = exists().where(live.unique_key == JobRun.unique_key, live.state.in_(_LIVE))
    has_newer = exists().where(
        newer.unique_key == JobRun.unique_key,
        newer.id.in_(run_ids),
        newer.state == RunState.DEAD,
        newer.id > JobRun.id,
    )
    rows = (
        session()
        .execute(
            update(JobRun)
            .where(JobRun.id.in_(run_ids), JobRun.state == RunState.DEAD, ~has_successor, ~has_newer)
            .values(
                state=RunState.WAITING, run_at=func.now(), finished_at=None, failures=0, interruptions=0, is_held=False
            )
            .returning(*CARRIED, JobRun.canvas_id)
            .execution_options(synchronize_session=False)
        )
        .all()
    )
    exhume_after_commit(*(row.id for row in rows))
    for row in rows:
        if row.canvas_id is not None:
            handover.resume(row.canvas_id)
        measures.count("jobs_replayed", job=row.name, queue=row.queue)
    carry_after_commit(*(carried(row) for row in rows))
    return [row.id for row in rows]


def _alone(run_ids: Collection[UUID]) -> list[UUID]:
    return list(session().scalars(select(JobRun.id).where(JobRun.id.in_(run_ids), JobRun.canvas_id.is_(None))))


def _steps(run_ids: Collection[UUID]) -> list[UUID]:
    return list(session().scalars(select(JobRun.id).where(JobRun.id.in_(run_ids), JobRun.canvas_id.is_not(None))))
