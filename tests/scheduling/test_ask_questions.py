"""Questions of every kind: what hosts ask, what guests answer by page and API, and where it is read."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.factories import event_type, member
from tests.scheduling.helpers import address, at, bearer, body, refused
from tests.scheduling.pages import Visitor
from webapp.core.db import session
from webapp.core.validation import InvalidInput
from webapp.scheduling import messages
from webapp.scheduling.models import Booking, EventType, QuestionKind
from webapp.scheduling.service.answers import check_answers
from webapp.scheduling.service.questions import Question
from webapp.scheduling.views.picker import start_value

EVERY_KIND = [
    Question(key="topic", label="What about?"),
    Question(key="story", label="Tell us more", kind=QuestionKind.LONG_TEXT),
    Question(key="size", label="How big?", kind=QuestionKind.SINGLE_CHOICE, required=True, options=["S", "M", "L"]),
    Question(key="days", label="Which days?", kind=QuestionKind.MULTIPLE_CHOICE, options=["Mon, early", "Tue", "Wed"]),
    Question(key="terms", label="I accept the terms", kind=QuestionKind.CHECKBOX, required=True),
    Question(key="desk", label="Front desk", kind=QuestionKind.PHONE),
    Question(key="guests", label="How many?", kind=QuestionKind.NUMBER),
]
ANSWERS = {
    "topic": "Tax",
    "story": "One.\nTwo.",
    "size": "M",
    "days": ["Mon, early", "Wed"],
    "terms": True,
    "desk": "+49301234567",
    "guests": 2.5,
}


def asking() -> EventType:
    return event_type(questions=[question.to_keep() for question in EVERY_KIND])


def only_booking() -> Booking:
    session().rollback()
    return session().scalars(select(Booking).execution_options(populate_existing=True)).one()


def test_a_program_is_told_the_kinds_and_their_options_and_answers_each(client: FlaskClient) -> None:
    kind = asking()
    (shown,) = client.get(f"/api/v1/public/{kind.organization.slug}").get_json()["event_types"]
    assert [(each["key"], each["kind"]) for each in shown["questions"]] == [(q.key, q.kind) for q in EVERY_KIND]
    assert shown["questions"][2]["options"] == ["S", "M", "L"]
    sent = ANSWERS | {"desk": "+49 30 1234567", "days": ["Wed", "Mon, early", "Wed"]}
    made = client.post(f"{address(kind)}/bookings", json=body(at(10), answers=sent))
    assert made.status_code == 201, made.text
    assert only_booking().answers == ANSWERS
    answer = client.get(f"/api/v1/public/bookings/{made.get_json()['manage_url'].rpartition('/')[2]}")
    assert answer.get_json()["answers"] == ANSWERS


def test_a_guest_answers_on_the_page_and_the_host_reads_it_in_page_mail_and_calendar(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, questions=[question.to_keep() for question in EVERY_KIND])
    guest = Visitor(app)
    start = start_value(at(10))
    form = guest.open(f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start}").form()
    typed = {"name": "Mara", "email": "mara@example.org", "answers.size": "XXL", "answers.guests": "many"}
    page = guest.send(form, typed | {"answers.days": "Tue", "answers.desk": "12"}, status=422)
    wrong = {"answers.size", "answers.terms", "answers.guests", "answers.desk"}
    assert {field for field in wrong if f'href="#{field}"' in page.answer.text} == wrong
    assert "Please tick this box to go on." in page.words
    again = page.form()
    assert ("answers.days", "Tue") in again.fields
    assert ("answers.guests", "many") in again.fields
    again.fields += [("answers.days", "Mon, early")]
    fine = {"answers.size": "M", "answers.terms": "y", "answers.guests": "2,5", "answers.desk": "+49 30 1234567"}
    guest.send(again, fine)
    booking = only_booking()
    assert booking.answers == {
        "size": "M",
        "days": ["Mon, early", "Tue"],
        "terms": True,
        "desk": "+49301234567",
        "guests": 2.5,
    }
    mail = messages.notification_to_organizer(booking)
    seen = Visitor(app).sign_in(host).open(f"/app/bookings/{booking.id}").words
    assert mail.calendar
    calendar = mail.calendar.content.replace("\r\n ", "").replace("\\n", "\n").replace("\\,", ",")
    for text in (mail.text.replace("\n  ", "\n"), calendar):
        assert "Which days?\nMon, early\nTue" in text
        assert "I accept the terms\nYes" in text
    assert "Which days? Mon, early Tue I accept the terms Yes" in seen


@pytest.mark.parametrize(
    ("answers", "fields"),
    [
        ({"size": "M", "terms": True, "topic": 5, "story": ["a"]}, ["answers.topic", "answers.story"]),
        ({"size": "XL", "terms": False}, ["answers.size", "answers.terms"]),
        ({"size": ["M"], "terms": "yes"}, ["answers.size", "answers.terms"]),
        ({"size": "M", "terms": 1, "days": ["Thu"]}, ["answers.terms", "answers.days"]),
        ({"size": "M", "terms": True, "days": True, "guests": True}, ["answers.days", "answers.guests"]),
        ({"size": "M", "terms": True, "guests": 10**400, "desk": "12"}, ["answers.guests", "answers.desk"]),
        ({"size": "M", "terms": True, "guests": "twelve", "desk": 12}, ["answers.guests", "answers.desk"]),
        ({"size": "M", "terms": True, "days": ["Tue"] * 51}, ["answers.days"]),
        ({"size": "M", "terms": True, "days": [["Tue"]], "topic": {"a": 1}}, ["answers.days", "answers.topic"]),
    ],
)
def test_an_answer_of_another_kind_is_refused_and_named(
    client: FlaskClient, answers: dict[str, Any], fields: list[str]
) -> None:
    kind = asking()
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10), answers=answers)), 422, "invalid", *fields)


def test_questions_of_before_there_were_kinds_are_still_asked(client: FlaskClient) -> None:
    old = [
        {"key": "topic", "label": "Topic", "required": True, "long": False},
        {"key": "story", "label": "Story", "required": False, "long": True},
    ]
    kind = event_type(questions=old)
    (shown,) = client.get(f"/api/v1/public/{kind.organization.slug}").get_json()["event_types"]
    assert [each["kind"] for each in shown["questions"]] == ["short_text", "long_text"]
    with pytest.raises(InvalidInput):
        check_answers(questions=old, answers={"topic": "two\nlines"})
    assert check_answers(questions=old, answers={"topic": "one", "story": "two\nlines"})["story"] == "two\nlines"


def test_a_host_writes_the_options_and_is_told_of_too_few(app: Flask) -> None:
    host = Visitor(app).sign_in(member())
    form = host.open("/app/event-types/new").form()
    form = host.send(form, {"name": "Talk"}, status=200, button="add").form()
    chosen = {"questions-0-label": "How big?", "questions-0-kind": "single_choice"}
    page = host.send(form, chosen | {"questions-0-options": "S\r\n"}, status=422)
    assert "Question 1: Please offer between 2 and 50 options" in page.words
    assert ("questions-0-options", "S") in [(name, value.strip()) for name, value in page.form().fields]
    host.send(page.form(), {"questions-0-options": "S\r\n\r\n M \r\nL"})
    (made,) = session().scalars(select(EventType))
    assert (made.questions[0]["kind"], made.questions[0]["options"]) == ("single_choice", ["S", "M", "L"])


def test_a_booking_lists_answers_of_every_shape_to_its_organisation(client: FlaskClient) -> None:
    host = member()
    kind = event_type(of=host, questions=[question.to_keep() for question in EVERY_KIND])
    client.post(f"{address(kind)}/bookings", json=body(at(10), answers=ANSWERS))
    (item,) = client.get("/api/v1/bookings", headers=bearer(host)).get_json()["items"]
    assert item["answers"] == ANSWERS
