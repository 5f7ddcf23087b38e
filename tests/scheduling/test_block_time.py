"""Hosts keep time free of guests, once or again and again; bookings already made stay."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import BERLIN, address, at, bearer, body, booked, in_days, refused, slots
from tests.scheduling.pages import Visitor
from webapp.core.db import transaction
from webapp.core.validation import InvalidInput
from webapp.identity.models import Membership, Role, Scope
from webapp.scheduling.minutes import minute_of
from webapp.scheduling.models import EventType, RecurringBlock
from webapp.scheduling.queries import get_booking
from webapp.scheduling.service.absences import recurring_spans
from webapp.scheduling.service.blocks import BlockDetails, RecurringDetails, block_recurring, block_time, leave_out

PAGE = "/app/availability/blocks"
ONCE, AGAIN = "/api/v1/blocked-times", "/api/v1/recurring-blocks"
READ, WRITE = Scope.AVAILABILITY_READ, Scope.AVAILABILITY_WRITE


def block(host: Membership, starts: datetime, ends: datetime) -> None:
    with transaction():
        details = BlockDetails(timezone="Europe/Berlin", starts_at=starts, ends_at=ends)
        block_time(organization_id=host.organization_id, host_id=host.user_id, details=details)


def block_daily(host: Membership, start: int, end: int, **changes: Any) -> RecurringBlock:
    values: dict[str, Any] = {
        "timezone": "Europe/Berlin",
        "first_day": in_days(1),
        "start_minute": start,
        "end_minute": end,
        "rule": "FREQ=DAILY",
    } | changes
    with transaction():
        details = RecurringDetails(**values)
        return block_recurring(organization_id=host.organization_id, host_id=host.user_id, details=details)


def bookable(host: Membership, **changes: Any) -> EventType:
    return event_type(of=host, on=schedule(of=host), duration=60, slot_interval=60, **changes)


def test_a_blocked_time_is_offered_to_nobody_and_accepted_from_nobody(client: FlaskClient) -> None:
    host = member()
    kinds = [bookable(host), bookable(host)]
    earlier = booked(kinds[0], at(11))
    block(host, at(10), at(15, 30))
    for kind in kinds:
        assert slots(client, kind, in_days(2)) == [at(9).isoformat(), at(16).isoformat()]
        refused(client.post(f"{address(kind)}/bookings", json=body(at(12))), 409, "slot_taken", "start")
    assert get_booking(host.organization_id, earlier.id).is_confirmed


def test_buffers_are_kept_free_of_a_block(client: FlaskClient) -> None:
    host = member()
    kind = bookable(host, buffer_before=15)
    block(host, at(9), at(10))
    assert slots(client, kind, in_days(2))[0] == at(11).isoformat()


def test_nobody_joins_a_group_in_a_time_that_was_blocked_since(client: FlaskClient) -> None:
    host = member()
    kind = bookable(host, kind="group", seats=3)
    booked(kind, at(10)), booked(kind, at(12))
    block(host, at(10), at(11))
    assert at(10).isoformat() not in slots(client, kind, in_days(2))
    assert at(12).isoformat() in slots(client, kind, in_days(2))
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10))), 409, "slot_taken", "start")


def test_a_block_comes_again_but_on_the_days_left_out(client: FlaskClient) -> None:
    host = member()
    kind = bookable(host)
    lunch = block_daily(host, 9 * 60, 16 * 60, except_days=(in_days(3),))
    assert slots(client, kind, in_days(2)) == [at(16).isoformat()]
    assert len(slots(client, kind, in_days(3))) == 8
    with transaction():
        leave_out(block=lunch, day=in_days(3), left_out=False)
        leave_out(block=lunch, day=in_days(4), left_out=True)
    assert len(slots(client, kind, in_days(3))) == 1
    assert len(slots(client, kind, in_days(4))) == 8
    with pytest.raises(InvalidInput), transaction():
        leave_out(block=lunch, day=in_days(0), left_out=True)


def test_a_block_that_lasts_past_midnight_reaches_into_the_next_day(client: FlaskClient) -> None:
    host = member()
    kind = bookable(host)
    block_daily(host, 22 * 60, 34 * 60, rule="FREQ=DAILY;COUNT=1")  # until 10:00 on the day after
    assert slots(client, kind, in_days(2))[0] == at(10).isoformat()


def test_a_block_that_comes_again_keeps_its_hour_when_the_clocks_change() -> None:
    standup = RecurringBlock(
        timezone="Europe/Berlin", first_day=date(2026, 3, 27), start_minute=540, end_minute=570, rule="FREQ=DAILY",
        except_days=[],
    )  # fmt: skip
    found = list(recurring_spans(standup, first=date(2026, 3, 28), last=date(2026, 3, 29)))
    days = (date(2026, 3, 28), date(2026, 3, 29))
    starts = [minute_of(datetime(day.year, day.month, day.day, 9, tzinfo=BERLIN)) for day in days]
    assert found == [(start, start + 30) for start in starts]
    assert starts[1] - starts[0] == 23 * 60


def test_a_host_blocks_on_the_page_and_takes_it_back(app: Flask) -> None:
    host = member()
    kind = bookable(host)
    visitor = Visitor(app).sign_in(host)
    day = in_days(2).isoformat()
    typed = {"title": "Doctor", "first_day": day, "last_day": day, "start": "09:00", "end": "16:00"}
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/blocks"), typed))
    assert "Doctor" in page.words
    assert slots(visitor.client, kind, in_days(2)) == [at(16).isoformat()]
    form = visitor.open(page.link("Edit")).form()
    visitor.send(form, {"all_day": "y"})
    assert slots(visitor.client, kind, in_days(2)) == []
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/delete")))
    assert "Guests can book you then again" in page.words
    assert len(slots(visitor.client, kind, in_days(2))) == 8


def test_a_host_blocks_again_and_again_on_the_page(app: Flask) -> None:
    host = member()
    kind = bookable(host)
    visitor = Visitor(app).sign_in(host)
    typed = {
        "title": "Lunch",
        "first_day": in_days(1).isoformat(),
        "start": "10:00",
        "end": "17:00",
        "repeats": "DAILY",
    }
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/recurring"), typed))
    assert "Every day" in page.words
    assert slots(visitor.client, kind, in_days(2)) == [at(9).isoformat()]
    out = next(form for form in page.forms if ("day", in_days(2).isoformat()) in form.fields)
    page = visitor.follow(visitor.send(out))
    assert "Left out" in page.words
    assert len(slots(visitor.client, kind, in_days(2))) == 8
    edit = visitor.open(page.link("Edit")).form()
    assert dict(edit.fields)["rule"] == "FREQ=DAILY"
    visitor.send(edit, {"repeats": "own", "rule": "FREQ=DAILY;COUNT=1"})
    assert "FREQ=DAILY;COUNT=1" in visitor.open(PAGE).words
    assert len(slots(visitor.client, kind, in_days(3))) == 8
    visitor.send(visitor.open(PAGE).form("/delete"))
    assert len(slots(visitor.client, kind, in_days(1))) > 0


def test_weekdays_chosen_begin_on_the_first_of_them(app: Flask) -> None:
    visitor = Visitor(app).sign_in(member())
    later = in_days(3)
    code = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[later.weekday()]
    typed = {"first_day": in_days(1).isoformat(), "repeats": "WEEKLY", "weekdays": code, "interval": "2"}
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/recurring"), typed))
    assert f"Every 2 weeks on {later:%a} " in page.words
    assert f'datetime="{later.isoformat()}"' in page.answer.text


@pytest.mark.parametrize(
    ("form", "typed", "words"),
    [
        ("/blocks", {"first_day": ""}, "Please choose a date"),
        ("/blocks", {"start": "17:00", "end": "09:00"}, "The end must come after the start"),
        ("/blocks", {"all_day": "y", "last_day": "2020-01-01"}, "please swap them"),
        ("/blocks", {"timezone": "Mars/Olympus"}, "valid choice"),
        ("/recurring", {"repeats": "own", "rule": "FREQ=HOURLY"}, "FREQ cannot be HOURLY"),
        ("/recurring", {"interval": "0"}, "between 1 and 1000"),
        ("/recurring", {"first_day": "2099-01-01"}, "too far away"),
    ],
)
def test_a_form_that_makes_no_sense_says_so(app: Flask, form: str, typed: dict[str, str], words: str) -> None:
    visitor = Visitor(app).sign_in(member())
    assert words in visitor.send(visitor.open(PAGE).form(form), typed, status=422).words


def test_programs_block_and_unblock(client: FlaskClient) -> None:
    host = member()
    headers = bearer(host, READ, WRITE)
    timed = {"timezone": "Asia/Tokyo", "start": at(10).isoformat(), "end": at(11).isoformat(), "title": "Dentist"}
    made = client.post(ONCE, json=timed, headers=headers | {"Idempotency-Key": "a"})
    assert made.status_code == 201
    assert client.post(ONCE, json=timed, headers=headers | {"Idempotency-Key": "a"}).get_json() == made.get_json()
    one = f"{ONCE}/{made.get_json()['id']}"
    whole = {"timezone": "Asia/Tokyo", "first_day": "2027-02-01", "last_day": "2027-02-03"}
    changed = client.put(one, json=whole, headers=headers).get_json()
    assert (changed["first_day"], changed["last_day"], changed["end"]) == (
        "2027-02-01", "2027-02-03", "2027-02-04T00:00:00+09:00",
    )  # fmt: skip
    assert client.get(one, headers=headers).get_json() == changed
    assert client.get(ONCE, headers=headers).get_json()["items"] == [changed]
    assert client.delete(one, headers=headers).status_code == 200
    refused(client.get(one, headers=headers), 404, "not_found")


def test_programs_block_again_and_again(client: FlaskClient) -> None:
    headers = bearer(member(), READ, WRITE)
    rule = {"timezone": "UTC", "first_day": "2027-02-01", "start": "22:00", "end": "26:00", "rule": "freq=daily"}
    made = client.post(AGAIN, json=rule, headers=headers).get_json()
    assert (made["rule"], made["end"], made["except_days"]) == ("FREQ=DAILY", "26:00", [])
    one = f"{AGAIN}/{made['id']}"
    changed = client.put(one, json=rule | {"except_days": ["2027-02-03", "2027-02-02"]}, headers=headers).get_json()
    assert changed["except_days"] == ["2027-02-02", "2027-02-03"]
    assert client.get(AGAIN, headers=headers).get_json()["items"] == [changed]
    assert client.delete(one, headers=headers).get_json() == changed
    refused(client.get(one, headers=headers), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "changes", "field"),
    [
        (ONCE, {"start": None}, "start"),
        (ONCE, {"end": at(9).isoformat()}, "end"),
        (ONCE, {"end": (at(9) + timedelta(days=1200)).isoformat()}, "end"),
        (ONCE, {"title": "x" * 121}, "title"),
        (ONCE, {"timezone": "Mars/Olympus"}, "timezone"),
        (AGAIN, {"rule": "FREQ=SECONDLY"}, "rule"),
        (AGAIN, {"start": "24:00"}, "end"),
        (AGAIN, {"end": "35:00"}, "end"),
        (AGAIN, {"first_day": "1999-01-01"}, "first_day"),
        (AGAIN, {"except_days": ["soon"]}, "except_days.0"),
    ],
)
def test_what_makes_no_sense_is_refused(client: FlaskClient, path: str, changes: dict[str, Any], field: str) -> None:
    good: dict[str, Any] = {"timezone": "UTC", "start": at(10).isoformat(), "end": at(11).isoformat()}
    if path == AGAIN:
        good |= {"first_day": in_days(1).isoformat(), "start": "09:00", "end": "10:00", "rule": "FREQ=DAILY"}
    refused(client.post(path, json=good | changes, headers=bearer(member(), WRITE)), 422, "invalid", field)


@pytest.mark.parametrize("path", [ONCE, AGAIN])
def test_outsiders_see_no_blocks_and_change_none(client: FlaskClient, path: str) -> None:
    host = member()
    block(host, at(10), at(11))
    block_daily(host, 0, 60)
    ours = client.get(path, headers=bearer(host, READ)).get_json()["items"]
    assert len(ours) == 1
    good = {key: value for key, value in ours[0].items() if value is not None and key not in {"id", "host_id"}}
    for stranger in (member(), member(of=host.organization, role=Role.MEMBER)):
        headers = bearer(stranger, READ, WRITE)
        assert client.get(path, headers=headers).get_json() == {"items": []}
        for call in (
            client.get(f"{path}/{ours[0]['id']}", headers=headers),
            client.put(f"{path}/{ours[0]['id']}", json=good, headers=headers),
            client.delete(f"{path}/{ours[0]['id']}", headers=headers),
        ):
            refused(call, 404, "not_found")
    refused(client.post(path, json=good, headers=bearer(host, READ)), 403, "insufficient_scope")
    assert client.patch(path, headers=bearer(host, WRITE)).status_code == 405


@pytest.mark.parametrize("verb", ["{}", "{}/delete", "recurring/{}", "recurring/{}/delete", "recurring/{}/days"])
def test_pages_of_what_is_not_ones_own_are_not_there(app: Flask, verb: str) -> None:
    visitor = Visitor(app).sign_in(member())
    form = visitor.open(PAGE).form("/blocks")
    form.action = f"{PAGE}/{verb.format(uuid4())}"
    visitor.send(form, status=404)
