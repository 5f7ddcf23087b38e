"""The periodic table as rows: what the code proposes, what people have made of it, and what came of each tick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from jobs.runtime import registry
from jobs.runtime.models import JobRun, JobSchedule, JobTick, RunState
from jobs.runtime.periodic import Cron
from jobs.runtime.secret import holds_secret
from webapp.core import clock
from webapp.core.db import session, uuid7
from webapp.core.errors import Conflict, NotFound
from webapp.core.logs import get_logger
from webapp.core.validation import FieldErrors
from webapp.core.words import is_text, say

if TYPE_CHECKING:
    from jobs.runtime.declare import Job

log = get_logger(__name__)


@dataclass(frozen=True)
class Every:
    """An entry of the periodic table: run `job` with `arguments` at each tick of `cron`. `name` tells entries apart.

    Raises InvalidArguments when the job does not take these arguments, ValueError when one of them is a secret.
    """

    job: Any
    cron: Cron
    arguments: dict[str, Any] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        _without_secret(self.job.check_named(self.arguments))

    @property
    def entry(self) -> str:
        """The name under which it is kept: the job's, unless one was given."""
        return self.name or str(self.job.name)

    def proposal(self) -> dict[str, Any]:
        """Return what the code proposes, as the columns of the row without their `default_`."""
        arguments = self.job.check_named(self.arguments)
        return {"cron": self.cron.expression, "timezone": self.cron.timezone, "arguments": arguments}


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A tick that was: when it was due, who asked for it (nobody: the clock), and what became of it.

    `state` is None when its run was purged since, or when there never was one: `problem` then says why.
    """

    due_at: datetime
    asked_by: str | None
    run_id: UUID | None
    state: RunState | None
    finished_at: datetime | None
    problem: str | None


def seed(entries: Sequence[Every]) -> None:
    """Bring the rows up to date with the code's table, in the caller's transaction.

    Rows that nobody has edited follow the code, edited ones keep what people chose and learn the new defaults. What is
    no longer in the table stops; it goes on as it was should it come back. A row ticks from now on when it is new or
    follows a change, else from where it was, so that ticks missed while nobody ran are made up for.
    """
    session().execute(select(func.pg_advisory_xact_lock(_SEEDING)))
    rows = {row.name: row for row in session().scalars(_fresh())}
    for entry in entries:
        row = rows.pop(entry.entry, None)
        if row is None:
            row = JobSchedule(name=entry.entry, is_enabled=True, is_edited=False, ticked_until=clock.now())
            session().add(row)
        _follow(row, entry)
    for removed in rows.values():
        removed.is_listed = False


def _follow(row: JobSchedule, entry: Every) -> None:
    proposal = entry.proposal()
    row.job = entry.job.name
    row.default_cron, row.default_timezone, row.default_arguments = proposal.values()
    if not row.is_listed:
        row.is_listed, row.ticked_until = True, clock.now()
    if not row.is_edited:
        _change(row, proposal)


def all_schedules() -> list[JobSchedule]:
    """Return every entry by name, also those that are paused or no longer in the code's table."""
    return list(session().scalars(_fresh().order_by(JobSchedule.name)))


def get(name: str) -> JobSchedule:
    """Return the entry called `name`; raises NotFound."""
    return _find(name, for_update=False)


def next_tick(schedule: JobSchedule) -> datetime | None:
    """Return when the entry runs next, in UTC; None when it is paused, out of the table, or never due again."""
    if not (schedule.is_enabled and schedule.is_listed):
        return None
    return Cron(schedule.cron, schedule.timezone).next_after(max(clock.now(), schedule.ticked_until))


def edit(
    *, name: str, cron: str | None = None, timezone: str | None = None, arguments: dict[str, Any] | None = None
) -> JobSchedule:
    """Change what is given, from now on and across deploys; in the caller's transaction.

    `arguments` are JSON values by name. Raises NotFound, Conflict when the job is no longer there, and InvalidInput
    with what is wrong field by field.
    """
    row = _find(name)
    wanted: dict[str, Any] = {
        "cron": " ".join((cron or row.cron).split()),
        "timezone": (timezone or row.timezone).strip(),
        "arguments": row.arguments if arguments is None else arguments,
    }
    wanted["arguments"] = _checked(row, **wanted)
    _change(row, wanted)
    row.is_edited = wanted != _defaults(row)
    return row


def reset(*, name: str) -> JobSchedule:
    """Return the entry to what the code says, in the caller's transaction; raises NotFound."""
    row = _find(name)
    _change(row, _defaults(row))
    row.is_edited = False
    return row


def pause(*, name: str) -> JobSchedule:
    """Have the entry not run until `resume`, in the caller's transaction; raises NotFound."""
    row = _find(name)
    row.is_enabled = False
    return row


def resume(*, name: str) -> JobSchedule:
    """Have the entry run again from now on, in the caller's transaction; raises NotFound.

    What it missed while it was paused is not made up for.
    """
    row = _find(name)
    if not row.is_enabled:
        row.is_enabled, row.ticked_until = True, clock.now()
    return row


def run_now(*, name: str, by: str) -> UUID:
    """Run the entry once, paused or not, beside its schedule; return the run's id. In the caller's transaction.

    `by` names who asked. A run of it that waits or is under way is returned instead of a second one. Raises NotFound,
    and Conflict when the job is no longer there or does not take the entry's arguments.
    """
    row = _find(name)
    _job_of(row)
    try:
        run_id = _submit(row)
    except ValueError as error:
        raise Conflict(say("This entry cannot run: %(fault)s", fault=error)) from None
    session().add(JobTick(name=name, scheduled_for=clock.now(), run_id=run_id, asked_by=by))
    return run_id


