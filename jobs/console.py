"""Every change that people make to the background jobs, from a page, a program or the command line.

Each is made and recorded in the caller's transaction: who, what, which, when.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.operations import replay_dead_letters
from jobs.runtime import Job, Revocation, dead_letters, enqueue, revoke, revoke_canvas, schedules
from jobs.runtime.dead_letters import DeadLetters
from jobs.runtime.models import JobSchedule
from webapp.core import breakers
from webapp.core.db import uuid7
from webapp.core.errors import Conflict, NotFound
from webapp.core.words import say
from webapp.identity.models import Membership
from webapp.operations.models import Action, Via
from webapp.operations.service import command_account, record_action

GONE = say("There is no such job; finished ones are kept for some days only.")
ENDED = say("This job has ended already; there is nothing left to stop.")
UNDOING = say("What is done of this is being undone already; that goes on to its end.")


@dataclass(frozen=True, kw_only=True)
class By:
    """Who makes a change, and by what way; nobody stands for a command on this machine."""

    member: Membership | None = None
    via: Via = Via.COMMAND

    def __str__(self) -> str:
        return self.member.user.email if self.member else command_account()

    def did(self, action: Action, subject: str, **details: Any) -> None:
        """Write down what was done."""
        record_action(action=action, subject=subject, by=self.member, via=self.via, details=details)


def revoke_run(run_id: UUID, *, by: By) -> Revocation:
    """Have a run not begin, or stop it; raises NotFound, and Conflict when it has ended."""
    outcome = _checked(revoke(run_id, by=str(by)))
    by.did(Action.REVOKE, str(run_id), outcome=outcome.value)
    return outcome


def revoke_whole(canvas_id: UUID, *, by: By) -> Revocation:
    """Have nothing more of a canvas run; raises NotFound, and Conflict when it has ended or is being undone."""
    outcome = _checked(revoke_canvas(canvas_id, by=str(by)))
    by.did(Action.REVOKE, str(canvas_id), outcome=outcome.value, canvas=True)
    return outcome


def enqueue_job(
    job: Job[..., Any], arguments: dict[str, Any], *, by: By, run_at: datetime | None = None, key: str | None = None
) -> UUID:
    """Enqueue `job` with arguments that it has checked, for `run_at` and under a unique key if given; return the id."""
    run_id = enqueue.submit(job, arguments, run_at=run_at, unique_key=key)
    by.did(Action.ENQUEUE, str(run_id), job=job.name)
    return run_id


def write_here(job: Job[..., Any], arguments: dict[str, Any], *, by: By) -> UUID:
    """Write down that `job` is run in this very process, for a durable one as its row; return the id of the run."""
    run_id = enqueue.write(job, arguments) if job.options.durable else uuid7()
    by.did(Action.ENQUEUE, str(run_id), job=job.name, here=True)
    return run_id


def replay(run_id: UUID, *, by: By) -> None:
    """Give a dead letter another chance; raises NotFound and Conflict as the runtime does."""
    dead_letters.replay(run_id)
    by.did(Action.REPLAY, str(run_id))


def replay_many(run_ids: Collection[UUID], *, by: By) -> list[UUID]:
    """Give several another chance, as far as they can have one; return which got it."""
    replayed = dead_letters.replay_many(run_ids)
    for run_id in replayed:
        by.did(Action.REPLAY, str(run_id), among=len(replayed))
    return replayed


def replay_all(wanted: DeadLetters, *, by: By) -> UUID:
    """Have a job give all that fit another chance; return the id of its run."""
    sought = {name: value for name, value in asdict(wanted).items() if value}
    run_id = replay_dead_letters.enqueue(**sought)
    shown = {name: str(value) for name, value in sought.items()}
    by.did(Action.REPLAY_ALL, str(run_id), **shown)
    return run_id


def discard(run_ids: Collection[UUID], *, by: By) -> list[UUID]:
    """Take runs from the dead letters for good; return which were there."""
    discarded = dead_letters.discard(run_ids, by=str(by))
    for run_id in discarded:
        by.did(Action.DISCARD, str(run_id))
    return discarded


def edit_schedule(
    name: str,
    *,
    by: By,
    cron: str | None = None,
    timezone: str | None = None,
    arguments: dict[str, Any] | None = None,
) -> JobSchedule:
    """Change a periodic job; raises NotFound, Conflict and InvalidInput as the runtime does."""
    before = _described(schedules.get(name))
    row = schedules.edit(name=name, cron=cron, timezone=timezone, arguments=arguments)
    by.did(Action.EDIT_SCHEDULE, name, before=before, after=_described(row))
    return row


def reset_schedule(name: str, *, by: By) -> JobSchedule:
    """Return a periodic job to what the code says; raises NotFound."""
    before = _described(schedules.get(name))
    row = schedules.reset(name=name)
    by.did(Action.RESET_SCHEDULE, name, before=before, after=_described(row))
    return row


def pause_schedule(name: str, *, by: By) -> JobSchedule:
    """Have a periodic job not run for the time being; raises NotFound."""
    row = schedules.pause(name=name)
    by.did(Action.PAUSE_SCHEDULE, name)
    return row


def resume_schedule(name: str, *, by: By) -> JobSchedule:
    """Have a periodic job run again; raises NotFound."""
    row = schedules.resume(name=name)
    by.did(Action.RESUME_SCHEDULE, name)
    return row


def run_schedule(name: str, *, by: By) -> UUID:
    """Run a periodic job once now; return the run's id. Raises NotFound and Conflict as the runtime does."""
    run_id = schedules.run_now(name=name, by=str(by))
    by.did(Action.RUN_SCHEDULE, name, run=str(run_id))
    return run_id


def close_breaker(name: str, *, by: By) -> None:
    """Have a provider that is left alone called again at once; raises redis.RedisError when Redis is away."""
    breakers.close_breaker(name)
    by.did(Action.CLOSE_BREAKER, name)


def _checked(outcome: Revocation) -> Revocation:
    if outcome is Revocation.UNKNOWN:
        raise NotFound(GONE)
    if outcome is Revocation.OVER:
        raise Conflict(ENDED)
    if outcome is Revocation.UNDOING:
        raise Conflict(UNDOING)
    return outcome


def _described(row: JobSchedule) -> dict[str, Any]:
    return {"cron": row.cron, "timezone": row.timezone, "arguments": row.arguments}
