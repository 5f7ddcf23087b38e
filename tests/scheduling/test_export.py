"""Bookings as a file for spreadsheets: all of them, row by row, and nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import itertools
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests import factories
from tests.factories import event_type, member
from tests.scheduling.helpers import at, bearer, booked, counted_queries, refused
from tests.scheduling.pages import Visitor
from webapp.core.db import db, transaction
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling import export
from webapp.scheduling.models import EventType, Side
from webapp.scheduling.service.booking import cancel

API = "/api/v1/bookings.csv"


@pytest.fixture
def kind(host: Membership) -> EventType:
    return event_type(of=host)


def rows(answer: TestResponse) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(StringIO(answer.data.decode("utf-8-sig"), newline="")))


def question(key: str, label: str) -> dict[str, Any]:
    return {"key": key, "label": label, "required": False, "long": False}


def test_a_row_says_all_of_a_booking_with_its_times_in_the_members_zone_and_in_utc(
    client: FlaskClient, host: Membership, kind: EventType
) -> None:
    booking = booked(kind, at(10))
    with transaction():
        cancel(booking=booking, by=Side.GUEST, reason='Ill, "very"\nso')
    [row] = rows(client.get(API, headers=bearer(host)))
    assert row["Start (Europe/Berlin)"] == f"{at(10):%Y-%m-%d} 10:00"
    assert row["End (UTC)"] == booking.ends_at.strftime("%Y-%m-%d %H:%M")
    assert (row["Guest"], row["E-mail"], row["Status"]) == ("Ada Lovelace", "ada@example.com", "cancelled")
    assert (row["Cancelled by"], row["Reason"]) == ("guest", 'Ill, "very"\nso')
    assert (row["Event type"], row["Hosts"], row["Minutes"]) == (kind.name, host.user.name, "30")
    assert row["Booking"] == str(booking.id)
    [row] = rows(client.get(f"{API}?timezone=Asia/Seoul", headers=bearer(host)))
    assert "Start (Asia/Seoul)" in row


@pytest.mark.parametrize("begins", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_what_begins_like_a_formula_is_kept_from_being_one(client: FlaskClient, host: Membership, begins: str) -> None:
    evil = f"{begins}HYPERLINK(1)"
    kind = event_type(of=host, name=evil, questions=[question("topic", evil)])
    factories.booking(of=kind, start=at(10), guest_name=evil, answers={"topic": evil})
    text = client.get(API, headers=bearer(host)).data.decode("utf-8-sig")
    cells = [cell for line in csv.reader(StringIO(text, newline="")) for cell in line]
    assert cells.count(f"'{evil}") == 4  # a name, a type, a question, an answer
    assert not [cell for cell in cells if cell.startswith(begins)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_cell_is_a_formula_wherever_a_spreadsheet_parts_the_line(
    client: FlaskClient, host: Membership, delimiter: str
) -> None:
    parts = itertools.product(
        ("", "a", 'a"', '"'), (";", "\t", "\n", "\r\n", ""), ("", " ", '"', ' "'), ("=1+1", "-1", "@A1")
    )
    evils = ["".join(each) for each in parts]
    kind = event_type(of=host, questions=[question(str(number), evil) for number, evil in enumerate(evils)])
    answers = {str(number): evil for number, evil in enumerate(evils)}
    factories.booking(of=kind, start=at(10), guest_name="Ada;=1+1;", answers=answers)
    text = client.get(API, headers=bearer(host)).data.decode("utf-8-sig")
    cells = [cell for line in csv.reader(StringIO(text, newline=""), delimiter=delimiter) for cell in line]
    assert not [cell for cell in cells if cell.lstrip(' "').startswith(("=", "-", "@"))]


def test_a_semicolon_parts_no_text_and_a_line_break_no_row(client: FlaskClient, host: Membership) -> None:
    kind = event_type(of=host, questions=[question("topic", "Topic?")])
    said = 'Tea; no "milk"\n- or coffee - either, +1'
    factories.booking(of=kind, start=at(10), answers={"topic": said})
    answer = client.get(API, headers=bearer(host))
    assert all(
        line.startswith('"') and line.endswith('"') for line in answer.text.removeprefix("\ufeff").split("\r\n")[:-1]
    )
    [row] = rows(answer)
    assert row["Topic?"] == said.replace("\n-", "\n'-")


def test_each_question_has_a_column_also_one_that_is_no_longer_asked(client: FlaskClient, host: Membership) -> None:
    first = event_type(of=host, questions=[question("topic", "Topic?"), question("size", "Size?")])
    second = event_type(of=host, questions=[question("topic", "Topic?"), question("size-2", "Size?")])
    factories.booking(of=first, start=at(10), answers={"topic": "A", "size": "1", "gone": "x"})
    factories.booking(of=second, start=at(12), answers={"topic": "B", "size-2": "2"})
    one, two = rows(client.get(f"{API}?when=upcoming", headers=bearer(host)))
    assert list(one)[-4:] == ["Topic?", "Size? (size)", "gone", "Size? (size-2)"]
    assert list(one.values())[-4:] == ["A", "1", "x", ""]
    assert list(two.values())[-4:] == ["B", "", "", "2"]


def test_batch_by_batch_every_booking_comes_once_for_a_fixed_number_of_queries(
    client: FlaskClient, host: Membership, kind: EventType, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = bearer(host)
    made = factories.bookings(of=kind, starts=[at(9) + timedelta(hours=number) for number in range(11)])
    ids = [str(booking.id) for booking in made]
    client.get("/api/v1/bookings", headers=headers)  # the use of a token is noted once a minute

    def cost(when: str, *, batch: int) -> int:
        monkeypatch.setattr(export, "BATCH", batch)
        db.session.remove()
        with counted_queries() as statements:
            found = rows(client.get(f"{API}?when={when}", headers=headers))
        assert [row["Booking"] for row in found] == {"upcoming": ids, "all": ids[::-1], "past": []}[when]
        return len(statements)

    in_one, in_two, in_three = (cost("upcoming", batch=batch) for batch in (11, 6, 4))
    assert in_three - in_two == in_two - in_one == 3
    assert cost("all", batch=4) == in_three
    assert cost("past", batch=4) < in_one < 10


def test_it_is_sent_while_it_is_written(
    client: FlaskClient, host: Membership, kind: EventType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 2)
    factories.bookings(of=kind, starts=[at(9) + timedelta(hours=number) for number in range(6)])
    answer = client.get(API, headers=bearer(host), buffered=False)
    pieces = answer.iter_encoded()
    next(pieces)
    with counted_queries() as statements:
        next(pieces)
    assert 0 < len([statement for statement in statements if "LIMIT" in statement]) <= 1
    answer.close()


def test_members_export_what_they_may_see(client: FlaskClient, host: Membership, kind: EventType) -> None:
    booked(kind, at(10))
    worker = member(of=host.organization, role=Role.MEMBER)
    own = booked(event_type(of=worker), at(11))
    assert len(rows(client.get(API, headers=bearer(host)))) == 2
    assert [row["Booking"] for row in rows(client.get(API, headers=bearer(worker)))] == [str(own.id)]
    assert rows(client.get(API, headers=bearer(member()))) == []


def test_a_token_with_the_right_scope_and_a_question_that_makes_sense_are_needed(
    client: FlaskClient, host: Membership
) -> None:
    refused(client.get(API), 401, "unauthenticated")
    refused(client.get(API, headers=bearer(host, Scope.BOOKINGS_WRITE)), 403, "insufficient_scope")
    refused(client.post(API, headers=bearer(host)), 405, "method_not_allowed")
    refused(client.get(f"{API}?when=someday", headers=bearer(host)), 422, "invalid", "when")
    refused(client.get(f"{API}?timezone=Mars", headers=bearer(host)), 422, "invalid", "timezone")


def test_the_list_exports_what_it_shows(app: Flask, host: Membership, kind: EventType) -> None:
    factories.booking(of=kind, start=at(10), guest_name="Mara Okafor")
    factories.booking(of=kind, start=at(12), guest_name="Tom Brandt")
    colleague = member(of=host.organization)
    factories.booking(of=event_type(of=colleague), start=at(10), guest_name="Mara Foreign")
    visitor = Visitor(app).sign_in(host)
    page = visitor.open("/app/bookings?q=Mara")
    answer = visitor.client.get(page.link("Export as CSV"), buffered=True)
    assert [row["Guest"] for row in rows(answer)] == ["Mara Okafor"]
    assert "attachment" in answer.headers["Content-Disposition"]
    both = visitor.client.get("/app/bookings.csv?q=Mara&host=all", buffered=True)
    assert {row["Guest"] for row in rows(both)} == {"Mara Okafor", "Mara Foreign"}
    worker = Visitor(app).sign_in(member(of=host.organization, role=Role.MEMBER))
    assert rows(worker.client.get("/app/bookings.csv?host=all", buffered=True)) == []
    assert "/sign-in" in Visitor(app).open("/app/bookings.csv", status=303).answer.headers["Location"]
