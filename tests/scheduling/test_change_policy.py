"""Until when guests may cancel and move a booking, in the host's terms; hosts always may."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member
from tests.scheduling.helpers import GUEST, at, bearer, booked, refused
from tests.scheduling.pages import Visitor
from tests.scheduling.test_edit_event_types import DETAILS
from webapp.core.db import session, transaction
from webapp.core.validation import InvalidInput
from webapp.scheduling.models import Booking, BookingStatus, EventType, Frequency, Side
from webapp.scheduling.service.approval import approve
from webapp.scheduling.service.booking import cancel, manage_token, reschedule
from webapp.scheduling.service.event_types import update_event_type
from webapp.scheduling.service.impact import Answer, answer_misfit
from webapp.scheduling.service.series import Recurrence, book_series

DAY = 1440


def managed(client: FlaskClient, path: str) -> tuple[bool, bool, bool]:
    shown = client.get(path).get_json()
    return shown["can_change"], shown["can_cancel"], shown["can_reschedule"]


@pytest.mark.parametrize(
    ("notice", "moment", "allowed"),
    [
        (0, at(9, 59), True),
        (DAY, at(10, days=1), True),
        (DAY, at(10, days=1) + timedelta(seconds=1), False),
        (None, at(10, days=0), False),
    ],
)
def test_a_guest_changes_a_booking_up_to_the_minute_that_the_host_allows(
    client: FlaskClient, notice: int | None, moment: datetime, allowed: bool
) -> None:
    kind = event_type(cancel_notice=notice, reschedule_notice=notice)
    path = f"/api/v1/public/bookings/{manage_token(booked(kind, at(10)))}"
    with time_machine.travel(moment, tick=False):
        assert managed(client, path) == (True, allowed, allowed)
        move = client.post(f"{path}/reschedule", json={"start": at(14).isoformat()})
        if allowed:
            assert move.status_code == 200, move.text
            assert client.post(f"{path}/cancel").status_code == 200
        else:
            refused(move, 409, "too_late_to_move")
            refused(client.post(f"{path}/cancel"), 409, "too_late_to_cancel")


def test_cancelling_and_moving_each_have_their_own_time(client: FlaskClient) -> None:
    kind = event_type(cancel_notice=None, reschedule_notice=0)
    path = f"/api/v1/public/bookings/{manage_token(booked(kind, at(10)))}"
    assert managed(client, path) == (True, False, True)
    refused(client.post(f"{path}/cancel"), 409, "too_late_to_cancel")
    assert client.post(f"{path}/reschedule", json={"start": at(14).isoformat()}).status_code == 200


def test_hosts_are_not_bound_by_it(client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host, cancel_notice=None, reschedule_notice=None), at(10))
    with transaction():
        reschedule(booking=booking, start=at(14), by=Side.HOST)
    assert client.post(f"/api/v1/bookings/{booking.id}/cancel", headers=bearer(host)).status_code == 200


def test_a_request_binds_nobody_before_it_is_approved(app: Flask) -> None:
    kind = event_type(requires_approval=True, cancel_notice=None, reschedule_notice=None)
    withdrawn, booking = booked(kind, at(10)), booked(kind, at(11))
    with transaction():
        cancel(booking=withdrawn, by=Side.GUEST, reason="")
    with transaction():
        reschedule(booking=booking, start=at(12))
        approve(booking=booking)
    guest, address = Visitor(app), f"/manage/{manage_token(booking)}"
    assert "cannot be moved or cancelled online" in guest.open(address).words


@pytest.mark.parametrize("notice", [None, 365 * DAY])
def test_who_moves_an_approved_booking_is_bound_by_it_as_before(
    app: Flask, client: FlaskClient, notice: int | None
) -> None:
    booking = booked(event_type(requires_approval=True, cancel_notice=notice, reschedule_notice=DAY), at(10))
    with transaction():
        approve(booking=booking)
    path = f"/api/v1/public/bookings/{manage_token(booking)}"
    refused(client.post(f"{path}/cancel"), 409, "too_late_to_cancel")
    moved = client.post(f"{path}/reschedule", json={"start": at(14).isoformat()})
    assert moved.get_json()["status"] == "pending"
    assert managed(client, path) == (True, False, True)
    refused(client.post(f"{path}/cancel"), 409, "too_late_to_cancel")
    page = Visitor(app).open(f"/manage/{manage_token(booking)}")
    assert "Withdraw it" not in page.words
    assert "cannot be cancelled online" in page.words
    with time_machine.travel(at(15, days=1), tick=False):
        assert managed(client, path) == (True, False, False)
        refused(client.post(f"{path}/reschedule", json={"start": at(10).isoformat()}), 409, "too_late_to_move")


def asked_to_move(kind: EventType) -> Booking:
    booking = booked(kind, at(10))
    with transaction():
        answer_misfit(booking=booking, start=booking.starts_at, answer=Answer.MOVE)
    return booking


def test_who_was_asked_to_move_and_may_stay_after_all_is_not_told_otherwise(app: Flask) -> None:
    booking = asked_to_move(event_type(reschedule_notice=None))
    page, words = f"/manage/{manage_token(booking)}", "cannot make this time after all"
    assert words in Visitor(app).open(page).words
    for answer in (Answer.KEEP, Answer.MOVE):
        with transaction():
            answer_misfit(booking=booking, start=booking.starts_at, answer=answer)
        assert (words in Visitor(app).open(page).words) == (answer is Answer.MOVE)


@pytest.mark.parametrize("change", ["reschedule", "cancel"])
def test_who_is_asked_to_move_is_not_bound_until_the_meeting_begins(client: FlaskClient, change: str) -> None:
    booking = asked_to_move(event_type(cancel_notice=None, reschedule_notice=None))
    path, start = f"/api/v1/public/bookings/{manage_token(booking)}", at(14)
    sent = {"start": start.isoformat()} if change == "reschedule" else {}
    with time_machine.travel(at(10), tick=False):
        refused(client.post(f"{path}/{change}", json=sent), 409, "booking_over")
    with time_machine.travel(at(9, 59), tick=False):
        assert managed(client, path) == (True, True, True)
        assert client.post(f"{path}/{change}", json=sent).status_code == 200
    if change == "reschedule":
        assert managed(client, path) == (True, False, False)  # at the time that the guest chose it binds again


def test_the_page_of_who_is_asked_to_move_says_so_and_leads_there(app: Flask) -> None:
    booking = asked_to_move(event_type(cancel_notice=None, reschedule_notice=DAY, policy="Never."))
    guest, address = Visitor(app), f"/manage/{manage_token(booking)}"
    with time_machine.travel(at(9), tick=False):
        page = guest.open(address)
        assert "asks you to choose another one" in page.words
        assert "online any more" not in page.words
        guest.open(page.link("Move it"))
        guest.follow(guest.send(guest.open(page.link("Cancel it")).form("/cancel")))
    session().refresh(booking)
    assert booking.status is BookingStatus.CANCELLED


def test_who_is_asked_to_move_one_of_a_series_cancels_that_one(app: Flask) -> None:
    kind = event_type(cancel_notice=None, series_most=3, horizon_days=90)
    weekly = Recurrence(frequency=Frequency.WEEKLY, count=2)
    with transaction():
        first, second = book_series(event_type=kind, start=at(10), recurrence=weekly, guest=GUEST, answers={})
        answer_misfit(booking=first, start=first.starts_at, answer=Answer.MOVE)
    guest, address = Visitor(app), f"/manage/{manage_token(first)}"
    form = guest.open(f"{address}/cancel").form("/cancel")
    assert "please cancel this one by itself" in guest.follow(guest.send(form, {"rest": "y"})).words
    assert "has been cancelled" in guest.follow(guest.send(form)).words
    session().refresh(second)
    assert second.is_confirmed


def test_the_page_offers_what_is_allowed_and_says_the_rest_in_the_hosts_words(app: Flask) -> None:
    words = "Please call us, we find a way."
    kind = event_type(cancel_notice=None, reschedule_notice=DAY, policy=words)
    public = f"/book/{kind.organization.slug}/{kind.slug}"
    guest, address = Visitor(app), f"/manage/{manage_token(booked(kind, at(10)))}"
    assert words in guest.open(public).words
    page = guest.open(address)
    assert words in page.words
    assert "You can move it until" in page.words
    assert "Cancel it" not in page.words
    guest.open(f"{address}/reschedule")
    assert guest.open(f"{address}/cancel", status=303).answer.headers["Location"] == address
    with time_machine.travel(at(12, days=1)):
        assert "Move it" not in guest.open(address).words
        guest.open(f"{address}/reschedule", status=303)


def test_a_form_that_was_open_for_too_long_leads_back_to_the_booking(app: Flask) -> None:
    kind = event_type(cancel_notice=DAY)
    guest, address = Visitor(app), f"/manage/{manage_token(booked(kind, at(10)))}"
    form = guest.open(f"{address}/cancel").form("/cancel")
    with time_machine.travel(at(12, days=1)):
        assert "cannot be cancelled online" in guest.follow(guest.send(form)).words


def test_a_host_sets_it_on_the_form_of_the_event_type(app: Flask) -> None:
    host = member()
    kind, visitor = event_type(of=host, cancel_notice=90), Visitor(app).sign_in(host)
    page = visitor.open(f"/app/event-types/{kind.id}")
    assert dict(page.form().fields)["cancel_notice"] == "90"
    visitor.send(page.form(), {"cancel_notice": "never", "reschedule_notice": "1440", "policy": " Call us. "})
    session().refresh(kind)
    assert (kind.cancel_notice, kind.reschedule_notice, kind.policy) == (None, DAY, "Call us.")
    again = visitor.open(f"/app/event-types/{kind.id}").form()
    assert dict(again.fields)["cancel_notice"] == "never"
    visitor.send(again, {"cancel_notice": "soon"}, status=422)


@pytest.mark.parametrize(
    "changes", [{"cancel_notice": -1}, {"reschedule_notice": 525_601}, {"policy": "x" * 2001}, {"policy": "a\0b"}]
)
def test_terms_that_make_no_sense_are_named(app: Flask, changes: dict[str, Any]) -> None:
    kind = event_type()
    with pytest.raises(InvalidInput) as caught, transaction():
        update_event_type(event_type=kind, details=replace(DETAILS, **changes))
    assert [fault.field for fault in caught.value.errors] == list(changes)
