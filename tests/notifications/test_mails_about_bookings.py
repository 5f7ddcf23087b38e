"""What people typed, where links lead, and when two mails are one: beside the words, which the golden files hold."""
# ruff: noqa: RUF001  # ranges of time take an en dash

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from tests.notifications import samples
from tests.notifications.test_mails_as_written import MAILS
from webapp.notifications.mail.message import Mail
from webapp.scheduling import messages
from webapp.scheduling.models import Side
from webapp.scheduling.service.booking import manage_token, manage_url

pytestmark = pytest.mark.usefixtures("app")

EVIL = "<script>alert(1)</script> & \"quotes\" 'too' {{ 7 * 7 }} %(name)s </td></table>"


class Reader(HTMLParser):
    """Collects what a person reads, and the tags and links around it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.links: list[str] = []
        self.attributes: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend(name for name, _ in attrs)
        self.links.extend(value for name, value in attrs if name == "href" and value)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", MAILS)
def test_html_and_text_tell_the_same(name: str) -> None:
    mail = MAILS[name]()
    html = Reader(mail.html)
    for word in ("24 November 2026", "First talk", "https://meet.example/ada", "Gus Grün", "Ada Berg", "North Studio"):
        assert (word in mail.text) == (word in html.text), word
    assert "http://almanac.test/" in mail.text
    own = {link for link in html.links if link.startswith("http://almanac.test/")}
    assert own == {line for line in mail.text.splitlines() if line.startswith("http://almanac.test/")}


@pytest.mark.parametrize("name", MAILS)
def test_html_stands_on_its_own(name: str) -> None:
    html = Reader(MAILS[name]().html)
    assert {"script", "img", "link", "iframe", "form"}.isdisjoint(html.tags)
    assert html.tags.count("table") == sum(1 for _ in html.attributes if _ == "role"), (
        "tables are there for layout only"
    )
    assert "preheader" in MAILS[name]().html


EVERY_MAIL: list[Callable[..., Mail]] = [
    messages.confirmation_to_invitee,
    messages.notification_to_organizer,
    messages.cancelled_to_invitee,
    messages.cancelled_to_organizer,
    messages.reminder_to_invitee,
    messages.request_to_invitee,
    messages.request_to_organizer,
    messages.declined_to_invitee,
    messages.declined_to_organizer,
    lambda booking: messages.rescheduled_to_invitee(booking, samples.EARLIER),
    lambda booking: messages.rescheduled_to_organizer(booking, samples.EARLIER),
]


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("write", EVERY_MAIL)
def test_what_people_typed_is_shown_as_they_typed_it_and_is_never_markup(
    write: Callable[..., Mail], side: Side
) -> None:
    booking = samples.booking(
        guest_name=f"Guest {EVIL}",
        cancel_reason=f"Reason {EVIL}",
        cancelled_by=side,
        answers={"topic": f"Answer {EVIL}"},
        host={"name": f"Host {EVIL}"},
        event={
            "name": f"Event {EVIL}",
            "location": f"Place {EVIL}",
            "questions": [{"key": "topic", "label": f"Question {EVIL}", "required": False, "long": True}],
        },
    )
    booking.event_type.organization.name = f"Organization {EVIL}"
    mail = write(booking)
    html = Reader(mail.html)
    assert "script" not in html.tags
    assert html.text.count(EVIL) >= 5
    assert mail.text.count(EVIL) >= 5
    assert EVIL in mail.subject
    assert "49" not in mail.subject


def test_a_long_answer_arrives_whole_with_its_lines() -> None:
    answer = "\n".join(f"Line {number}: " + "word " * 40 for number in range(60)) + "\n" + "x" * 3000
    mail = messages.notification_to_organizer(samples.booking(answers={"topic": answer}))
    assert mail.html.count("<br>") >= 60
    assert "x" * 3000 in mail.html
    assert all(f"  Line {number}: " in mail.text for number in range(60))


def test_questions_keep_their_order_and_one_that_is_gone_keeps_its_answer() -> None:
    answers = {"old": "Something", "company": "Grün", "topic": "Web site"}
    text = messages.notification_to_organizer(samples.booking(answers=answers)).text
    places = [text.index(words) for words in ("What would you like", "Company", "old\n  Something")]
    assert places == sorted(places)


def test_an_unanswered_question_is_left_out() -> None:
    assert "Company" not in messages.notification_to_organizer(samples.booking(answers={"company": ""})).text


def test_no_host_ever_sees_the_guests_link() -> None:
    token = manage_token(samples.booking())
    for mail in (write() for write in MAILS.values()):
        everything = mail.text + mail.html + (mail.calendar.content if mail.calendar else "")
        assert token not in everything.replace("\r\n ", "") or mail.template.endswith("invitee"), mail.template


def test_the_guests_time_is_not_repeated_to_a_host_in_the_same_zone() -> None:
    assert "Their time" in messages.notification_to_organizer(samples.booking()).text
    assert "Their time" not in messages.notification_to_organizer(samples.booking(guest_timezone="Europe/Berlin")).text


def test_a_move_over_the_clock_change_names_both_offsets() -> None:
    booking = samples.booking(
        starts_at=datetime(2026, 10, 26, 13, 0, tzinfo=UTC), ends_at=datetime(2026, 10, 26, 13, 30, tzinfo=UTC)
    )
    text = messages.rescheduled_to_organizer(booking, datetime(2026, 10, 23, 12, 0, tzinfo=UTC)).text
    assert "New time: Monday, 26 October 2026, 14:00–14:30 (Europe/Berlin, UTC+01:00)" in text
    assert "Old time: Friday, 23 October 2026, 14:00–14:30 (Europe/Berlin, UTC+02:00)" in text


def test_a_meeting_without_place_or_phone_leaves_no_gaps() -> None:
    mail = messages.notification_to_organizer(samples.booking(guest_phone=None, event={"location": ""}))
    assert "Where" not in mail.text + mail.html
    assert "Phone" not in mail.text
    assert "None" not in mail.text + mail.html


def test_the_same_fact_has_the_same_key_and_each_fact_its_own() -> None:
    keys = [write().idempotency_key for write in MAILS.values()]
    assert keys == [write().idempotency_key for write in MAILS.values()]
    by_fact = {mail.template: mail.idempotency_key for mail in (write() for write in MAILS.values())}
    assert len(set(by_fact.values())) == len(by_fact)
    assert len([template for template in by_fact if template.startswith("booking_")]) == 12
    assert max(map(len, keys)) + len(f":resend:{uuid4()}") <= 200


def test_a_booking_that_moved_meanwhile_is_still_confirmed_once() -> None:
    before = messages.confirmation_to_invitee(samples.booking()).idempotency_key
    assert messages.confirmation_to_invitee(samples.moved()).idempotency_key == before


def test_each_move_and_each_reminder_of_a_new_time_is_a_fact_of_its_own() -> None:
    def keys(sequence: int) -> set[str]:
        booking = samples.booking(sequence=sequence)
        move = messages.rescheduled_to_invitee(booking, samples.EARLIER)
        return {move.idempotency_key, messages.reminder_to_invitee(booking).idempotency_key}

    assert len(keys(1) | keys(2)) == 4


def test_asking_for_it_again_is_a_fact_of_its_own() -> None:
    wish = uuid4()
    first = messages.confirmation_to_invitee(samples.booking())
    again = messages.confirmation_to_invitee(samples.booking(), resend=wish)
    assert first.idempotency_key != again.idempotency_key
    assert again.idempotency_key == messages.confirmation_to_invitee(samples.booking(), resend=wish).idempotency_key


def test_a_reminder_changes_nothing_in_the_calendar() -> None:
    assert messages.reminder_to_invitee(samples.booking()).calendar is None


def test_web_calendars_are_handed_the_whole_meeting() -> None:
    booking = samples.booking(event={"name": "Talk & tea + more"})
    calendars = messages.calendar_links(booking)
    google = parse_qs(urlsplit(calendars.google).query)
    assert google["text"] == ["Talk & tea + more with Ada Berg"]
    assert google["dates"] == ["20261124T133000Z/20261124T140000Z"]
    assert manage_url(booking) in google["details"][0]
    for link in (calendars.outlook, calendars.microsoft365):
        query = parse_qs(urlsplit(link).query)
        assert (query["startdt"], query["enddt"]) == (["2026-11-24T13:30:00Z"], ["2026-11-24T14:00:00Z"])
        assert (query["subject"], query["location"]) == (
            ["Talk & tea + more with Ada Berg"],
            ["https://meet.example/ada"],
        )
        assert "+" not in link, "Outlook shows a plus as a plus"
