"""Who came: guests check in, hosts say so, and who was expected and did not check in is a no-show."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from jobs import bookings as jobs
from tests import factories
from tests.factories import event_type, member
from tests.scheduling.helpers import at, bearer, booked, refused
from tests.scheduling.pages import Visitor
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.core.events import DomainEvent
from webapp.identity.models import Role, Scope
from webapp.scheduling.errors import NotTakingPlace
from webapp.scheduling.events import BookingAttendanceUndone, BookingAttended, BookingNoShow
from webapp.scheduling.models import Attendance, Booking, EventType, Side, Witness
from webapp.scheduling.service.attendance import check_in, note_attendance
from webapp.scheduling.service.booking import cancel, manage_token, reschedule

LONG_AGO = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
Said = tuple[Attendance, Witness | None]

pytestmark = pytest.mark.usefixtures("app")


def expecting(**changes: Any) -> EventType:
    """An event type whose guests are asked to check in."""
    return event_type(check_in_since=LONG_AGO, **changes)


def ago(of: EventType, **span: float) -> Booking:
    """A booking of half an hour that ended so long ago."""
    return factories.booking(of=of, start=clock.now() - timedelta(minutes=30) - timedelta(**span))


def said(booking: Booking) -> Said:
    session().rollback()
    session().refresh(booking)
    return booking.attendance, booking.attendance_by


def path(booking: Booking) -> str:
    return f"/api/v1/public/bookings/{manage_token(booking)}"


NO_SHOW = (Attendance.NO_SHOW, Witness.SYSTEM)
NOBODY_SAID = (Attendance.UNKNOWN, None)


@pytest.mark.parametrize(("now", "status"), [(at(9, 44), 409), (at(9, 45), 200), (at(10, 29), 200), (at(10, 30), 409)])
def test_guests_check_in_from_a_quarter_of_an_hour_before_the_start_until_the_end(
    client: FlaskClient, now: datetime, status: int
) -> None:
    booking = booked(expecting(), at(10))
    with time_machine.travel(now, tick=False):
        assert client.get(path(booking)).get_json()["can_check_in"] == (status == 200)
        answer = client.post(f"{path(booking)}/check-in")
    if status == 409:
        refused(answer, 409, "check_in_closed")
        assert said(booking) == NOBODY_SAID
    else:
        assert (answer.status_code, answer.get_json()["checked_in"]) == (200, True), answer.text
        assert said(booking) == (Attendance.ATTENDED, Witness.GUEST)
        assert booking.attendance_at == now


def test_checking_in_twice_is_told_once(client: FlaskClient, heard: list[DomainEvent]) -> None:
    booking = booked(expecting(), at(10))
    heard.clear()
    with time_machine.travel(at(10), tick=False):
        assert [client.post(f"{path(booking)}/check-in").status_code for _ in range(2)] == [200, 200]
    assert heard == [BookingAttended(booking_id=booking.id)]


def test_nobody_checks_in_where_nobody_asks_for_it_or_by_a_link_that_is_merely_followed(client: FlaskClient) -> None:
    booking = booked(event_type(), at(10))
    with time_machine.travel(at(10), tick=False):
        refused(client.post(f"{path(booking)}/check-in"), 409, "check_in_closed")
        refused(client.get(f"{path(booking)}/check-in"), 405, "method_not_allowed")
        refused(client.post("/api/v1/public/bookings/nonsense/check-in"), 404, "not_found")


def test_a_guest_checks_in_on_the_page(app: Flask) -> None:
    booking = booked(expecting(), at(10))
    guest = Visitor(app)
    address = f"/manage/{manage_token(booking)}"
    assert "Please check in" in guest.open(address).words
    with time_machine.travel(at(10, 5), tick=False):
        page = guest.open(address)
        assert "over" not in page.words
        words = guest.follow(guest.send(page.form("/check-in"))).words
        assert "You checked in at 10:05" in words
        assert said(booking) == (Attendance.ATTENDED, Witness.GUEST)


def test_who_was_expected_and_did_not_check_in_is_a_no_show_after_a_while(heard: list[DomainEvent]) -> None:
    kind = expecting()
    missed, fresh = ago(kind, minutes=16), ago(expecting(), minutes=14)
    came = ago(kind, minutes=120)
    not_asked = ago(event_type(), minutes=200)
    with transaction():
        came.attendance, came.attendance_by, came.attendance_at = Attendance.ATTENDED, Witness.GUEST, clock.now()
    heard.clear()
    assert (jobs.mark_no_shows(), jobs.mark_no_shows()) == ({"marked": 1}, {"marked": 0})
    assert (said(missed), said(fresh), said(not_asked)) == (NO_SHOW, NOBODY_SAID, NOBODY_SAID)
    assert said(came) == (Attendance.ATTENDED, Witness.GUEST)
    assert heard == [BookingNoShow(booking_id=missed.id)]


def test_what_was_booked_before_check_in_was_asked_for_is_left_alone() -> None:
    kind = event_type()
    before = ago(kind, minutes=60)
    with transaction():
        kind.expects_check_in = True
        kind.expects_check_in = True
    assert kind.check_in_since is not None
    with time_machine.travel(clock.now() + timedelta(hours=3)):
        assert jobs.mark_no_shows() == {"marked": 0}
    assert said(before) == NOBODY_SAID
    with transaction():
        kind.expects_check_in = False
    assert kind.check_in_since is None


def test_many_no_shows_are_noted_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "NO_SHOWS_AT_ONCE", 2)
    kind = expecting()
    for hours in range(1, 6):
        ago(kind, hours=hours)
    assert jobs.mark_no_shows() == {"marked": 5}


def test_cancelled_bookings_have_no_no_shows() -> None:
    booking = booked(expecting())
    with transaction():
        cancel(booking=booking, by=Side.GUEST, reason="")
    with time_machine.travel(at(18), tick=False):
        assert jobs.mark_no_shows() == {"marked": 0}
        with pytest.raises(NotTakingPlace), transaction():
            note_attendance(booking=booking, attendance=Attendance.NO_SHOW)


def test_the_host_corrects_the_system_and_is_never_overruled(client: FlaskClient, heard: list[DomainEvent]) -> None:
    host = member()
    booking = ago(expecting(of=host), minutes=60)
    jobs.mark_no_shows()
    heard.clear()
    url, headers = f"/api/v1/bookings/{booking.id}/attendance", bearer(host)
    for word in ("attended", "attended", "unknown"):
        answer = client.post(url, json={"attendance": word}, headers=headers)
        assert (answer.status_code, answer.get_json()["attendance"]) == (200, word), answer.text
        assert answer.get_json()["attendance_by"] == "host"
        assert jobs.mark_no_shows() == {"marked": 0}
    assert heard == [BookingAttended(booking_id=booking.id), BookingAttendanceUndone(booking_id=booking.id)]


def test_a_host_cannot_say_who_came_before_it_begins(client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host), at(10))
    url, headers = f"/api/v1/bookings/{booking.id}/attendance", bearer(host)
    refused(client.post(url, json={"attendance": "attended"}, headers=headers), 409, "too_early")
    with time_machine.travel(at(9, 50), tick=False):
        refused(client.post(url, json={"attendance": "no_show"}, headers=headers), 409, "too_early")
        assert client.post(url, json={"attendance": "attended"}, headers=headers).status_code == 200


def test_who_is_noted_as_absent_by_the_host_cannot_check_in(client: FlaskClient) -> None:
    booking = booked(expecting(), at(10))
    with time_machine.travel(at(10, 10), tick=False):
        with transaction():
            note_attendance(booking=booking, attendance=Attendance.NO_SHOW)
        refused(client.post(f"{path(booking)}/check-in"), 409, "host_said_otherwise")
    assert said(booking) == (Attendance.NO_SHOW, Witness.HOST)


def test_a_booking_that_moves_or_is_cancelled_after_the_check_in_forgets_it() -> None:
    kind = expecting()
    moved, off = booked(kind, at(10)), booked(kind, at(10, 30))
    with time_machine.travel(at(9, 50), tick=False):
        for booking in (moved, off):
            with transaction():
                if booking is off:
                    note_attendance(booking=booking, attendance=Attendance.UNKNOWN)
                else:
                    check_in(booking=booking)
        with transaction():
            reschedule(booking=moved, start=at(12))
            cancel(booking=off, by=Side.GUEST, reason="")
    assert said(moved) == said(off) == NOBODY_SAID


def test_the_database_itself_wants_to_know_who_said_so() -> None:
    booking = booked(event_type())
    with pytest.raises(IntegrityError), transaction():
        booking.attendance = Attendance.NO_SHOW


def test_outsiders_colleagues_and_readers_say_nothing(client: FlaskClient) -> None:
    owner = member()
    booking = ago(event_type(of=owner), minutes=60)
    url, sent = f"/api/v1/bookings/{booking.id}/attendance", {"attendance": "no_show"}
    refused(client.post(url, json=sent), 401, "unauthenticated")
    refused(client.post(url, json=sent, headers=bearer(owner, Scope.BOOKINGS_READ)), 403, "insufficient_scope")
    for stranger in (member(), member(of=owner.organization, role=Role.MEMBER)):
        refused(client.post(url, json=sent, headers=bearer(stranger)), 404, "not_found")
    refused(client.get(url, headers=bearer(owner)), 405, "method_not_allowed")
    for wrong in ({}, {"attendance": "late"}, {"attendance": None}, {"attendance": 1}):
        refused(client.post(url, json=wrong, headers=bearer(owner)), 422, "invalid", "attendance")
    assert said(booking) == NOBODY_SAID


def test_hosts_say_it_on_the_page_and_find_their_no_shows(app: Flask) -> None:
    host = member()
    kind = event_type(of=host)
    booking, other = ago(kind, minutes=60), ago(kind, minutes=120)
    visitor = Visitor(app).sign_in(host)
    address = f"/app/bookings/{booking.id}"
    forms = {dict(form.fields).get("attendance"): form for form in visitor.open(address).forms}
    words = visitor.follow(visitor.send(forms["no_show"])).words
    assert f"{booking.guest_name} did not come." in words
    assert "Noted by the host" in words
    listed = visitor.open("/app/bookings?when=no_show").words
    assert booking.guest_name in listed
    assert other.guest_name not in listed
    assert visitor.send(forms["no_show"], {"attendance": "late"}, status=422)
    outsider = Visitor(app).sign_in(member())
    form = outsider.open("/app/event-types/new").form()
    form.action = f"{address}/attendance"
    outsider.send(form, {"attendance": "attended"}, status=404)
    assert said(booking) == (Attendance.NO_SHOW, Witness.HOST)


def test_a_booking_that_has_yet_to_begin_asks_nothing(app: Flask) -> None:
    host = member()
    booking = booked(event_type(of=host))
    assert "Attendance" not in Visitor(app).sign_in(host).open(f"/app/bookings/{booking.id}").words


def test_an_event_type_asks_for_check_in_when_its_host_says_so(app: Flask) -> None:
    host = member()
    visitor, kind = Visitor(app).sign_in(host), event_type(of=host)
    form = visitor.open(f"/app/event-types/{kind.id}").form()
    visitor.send(form, {"expects_check_in": "y"})
    session().refresh(kind)
    assert kind.expects_check_in
    assert ("expects_check_in", "y") in visitor.open(f"/app/event-types/{kind.id}").form().fields
