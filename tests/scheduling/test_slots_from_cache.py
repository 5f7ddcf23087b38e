"""What is read from the cache is what would be worked out: after every change, at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Thread
from typing import Any

import time_machine
from flask import Flask, current_app
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import event_type, member
from tests.scheduling.helpers import BERLIN, GUEST, address, at, booked, counted_queries, in_days
from tests.scheduling.studio import HAPPENINGS, Studio, anew
from webapp.core import clock
from webapp.core.crypto import new_token
from webapp.core.db import session, transaction
from webapp.core.redis import cache_redis
from webapp.scheduling import chunks
from webapp.scheduling.chunks import Chunk, OpenTime
from webapp.scheduling.minutes import minute_of, moment_of, now_minute
from webapp.scheduling.models import (
    Booking,
    EventKind,
    EventType,
    Side,
)
from webapp.scheduling.service.blocks import BlockDetails, block_time
from webapp.scheduling.service.booking import book, cancel
from webapp.scheduling.service.diaries import lineups
from webapp.scheduling.service.holds import hold_time
from webapp.scheduling.service.offers import offered_slots, rules_for, stamps_of, taken_slots, work_out
from webapp.scheduling.slots import offered as engine_offers

DAYS = 20


def _offered(kind: EventType, *, first: int = 0, last: int = DAYS) -> dict[datetime, int]:
    """The starts that a guest is offered, with the seats left: programs are listed what pages show."""
    listed = _listed(address(anew(kind)), first=first, last=last)
    offers = offered_slots(event_type=anew(kind), first=in_days(first), last=in_days(last), zone=BERLIN)
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
    found = anew(kind)
    rules, now = rules_for(found), now_minute()
    ways = lineups(found, rules, begin=now, until=now + (DAYS + 2) * 1440, moving=None)
    when: dict[str, Any] = {"now": now, "first": in_days(0), "last": in_days(DAYS), "zone": BERLIN}
    hosts = Counter(start for way in ways for start in engine_offers(rules, way.diaries, **when))
    begun = {start: meeting for way in ways for start, meeting in way.begun.items()} if found.is_group else {}
    return {
        moment_of(start): begun[start].seats_left if start in begun else found.seats * number
        for start, number in hosts.items()
    }


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.integers(0, 9), st.integers(0, 40)), min_size=1, max_size=12))
def test_whatever_happens_the_next_guest_is_offered_what_is_free(
    app: Flask, happenings: list[tuple[Callable[[Studio, int, int], None], int, int]]
) -> None:
    studio = Studio()
    for kind in studio.kinds:
        _offered(kind)
    for happening, which, how in happenings:
        happening(studio, which, how)
        for kind in studio.kinds:
            assert _offered(kind) == _worked_out(kind)


def test_who_asks_again_costs_the_diaries_nothing(app: Flask) -> None:
    kind = event_type()
    first = _offered(kind)
    again = anew(kind)
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
        found = anew(kind)
        return [offer.start for offer in taken_slots(event_type=found, first=in_days(2), last=in_days(2), zone=BERLIN)]

    assert taken() == []
    first, _second = booked(anew(kind), at(10)), booked(anew(kind), at(11))
    all_day = taken()
    assert (len(all_day), all_day[0]) == (16, at(9))
    found = anew(kind)
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
    late = anew(kind)
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


def test_rubbish_in_the_cache_is_worked_outanew(app: Flask) -> None:
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
