"""Guests bring others along, who get the invitation and hear of changes."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import func, select

from jobs import attendees as jobs
from tests.conftest import Servers
from tests.factories import event_type, member
from tests.notifications import samples
from tests.notifications.test_mails_about_bookings import EVIL, Reader
from tests.notifications.test_mails_to_a_team import work
from tests.scheduling.helpers import GUEST, address, at, bearer, body, booked, in_days, refused, slots, token_of
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.scheduling import attendee_messages
from webapp.scheduling.models import Booking, BookingAttendee, EventKind, Meeting, Side
from webapp.scheduling.service import attendees
from webapp.scheduling.service.booking import book, cancel, manage_token, reschedule

BEN, CLEO, DAN = "ben@example.com", "cleo@example.org", "dan@example.net"

pytestmark = pytest.mark.usefixtures("app")


def accompanied(*emails: str, **changes: Any) -> Booking:
    kind = event_type(most_attendees=3, **changes)
    with transaction():
        return book(event_type=kind, start=at(10), guest=GUEST, answers={}, attendees=emails)


def path(booking: Booking, ending: str = "") -> str:
    return f"/api/v1/public/bookings/{manage_token(booking)}/attendees{ending}"


def to(servers: Servers, email: str) -> list[EmailMessage]:
    return [
        message
        for message in servers.smtp.messages
        if email in [address.addr_spec for address in message["To"].addresses]
    ]


def everything(message: EmailMessage) -> str:
    """All that can be read of a mail, its calendar included, without folds."""
    parts = [part.get_content() for part in message.walk() if not part.is_multipart()]
    return "\n".join(part.decode() if isinstance(part, bytes) else part for part in parts).replace("\r\n ", "")


def meeting_in(message: EmailMessage) -> Any:
    [part] = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    calendar = Calendar.from_ical(part.get_content())
    return str(calendar["METHOD"]), calendar.events[0]


def test_whoever_is_named_hears_of_the_booking_its_move_and_its_end(servers: Servers) -> None:
    questions = [{"key": "topic", "label": "Topic?", "required": False, "long": False}]
    kind = event_type(most_attendees=2, questions=questions)
    with transaction():
        booking = book(event_type=kind, start=at(10), guest=GUEST, answers={"topic": "A secret"}, attendees=[BEN, CLEO])
    work()
    with transaction():
        reschedule(booking=booking, start=at(14))
    work()
    with transaction():
        cancel(booking=booking, by=Side.GUEST, reason="Ada is ill")
    work()
    for email in (BEN, CLEO):
        told = [meeting_in(message) for message in to(servers, email)]
        assert [method for method, _ in told] == ["REQUEST", "REQUEST", "CANCEL"]
        assert [event["SEQUENCE"] for _, event in told] == [0, 1, 2]
        assert [event.start for _, event in told] == [at(10), at(14), at(14)]
        assert len({event["UID"] for _, event in told}) == 1
        for message in to(servers, email):
            words = everything(message)
            assert all(secret not in words for secret in ("/manage/", manage_token(booking), "A secret", "Ada is ill"))
            assert GUEST.name in words
    _, shown = meeting_in(to(servers, GUEST.email)[0])
    assert {str(person) for person in shown["ATTENDEE"]} == {
        f"mailto:{email}" for email in (GUEST.email, BEN, CLEO, kind.host.email)
    }
    assert "Also invited" in everything(to(servers, GUEST.email)[0])
    assert "Brings along" in everything(to(servers, kind.host.email)[0])


def test_a_job_that_runs_again_invites_nobody_twice(servers: Servers) -> None:
    booking = accompanied(BEN)
    for _ in range(2):
        jobs.send_invitation_to_attendee(booking.id, booking.attendees[0].id)
    work()
    assert len(to(servers, BEN)) == 1


def test_guests_invite_others_later_and_take_them_off_again(client: FlaskClient, servers: Servers) -> None:
    booking = accompanied(BEN)
    work()
    answer = client.post(path(booking), json={"attendees": [CLEO]})
    assert answer.status_code == 200, answer.text
    shown = answer.get_json()["attendees"]
    assert [one["email"] for one in shown] == [BEN, CLEO]
    work()
    assert (len(to(servers, BEN)), len(to(servers, CLEO))) == (1, 1)
    gone = client.delete(path(booking, f"/{shown[0]['id']}"))
    assert [one["email"] for one in gone.get_json()["attendees"]] == [CLEO]
    refused(client.delete(path(booking, f"/{shown[0]['id']}")), 404, "not_found")
    work()
    method, event = meeting_in(to(servers, BEN)[-1])
    assert (method, event["STATUS"]) == ("CANCEL", "CANCELLED")
    assert f"mailto:{BEN}" in {str(person) for person in event["ATTENDEE"]}
    with transaction():
        reschedule(booking=booking, start=at(14))
    work()
    assert (len(to(servers, BEN)), len(to(servers, CLEO))) == (2, 2)
    client.post(path(booking), json={"attendees": [BEN]})
    work()
    assert len(to(servers, BEN)) == 3


def test_whoever_cannot_be_invited_is_named_by_place(client: FlaskClient) -> None:
    kind = event_type(most_attendees=2)
    host = kind.host.email
    for sent, fields in (
        (["nonsense"], ["attendees.0"]),
        ([BEN, "x@"], ["attendees.1"]),
        ([BEN, "Ben@Example.com"], ["attendees.1"]),
        ([GUEST.email], ["attendees.0"]),
        ([host], ["attendees.0"]),
        ([BEN, CLEO, DAN], ["attendees"]),
        ([f"p{number}@example.com" for number in range(21)], ["attendees"]),
        ([5], ["attendees.0"]),
        ("ben@example.com", ["attendees"]),
    ):
        answer = client.post(f"{address(kind)}/bookings", json=body(at(10), attendees=sent))
        refused(answer, 422, "invalid", *fields)
    refused(
        client.post(f"{address(event_type())}/bookings", json=body(at(10), attendees=[BEN])),
        *(422, "invalid", "attendees"),
    )
    created = client.post(f"{address(kind)}/bookings", json=body(at(10), attendees=[BEN]))
    managed = f"/api/v1/public/bookings/{token_of(created)}/attendees"
    refused(client.post(managed, json={"attendees": [BEN]}), 422, "invalid", "attendees.0")
    refused(client.post(managed, json={"attendees": [CLEO, DAN]}), 422, "invalid", "attendees")
    refused(client.post(managed, json={}), 422, "invalid", "attendees")
    refused(client.get(managed), 405, "method_not_allowed")
    refused(client.post("/api/v1/public/bookings/nonsense/attendees", json={"attendees": []}), 404, "not_found")


def test_nothing_changes_once_it_is_cancelled_or_somebody_elses(client: FlaskClient) -> None:
    booking, other = accompanied(BEN), accompanied(CLEO)
    foreign = path(booking, f"/{other.attendees[0].id}")
    refused(client.delete(foreign), 404, "not_found")
    with transaction():
        cancel(booking=booking, by=Side.HOST, reason="")
    refused(client.post(path(booking), json={"attendees": [DAN]}), 409, "already_cancelled")
    refused(client.delete(path(booking, f"/{booking.attendees[0].id}")), 409, "already_cancelled")


def test_nobody_sends_mail_to_the_world_through_one_booking(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendees, "MOST_EVER", 2)
    booking = accompanied(BEN)
    client.delete(path(booking, f"/{booking.attendees[0].id}"))
    assert client.post(path(booking), json={"attendees": [CLEO]}).status_code == 200
    refused(client.post(path(booking), json={"attendees": [DAN]}), 422, "invalid", "attendees")


def test_attendees_take_no_seats_and_count_for_no_limit(client: FlaskClient) -> None:
    kind = event_type(kind=EventKind.GROUP, seats=2, most_attendees=5, limit_per_day=1)
    with transaction():
        book(event_type=kind, start=at(10), guest=GUEST, answers={}, attendees=[BEN, CLEO, DAN])
    assert session().scalar(select(Meeting.seats_taken)) == 1
    assert at(10).isoformat() in slots(client, kind, in_days(2))
    booked(kind, at(10))
    assert session().scalar(select(func.count(BookingAttendee.id))) == 3


def test_a_guest_names_others_in_the_form_and_on_the_page(app: Flask) -> None:
    kind = event_type(most_attendees=2)
    guest = Visitor(app)
    start = at(10).strftime("%Y-%m-%dT%H:%M:%S%z")
    form = guest.open(f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start.replace('+', '%2B')}").form()
    typed = {"name": "Ada", "email": "ada@example.com"}
    wrong = guest.send(form, typed | {"attendees": "ben@example.com, nobody"}, status=422)
    assert "“nobody” is not an e-mail address" in wrong.words
    assert "takes part already" in guest.send(form, typed | {"attendees": "ada@example.com"}, status=422).words
    shown = guest.follow(guest.send(form, typed | {"attendees": "ben@example.com\ncleo@example.org"}))
    assert BEN in shown.words
    page = guest.open(shown.link("Change who is invited"))
    assert "No more people can be invited" in page.words
    page = guest.follow(guest.send(page.form("/remove")))
    assert CLEO not in page.words
    assert "takes part already" in guest.send(page.form("/attendees"), {"attendees": BEN}, status=422).words
    assert DAN in guest.follow(guest.send(page.form("/attendees"), {"attendees": DAN})).words


def test_a_form_that_offers_it_to_nobody_does_not_ask(app: Flask) -> None:
    booking = booked(event_type())
    guest = Visitor(app)
    assert "Invite others" not in guest.open(f"/manage/{manage_token(booking)}").words


def test_hosts_see_who_comes_along(app: Flask, client: FlaskClient) -> None:
    host = member()
    booking = accompanied(BEN, of=host)
    assert BEN in Visitor(app).sign_in(host).open(f"/app/bookings/{booking.id}").words
    shown = client.get(f"/api/v1/bookings/{booking.id}", headers=bearer(host)).get_json()
    assert shown["attendees"] == [BEN]


def test_what_people_typed_is_never_markup_in_any_mail_to_an_attendee() -> None:
    booking = samples.booking(
        guest_name=f"Guest {EVIL}", host={"name": f"Host {EVIL}"}, event={"name": f"Event {EVIL}"}
    )
    attendee = BookingAttendee(email=BEN)
    booking.named = [attendee]
    mails = [
        attendee_messages.invitation_to_attendee(booking, attendee),
        attendee_messages.rescheduled_to_attendee(booking, attendee, samples.EARLIER),
        attendee_messages.cancelled_to_attendee(booking, attendee),
        attendee_messages.removed_to_attendee(booking, attendee),
    ]
    assert len({mail.idempotency_key for mail in mails}) == len(mails)
    for mail in mails:
        html = Reader(mail.html)
        assert "script" not in html.tags
        for text in (html.text, mail.text):
            assert all(text.count(f"{who} {EVIL}") >= 1 for who in ("Guest", "Host", "Event")), mail.template
            assert BEN in text
