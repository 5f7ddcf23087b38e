"""Two hosts, an event type of each kind, and everything that can change what guests are offered."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import GUEST, at, in_days
from webapp.core import clock
from webapp.core.crypto import digest, new_token
from webapp.core.db import session, transaction
from webapp.core.validation import InvalidInput
from webapp.identity.models import User
from webapp.scheduling.errors import AlreadyAway, NothingChanged, StartRefused
from webapp.scheduling.models import (
    BlockedTime,
    Booking,
    EventHost,
    EventKind,
    EventType,
    Hold,
    OutOfOffice,
    RecurringBlock,
    Schedule,
    Side,
)
from webapp.scheduling.service.blocks import BlockDetails, RecurringDetails, block_recurring, block_time, unblock
from webapp.scheduling.service.booking import book, cancel, reschedule
from webapp.scheduling.service.holds import hold_time, let_go
from webapp.scheduling.service.holidays import choose_holidays
from webapp.scheduling.service.named_schedules import choose_schedule, make_default
from webapp.scheduling.service.out_of_office import AwayDetails, be_away, be_back
from webapp.scheduling.service.schedules import clear_override, save_hours, set_override


def anew(kind: EventType) -> EventType:
    """Read an event type as a new request does."""
    session().rollback()
    session().expunge_all()
    return session().get_one(EventType, kind.id)


class Studio:
    """Two hosts with one event type of each kind, and everything that may happen to them."""

    def __init__(self) -> None:
        one = member()
        two = member(of=one.organization)
        self.hours = [schedule(of=one), schedule(of=two, zone="America/New_York")]
        with_one: dict[str, Any] = {"of": one, "on": self.hours[0], "slot_interval": 60, "horizon_days": 15}
        self.kinds = [
            event_type(**with_one, buffer_after=20),
            event_type(**with_one, kind=EventKind.GROUP, seats=3),
            event_type(**with_one, kind=EventKind.ROUND_ROBIN, limit_per_week=2),
            event_type(**with_one, kind=EventKind.COLLECTIVE, duration=90),
        ]
        with transaction():
            for kind in self.kinds[2:]:
                for place, hours in zip((one, two), self.hours, strict=True):
                    whose = {"organization_id": one.organization_id, "host_id": place.user_id}
                    session().add(EventHost(event_type_id=kind.id, schedule_id=hours.id, **whose))
        self.organization, self.hosts = one.organization_id, [one.user_id, two.user_id]
        self.third = member(of=one.organization).user_id
        self.other_hours = schedule(of=one, zone="Asia/Tokyo").id
        self.bookings: list[UUID] = []
        self.blocks: list[UUID] = []
        self.absences: list[UUID] = []
        self.holds: list[str] = []

    def book(self, which: int, hour: int) -> None:
        with suppress(StartRefused), transaction():
            kind = anew(self.kinds[which % 4])
            start = at(9, days=2) + timedelta(hours=hour % 8, days=hour // 8)
            self.bookings.append(book(event_type=kind, start=start, guest=GUEST, answers={}).id)

    def cancel(self, which: int, _how: int) -> None:
        if self.bookings:
            with transaction():
                booking_id = self.bookings.pop(which % len(self.bookings))
                cancel(booking=session().get_one(Booking, booking_id), by=Side.GUEST, reason="")

    def hold(self, which: int, hour: int) -> None:
        with suppress(StartRefused), transaction():
            kind = anew(self.kinds[which % 4])
            start = at(9, days=2) + timedelta(hours=hour % 8, days=hour // 8)
            self.holds.append(new_token())
            hold_time(event_type=kind, start=start, token=self.holds[-1], holder=self.holds[-1])

    def let_go(self, which: int, how: int) -> None:
        """The guest leaves the form; or the hold runs out."""
        if not self.holds:
            return
        token = self.holds.pop(which % len(self.holds))
        with transaction():
            if how % 2:
                let_go(token=token)
            else:
                session().execute(update(Hold).where(Hold.token_digest == digest(token)).values(expires_at=clock.now()))

    def move(self, which: int, hour: int) -> None:
        if self.bookings:
            with suppress(StartRefused, NothingChanged), transaction():
                booking_id = self.bookings[which % len(self.bookings)]
                start = at(9, days=3) + timedelta(hours=hour % 8, days=hour // 8)
                reschedule(booking=session().get_one(Booking, booking_id), start=start)

    def change_hours(self, which: int, opens: int) -> None:
        with transaction():
            hours = session().get_one(Schedule, self.hours[which % 2].id)
            save_hours(schedule=hours, timezone="Europe/Berlin", hours=[(day, opens * 10, 1080) for day in range(5)])

    def choose_hours(self, which: int, how: int) -> None:
        with transaction():
            kind = anew(self.kinds[which % 2])
            chosen = session().get_one(Schedule, [self.hours[0].id, self.other_hours][how % 2])
            if how % 3:
                choose_schedule(event_type=kind, schedule=chosen)
            else:
                make_default(schedule=chosen)

    def close_on_holidays(self, which: int, how: int) -> None:
        with transaction():
            hours = session().get_one(Schedule, self.hours[which % 2].id)
            choose_holidays(schedule=hours, country=[None, "DE", "US", "JP"][how % 4])

    def block(self, which: int, hour: int) -> None:
        """Keep a time free, once or every week; later, let guests have it again."""
        with transaction():
            whose = {"organization_id": self.organization, "host_id": self.hosts[which % 2]}
            start = at(9, days=2) + timedelta(hours=hour % 8, days=hour // 8)
            if self.blocks and hour % 5 == 0:
                block_id = self.blocks.pop()
                unblock(block=session().get(BlockedTime, block_id) or session().get_one(RecurringBlock, block_id))
            elif hour % 2:
                details = BlockDetails(timezone="UTC", starts_at=start, ends_at=start + timedelta(hours=which + 1))
                self.blocks.append(block_time(**whose, details=details).id)
            else:
                weekly = RecurringDetails(
                    timezone="Europe/Berlin",
                    first_day=start.date(),
                    start_minute=600,
                    end_minute=1500,
                    rule="FREQ=WEEKLY",
                )
                self.blocks.append(block_recurring(**whose, details=weekly).id)

    def be_away(self, which: int, how: int) -> None:
        """Leave for some days, with somebody else standing in or nobody; or come back early."""
        with suppress(AlreadyAway, InvalidInput), transaction():  # who has left stands in for nobody
            if self.absences and how % 4 == 0:
                be_back(absence=session().get_one(OutOfOffice, self.absences.pop()))
                return
            away = AwayDetails(
                timezone="Europe/Berlin",
                first_day=in_days(which),
                last_day=in_days(which + how % 5),
                stand_in_id=[None, self.hosts[1], self.third][how % 3],
            )
            host = self.hosts[how % 2]
            if host != away.stand_in_id:
                absence = be_away(organization_id=self.organization, host_id=host, details=away)
                self.absences.append(absence.id)

    def change_date(self, which: int, how: int) -> None:
        with transaction():
            hours = session().get_one(Schedule, self.hours[which % 2].id)
            if how % 3:
                set_override(schedule=hours, day=in_days(how % 20), ranges=[(600, 900)] if how % 2 else [])
            else:
                clear_override(schedule=hours, day=in_days(how % 20))

    def change_terms(self, which: int, how: int) -> None:
        with transaction():
            kind = anew(self.kinds[which % 4])
            kind.buffer_before, kind.slot_interval, kind.minimum_notice = how % 4 * 10, 30 + how % 3 * 15, how * 60

    def change_limits(self, which: int, how: int) -> None:
        with transaction():
            kind = anew(self.kinds[which % 4])
            kind.limit_per_day, kind.limit_per_month = how % 3 or None, how % 5 + 2

    def change_team(self, which: int, how: int) -> None:
        with transaction():
            if how % 2:
                somebody = session().get_one(User, self.hosts[1] if how % 3 else self.third)
                somebody.is_active = not somebody.is_active
            else:
                kind = anew(self.kinds[2 + which % 2])
                kind.team[0].priority = how % 9 + 1
                kind.team[0].schedule_id = self.hours[which % 2].id


HAPPENINGS = (
    Studio.book, Studio.book, Studio.cancel, Studio.move, Studio.hold, Studio.let_go, Studio.change_hours,
    Studio.choose_hours, Studio.close_on_holidays, Studio.block, Studio.be_away,
    Studio.change_date, Studio.change_terms, Studio.change_limits, Studio.change_team,
)  # fmt: skip
