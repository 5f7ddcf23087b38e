"""What is offered books, and what is not offered does not: through the service and a real database.

Every example is a setup of its own, of whatever kind, mostly around a change of the clocks; it is written in one
transaction that is undone in the end, so that ten thousand take minutes. HYPOTHESIS_PROFILE=thorough tries so many.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, cycle
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from tests.factories import member
from tests.scheduling.helpers import GUEST
from tests.scheduling.test_slots_against_oracle import YEARS, change_days
from webapp.core.crypto import digest, new_token
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role, User
from webapp.scheduling.errors import StartRefused
from webapp.scheduling.models import (
    BlockedTime,
    Booking,
    DateOverride,
    EventHost,
    EventKind,
    EventType,
    Hold,
    OutOfOffice,
    RecurringBlock,
    Schedule,
    Side,
    WeeklyHours,
)
from webapp.scheduling.service.booking import book, reschedule
from webapp.scheduling.service.meetings import hold_seat
from webapp.scheduling.service.offers import offered_slots, require_offered

EXAMPLES = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 20
ZONES = (
    "America/New_York",
    "America/Nuuk",  # changes on the evening before
    "Asia/Kathmandu",  # :45
    "Australia/Lord_Howe",  # changes by half an hour
    "Europe/Berlin",
    "Pacific/Apia",  # UTC+13
    "Pacific/Chatham",  # :45, and it changes
)
KINDS_AND_HOSTS = (
    (EventKind.ONE_TO_ONE, 1),
    (EventKind.GROUP, 1),
    (EventKind.ROUND_ROBIN, 2),
    (EventKind.ROUND_ROBIN, 3),
    (EventKind.COLLECTIVE, 2),
)
_numbers = count(1)

quarters = st.integers(0, 95).map(lambda number: 15 * number)
near = st.one_of(quarters, st.integers(0, 2 * 1440))
ranges = st.tuples(quarters, st.one_of(st.integers(30, 480), st.integers(30, 1440))).map(
    lambda range_: (range_[0], sum(range_))
)


@dataclass(frozen=True)
class Host:
    """The hours of a host, the same on every day of the week, and what differs on the first date that is asked for."""

    zone: str
    hours: Sequence[tuple[int, int]]
    single: Sequence[tuple[int, int]] | None


@dataclass(frozen=True)
class Taken:
    """A place in a meeting that begins `after` so many minutes, of the kind itself or another one of its host's.

    It is held for as many minutes from now as `held` says.
    """

    own: bool
    who: int
    after: int
    held: int


@dataclass(frozen=True)
class Away:
    """A day out of office of the first host, `after` so many days, and who stands in, if anybody does."""

    after: int
    zone: str
    stand_in: int | None


@dataclass(frozen=True)
class Setup:
    """What is offered, when it is asked for, and what is in the way. Minutes count from the `first` date, 0:00 UTC."""

    kind: EventKind
    hosts: Sequence[Host]
    terms: dict[str, Any]
    duration: int
    now: datetime
    first: date
    last: date
    guest: str
    taken: Sequence[Taken]
    blocks: Sequence[tuple[int, int, int]]
    daily_block: tuple[int, tuple[int, int]] | None
    away: Sequence[Away]
    moving: int | None
    tried: Sequence[int]

    def at(self, minute: int) -> datetime:
        return datetime.combine(self.first, time(), UTC) + timedelta(minutes=minute)


hosts = st.builds(
    Host,
    zone=st.sampled_from(ZONES),
    hours=st.lists(ranges, min_size=1, max_size=2),
    single=st.none() | st.lists(ranges, max_size=2, unique_by=lambda range_: range_[0]),
)
limits = st.none() | st.integers(1, 3)
terms = st.fixed_dictionaries(
    {
        "slot_interval": st.sampled_from([5, 15, 20, 30, 60, 90]),
        "slot_offset": st.sampled_from([0, 0, 10, 45]),
        "buffer_before": st.sampled_from([0, 0, 5, 30, 90]),
        "buffer_after": st.sampled_from([0, 0, 10, 45]),
        "buffers_among_own": st.booleans(),
        "minimum_notice": st.one_of(st.just(0), st.integers(0, 2 * 1440)),
        "horizon_days": st.integers(1, 6),
        "limit_per_day": limits,
        "limit_per_week": limits,
        "limit_per_month": limits,
    }
)
taken = st.builds(
    Taken, own=st.booleans(), who=st.integers(0, 2), after=near, held=st.sampled_from([-1, 5, 9999, 9999, 9999])
)
away = st.builds(
    Away, after=st.integers(-1, 2), zone=st.sampled_from(ZONES), stand_in=st.none() | st.sampled_from([2, 3, 3])
)
in_a_row = st.builds(  # the first of them in the west, so that both are at the same time for some hours
    lambda west, east, by: [Away(0, west, 3), Away(1, east, by)],
    st.sampled_from(["America/New_York", "America/Nuuk"]),
    st.sampled_from(ZONES),
    st.sampled_from([2, 3]),
)


@st.composite
def setups(draw: st.DrawFn) -> Setup:
    kind, number = draw(st.sampled_from(KINDS_AND_HOSTS))
    of_kind = draw(st.lists(hosts, min_size=number, max_size=number))
    usual, *others = draw(st.lists(st.sampled_from([15, 25, 30, 45, 60, 240]), min_size=1, max_size=2, unique=True))
    others = [] if kind is EventKind.GROUP else others
    seats = draw(st.integers(2, 3)) if kind is EventKind.GROUP else 1
    more = {"duration": usual, "other_durations": others, "seats": seats}
    guest = draw(st.sampled_from(ZONES))
    changes = change_days(of_kind[0].zone) + change_days(guest) or list(YEARS)
    day = draw(st.one_of(st.sampled_from(changes), st.sampled_from(changes), st.dates(*YEARS)))
    first = day - timedelta(days=draw(st.integers(0, 1)))
    before = draw(st.one_of(st.integers(-600, 60), st.integers(0, 3 * 1440)))
    return Setup(
        kind=kind,
        hosts=of_kind,
        terms=draw(terms) | more,
        duration=draw(st.sampled_from([usual, *others])),
        now=datetime.combine(first, time(), UTC) - timedelta(minutes=before),
        first=first,
        last=first + timedelta(days=draw(st.integers(0, 1))),
        guest=guest,
        taken=draw(st.lists(taken, max_size=5)),
        blocks=draw(st.lists(st.tuples(st.integers(0, 2), near, st.integers(1, 300)), max_size=2)),
        daily_block=draw(st.none() | st.tuples(st.integers(0, 2), ranges)),
        away=draw(st.lists(away, max_size=3, unique_by=lambda absence: absence.after) | in_a_row),
        moving=draw(st.none() | near),
        tried=draw(st.lists(near, min_size=6, max_size=6)),
    )


class _Undone(Exception):
    """Raised to leave a transaction, or a part of it, without a trace."""


@pytest.fixture
def people(app: Flask) -> list[Membership]:
    """A host, two others who may host with them, and one who may stand in."""
    host = member(name="Host 0")
    return [host, *(member(of=host.organization, role=Role.MEMBER, name=f"Host {number}") for number in (1, 2, 3))]


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(setup=setups())
def test_offered_is_bookable(people: list[Membership], setup: Setup) -> None:
    with time_machine.travel(setup.now, tick=False), suppress(_Undone), transaction():
        kind, moving = _written(setup, people)
        length: dict[str, Any] = {"moving": moving} if moving else {"duration": setup.duration}
        zone = ZoneInfo(setup.guest)
        found = offered_slots(event_type=kind, first=setup.first, last=setup.last, zone=zone, **length)
        offers = {offer.start: offer for offer in found}
        tried = _tried(setup, list(offers), moving)
        hosts = {start: _hosts(kind, start, length) for start in tried}
        assert {start for start in tried if hosts[start]} == offers.keys() & tried
        if not kind.is_group and not moving:
            assert all(hosts[start] == offers[start].seats_left for start in offers.keys() & tried)
        assert kind.kind is not EventKind.ONE_TO_ONE or all(offer.seats_left == 1 for offer in found)
        own = {moving.starts_at} if moving else set()  # to which nothing moves, though it is on offer
        for starts in (offers.keys() & tried, tried - offers.keys()):
            for start in sorted(starts - own)[:1]:  # one of each is enough, for it takes long
                assert _books(kind, start, setup, moving) == (start in offers), start
        raise _Undone


def _tried(setup: Setup, offered: list[datetime], moving: Booking | None) -> set[datetime]:
    """Return starts on the dates that were asked for, on the grid, beside it, where a booking is, and anywhere."""
    zone, step = ZoneInfo(setup.guest), timedelta(minutes=setup.terms["slot_interval"])
    some = [offered[minute % len(offered)] for minute in setup.tried[:3]] if offered else []
    beside = [start + by for start in some for by in (timedelta(minutes=1), -step, step)]
    anywhere = [setup.at(minute) for minute in setup.tried]
    own = [moving.starts_at] if moving else []
    return {
        start
        for start in (*some, *beside, *anywhere, *own)
        if setup.first <= start.astimezone(zone).date() <= setup.last
    }


def _hosts(kind: EventType, start: datetime, length: dict[str, Any]) -> int:
    """Count the ways in which the start is accepted."""
    try:
        return len(require_offered(event_type=kind, start=start, **length))
    except StartRefused:
        return 0


def _books(kind: EventType, start: datetime, setup: Setup, moving: Booking | None) -> bool:
    """Book or move for good, and take it back."""
    try:
        with session().begin_nested():
            if moving:
                reschedule(booking=moving, start=start)
            else:
                book(event_type=kind, start=start, guest=GUEST, answers={}, duration=setup.duration)
            raise _Undone
    except _Undone:
        return True
    except StartRefused:
        return False


def _written(setup: Setup, people: list[Membership]) -> tuple[EventType, Booking | None]:
    """Write the setup; return what is offered, and the booking that is to be moved, if one is."""
    hours_of = cycle(setup.hosts)
    schedules = [_schedule(of, next(hours_of), setup.first) for of in people]
    kind = _event_type(people[0], schedules[0], setup.terms | {"kind": setup.kind})
    everybody = list(zip(people, schedules, strict=True))
    team = everybody[: len(setup.hosts)]
    if kind.is_team:
        kind.team = [EventHost(**_whose(of), host=of.user, schedule=hours) for of, hours in team]
    others = [_event_type(of, hours, {"duration": 20, "buffer_after": 5}) for of, hours in everybody]
    _keep_free(setup, people)
    session().flush()
    for place in setup.taken:
        if not place.own:
            _take(others[place.who], place, setup, [people[place.who].user])
        elif kind.kind is EventKind.COLLECTIVE:
            _take(kind, place, setup, [of.user for of, _hours in team])
        else:
            _take(kind, place, setup, [people[place.who % len(team)].user])
    return kind, _moving(kind, setup)


def _schedule(of: Membership, host: Host, first: date) -> Schedule:
    hours = [
        WeeklyHours(weekday=day, start_minute=start, end_minute=end) for day in range(7) for start, end in host.hours
    ]
    single = [DateOverride(day=first, start_minute=start, end_minute=end) for start, end in host.single or ()]
    closed = [DateOverride(day=first)] if host.single == [] else []
    made = Schedule(**_whose(of), name="Hours", timezone=host.zone, hours=hours, overrides=single + closed)
    session().add(made)
    return made


def _event_type(of: Membership, hours: Schedule, terms: dict[str, Any]) -> EventType:
    usual = {"slug": f"kind-{next(_numbers)}", "name": "Kind", "slot_interval": 30, "minimum_notice": 0}
    whose = {"organization": of.organization, "host": of.user, "schedule": hours}
    made = EventType(**{**_whose(of), **whose, **usual, "team": [], **terms})
    session().add(made)
    return made


def _keep_free(setup: Setup, people: list[Membership]) -> None:
    """Write the blocks, and the days out of office of the first host."""
    for who, after, minutes in setup.blocks:
        times = {"starts_at": setup.at(after), "ends_at": setup.at(after + minutes)}
        session().add(BlockedTime(**_whose(people[who]), **times, timezone="UTC"))
    if setup.daily_block:
        who, (start, end) = setup.daily_block
        days = {"timezone": setup.guest, "first_day": setup.first - timedelta(days=9), "rule": "FREQ=DAILY;INTERVAL=2"}
        session().add(RecurringBlock(**_whose(people[who]), **days, start_minute=start, end_minute=end))
    for absence in setup.away:
        day = setup.first + timedelta(days=absence.after)
        who_and_where = {"host": people[0].user, "timezone": absence.zone}
        stand_in = people[absence.stand_in].user if absence.stand_in is not None else None
        session().add(OutOfOffice(**_whose(people[0]), **who_and_where, stand_in=stand_in, first_day=day, last_day=day))


def _whose(of: Membership) -> dict[str, Any]:
    return {"organization_id": of.organization_id, "host_id": of.user_id}


def _take(kind: EventType, place: Taken, setup: Setup, hosts: Sequence[User]) -> None:
    """Take a place unless the database has something against it."""
    hold = Hold(
        organization_id=kind.organization_id,
        event_type_id=kind.id,
        token_digest=digest(new_token()),
        expires_at=setup.now + timedelta(minutes=place.held),
    )
    with suppress(IntegrityError), session().begin_nested():
        hold_seat(hold=hold, event_type=kind, start=setup.at(place.after), duration=kind.duration, hosts=hosts)
        session().flush()


def _moving(kind: EventType, setup: Setup) -> Booking | None:
    """Book what is to be moved, wherever there is room for it."""
    if setup.moving is None or setup.at(setup.moving) <= setup.now:
        return None
    try:
        with session().begin_nested():
            return book(
                event_type=kind,
                start=setup.at(setup.moving),
                guest=GUEST,
                answers={},
                duration=setup.duration,
                by=Side.HOST,
                outside_rules=True,
            )
    except StartRefused:
        return None
