"""Where a meeting takes place: what hosts choose, what it asks of guests, where it is read; and the colours."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.factories import event_type, member
from tests.scheduling.helpers import address, at, bearer, body, refused
from tests.scheduling.pages import Page, Visitor
from webapp.core.db import session
from webapp.scheduling import messages
from webapp.scheduling.models import Booking, EventColor, EventType, LocationKind
from webapp.scheduling.service.places import checked_location
from webapp.scheduling.views.picker import start_value

PHONE = "+49301234567"


def booking_of(client: FlaskClient, kind: EventType, **invitee: str) -> Booking:
    guest = {"name": "Ada", "email": "ada@example.com"} | invitee
    assert client.post(f"{address(kind)}/bookings", json=body(at(10), invitee=guest)).status_code == 201
    return session().scalars(select(Booking)).one()


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [
        (LocationKind.IN_PERSON, " 12 Quay Street ", "12 Quay Street"),
        (LocationKind.WE_CALL, "whatever stood there", ""),
        (LocationKind.YOU_CALL, "+49 30 1234567", PHONE),
        (LocationKind.LINK, "https://meet.example/ada?x=1", "https://meet.example/ada?x=1"),
        (LocationKind.OTHER, "", ""),
    ],
)
def test_a_place_is_kept_as_its_kind_wants_it(kind: LocationKind, typed: str, kept: str) -> None:
    assert checked_location(kind, typed) == kept


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (LocationKind.IN_PERSON, " "),
        (LocationKind.YOU_CALL, ""),
        (LocationKind.YOU_CALL, "call me"),
        *((LocationKind.LINK, text) for text in ("", "meet.example", "ftp://a.example", "javascript:alert(1)")),
        *((LocationKind.LINK, text) for text in ("https://", "https://a b.example", "https://[1", "http://a:99999")),
        (LocationKind.OTHER, "x" * 256),
    ],
)
def test_a_place_that_is_none_of_its_kind_is_refused(kind: LocationKind, typed: str) -> None:
    with pytest.raises(ValueError, match=r"[Pp]lease"):
        checked_location(kind, typed)


def test_who_is_called_has_to_give_a_number(app: Flask, client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host, location_kind=LocationKind.WE_CALL, location="")
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10))), 422, "invalid", "invitee.phone")
    guest = Visitor(app)
    page = guest.open(f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start_value(at(10))}")
    assert "By phone: we call you" in page.words
    again = guest.send(page.form(), {"name": "Ada", "email": "ada@example.com"}, status=422)
    assert 'href="#phone"' in again.answer.text
    shown = guest.follow(guest.send(again.form(), {"phone": "+49 30 1234567"}))
    assert "By phone: we call you on +49 30 1234567" in shown.words
    (booking,) = session().scalars(select(Booking))
    mine, theirs = messages.confirmation_to_invitee(booking), messages.notification_to_organizer(booking)
    assert "Where: By phone: we call you on +49 30 1234567" in mine.text
    assert "Where: By phone: call Ada on +49 30 1234567" in theirs.text
    assert mine.calendar
    assert "LOCATION:By phone: we call you on +49 30 1234567" in mine.calendar.content
    words = Visitor(app).sign_in(host).open(f"/app/bookings/{booking.id}").words
    assert "By phone: call Ada on +49 30 1234567" in words


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"location_kind": LocationKind.YOU_CALL, "location": PHONE}, "By phone: you call +49 30 1234567"),
        ({"location_kind": LocationKind.LINK, "location": "https://meet.example/a"}, "https://meet.example/a"),
        ({"location_kind": LocationKind.IN_PERSON, "location": "12 Quay Street"}, "12 Quay Street"),
        ({"location": "Room 1"}, "Room 1"),
    ],
)
def test_everybody_reads_where_it_is(app: Flask, client: FlaskClient, changes: dict[str, Any], said: str) -> None:
    kind = event_type(**changes)
    assert said in Visitor(app).open(f"/book/{kind.organization.slug}").words
    mail = messages.confirmation_to_invitee(booking_of(client, kind))
    assert f"Where: {said}" in mail.text
    assert mail.calendar
    assert f"LOCATION:{said}" in mail.calendar.content


def test_a_host_chooses_place_and_colour_and_programs_read_them(app: Flask, client: FlaskClient) -> None:
    host = member()
    visitor = Visitor(app).sign_in(host)
    typed = {"name": "Talk", "location_kind": "link", "location": "meet", "color": "pink"}
    page = visitor.send(visitor.open("/app/event-types/new").form(), typed, status=422)
    assert 'id="location-error"' in page.answer.text
    assert _unfolded(page) == 0
    wrong = visitor.send(page.form(), {"location": "https://meet.example", "slug": "No Slug"}, status=422)
    assert _unfolded(wrong) == 1
    visitor.send(wrong.form(), {"slug": ""})
    assert "dot--pink" in visitor.open("/app/event-types").answer.text
    (made,) = client.get("/api/v1/event-types", headers=bearer(host)).get_json()["items"]
    assert (made["location_kind"], made["location"], made["color"]) == ("link", "https://meet.example", "pink")


def test_every_colour_has_a_token_for_light_and_dark_that_stands_out(app: Flask) -> None:
    with app.open_resource("static/css/tokens.css", "rt") as file:
        light, dark = file.read().split("prefers-color-scheme: dark")
    for css in (light, dark):
        tokens = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css))
        for color in EventColor:
            for ground in ("surface", "sunken"):
                assert _contrast(tokens[f"event-{color}"], tokens[ground]) >= 4.5, (color, ground)


def _unfolded(page: Page) -> int:
    return len(re.findall(r'<details class="fold"\s+open', page.answer.text))


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
