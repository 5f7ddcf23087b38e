"""The form and the time that it keeps: what the script asks for, what is shown again, and what a GET leaves alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.factories import event_type
from tests.scheduling.helpers import at, booked, in_days, slots, until_somebody_waits
from tests.scheduling.pages import Form, Page, Visitor
from webapp.core.db import session, transaction
from webapp.scheduling.models import Booking, EventType, Hold
from webapp.scheduling.service.holds import hold_time
from webapp.scheduling.views.picker import start_value

WHO = {"name": "Mara Okafor", "email": "mara@example.org"}


@pytest.fixture
def kind(app: Flask) -> EventType:
    return event_type()


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


def open_form(visitor: Visitor, kind: EventType, hour: int = 10) -> Page:
    path = f"/book/{kind.organization.slug}/{kind.slug}/confirm"
    return visitor.open(f"{path}?start={start_value(at(hour))}&timezone=Europe/Berlin")


def script(visitor: Visitor, form: Form, ending: str = "hold", **changes: str) -> Any:
    """What the form's script sends."""
    sent = {name: value for name, value in form.fields if name in {"csrf_token", "hold", "start"}} | changes
    return visitor.client.post(form.action.removesuffix("confirm") + ending, data=sent)


def holds() -> int | None:
    return session().scalar(select(func.count()).select_from(Hold))


def test_looking_at_the_form_holds_nothing(visitor: Visitor, kind: EventType) -> None:
    open_form(visitor, kind)
    assert holds() == 0


def test_the_script_keeps_the_time_and_the_form_books_it(app: Flask, visitor: Visitor, kind: EventType) -> None:
    form = open_form(visitor, kind).form("/confirm")
    answer = script(visitor, form)
    assert (answer.status_code, answer.get_json()) == (201, {"seconds": pytest.approx(300, abs=10)})
    assert at(10).isoformat() not in slots(app.test_client(), kind, in_days(2))
    visitor.send(form, WHO)
    assert session().scalars(select(Booking.starts_at)).all() == [at(10)]
    assert holds() == 0


def test_who_sends_the_form_in_the_moment_its_time_is_kept_books_it(visitor: Visitor, kind: EventType) -> None:
    form = open_form(visitor, kind).form("/confirm")
    with ThreadPoolExecutor() as pool:
        with transaction():
            hold_time(event_type=kind, start=at(10), token=dict(form.fields)["hold"], holder="the script")
            sent = pool.submit(visitor.send, form, WHO)
            until_somebody_waits()
        sent.result(20)
    assert session().scalars(select(Booking.starts_at)).all() == [at(10)]
    assert holds() == 0


def test_a_form_shown_again_for_a_mistake_keeps_its_time(visitor: Visitor, kind: EventType) -> None:
    form = open_form(visitor, kind).form("/confirm")
    script(visitor, form)
    again = visitor.send(form, WHO | {"email": "mara"}, status=422).form("/confirm")
    assert dict(again.fields)["hold"] == dict(form.fields)["hold"]
    assert script(visitor, again).status_code == 201
    visitor.send(again, WHO)
    assert holds() == 0


def test_a_form_loaded_anew_does_not_find_its_own_time_taken(visitor: Visitor, kind: EventType) -> None:
    first = open_form(visitor, kind).form("/confirm")
    script(visitor, first)
    second = open_form(visitor, kind).form("/confirm")
    assert script(visitor, second).status_code == 201
    assert script(visitor, first, "hold/leave").status_code == 204  # the first page's farewell, which came late
    assert holds() == 1
    visitor.send(second, WHO)


def test_who_leaves_the_form_lets_the_time_go(app: Flask, visitor: Visitor, kind: EventType) -> None:
    form = open_form(visitor, kind).form("/confirm")
    script(visitor, form)
    assert script(visitor, form, "hold/leave").status_code == 204
    assert at(10).isoformat() in slots(app.test_client(), kind, in_days(2))


def test_what_was_taken_meanwhile_is_refused_with_other_times_and_keeps_what_was_typed(
    app: Flask, visitor: Visitor, kind: EventType
) -> None:
    form = open_form(visitor, kind).form("/confirm")
    booked(kind, at(10))
    assert script(visitor, form).status_code == 409
    page = visitor.send(form, WHO, status=409)
    assert "just been taken" in page.words
    again = page.form("/confirm")
    assert dict(again.fields)["name"] == "Mara Okafor"
    visitor.send(again, {"start": start_value(at(10, 30))})


def test_another_browser_s_hold_is_in_the_way(app: Flask, visitor: Visitor, kind: EventType) -> None:
    script(visitor, open_form(visitor, kind).form("/confirm"))
    other = Visitor(app)
    path = f"/book/{kind.organization.slug}/{kind.slug}/confirm"
    page = other.open(f"{path}?start={start_value(at(10))}", status=409)
    assert "just been taken" in page.words


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"start": "ten"}, 400), ({"hold": "short"}, 400), ({"start": "2020-01-01T10:00Z"}, 422)],
)
def test_what_makes_no_sense_is_refused(
    visitor: Visitor, kind: EventType, changes: dict[str, str], status: int
) -> None:
    form = open_form(visitor, kind).form("/confirm")
    assert script(visitor, form, **changes).status_code == status
    assert holds() == 0


def test_in_a_frame_on_another_site_the_time_is_kept_without_a_cookie(app: Flask, kind: EventType) -> None:
    visitor, other = Visitor(app), Visitor(app)
    path = f"/embed/{kind.organization.slug}/{kind.slug}/confirm"
    form = visitor.open(f"{path}?start={start_value(at(10))}&timezone=Europe/Berlin").form("/confirm")
    assert script(other, form).status_code == 201  # a request that brings no cookie
    assert holds() == 1
    other.send(form, WHO)
    assert session().scalars(select(Booking.starts_at)).all() == [at(10)]


def test_it_takes_a_post(visitor: Visitor, kind: EventType) -> None:
    for path in ("hold", "hold/leave"):
        visitor.open(f"/book/{kind.organization.slug}/{kind.slug}/{path}", status=405)
    form = open_form(visitor, kind).form("/confirm")
    form.action = "/book/nowhere/talk/confirm"
    assert script(visitor, form).status_code == 404
