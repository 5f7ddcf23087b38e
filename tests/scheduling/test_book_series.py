"""A guest books the same meeting again and again: all of it or none, an hour is an hour, one mail for all."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select

from jobs.runtime.models import JobRun, RunState
from tests.factories import event_type, member, schedule
from tests.notifications.test_mails_to_a_team import work
from tests.scheduling.helpers import BERLIN, address, at, bearer, body, booked, refused
from tests.scheduling.pages import Visitor
from tests.scheduling.test_teams import in_turn, people
from webapp.core.db import session, transaction
from webapp.core.events import DomainEvent
from webapp.identity.models import Membership, Role
from webapp.notifications.models import Delivery
from webapp.scheduling import messages
from webapp.scheduling.models import Booking, BookingLink, EventType, Frequency
from webapp.scheduling.service.approval import approve
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.links import create_link
from webapp.scheduling.service.recurrence import occurrences
from webapp.scheduling.views.picker import start_value

WEEK = timedelta(weeks=1)
STEPS = {Frequency.WEEKLY: {WEEK}, Frequency.EVERY_TWO_WEEKS: {2 * WEEK}, Frequency.MONTHLY: {4 * WEEK, 5 * WEEK}}


def series(of: EventType | None = None, **changes: Any) -> EventType:
    return of or event_type(**({"series_most": 6, "horizon_days": 90} | changes))


def repeated(count: int = 3, frequency: str = "weekly", **changes: Any) -> dict[str, Any]:
    return {"recurrence": {"frequency": frequency, "count": count} | changes}


def ask(client: FlaskClient, kind: EventType, hour: int = 10, **changes: Any) -> Any:
    return client.post(f"{address(kind)}/bookings", json=body(at(hour), **changes))


def bookings() -> list[Booking]:
    session().rollback()
    statement = select(Booking).order_by(Booking.starts_at).execution_options(populate_existing=True)
    return list(session().scalars(statement))


def done() -> Counter[str]:
    """Let a worker do all there is; return how often each job has succeeded so far."""
    work()
    return Counter(session().scalars(select(JobRun.name).filter_by(state=RunState.SUCCEEDED)))


def weekly(number: int, hour: int = 10) -> datetime:
    """The start of the number-th meeting of a weekly series, the first being 0."""
    local = at(hour).astimezone(BERLIN)
    return datetime.combine(local.date() + number * WEEK, local.time(), BERLIN).astimezone(UTC)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"])
@pytest.mark.parametrize("frequency", Frequency)
def test_a_series_keeps_its_time_of_day_across_every_change_of_the_clocks(zone: str, frequency: Frequency) -> None:
    place = ZoneInfo(zone)
    first = datetime(2026, 9, 8, 9, 30, tzinfo=place)
    starts = occurrences(first, frequency=frequency, count=52, zone=place)
    local = [start.astimezone(place) for start in starts]
    assert {(each.hour, each.minute, each.weekday()) for each in local} == {(9, 30, 1)}
    steps = {after.date() - before.date() for before, after in pairwise(local)}
    assert steps == STEPS[frequency]
    if frequency is Frequency.MONTHLY:
        assert {(each.day - 1) // 7 for each in local} == {1}


def test_a_fifth_weekday_is_the_last_one_of_each_month() -> None:
    first = datetime(2027, 1, 29, 10, 0, tzinfo=BERLIN)
    starts = occurrences(first, frequency=Frequency.MONTHLY, count=5, zone=BERLIN)
    days = [start.astimezone(BERLIN).date() for start in starts]
    assert days == [date(2027, 1, 29), date(2027, 2, 26), date(2027, 3, 26), date(2027, 4, 30), date(2027, 5, 28)]


def test_a_time_that_the_clocks_skip_is_an_hour_later_and_one_shown_twice_the_first() -> None:
    spring, autumn = datetime(2027, 3, 21, 2, 30, tzinfo=BERLIN), datetime(2026, 10, 18, 2, 30, tzinfo=BERLIN)
    (_, skipped) = occurrences(spring, frequency=Frequency.WEEKLY, count=2, zone=BERLIN)
    (_, twice) = occurrences(autumn, frequency=Frequency.WEEKLY, count=2, zone=BERLIN)
    assert (skipped, twice) == (datetime(2027, 3, 28, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC))


def test_every_meeting_is_a_booking_of_its_own_in_one_series(client: FlaskClient, heard: list[DomainEvent]) -> None:
    kind = series()
    answer = ask(client, kind, **repeated())
    assert answer.status_code == 201, answer.text
    made = bookings()
    assert [booking.starts_at for booking in made] == [weekly(number) for number in range(3)]
    assert len({booking.series_id for booking in made}) == 1
    shown = answer.get_json()
    assert [each["id"] for each in shown["series"]] == [str(booking.id) for booking in made]
    assert shown["id"] == str(made[0].id)
    assert len({each["manage_url"] for each in shown["series"]}) == 3
    assert len(heard) == 3


def test_what_cannot_be_had_is_named_nothing_is_booked_and_the_others_can_be(client: FlaskClient) -> None:
    kind = series()
    taken = booked(kind, weekly(1))
    answer = ask(client, kind, **repeated())
    refused(answer, 409, "occurrences_refused", f"recurrence.{taken.starts_at.isoformat()}")
    assert len(bookings()) == 1
    without = ask(client, kind, **repeated(skip=[taken.starts_at.isoformat()]))
    assert without.status_code == 201, without.text
    assert len(without.get_json()["series"]) == 2


def test_limits_and_horizon_hold_for_each_meeting(client: FlaskClient) -> None:
    kind = series(horizon_days=20, limit_per_month=100)
    fields = [f"recurrence.{weekly(number).isoformat()}" for number in (3, 4, 5)]
    refused(ask(client, kind, **repeated(6)), 409, "occurrences_refused", *fields)
    strict = series(limit_per_day=1)
    booked(strict, weekly(2, hour=15))
    answer = ask(client, strict, **repeated())
    refused(answer, 409, "occurrences_refused", f"recurrence.{weekly(2).isoformat()}")


@pytest.mark.parametrize(
    ("most", "changes", "field"),
    [
        (1, {}, "recurrence"),
        (2, {"count": 3}, "recurrence.count"),
        (6, {"count": 1}, "recurrence.count"),
        (6, {"count": 10**9}, "recurrence.count"),
        (6, {"frequency": "daily"}, "recurrence.frequency"),
        (6, {"skip": [at(10).isoformat()]}, "recurrence.skip"),
        (6, {"skip": ["soon"]}, "recurrence.skip.0"),
    ],
)
def test_a_series_that_makes_no_sense_is_refused(
    client: FlaskClient, most: int, changes: dict[str, Any], field: str
) -> None:
    refused(ask(client, series(series_most=most), **repeated(**changes)), 422, "invalid", field)
    assert bookings() == []


def test_a_first_meeting_that_cannot_be_had_is_refused_as_any_other(client: FlaskClient) -> None:
    kind = series()
    booked(kind, weekly(0))
    refused(ask(client, kind, **repeated()), 409, "slot_taken", "start")
    refused(ask(client, kind, 3, **repeated()), 422, "outside_availability", "start")


def test_a_link_that_books_once_books_one_series(client: FlaskClient) -> None:
    kind = series(is_secret=True)
    link: BookingLink = create_link(event_type=kind, created_by=kind.host_id)
    session().commit()
    assert ask(client, kind, link=link.token, **repeated()).status_code == 201
    refused(ask(client, kind, 14, link=link.token, **repeated()), 410, "link_used", "link")
    assert len(bookings()) == 3


def test_one_mail_with_one_calendar_file_tells_of_all_and_each_is_reminded_of(client: FlaskClient) -> None:
    kind = series()
    ask(client, kind, **repeated())
    told = done()
    assert told["series.send_series_confirmation_to_invitee"] == 1
    assert told["series.send_series_notification_to_organizer"] == 1
    assert told["bookings.send_booking_confirmation_to_invitee"] == 0
    assert told["notifications.schedule_booking_reminder"] == 3
    mail = messages.confirmation_to_invitee(bookings()[0], series=bookings())
    assert mail.calendar
    events: list[Any] = Calendar.from_ical(mail.calendar.content).walk("VEVENT")
    assert [event.start for event in events] == [booking.starts_at for booking in bookings()]
    assert len({event["UID"] for event in events}) == 3
    assert "at the same time of day in Europe/Berlin, also when the clocks change" in mail.text


def test_a_guest_cancels_one_or_all_the_rest(client: FlaskClient, heard: list[DomainEvent]) -> None:
    kind = series()
    tokens = [each["manage_url"].rpartition("/")[2] for each in ask(client, kind, **repeated(4)).get_json()["series"]]
    client.post(f"/api/v1/public/bookings/{tokens[3]}/cancel", json={})
    assert [booking.status for booking in bookings()] == ["confirmed"] * 3 + ["cancelled"]
    answer = client.post(f"/api/v1/public/bookings/{tokens[1]}/cancel", json={"rest": True, "reason": "Moving"})
    assert [each["status"] for each in answer.get_json()["series"]] == ["confirmed", *["cancelled"] * 3]
    assert {booking.cancel_reason for booking in bookings()} == {"", "Moving"}
    refused(client.post(f"/api/v1/public/bookings/{tokens[1]}/cancel", json={"rest": True}), 409, "already_cancelled")


def test_the_rest_cancelled_together_is_told_in_one_mail(client: FlaskClient) -> None:
    host = member()
    kind = series(event_type(of=host, on=schedule(of=host), series_most=6, horizon_days=90))
    first = ask(client, kind, **repeated()).get_json()["id"]
    done()
    headers = bearer(host)
    assert client.post(f"/api/v1/bookings/{first}/cancel", json={"rest": True}, headers=headers).status_code == 200
    told = done()
    assert told["notifications.send_booking_cancellation_email"] == 0
    assert told["series.send_series_cancellation_to_invitee"] == 1
    assert told["series.send_series_cancellation_to_organizer"] == 1
    mail = messages.cancelled_to_invitee(bookings()[0], series=bookings())
    assert mail.calendar
    assert mail.calendar.content.count("STATUS:CANCELLED") == 3
    reminders = session().scalars(select(JobRun.state).filter_by(name="notifications.send_booking_reminder"))
    assert set(reminders) == {RunState.CANCELLED}


def test_a_series_that_needs_approval_is_asked_for_in_one_mail_and_each_approval_has_its_own(
    client: FlaskClient,
) -> None:
    kind = series(requires_approval=True, most_attendees=2)
    assert ask(client, kind, attendees=["bo@example.org"], **repeated()).get_json()["status"] == "pending"
    told = done()
    assert told["approvals.process_booking_request"] == 3
    assert told["approvals.send_booking_request_email"] == 0
    assert told["series.send_series_confirmation_to_invitee"] == 1
    assert told["series.send_series_invitation_to_attendee"] == 1
    assert Counter(delivery.template for delivery in _deliveries()) == {
        "booking_request_invitee": 1,
        "booking_request_organizer": 1,
    }
    with transaction():
        approve(booking=bookings()[1])
    done()
    assert Counter(delivery.template for delivery in _deliveries()) == {
        "booking_request_invitee": 1,
        "booking_request_organizer": 1,
        "booking_confirmation_invitee": 1,
        "booking_notification_organizer": 1,
        "booking_invitation_attendee": 1,
    }


def test_whom_the_guest_brings_along_hears_of_the_series_once_and_of_its_end(client: FlaskClient) -> None:
    made = ask(client, series(most_attendees=1), attendees=["bo@example.org"], **repeated()).get_json()
    done()
    client.post(f"/api/v1/public/bookings/{made['manage_url'].rpartition('/')[2]}/cancel", json={"rest": True})
    done()
    to_bo = [delivery.template for delivery in _deliveries() if delivery.recipient == "bo@example.org"]
    assert sorted(to_bo) == ["booking_cancelled_attendee", "booking_invitation_attendee"]


@pytest.fixture
def hosts(app: Flask) -> list[Membership]:
    owner, colleague = people(2)
    colleague.role = Role.MEMBER
    session().commit()
    return [owner, colleague]


@pytest.fixture
def made(client: FlaskClient, hosts: list[Membership]) -> list[Booking]:
    kind = in_turn(hosts, series_most=6, horizon_days=90)
    answer = ask(client, kind, **repeated(4))
    assert answer.status_code == 201, answer.text
    assert Counter(booking.host_id for booking in bookings()) == {host.user_id: 2 for host in hosts}
    return bookings()


class TestInTurn:
    """Of a series in turn, a plain member calls off their own meetings; who manages the organisation all of them."""

    def test_for_a_program(self, client: FlaskClient, hosts: list[Membership], made: list[Booking]) -> None:
        owner, colleague = hosts
        first = next(booking for booking in made if booking.host_id == colleague.user_id)
        path = f"/api/v1/bookings/{first.id}/cancel"
        assert client.post(path, json={"rest": True}, headers=bearer(colleague)).status_code == 200
        assert {booking.host_id for booking in bookings() if booking.is_confirmed} == {owner.user_id}
        assert Counter(booking.status for booking in bookings()) == {"confirmed": 2, "cancelled": 2}

    def test_for_who_manages_the_organisation(
        self, client: FlaskClient, hosts: list[Membership], made: list[Booking]
    ) -> None:
        path = f"/api/v1/bookings/{made[1].id}/cancel"
        assert client.post(path, json={"rest": True}, headers=bearer(hosts[0])).status_code == 200
        assert [booking.status for booking in bookings()] == ["confirmed", *["cancelled"] * 3]

    def test_for_the_guest(self, client: FlaskClient, made: list[Booking]) -> None:
        client.post(f"/api/v1/public/bookings/{manage_token(made[1])}/cancel", json={"rest": True})
        assert [booking.status for booking in bookings()] == ["confirmed", *["cancelled"] * 3]

    def test_on_the_page(self, app: Flask, hosts: list[Membership], made: list[Booking]) -> None:
        owner, colleague = hosts
        first, last = (booking for booking in made if booking.host_id == colleague.user_id)
        visitor = Visitor(app).sign_in(colleague)
        page = visitor.open(f"/app/bookings/{first.id}")
        addresses = {href for href, _words in page.links}
        assert {str(each.id) for each in made if f"/app/bookings/{each.id}" in addresses} == {str(last.id)}
        assert "What your colleagues host stays" in page.words
        visitor.send(page.form("/cancel"), {"rest": "y"})
        assert {booking.host_id for booking in bookings() if booking.is_confirmed} == {owner.user_id}
        assert "What your colleagues" not in Visitor(app).sign_in(owner).open(f"/app/bookings/{made[0].id}").words


def _deliveries() -> list[Delivery]:
    return list(session().scalars(select(Delivery)))


def test_a_guest_books_and_cancels_a_series_on_the_pages(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, series_most=6, horizon_days=90)
    booked(kind, weekly(1))
    guest = Visitor(app)
    form = guest.open(f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start_value(at(10))}").form()
    typed = {"name": "Ada", "email": "ada@example.com", "frequency": "weekly", "count": "3"}
    wrong = guest.send(form, typed | {"count": "7"}, status=422)
    assert 'href="#count"' in wrong.answer.text
    page = guest.send(wrong.form(), {"count": "3"}, status=409)
    assert "nothing is booked yet" in page.words
    shown = guest.follow(guest.send(page.form()))
    assert "The whole series" in shown.words
    assert len(bookings()) == 3
    asking = guest.open(shown.link("Cancel it"))
    guest.send(asking.form(), {"rest": "y"})
    assert Counter(booking.status for booking in bookings()) == {"confirmed": 1, "cancelled": 2}
    seen = Visitor(app).sign_in(host).open(f"/app/bookings/{bookings()[0].id}")
    assert "The whole series" in seen.words


def test_a_form_of_a_type_without_series_does_not_ask(app: Flask) -> None:
    kind = event_type()
    page = Visitor(app).open(f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start_value(at(10))}")
    assert 'name="frequency"' not in page.answer.text
