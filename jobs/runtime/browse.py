"""Runs as people look at them: lists by filter that cost the same at a million rows, and all that is known of one.

A list is read along an index, newest first. What no index answers (a text in the arguments) is looked for as far
back as a tenth of a second takes; the page then says how far that was, so that the reader can go on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Float,
    Row,
    Select,
    Subquery,
    Text,
    case,
    cast,
    func,
    literal_column,
    select,
    text,
    union_all,
)

from jobs.runtime.models import JobAttempt, JobRun, Outcome, RunState
from jobs.runtime.secret import SEALED
from webapp.core.db import session
from webapp.core.hidden import HIDDEN
from webapp.core.logs import without_secrets
from webapp.core.pagination import PAGE_SIZE
from webapp.core.settings import QUEUES

# Where every run has to be looked at, so many are in one go, and no more are begun after so long.
LOOK_AT = 5_000
LOOK_SECONDS = 0.1
MOST_CHILDREN = 100
_CLOCKS_DIFFER = timedelta(seconds=10)

_AT_REST = (RunState.WAITING, RunState.SUCCEEDED, RunState.DEAD, RunState.CANCELLED)
# Said besides, since the indexes leave out what runs: PostgreSQL then knows that they apply.
_NOT_RUNNING = JobRun.state != literal_column("'running'")
_SHOWN = (
    JobRun.id,
    JobRun.name,
    JobRun.queue,
    JobRun.lane,
    JobRun.arguments,
    JobRun.state,
    JobRun.run_at,
    JobRun.attempt,
    JobRun.failures,
    JobRun.worker,
    JobRun.progress,
    JobRun.error,
    JobRun.created_at,
    JobRun.started_at,
    JobRun.finished_at,
)


class Standing(StrEnum):
    """Where a run stands, as people ask for it: one that waits is either due or for later."""

    QUEUED = "queued"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"

    @property
    def state(self) -> RunState:
        """The state of the row."""
        return RunState.WAITING if self in {Standing.QUEUED, Standing.SCHEDULED} else RunState(self.value)


@dataclass(frozen=True, kw_only=True)
class RunFilter:
    """Which runs: by standing, exact name, queue, a text in the arguments, and when they were enqueued (aware)."""

    standing: Standing | None = None
    name: str = ""
    queue: str = ""
    text: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RunPage:
    """Some runs, newest first. `next` is where the page after it begins; None when there is none.

    `looked_back_to` is set when the page ends early because enough has been looked at: nothing newer fits.
    """

    items: Sequence[Row[Any]]
    next: UUID | None
    looked_back_to: datetime | None = None


def page(wanted: RunFilter, *, before: UUID | None = None, limit: int = PAGE_SIZE) -> RunPage:
    """Return one page of the runs that fit, from behind the run `before`; in the caller's transaction."""
    # A plan made for these very values: one for any values would read the whole table for some of them.
    session().execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    if not _residual(wanted):
        return _cut(_matches(wanted, before, limit=limit + 1, look_at=limit + 1), limit)
    enough_at = time.monotonic() + LOOK_SECONDS
    rows: list[Row[Any]] = []
    while True:
        rows += _matches(wanted, before, limit=limit + 1 - len(rows), look_at=LOOK_AT)
        if len(rows) > limit:
            return _cut(rows, limit)
        before = _last(wanted, before)
        if before is None:
            return RunPage(items=rows, next=None)
        if time.monotonic() > enough_at:
            return RunPage(items=rows, next=before, looked_back_to=moment_of(before))


def _cut(rows: Sequence[Row[Any]], limit: int) -> RunPage:
    return RunPage(items=rows[:limit], next=rows[limit - 1].id if len(rows) > limit else None)


def _matches(wanted: RunFilter, before: UUID | None, *, limit: int, look_at: int) -> Sequence[Row[Any]]:
    """Return the first of the next `look_at` runs that fit."""
    candidates = _candidates(wanted, before, look_at=look_at)
    query = select(candidates).where(*(condition(candidates) for condition in _residual(wanted)))
    return session().execute(query.order_by(candidates.c.id.desc()).limit(limit)).all()


def standing_of(run: Any, now: datetime) -> Standing:
    """Return where a run (a row of `page`, or a JobRun) stands at the instant `now`."""
    if run.state is RunState.WAITING:
        return Standing.SCHEDULED if run.run_at > now else Standing.QUEUED
    return Standing(run.state.value)