def history(*, name: str, limit: int = 50) -> list[Tick]:
    """Return the latest ticks of an entry, the newest first."""
    rows = session().execute(
        select(JobTick, JobRun.state, JobRun.finished_at)
        .outerjoin(JobRun, JobRun.id == JobTick.run_id)
        .where(JobTick.name == name)
        .order_by(JobTick.scheduled_for.desc())
        .limit(limit)
    )
    return [
        Tick(
            due_at=tick.scheduled_for,
            asked_by=tick.asked_by,
            run_id=tick.run_id,
            state=state,
            finished_at=finished_at,
            problem=tick.problem,
        )
        for tick, state, finished_at in rows
    ]


def due_tick(schedule: JobSchedule, now: datetime) -> datetime | None:
    """Return the latest tick of the entry that is due, None when there is none.

    Of ticks that were missed only the latest counts. Raises ValueError when the row's schedule cannot be read.
    """
    return Cron(schedule.cron, schedule.timezone).last_until(now, after=schedule.ticked_until)


def running_schedules() -> list[JobSchedule]:
    """Return the entries that are to tick."""
    return list(session().scalars(_fresh().where(JobSchedule.is_listed, JobSchedule.is_enabled)))


def tick(schedule: JobSchedule, due_at: datetime) -> bool:
    """Make the tick a run, in the caller's transaction; False when it is somebody else's or the row has changed since.

    A tick that comes while the last run is still at it finds that run. One whose arguments the job no longer takes
    leaves a note in the history. Raises UnknownJob when the job is not declared here, and then nothing is changed.
    """
    registry.find_job(schedule.job)
    if not _advance(schedule, due_at):
        return False
    values: dict[str, Any] = {"run_id": None, "problem": None}
    try:
        values["run_id"] = _submit(schedule)
    except ValueError as error:
        values["problem"] = str(error)[:2000]
        log.error("a periodic job cannot run", schedule=schedule.name, problem=str(error))
    recorded = pg_insert(JobTick).values(id=uuid7(), name=schedule.name, scheduled_for=due_at, **values)
    session().execute(recorded.on_conflict_do_nothing(index_elements=["name", "scheduled_for"]))
    return values["problem"] is None


def _advance(seen: JobSchedule, due_at: datetime) -> bool:
    """Move the row past the tick, if it still is as it was seen: this decides who of several makes the run."""
    unchanged = (
        JobSchedule.cron == seen.cron,
        JobSchedule.timezone == seen.timezone,
        JobSchedule.arguments == seen.arguments,
        JobSchedule.is_enabled,
        JobSchedule.is_listed,
        JobSchedule.ticked_until < due_at,
    )
    moved = session().scalar(
        update(JobSchedule)
        .where(JobSchedule.id == seen.id, *unchanged)
        .values(ticked_until=due_at, updated_at=JobSchedule.updated_at)  # nobody has edited it
        .returning(JobSchedule.id)
        .execution_options(synchronize_session=False)
    )
    return moved is not None


def _submit(row: JobSchedule) -> UUID:
    job = registry.find_job(row.job)
    return job.submit(job.check_named(row.arguments), unique_key=f"periodic:{row.name}")


def _fresh() -> Select[JobSchedule]:
    """Select rows as the database has them now, whatever the session has seen before."""
    return select(JobSchedule).execution_options(populate_existing=True)


def _job_of(row: JobSchedule) -> Job[..., Any]:
    try:
        return registry.find_job(row.job)
    except registry.UnknownJob:
        raise Conflict(say("The job %(job)r of this entry is no longer there.", job=row.job)) from None


def _find(name: str, *, for_update: bool = True) -> JobSchedule:
    query = _fresh().where(JobSchedule.name == name)
    row = session().scalar(query.with_for_update() if for_update else query) if is_text(name) else None
    if row is None:
        raise NotFound(say("There is no periodic job called %(name)r.", name=name))
    return row


def _checked(row: JobSchedule, *, cron: str, timezone: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments with defaults filled in; raises InvalidInput, and Conflict when the job is not there."""
    job = _job_of(row)
    faults = FieldErrors()
    checked: dict[str, Any] = {}
    with faults.of("timezone"):
        clock.find_zone(timezone)
    with faults.of("cron"):
        if Cron(cron).next_after(clock.now()) is None:
            raise ValueError(say("%(cron)r names a day that never comes.", cron=cron))
    with faults.of("arguments"):
        checked = _without_secret(job.check_named(arguments))
    faults.refuse()
    return checked


def _without_secret(arguments: dict[str, Any]) -> dict[str, Any]:
    if holds_secret(arguments):
        raise ValueError(say("A secret cannot be an argument of a schedule: have the job look it up."))
    return arguments


def _change(row: JobSchedule, wanted: dict[str, Any]) -> None:
    """Give the row what is wanted; a changed schedule counts from now, so that no tick of the past is made up for."""
    if (row.cron, row.timezone) != (wanted["cron"], wanted["timezone"]):
        row.ticked_until = clock.now()
    row.cron, row.timezone, row.arguments = wanted["cron"], wanted["timezone"], wanted["arguments"]


def _defaults(row: JobSchedule) -> dict[str, Any]:
    return {"cron": row.default_cron, "timezone": row.default_timezone, "arguments": row.default_arguments}


# The key of the advisory lock that keeps two schedulers from seeding at once: any number nobody else uses.
_SEEDING = 0x5EED
