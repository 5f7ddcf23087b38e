"""What may be sent is what the description says: the greatest is taken, and one more is refused in plain words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import address, at, bearer, body, in_days, refused
from webapp.identity.models import Membership, Scope
from webapp.scheduling.models import EventKind
from webapp.scheduling.service.event_types import NUMBERS

KINDS = ((EventKind.ONE_TO_ONE, 1), (EventKind.GROUP, 2))


@pytest.fixture
def host(client: FlaskClient) -> Membership:
    return member()


@pytest.fixture
def program(host: Membership) -> dict[str, str]:
    return bearer(host, *Scope)


def said_of(client: FlaskClient, model: str, field: str) -> dict[str, Any]:
    """What the description says of a field, apart from that it may be null."""
    said: dict[str, Any] = client.get("/api/v1/openapi.json").get_json()["components"]["schemas"][model]["properties"]
    return next((each for each in said[field].get("anyOf", ()) if each["type"] != "null"), said[field])


def told(answer: TestResponse, field: str) -> str:
    refused(answer, 422, "invalid", field)
    message: str = answer.get_json()["errors"][0]["message"]
    return message


@pytest.mark.parametrize("field", NUMBERS)
def test_a_number_of_an_event_type(client: FlaskClient, host: Membership, program: dict[str, str], field: str) -> None:
    said = said_of(client, "EventTypeChanges", field)
    least, most = said["minimum"], said["maximum"]
    of_one, of_many = (event_type(of=host, kind=kind, seats=seats) for kind, seats in KINDS)
    for value in (least, most, least - 1, most + 1, 10**30):
        kind = of_many if field == "seats" and value > 1 else of_one
        answer = client.patch(f"/api/v1/event-types/{kind.id}", json={field: value}, headers=program)
        if least <= value <= most:
            assert answer.status_code == 200, answer.text
        else:
            assert f"between {least} and {most} " in told(answer, field)
    made = said_of(client, "EventTypeIn", field)
    assert (made["minimum"], made["maximum"]) == (least, most)


def test_the_further_lengths_of_an_event_type(client: FlaskClient, host: Membership, program: dict[str, str]) -> None:
    said = said_of(client, "EventTypeIn", "other_durations")
    least, most, many = said["items"]["minimum"], said["items"]["maximum"], said["maxItems"]
    path = f"/api/v1/event-types/{event_type(of=host).id}"
    lengths = [least, most, *range(100, 99 + many)]
    for sent, taken in ((lengths[:many], True), (lengths, False), ([least - 1], False), ([most + 1], False)):
        answer = client.patch(path, json={"other_durations": sent}, headers=program)
        assert answer.status_code == (200 if taken else 422), answer.text
        if not taken:
            assert str(many if len(sent) > 1 else most) in told(answer, "other_durations")


BLOCK = {"timezone": "Europe/Berlin", "first_day": in_days(5).isoformat(), "last_day": in_days(5).isoformat()}
RECURRING = {
    "timezone": "Europe/Berlin",
    "first_day": in_days(5).isoformat(),
    "start": "10:00",
    "end": "11:00",
    "rule": "FREQ=DAILY",
}
CREATING: dict[str, tuple[str, dict[str, Any]]] = {
    "EventTypeIn": ("/api/v1/event-types", {"name": "Talk", "duration": 30}),
    "BlockedTimeIn": ("/api/v1/blocked-times", BLOCK),
    "RecurringBlockIn": ("/api/v1/recurring-blocks", RECURRING),
    "OutOfOfficeIn": ("/api/v1/out-of-office", BLOCK),
    "ScheduleIn": ("/api/v1/schedules", {}),
}


@pytest.mark.parametrize(
    ("model", "field"),
    [
        *(("EventTypeIn", field) for field in ("name", "slug", "description", "policy", "location")),
        ("BlockedTimeIn", "title"),
        ("RecurringBlockIn", "title"),
        ("OutOfOfficeIn", "note"),
        ("ScheduleIn", "name"),
    ],
)
def test_a_text(client: FlaskClient, program: dict[str, str], model: str, field: str) -> None:
    (path, usual), most = CREATING[model], said_of(client, model, field)["maxLength"]
    answer = client.post(path, json=usual | {field: "x" * most}, headers=program)
    assert answer.status_code == 201, answer.text
    answer = client.post(path, json=usual | {field: "x" * (most + 1)}, headers=program)
    assert f"to {most} " in told(answer, field).replace("at most", "to")


def test_a_rule_and_the_days_that_are_left_out(client: FlaskClient, program: dict[str, str]) -> None:
    path, most = "/api/v1/recurring-blocks", said_of(client, "RecurringBlockIn", "except_days")["maxItems"]
    days = [(in_days(5) + timedelta(days=number)).isoformat() for number in range(most + 1)]
    taken = client.post(path, json=RECURRING | {"except_days": days[1:]}, headers=program)
    assert taken.status_code == 201, taken.text
    refusal = told(client.post(path, json=RECURRING | {"except_days": days}, headers=program), "except_days")
    assert refusal == f"At most {most} days can be left out."
    longest = said_of(client, "RecurringBlockIn", "rule")["maxLength"]
    rule = "FREQ=DAILY;INTERVAL=1".ljust(longest + 1, "1")
    assert f"at most {longest} characters" in told(
        client.post(path, json=RECURRING | {"rule": rule}, headers=program), "rule"
    )


def test_the_holidays_that_are_worked(client: FlaskClient, host: Membership, program: dict[str, str]) -> None:
    said, path = said_of(client, "HolidaysIn", "worked"), f"/api/v1/schedules/{schedule(of=host).id}/holidays"
    most, longest = said["maxItems"], said["items"]["maxLength"]
    for worked, taken in (
        (["x" * longest] * most, True),
        (["x" * (longest + 1)], False),
        (["x"] * (most + 1), False),
    ):
        answer = client.put(path, json={"country": "DE", "worked": worked}, headers=program)
        assert answer.status_code == (200 if taken else 422), answer.text


def test_a_question(client: FlaskClient, host: Membership, program: dict[str, str]) -> None:
    path = f"/api/v1/event-types/{event_type(of=host).id}"
    label, key = (said_of(client, "QuestionIn", field)["maxLength"] for field in ("label", "key"))
    option = said_of(client, "QuestionIn", "options")["items"]["maxLength"]
    longest = {"label": "x" * label, "key": "y" * key, "kind": "single_choice", "options": ["a" * option, "b" * option]}
    assert client.patch(path, json={"questions": [longest]}, headers=program).status_code == 200
    for field, value, most in (
        ("label", "x" * (label + 1), label),
        ("key", "y" * (key + 1), key),
        ("options", ["a" * (option + 1), "b"], option),
    ):
        answer = client.patch(path, json={"questions": [longest | {field: value}]}, headers=program)
        assert told(answer, "questions.0") == f"This is too long; please use at most {most} characters."


def test_an_answer(client: FlaskClient, host: Membership) -> None:
    said = said_of(client, "BookingIn", "answers")
    most = said["additionalProperties"]["anyOf"][0]["maxLength"]
    kind = event_type(of=host, questions=[{"key": "topic", "label": "Topic?", "required": False, "long": True}])
    path = f"{address(kind)}/bookings"
    assert client.post(path, json=body(at(10), answers={"topic": "x" * most})).status_code == 201
    too_long = client.post(path, json=body(at(11), answers={"topic": "x" * (most + 1)}))
    assert f"at most {most} characters" in told(too_long, "answers.topic")
    too_many = {str(number): "x" for number in range(said["maxProperties"] + 1)}
    refused(client.post(path, json=body(at(11), answers=too_many)), 422, "invalid", "answers")