def find(run_id: UUID) -> JobRun | None:
    """Return the run with this id as the database has it now, None when there is none."""
    return session().get(JobRun, run_id, populate_existing=True)


def attempts(run_id: UUID) -> list[JobAttempt]:
    """Return the attempts of a run that did not succeed, in order."""
    return list(
        session().scalars(
            select(JobAttempt).where(JobAttempt.run_id == run_id).order_by(JobAttempt.attempt, JobAttempt.id)
        )
    )


def children(run_id: UUID) -> list[Row[Any]]:
    """Return the first runs that this run has enqueued, 100 at most, in order."""
    query = select(*_SHOWN).where(JobRun.parent_id == run_id).order_by(JobRun.id).limit(MOST_CHILDREN)
    return list(session().execute(query))


def running(*, limit: int = 100) -> list[Row[Any]]:
    """Return what is being worked on, the longest running first."""
    query = select(*_SHOWN).where(JobRun.state == RunState.RUNNING).order_by(JobRun.started_at, JobRun.id)
    return list(session().execute(query.limit(limit)))


def scheduled(*, after: tuple[datetime, UUID] | None = None, limit: int = PAGE_SIZE) -> list[Row[Any]]:
    """Return what is to run later, the soonest first, from behind the run with that `run_at` and id."""
    start = func.row(func.now(), literal_column("'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid"))
    query = select(*_SHOWN).where(JobRun.state == RunState.WAITING)
    query = query.where(func.row(JobRun.run_at, JobRun.id) > (func.row(*after) if after else start))
    return list(session().execute(query.order_by(JobRun.run_at, JobRun.id).limit(limit)))


def tally() -> dict[Standing, int]:
    """Count the runs that are queued, scheduled, running, and dead for less than 24 hours."""
    later = JobRun.run_at > func.now()
    waiting = select(func.count().filter(~later).label("queued"), func.count().filter(later).label("scheduled")).where(
        JobRun.state == RunState.WAITING
    )
    queued, later_on = session().execute(waiting).one()
    return {
        Standing.QUEUED: queued,
        Standing.SCHEDULED: later_on,
        Standing.RUNNING: _count(JobRun.state == RunState.RUNNING),
        Standing.DEAD: _count(JobRun.state == RunState.DEAD, JobRun.finished_at > func.now() - timedelta(hours=24)),
    }


def slow(*, usual: float, limits: dict[str, float], since: datetime) -> list[tuple[str, float, int]]:
    """Return jobs of which a run takes, or has taken since then, longer than it should, as (name, seconds, runs).

    A job's own limit in `limits`, or else the `usual` one, says how long that is; all in seconds.
    """
    seconds = func.extract("epoch", func.coalesce(JobRun.finished_at, func.now()) - JobRun.started_at)
    limit = case(limits, value=JobRun.name, else_=usual) if limits else usual
    live = select(JobRun.id, JobRun.name, seconds.label("seconds")).where(
        JobRun.state == RunState.RUNNING, seconds > limit
    )
    over = select(JobRun.id, JobRun.name, seconds.label("seconds")).where(
        JobRun.finished_at > since, JobRun.state != RunState.CANCELLED, seconds > limit
    )
    found = union_all(live, over, _slow_failures(limit, since)).subquery()
    query = select(found.c.name, cast(func.max(found.c.seconds), Float), func.count(found.c.id.distinct()))
    query = query.group_by(found.c.name)
    return [(name, seconds, times) for name, seconds, times in session().execute(query)]


def held_by_name() -> dict[str, int]:
    """Return of each job how many runs wait for another of theirs to end, because so many may run at once."""
    query = select(JobRun.name, func.count()).where(JobRun.is_held, JobRun.state == RunState.WAITING)
    return {row[0]: row[1] for row in session().execute(query.group_by(JobRun.name))}


def names() -> list[str]:
    """Return the names of all jobs that there are rows of, skipping from one to the next along the index."""
    first = select(func.min(JobRun.name).label("name")).where(JobRun.state != RunState.RUNNING)
    found = first.cte("names", recursive=True)
    following = select(func.min(JobRun.name)).where(JobRun.name > found.c.name, JobRun.state != RunState.RUNNING)
    found = found.union_all(select(following.scalar_subquery()).where(found.c.name.is_not(None)))
    return list(session().scalars(select(found.c.name).where(found.c.name.is_not(None))))


def shown_arguments(run: Any) -> dict[str, Any]:
    """Return the arguments of a run as people may see them."""
    shown: dict[str, Any] = without_secrets(_without_sealed(run.arguments))
    return shown


