"""Series and links meet what else guests do with a time: keep it while they fill in the form, and wait for it."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.scheduling.helpers import address, at, booked, in_days, refused
from tests.scheduling.pages import Visitor
from tests.scheduling.test_book_series import ask, bookings, repeated, series, weekly
from tests.scheduling.waiting import bookable, cancelled, joined, work
from webapp.core.crypto import new_token
from webapp.core.db import session, transaction
from webapp.scheduling import waitlist_messages
from webapp.scheduling.models import Booking, EventType, Hold, LocationKind, WaitlistEntry, WaitStatus
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.links import create_link, page_url
from webapp.scheduling.service.waitlist import waitlist_token
from webapp.scheduling.views.picker import start_value

QUESTIONS = [
    {"key": "topics", "label": "Topics?", "kind": "multiple_choice", "options": ["Tea", "Milk"], "required": True},
    {"key": "terms", "label": "Agreed?", "kind": "checkbox", "options": [], "required": True},
]
ANSWERS: dict[str, Any] = {"topics": ["Milk"], "terms": True}
BO: dict[str, Any] = {"timezone": "Europe/Berlin", "invitee": {"name": "Bo", "email": "bo@example.com"}}


def once(kind: EventType) -> str:
    with transaction():
        return create_link(event_type=kind, created_by=kind.host_id).token


def hold(client: FlaskClient, kind: EventType, **sent: Any) -> Any:
    return client.post(f"{address(kind)}/holds", json={"start": at(10).isoformat()} | sent)


def wait(client: FlaskClient, kind: EventType, **sent: Any) -> Any:
    return client.post(f"{address(kind)}/waitlist", json={"start": at(10).isoformat()} | BO | sent)


def holds() -> int | None:
    session().rollback()
    return session().scalar(select(func.count()).select_from(Hold))


def only_entry() -> WaitlistEntry:
    session().rollback()
    return session().scalars(select(WaitlistEntry)).one()


def test_the_first_meeting_of_a_series_is_booked_from_its_hold(client: FlaskClient) -> None:
    kind = series()
    token = hold(client, kind).get_json()["token"]
    refused(ask(client, kind, **repeated()), 409, "slot_taken", "start")
    assert ask(client, kind, hold=token, **repeated()).status_code == 201
    assert [booking.starts_at for booking in bookings()] == [weekly(number) for number in range(3)]
    assert holds() == 0


def test_a_refused_series_leaves_its_guest_the_hold(client: FlaskClient) -> None:
    kind = series()
    booked(kind, weekly(1))
    token = hold(client, kind).get_json()["token"]
    answer = ask(client, kind, hold=token, **repeated())
    refused(answer, 409, "occurrences_refused", f"recurrence.{weekly(1).isoformat()}")
    assert holds() == 1


def test_who_waits_is_offered_the_time_of_a_series_that_is_cancelled_together(client: FlaskClient) -> None:
    kind = series(waitlist_enabled=True)
    ask(client, kind, **repeated())
    joined(kind, "Bo", weekly(1))
    first = manage_token(bookings()[0])
    assert client.post(f"/api/v1/public/bookings/{first}/cancel", json={"rest": True}).status_code == 200
    work()
    entry = only_entry()
    assert (entry.status, entry.offered_start) == (WaitStatus.OFFERED, weekly(1))


def test_a_secret_link_keeps_a_time_and_lets_its_guests_wait(client: FlaskClient) -> None:
    kind = bookable(is_secret=True)
    days = {"start": in_days(2).isoformat(), "end": in_days(2).isoformat(), "timezone": "Europe/Berlin"}
    for link in (None, "wrong"):
        refused(hold(client, kind, link=link), 404, "not_found")
        refused(wait(client, kind, link=link), 404, "not_found")
        query = days | ({"link": link} if link else {})
        refused(client.get(f"{address(kind)}/waitlist", query_string=query), 404, "not_found")
    code = kind.secret_code
    token = hold(client, kind, link=code).get_json()["token"]
    assert holds() == 1
    refused(client.delete(f"{address(kind)}/holds/{token}"), 404, "not_found")
    assert client.delete(f"{address(kind)}/holds/{token}", query_string={"link": code}).status_code == 204
    assert holds() == 0
    booked(kind, at(10))
    assert client.get(f"{address(kind)}/waitlist", query_string=days | {"link": code}).get_json()["times"]
    assert wait(client, kind, link=code).status_code == 201


def test_a_link_that_books_once_keeps_a_time_and_lets_nobody_wait(app: Flask, client: FlaskClient) -> None:
    kind = bookable(is_secret=True)
    link, other = once(kind), once(kind)
    token = hold(client, kind, link=link).get_json()["token"]
    assert ask(client, kind, hold=token, link=link).status_code == 201
    refused(hold(client, kind, link=link), 410, "link_used", "link")
    refused(wait(client, kind, link=other), 409, "link_books_only", "link")
    guest, path = Visitor(app), f"/book/{kind.organization.slug}/{kind.slug}"
    day = f"day={in_days(2)}&timezone=Europe/Berlin"
    assert "waitlist" not in guest.open(f"{path}?{day}&link={other}").words
    guest.open(f"{path}/waitlist?start={start_value(at(10))}&link={other}", status=409)


def test_the_pages_carry_the_secret_link_to_the_hold_and_to_the_waitlist(app: Flask) -> None:
    kind, guest = bookable(is_secret=True), Visitor(app)
    booked(kind, at(10))
    page = guest.open(f"{page_url(kind)}&day={in_days(2)}&timezone=Europe/Berlin")
    form = guest.open(next(href for href, _ in page.links if "/confirm" in href))
    take = form.answer.text.partition('data-take="')[2].partition('"')[0].replace("&amp;", "&")
    sent = {name: value for name, value in form.form().fields if name in {"csrf_token", "start"}}
    assert guest.client.post(take, data=sent | {"hold": new_token()}).status_code == 201
    asked = guest.open(next(href for href, _ in page.links if "/waitlist" in href))
    shown = guest.follow(guest.send(asked.form(), {"name": "Bo", "email": "bo@example.com"}))
    assert "You are number 1 in line" in shown.words
    assert kind.secret_code not in shown.answer.text


def test_answers_of_every_kind_are_kept_while_their_guest_waits(app: Flask, client: FlaskClient) -> None:
    kind, guest = bookable(questions=QUESTIONS), Visitor(app)
    ask(client, kind, answers=ANSWERS)
    refused(wait(client, kind, answers={"topics": ["Wine"], "terms": True}), 422, "invalid", "answers.topics")
    assert wait(client, kind, answers=ANSWERS).status_code == 201
    cancelled(bookings()[0])
    work()
    page = guest.open(f"/waitlist/{waitlist_token(only_entry())}")
    guest.send(page.form("/accept"))
    booking = session().scalars(select(Booking).where(Booking.guest_email == "bo@example.com")).one()
    assert booking.answers == ANSWERS


def test_who_is_to_be_called_says_where_on_joining_and_is_not_asked_again(client: FlaskClient) -> None:
    kind = bookable(location_kind=LocationKind.WE_CALL)
    called = BO["invitee"] | {"phone": "+49301234567"}
    assert ask(client, kind, invitee=called).status_code == 201
    refused(wait(client, kind), 422, "invalid", "invitee.phone")
    assert wait(client, kind, invitee=called).status_code == 201
    cancelled(bookings()[0])
    work()
    entry = only_entry()
    assert "By phone: we call you" in waitlist_messages.offer(entry).text
    assert client.post(f"/api/v1/public/waitlist/{waitlist_token(entry)}/accept", json={}).status_code == 201


def test_a_guest_in_line_when_the_host_begins_to_call_can_still_take_the_offer(client: FlaskClient) -> None:
    kind = bookable()
    first, entry = booked(kind, at(10)), joined(kind, "Bo")
    with transaction():
        session().merge(kind).location_kind = LocationKind.WE_CALL
    cancelled(first)
    work()
    assert client.post(f"/api/v1/public/waitlist/{waitlist_token(entry)}/accept", json={}).status_code == 201
