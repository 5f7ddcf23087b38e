"""Whatever guests and hosts do, in whatever order the work behind it gets done, each reminder that waits is right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from jobs.runtime import execute
from jobs.runtime.models import JobRun, RunState
from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import GUEST, at
from webapp.core.db import session, transaction, uuid7
from webapp.core.errors import DomainError
from webapp.core.settings import settings
from webapp.scheduling.models import Booking, BookingStatus, EventType, Side
from webapp.scheduling.service.approval import approve, decline
from webapp.scheduling.service.booking import book, cancel, reschedule
from webapp.scheduling.service.event_types import EventTypeDetails, update_event_type

STEPS = 12
REMINDER = "notifications.send_booking_reminder"
EXPIRY = "approvals.expire_booking_request"
# What decides over reminders; the mails beside it are for other tests.
FOLLOWS = (
    "bookings.process_booking_confirmation",
    "bookings.process_booking_reschedule",
    "bookings.process_booking_cancellation",
    "approvals.process_booking_request",
    "approvals.process_booking_decline",
    "notifications.schedule_booking_reminder",
)


class Business:
    """A host with two event types and a few times that everybody wants; all that happens is drawn from `random`."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.began = uuid7()
        host = member()
        hours = schedule(of=host)
        self.kinds = [event_type(of=host, on=hours), event_type(of=host, on=hours, requires_approval=True)]
        self.bookings: list[Booking] = []
        self.done: Counter[str] = Counter()

    def live(self) -> None:
        """Do this and that; the work that follows is done at once, later or in another order."""
        deeds = [self.book, self.book, self.approve, self.decline, self.guest_moves, self.host_moves, self.cancel]
        for _ in range(STEPS):
            self._try(self.random.choice([*deeds, self.edit]))
            self.work(most=self.random.choice([0, 1, 3, 99]))
        while self.work(most=99):
            pass

    def book(self) -> None:
        by = self.random.choice(list(Side))
        kind = self.random.choice(self.kinds)
        self.bookings.append(book(event_type=kind, start=self._time(), guest=GUEST, answers={}, by=by))

    def approve(self) -> None:
        approve(booking=self._pending())

    def decline(self) -> None:
        decline(booking=self._pending(), reason="")

    def guest_moves(self) -> None:
        reschedule(booking=self._one(), start=self._time(), by=Side.GUEST)

    def host_moves(self) -> None:
        reschedule(booking=self._one(), start=self._time(), by=Side.HOST, outside_rules=self.random.random() < 0.5)

    def cancel(self) -> None:
        cancel(booking=self._one(), by=self.random.choice(list(Side)), reason="")

    def edit(self) -> None:
        kind = self.random.choice(self.kinds)
        details = EventTypeDetails(name=kind.name, slug=kind.slug, duration=30, slot_interval=30, minimum_notice=0)
        changed = replace(
            details,
            duration=self.random.choice([30, 60]),
            requires_approval=self.random.random() < 0.5,
            cancel_notice=self.random.choice([0, None]),
        )
        update_event_type(event_type=kind, details=changed)

    def work(self, *, most: int) -> int:
        """Run up to so many of the jobs that wait, in any order; return how many there were."""
        session().rollback()
        due = (JobRun.id > self.began, JobRun.name.in_(FOLLOWS), JobRun.state == RunState.WAITING)
        waiting = list(session().scalars(select(JobRun.id).where(*due).order_by(JobRun.id)))
        for run_id in self.random.sample(waiting, min(most, len(waiting))):
            assert execute.run(run_id) is RunState.SUCCEEDED
        return len(waiting)

    def waiting(self, name: str) -> Iterator[tuple[UUID, int, datetime]]:
        """Yield booking, sequence and time of each run of that job that waits."""
        due = (JobRun.id > self.began, JobRun.name == name, JobRun.state == RunState.WAITING)
        for run in session().scalars(select(JobRun).where(*due)):
            yield UUID(run.arguments["booking_id"]), run.arguments["sequence"], run.run_at

    def _try(self, deed: Callable[[], None]) -> None:
        """Do it, unless it is not allowed as things stand."""
        with suppress(DomainError, IndexError), transaction():
            deed()
            self.done[deed.__name__] += 1

    def _one(self) -> Booking:
        return self.random.choice(self.bookings)

    def _pending(self) -> Booking:
        return self.random.choice([booking for booking in self.bookings if booking.is_pending])

    def _time(self) -> datetime:
        return at(self.random.randrange(9, 13), self.random.choice([0, 30]), days=self.random.choice([3, 4]))


def _live(seed: int) -> Counter[str]:
    """Go through one sequence, and find every reminder and every end of a request right."""
    business = Business(Random(seed))  # to be had again
    business.live()
    session().expire_all()
    ahead = timedelta(hours=settings().reminder_hours)
    to_remind, to_expire = set(), set()
    for booking in session().scalars(select(Booking).where(Booking.event_type_id.in_(map(_id, business.kinds)))):
        if booking.is_confirmed:
            to_remind.add((booking.id, booking.sequence, booking.starts_at - ahead))
        if booking.status is BookingStatus.PENDING:
            to_expire.add((booking.id, booking.sequence, booking.starts_at))
    reminders, expiries = list(business.waiting(REMINDER)), list(business.waiting(EXPIRY))
    assert (len(reminders), set(reminders)) == (len(to_remind), to_remind), f"seed {seed}"
    assert (len(expiries), set(expiries)) == (len(to_expire), to_expire), f"seed {seed}"
    return business.done + Counter(reminders=len(reminders), expiries=len(expiries))


def _id(kind: EventType) -> UUID:
    return kind.id


def _live_many(seeds: range) -> Counter[str]:
    done = sum((_live(seed) for seed in seeds), Counter[str]())
    deeds = {"book", "approve", "decline", "guest_moves", "host_moves", "cancel", "edit", "reminders", "expiries"}
    assert deeds <= done.keys(), "each of these has to happen, or nothing is shown"
    return done


def test_a_few_lives_of_bookings_leave_no_stale_reminder(app: Flask) -> None:
    _live_many(range(8))


@pytest.mark.slow
def test_a_thousand_lives_of_bookings_leave_no_stale_reminder(app: Flask) -> None:
    print(_live_many(range(1000, 2000)))  # noqa: T201  # how much of what was tried
