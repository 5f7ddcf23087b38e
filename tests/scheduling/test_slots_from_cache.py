"""What is read from the cache is what would be worked out: after every change, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Thread
from typing import Any
from uuid import UUID

import time_machine
from flask import Flask, current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import BERLIN, GUEST, address, at, booked, counted_queries, in_days
from webapp.core import clock
from webapp.core.crypto import digest, new_token
from webapp.core.db import session, transaction
from webapp.core.redis import cache_redis
from webapp.core.validation import InvalidInput
from webapp.identity.models import User
from webapp.scheduling import chunks
from webapp.scheduling.chunks import Chunk, OpenTime
from webapp.scheduling.errors import AlreadyAway, NothingChanged, StartRefused
from webapp.scheduling.minutes import minute_of, moment_of, now_minute
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
from webapp.scheduling.service.diaries import lineups
from webapp.scheduling.service.holds import hold_time, let_go
from webapp.scheduling.service.holidays import choose_holidays
from webapp.scheduling.service.named_schedules import choose_schedule, make_default
from webapp.scheduling.service.offers import offered_slots, rules_for, stamps_of, taken_slots, work_out
from webapp.scheduling.service.out_of_office import AwayDetails, be_away, be_back
from webapp.scheduling.service.schedules import clear_override, save_hours, set_override
from webapp.scheduling.slots import offered as engine_offers

DAYS = 20


def _anew(kind: EventType) -> EventType:
    """Read an event type as a new request does."""
    session().rollback()
    session().expunge_all()
    return session().get_one(EventType, kind.id)


def _offered(kind: EventType, *, first: int = 0, last: int = DAYS) -> dict[datetime, int]:
    """The starts that a guest is offered, with the seats left: programs are listed what pages show."""
    listed = _listed(address(_anew(kind)), first=first, last=last)
    offers = offered_slots(event_type=_anew(kind), first=in_days(first), last=in_days(last), zone=BERLIN)
    offered = {offer.start: offer.seats_left for offer in offers}
    assert listed == offered
    return offered


def _listed(where: str, *, first: int = 0, last: int = DAYS) -> dict[datetime, int]:
    """The same from the API, which writes each week but once."""
    query = {"start": in_days(first), "end": in_days(last), "timezone": BERLIN.key}
    answer = current_app.test_client().get(f"{where}/slots", query_string=query)
    assert answer.status_code == 200
    return {datetime.fromisoformat(slot["start"]): slot["seats_left"] for slot in answer.get_json()["slots"]}


def _worked_out(kind: EventType) -> dict[datetime, int]:
    """The same from the slot engine alone, with the bounds of now."""
    found = _anew(kind)
    rules, now = rules_for(found), now_minute()
    ways = lineups(found, rules, begin=now, until=now + (DAYS + 2) * 1440, moving=None)
    when: dict[str, Any] = {"now": now, "first": in_days(0), "last": in_days(DAYS), "zone": BERLIN}
    hosts = Counter(start for way in ways for start in engine_offers(rules, way.diaries, **when))
    begun = {start: meeting for way in ways for start, meeting in way.begun.items()} if found.is_group else {}
    return {
        moment_of(start): begun[start].seats_left if start in begun else found.seats * number
        for start, number in hosts.items()
    }


class _Studio:
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
            kind = _anew(self.kinds[which % 4])
            start = at(9, days=2) + timedelta(hours=hour % 8, days=hour // 8)
            self.bookings.append(book(event_type=kind, start=start, guest=GUEST, answers={}).id)

    def cancel(self, which: int, _how: int) -> None:
        if self.bookings:
            with transaction():
                booking_id = self.bookings.pop(which % len(self.bookings))
                cancel(booking=session().get_one(Booking, booking_id), by=Side.GUEST, reason="")

    def hold(self, which: int, hour: int) -> None:
        with suppress(StartRefused), transaction():
            kind = _anew(self.kinds[which % 4])
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
            kind = _anew(self.kinds[which % 2])
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
            kind = _anew(self.kinds[which % 4])
            kind.buffer_before, kind.slot_interval, kind.minimum_notice = how % 4 * 10, 30 + how % 3 * 15, how * 60

    def change_limits(self, which: int, how: int) -> None:
        with transaction():
            kind = _anew(self.kinds[which % 4])
            kind.limit_per_day, kind.limit_per_month = how % 3 or None, how % 5 + 2

    def change_team(self, which: int, how: int) -> None:
        with transaction():
            if how % 2:
                somebody = session().get_one(User, self.hosts[1] if how % 3 else self.third)
                somebody.is_active = not somebody.is_active
            else:
                kind = _anew(self.kinds[2 + which % 2])
                kind.team[0].priority = how % 9 + 1
                kind.team[0].schedule_id = self.hours[which % 2].id


HAPPENINGS = (
    _Studio.book, _Studio.book, _Studio.cancel, _Studio.move, _Studio.hold, _Studio.let_go, _Studio.change_hours,
    _Studio.choose_hours, _Studio.close_on_holidays, _Studio.block, _Studio.be_away,
    _Studio.change_date, _Studio.change_terms, _Studio.change_limits, _Studio.change_team,
)  # fmt: skip


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 9), st.integers(0, 40)), min_size=1, max_size=12))
def test_whatever_happens_the_next_guest_is_offered_what_is_free(
    app: Flask, happenings: list[tuple[Callable[[_Studio, int, int], None], int, int]]
) -> None:
    studio = _Studio()
    for kind in studio.kinds:
        _offered(kind)
    for happening, which, how in happenings:
        happening(studio, which, how)
        for kind in studio.kinds:
            assert _offered(kind) == _worked_out(kind)


def test_who_asks_again_costs_the_diaries_nothing(app: Flask) -> None:
    kind = event_type()
    first = _offered(kind)
    again = _anew(kind)
    where = address(again)
    with counted_queries() as statements:
        offers = offered_slots(event_type=again, first=in_days(0), last=in_days(DAYS), zone=BERLIN)
    assert {offer.start: offer.seats_left for offer in offers} == first
    assert len(statements) == 1
    with counted_queries() as statements:
        assert _listed(where) == first
    assert len(statements) == 1
    assert not any("host_time" in statement for statement in statements)


def test_what_is_taken_is_kept_as_well_and_is_right_after_every_change(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, limit_per_day=2)
    whose: dict[str, Any] = {"organization_id": host.organization_id, "host_id": host.user_id}

    def taken() -> list[datetime]:
        found = _anew(kind)
        return [offer.start for offer in taken_slots(event_type=found, first=in_days(2), last=in_days(2), zone=BERLIN)]

    assert taken() == []
    first, _second = booked(_anew(kind), at(10)), booked(_anew(kind), at(11))
    all_day = taken()
    assert (len(all_day), all_day[0]) == (16, at(9))
    found = _anew(kind)
    with counted_queries() as statements:
        taken_slots(event_type=found, first=in_days(2), last=in_days(2), zone=BERLIN)
    assert sum("availability_version" in statement for statement in statements) == 2
    assert not [statement for statement in statements if "host_time" in statement or "weekly_hours" in statement]
    with transaction():
        block_time(**whose, details=BlockDetails(timezone="UTC", starts_at=at(9), ends_at=at(10)))
    assert taken() == all_day[2:]
    with transaction():
        cancel(booking=session().get_one(Booking, first.id), by=Side.HOST, reason="")
    assert taken() == [at(11)]


def test_weeks_around_one_that_was_written_before_are_added(app: Flask) -> None:
    kind = event_type()
    inner = _offered(kind, first=8, last=9)
    whole = _offered(kind)
    assert inner
    assert inner.items() <= whole.items()
    assert whole == _worked_out(kind)


def test_a_booking_leaves_other_weeks_and_other_hosts_alone(app: Flask) -> None:
    kind, other = event_type(), event_type()
    weeks = chunks.weeks_between(now_minute(), now_minute() + 60 * 1440)
    before, others = (stamps_of(each, rules_for(each), weeks=weeks) for each in (kind, other))
    booking = booked(kind, at(10, days=21))
    minute = minute_of(booking.starts_at)

    after = stamps_of(kind, rules_for(kind), weeks=weeks)
    changed = {place.week for place in before if before[place] != after[place]}
    (own,) = chunks.weeks_between(minute, minute + 1)
    assert own in changed
    assert changed <= {own - 1, own, own + 1}
    assert stamps_of(other, rules_for(other), weeks=weeks) == others


def test_notice_and_horizon_are_those_of_the_moment(app: Flask) -> None:
    kind = event_type(minimum_notice=90, horizon_days=10)
    eleven, one, last = at(11, 10), at(13), at(11, days=12)
    assert min(_offered(kind)) >= clock.now() + timedelta(minutes=90)
    with time_machine.travel(eleven, tick=False):
        offered = _offered(kind)
    assert min(offered) == one
    assert max(offered) == last


def test_a_late_writer_cannot_bring_back_what_is_over(app: Flask) -> None:
    kind = event_type()
    late = _anew(kind)
    rules, weeks = rules_for(late), chunks.weeks_between(now_minute(), now_minute() + 14 * 1440)
    begin, end = chunks.span_of(weeks)
    stamps = stamps_of(late, rules, weeks=weeks)
    outdated = work_out(late, rules, begin=begin, end=end)
    session().rollback()

    booking = Thread(target=_book_elsewhere, args=(app, kind, at(10)))
    booking.start()
    booking.join()
    assert at(10) not in _offered(kind)
    for place in stamps:
        chunks.write({place: Chunk(_in_week(outdated, place.week), None)}, stamps)

    assert at(10) not in _offered(kind)
    assert _offered(kind) == _worked_out(kind)


def test_what_is_read_while_a_booking_is_not_committed_is_what_holds_after_it(app: Flask) -> None:
    kind = event_type()
    with transaction():
        book(event_type=kind, start=at(10), guest=GUEST, answers={})
        seen: list[dict[datetime, int]] = []
        reader = Thread(target=lambda: seen.append(_offered_elsewhere(app, kind)))
        reader.start()
        reader.join()
        assert at(10) in seen[0]
        assert at(10) not in {offer.start for offer in _offers_here(kind)}

    assert at(10) not in _offered(kind)


def test_what_is_taken_back_leaves_nothing_in_the_cache(app: Flask) -> None:
    kind = event_type()
    with suppress(ZeroDivisionError), transaction():
        book(event_type=kind, start=at(10), guest=GUEST, answers={})
        assert at(10) not in {offer.start for offer in _offers_here(kind)}
        raise ZeroDivisionError
    booked(kind, at(12))

    assert at(10) in _offered(kind)
    assert at(12) not in _offered(kind)


def test_a_time_is_offered_again_as_soon_as_its_hold_runs_out(app: Flask) -> None:
    kind = event_type()
    other = event_type(kind=EventKind.GROUP, seats=2)
    ten = at(10)
    with transaction():
        for each in (kind, other):
            hold = hold_time(event_type=each, start=ten, token=new_token(), holder=each.slug)
    assert ten not in _offered(kind)
    assert _offered(other)[ten] == 1

    with time_machine.travel(hold.expires_at + timedelta(seconds=1), tick=False):
        assert ten in _offered(kind)
        assert _offered(other)[ten] == 2


def test_what_ends_by_itself_is_not_read_after_its_end(app: Flask) -> None:
    kind = event_type()
    weeks = chunks.weeks_between(now_minute(), now_minute() + 1)
    stamps = stamps_of(kind, rules_for(kind), weeks=weeks)
    (place,) = stamps
    begin, _ = chunks.span_of(weeks)
    chunk = Chunk([OpenTime(begin, begin + 30, 1)], clock.now().replace(second=0, microsecond=0) + timedelta(minutes=5))
    chunks.write({place: chunk}, stamps)

    assert chunks.read(stamps) == {place: chunk}
    with time_machine.travel(clock.now() + timedelta(minutes=6), tick=False):
        assert chunks.read(stamps) == {}


def test_rubbish_in_the_cache_is_worked_out_anew(app: Flask) -> None:
    kind = event_type()
    expected = _offered(kind)
    for rubbish in (b"", b"rubbish", b"\0" * 14, b"\xff" * 20):
        keys: Any = cache_redis().keys("almanac:open:*")
        for key in keys:
            if b"index" not in key:
                cache_redis().set(key, rubbish)
        assert _offered(kind) == expected
    for key in keys:
        cache_redis().delete(key)
        cache_redis().rpush(key, "a list")
    assert _offered(kind) == expected


def _in_week(times: list[OpenTime], week: int) -> list[OpenTime]:
    begin, end = chunks.span_of(range(week, week + 1))
    return [time for time in times if begin <= time.start < end]


def _offers_here(kind: EventType) -> list[Any]:
    return offered_slots(event_type=kind, first=in_days(0), last=in_days(5), zone=BERLIN)


def _offered_elsewhere(app: Flask, kind: EventType) -> dict[datetime, int]:
    with app.app_context():
        return _offered(kind)


def _book_elsewhere(app: Flask, kind: EventType, start: datetime) -> None:
    with app.app_context(), transaction():
        book(event_type=session().get_one(EventType, kind.id), start=start, guest=GUEST, answers={})