def moment_of(run_id: UUID) -> datetime:
    """Return when a run was enqueued, to the millisecond: its id begins with it."""
    return datetime.fromtimestamp((run_id.int >> 80) / 1000, tz=UTC)


def _without_sealed(value: Any) -> Any:
    match value:
        case dict() if value.keys() == {SEALED}:
            return HIDDEN
        case dict():
            return {name: _without_sealed(item) for name, item in value.items()}
        case list():
            return [_without_sealed(item) for item in value]
    return value


def _slow_failures(limit: Any, since: datetime) -> Select[UUID, str, Any]:
    """Return the attempts that took too long and failed, whatever becomes of their runs.

    Found by their ids, which are drawn when they end, for no index has their ends.
    """
    seconds = func.extract("epoch", JobAttempt.ended_at - JobAttempt.started_at)
    query = select(JobRun.id, JobRun.name, seconds.label("seconds")).join(JobAttempt, JobAttempt.run_id == JobRun.id)
    return query.where(
        JobAttempt.id >= _first_id(since - _CLOCKS_DIFFER),
        JobAttempt.ended_at > since,
        JobAttempt.outcome == Outcome.FAILED,
        seconds > limit,
    )


def _candidates(wanted: RunFilter, before: UUID | None, *, look_at: int) -> Subquery:
    """Return the newest `look_at` runs that an index finds, in order.

    Each branch says its own order and limit, for only then does PostgreSQL merge them as it reads, without sorting.
    """
    stretches = (
        select(*_SHOWN).where(*condition, *_between(wanted, before)).order_by(JobRun.id.desc()).limit(look_at)
        for condition in _branches(wanted)
    )
    found = union_all(*(select(stretch.subquery()) for stretch in stretches)).subquery("found")
    return select(found).order_by(found.c.id.desc()).limit(look_at).subquery("candidates")


def _branches(wanted: RunFilter) -> list[list[ColumnElement[bool]]]:
    """Return conditions that are each one stretch of an index in the order of ids; together they are all that fits."""
    state = wanted.standing.state if wanted.standing else None
    if state is None and not (wanted.name or wanted.queue):
        return [[]]
    if wanted.name:
        owners: list[ColumnElement[bool]] = [JobRun.name == wanted.name]
    else:
        owners = [JobRun.queue == queue for queue in ([wanted.queue] if wanted.queue else QUEUES)]
    states = [state] if state else [*_AT_REST, RunState.RUNNING]
    return [[owner, *_is_in(one)] for owner in owners for one in states]


def _is_in(state: RunState) -> list[ColumnElement[bool]]:
    """Return that a row is in this state, in the words of the index that knows."""
    return [JobRun.state == state] if state is RunState.RUNNING else [JobRun.state == state, _NOT_RUNNING]


def _between(wanted: RunFilter, before: UUID | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(JobRun.id < before)
    if wanted.since is not None:
        conditions.append(JobRun.id >= _first_id(wanted.since))
    if wanted.until is not None:
        conditions.append(JobRun.id < _first_id(wanted.until))
    return conditions


def _residual(wanted: RunFilter) -> list[Callable[[Subquery], ColumnElement[bool]]]:
    """Return what no index answers: conditions that candidates are held against one by one."""
    conditions: list[Callable[[Subquery], ColumnElement[bool]]] = []
    if wanted.name and wanted.queue:
        conditions.append(lambda found: found.c.queue == wanted.queue)
    if wanted.standing is Standing.QUEUED:
        conditions.append(lambda found: found.c.run_at <= func.now())
    if wanted.standing is Standing.SCHEDULED:
        conditions.append(lambda found: found.c.run_at > func.now())
    if wanted.text:
        conditions.append(lambda found: cast(found.c.arguments, Text).icontains(wanted.text, autoescape=True))
    return conditions


def _last(wanted: RunFilter, before: UUID | None) -> UUID | None:
    """Return the last of the candidates that were looked at, None when there were no more."""
    candidates = _candidates(wanted, before, look_at=LOOK_AT)
    return session().scalar(select(candidates.c.id).order_by(candidates.c.id.desc()).offset(LOOK_AT - 1).limit(1))


def _first_id(moment: datetime) -> UUID:
    """Return the least id that a run enqueued at `moment` can have."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)  # nothing is older than ids can say; the year 9999 they can


def _count(*conditions: ColumnElement[bool]) -> int:
    return session().scalar(select(func.count()).select_from(JobRun).where(*conditions)) or 0
