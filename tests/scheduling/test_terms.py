"""The terms on which an event type can be booked: its lengths, its limits, its offset, whom its buffers concern."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import bookings, event_type, member, schedule
from tests.scheduling.helpers import GUEST, address, at, body, booked, in_days, refused, slots, time_of, token_of
from webapp.core.db import transaction
from webapp.core.validation import InvalidInput
from webapp.scheduling.errors import LimitReached, SlotTaken
from webapp.scheduling.models import Side
from webapp.scheduling.service.booking import book, cancel, reschedule


def a_monday() -> date:
    """The first Monday that is two days away or more, with its whole week ahead."""
    day = in_days(2)
    return day + timedelta(days=-day.weekday() % 7)


def on(day: date, hour: int) -> datetime:
    return at(hour, days=(day - in_days(0)).days)


def offered_days(client: FlaskClient, kind: object, first: date, days: int) -> list[int]:
    """How many times each day offers, from the first on."""
    return [len(slots(client, kind, first + timedelta(days=number))) for number in range(days)]  # type: ignore[arg-type]


class TestLengths:
    def test_the_guest_chooses_among_them_and_gets_the_first_without(self, client: FlaskClient) -> None:
        kind = event_type(duration=30, other_durations=[60])
        long = client.post(f"{address(kind)}/bookings", json=body(at(10), duration=60)).get_json()
        usual = client.post(f"{address(kind)}/bookings", json=body(at(13))).get_json()
        assert (long["end"], usual["end"]) == (at(11).isoformat(), at(13, 30).isoformat())

    def test_a_longer_meeting_needs_more_room(self, client: FlaskClient) -> None:
        kind = event_type(duration=30, other_durations=[60])
        booked(kind, at(10))
        query = {"start": in_days(2), "end": in_days(2), "timezone": "Europe/Berlin", "duration": 60}
        offers = client.get(f"{address(kind)}/slots", query_string=query).get_json()["slots"]
        starts = [offer["start"] for offer in offers]
        assert at(9).isoformat() in starts
        assert not {at(9, 30).isoformat(), at(16, 30).isoformat()} & set(starts)
        assert offers[0]["end"] == at(10).isoformat()
        refused(client.post(f"{address(kind)}/bookings", json=body(at(9, 30), duration=60)), 409, "slot_taken", "start")

    @pytest.mark.parametrize("wished", [45, 0, -30, 10**12])
    def test_another_length_is_refused_by_name(self, client: FlaskClient, wished: int) -> None:
        kind = event_type(duration=30, other_durations=[60])
        refused(
            client.post(f"{address(kind)}/bookings", json=body(at(10), duration=wished)), 422, "invalid", "duration"
        )
        query = {"start": in_days(2), "end": in_days(2), "timezone": "UTC", "duration": wished}
        refused(client.get(f"{address(kind)}/slots", query_string=query), 422, "invalid", "duration")

    @pytest.mark.parametrize("wished", ["60", 60.5, [60], True])
    def test_a_length_is_a_number(self, client: FlaskClient, wished: object) -> None:
        kind = event_type(duration=30, other_durations=[60])
        refused(
            client.post(f"{address(kind)}/bookings", json=body(at(10), duration=wished)), 422, "invalid", "duration"
        )

    def test_a_booking_that_moves_keeps_its_length(self, client: FlaskClient) -> None:
        kind = event_type(duration=30, other_durations=[60])
        made = client.post(f"{address(kind)}/bookings", json=body(at(10), duration=60))
        path = f"/api/v1/public/bookings/{token_of(made)}/reschedule"
        assert client.post(path, json={"start": at(14).isoformat()}).get_json()["end"] == at(15).isoformat()
        refused(client.post(path, json={"start": at(16, 30).isoformat()}), 422, "outside_availability", "start")

    def test_guests_are_told_of_them(self, client: FlaskClient) -> None:
        kind = event_type(duration=30, other_durations=[15, 60])
        told = client.get(f"/api/v1/public/{kind.organization.slug}").get_json()["event_types"][0]
        assert (told["duration"], told["durations"]) == (30, [30, 15, 60])


class TestLimits:
    def test_a_full_day_is_offered_no_more_and_accepted_no_more(self, client: FlaskClient) -> None:
        kind = event_type(limit_per_day=2)
        bookings(of=kind, starts=[at(9)])
        booked(kind, at(16))
        assert slots(client, kind, in_days(2)) == []
        assert len(slots(client, kind, in_days(3))) == 16
        refused(client.post(f"{address(kind)}/bookings", json=body(at(12))), 409, "limit_reached", "start")

    def test_a_cancelled_booking_counts_no_more(self, client: FlaskClient) -> None:
        kind = event_type(limit_per_day=1)
        booking = booked(kind, at(9))
        with transaction():
            cancel(booking=booking, by=Side.HOST, reason="")
        assert len(slots(client, kind, in_days(2))) == 16

    @pytest.mark.usefixtures("app")
    def test_who_moves_within_the_full_day_does_not_stand_in_their_own_way(self) -> None:
        kind = event_type(limit_per_day=1)
        booking = booked(kind, at(9))
        with transaction():
            reschedule(booking=booking, start=at(12))
        assert booking.starts_at == at(12)

    def test_a_week_and_a_month_count_as_the_hosts_calendar_has_them(self, client: FlaskClient) -> None:
        weekly, monthly = event_type(limit_per_week=1), event_type(limit_per_month=1)
        monday = a_monday()
        booked(weekly, on(monday + timedelta(days=3), 10))
        assert offered_days(client, weekly, monday, 8) == [0] * 7 + [16]
        booked(monthly, on(monday, 10))
        last = (monday.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        assert slots(client, monthly, last) == []
        assert len(slots(client, monthly, last + timedelta(days=1))) == 16

    def test_the_host_s_date_counts_and_not_the_guest_s(self, client: FlaskClient) -> None:
        host = member()
        kind = event_type(of=host, on=schedule(of=host, zone="Pacific/Auckland"), limit_per_day=1)
        starts = slots(client, kind, in_days(5), zone="Pacific/Auckland")
        booked(kind, datetime.fromisoformat(starts[0]))
        # Nine in the morning in Auckland is the evening before in Berlin.
        assert slots(client, kind, in_days(5), zone="Pacific/Auckland") == []
        assert len(slots(client, kind, in_days(6), zone="Pacific/Auckland")) == 16

    def test_another_event_type_of_the_host_has_limits_of_its_own(self, client: FlaskClient) -> None:
        host = member()
        hours = schedule(of=host)
        limited, other = event_type(of=host, on=hours, limit_per_day=1), event_type(of=host, on=hours)
        booked(other, at(9))
        assert len(slots(client, limited, in_days(2))) == 15
        booked(limited, at(10))
        assert slots(client, limited, in_days(2)) == []
        assert len(slots(client, other, in_days(2))) == 14

    @pytest.mark.usefixtures("app")
    def test_a_taken_slot_is_called_taken_though_the_day_is_full(self) -> None:
        kind = event_type(limit_per_day=1)
        booked(kind, at(9))
        for start, refusal in ((at(9), SlotTaken), (at(10), LimitReached)):
            with pytest.raises(refusal), transaction():
                book(event_type=kind, start=start, guest=GUEST, answers={})


def test_the_first_start_comes_so_long_after_the_opening(client: FlaskClient) -> None:
    kind = event_type(slot_offset=10)
    assert slots(client, kind, in_days(2))[:2] == [at(9, 10).isoformat(), at(9, 40).isoformat()]
    refused(client.post(f"{address(kind)}/bookings", json=body(at(9))), 422, "off_grid", "start")


class TestBuffersAmongTheSameEventType:
    def test_they_keep_their_own_apart_and_let_others_in(self, client: FlaskClient) -> None:
        host = member()
        hours = schedule(of=host)
        lesson = event_type(of=host, on=hours, buffer_after=30, buffers_among_own=True)
        call = event_type(of=host, on=hours)
        booked(lesson, at(12))
        assert {at(11, 30).isoformat(), at(12, 30).isoformat()} <= set(slots(client, call, in_days(2)))
        booked(call, at(12, 30))
        offered = slots(client, lesson, in_days(2))
        assert at(11).isoformat() in offered
        assert at(11, 30).isoformat() not in offered
        assert at(13).isoformat() in offered  # right after the call, half an hour after the lesson

    def test_the_buffers_of_the_other_kind_still_hold(self, client: FlaskClient) -> None:
        host = member()
        hours = schedule(of=host)
        lesson = event_type(of=host, on=hours, buffer_before=30, buffers_among_own=True)
        call = event_type(of=host, on=hours, buffer_after=30)
        booked(call, at(12))
        assert at(12, 30).isoformat() not in slots(client, lesson, in_days(2))
        refused(client.post(f"{address(lesson)}/bookings", json=body(at(12, 30))), 409, "slot_taken", "start")

    @pytest.mark.usefixtures("app")
    def test_the_database_guards_both_kinds_of_time(self) -> None:
        kind = event_type(buffer_before=10, buffer_after=20, buffers_among_own=True)
        time = time_of(booked(kind, at(10)))
        assert (time.blocked_from, time.blocked_until) == (at(10), at(10, 30))
        assert (time.apart_from, time.apart_until) == (at(9, 50), at(10, 50))


def test_a_length_that_is_offered_no_more_is_refused_by_the_service(app: Flask) -> None:
    kind = event_type()
    with pytest.raises(InvalidInput), transaction():
        book(event_type=kind, start=at(10), guest=GUEST, answers={}, duration=45)
