"""What leaves the house: headers that nobody can add to, and the parts that mail programs expect."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.notifications import samples
from webapp.notifications.errors import MailRefused
from webapp.notifications.mail import mime
from webapp.notifications.mail.message import Mail, Mailbox
from webapp.notifications.service import message_id
from webapp.scheduling import messages

pytestmark = pytest.mark.usefixtures("app")

HEADERS = [
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
]  # fmt: skip


def mail(**changes: Any) -> Mail:
    values: dict[str, Any] = {
        "organization_id": UUID(int=1),
        "idempotency_key": "test:1",
        "template": "test",
        "recipient": Mailbox(name="Gus Grün", address="gus@example.com"),
        "reply_to": Mailbox(name="Ada", address="ada@north.example"),
        "subject": "Your meeting",
        "text": "Hello",
        "html": "<p>Hello</p>",
    }
    return Mail(**(values | changes))


def sent(letter: Mail) -> EmailMessage:
    """The mail as its receiver reads it."""
    written = mime.build(letter, message_id=message_id(letter.idempotency_key)).as_bytes()
    return message_from_bytes(written, policy=policy.default)


def shape(message: Any) -> list[Any]:
    kind = message.get_content_type()
    return [kind, [shape(part) for part in message.iter_parts()]] if message.is_multipart() else [kind]


def test_an_invitation_has_the_shape_that_mail_programs_know() -> None:
    message = sent(messages.confirmation_to_invitee(samples.booking()))
    assert shape(message) == [
        "multipart/mixed",
        [["multipart/alternative", [["text/plain"], ["text/html"], ["text/calendar"]]], ["application/ics"]],
    ]
    _plain, _html, calendar, attachment = (part for part in message.walk() if not part.is_multipart())
    assert dict(calendar["Content-Type"].params) == {"method": "REQUEST", "charset": "utf-8"}
    assert attachment.get_filename() == "invite.ics"
    assert attachment.is_attachment()
    assert attachment.get_content() == calendar.get_content().encode()
    assert calendar.get_payload(decode=True) == attachment.get_payload(decode=True)


def test_a_cancellation_says_so_in_its_header_too() -> None:
    message = sent(messages.cancelled_to_invitee(samples.booking()))
    (calendar,) = (part for part in message.walk() if part.get_content_type() == "text/calendar")
    assert calendar["Content-Type"].params["method"] == "CANCEL"


def test_a_mail_without_an_invitation_is_text_and_html() -> None:
    assert shape(sent(mail())) == ["multipart/alternative", [["text/plain"], ["text/html"]]]


def test_each_side_answers_to_the_other() -> None:
    guest = sent(messages.confirmation_to_invitee(samples.booking()))
    host = sent(messages.notification_to_organizer(samples.booking()))
    assert (guest["To"], guest["Reply-To"]) == ("Gus Grün <gus@example.com>", "Ada Berg <ada@north.example>")
    assert (host["To"], host["Reply-To"]) == ("Ada Berg <ada@north.example>", "Gus Grün <gus@example.com>")
    assert guest["From"] == host["From"] == "Almanac <almanac@localhost>"
    assert guest["Auto-Submitted"] == "auto-generated"


def test_the_same_message_has_the_same_id_whenever_it_is_written() -> None:
    first, again = (sent(messages.confirmation_to_invitee(samples.booking())) for _ in range(2))
    other = sent(messages.notification_to_organizer(samples.booking()))
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert first["Message-ID"].endswith("@almanac.test>")


@pytest.mark.parametrize("breaker", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x00"])
def test_no_name_adds_a_header(breaker: str) -> None:
    evil = f"Gus{breaker}Bcc: all@example.com{breaker}{breaker}<b>body"
    message = sent(
        mail(
            recipient=Mailbox(name=evil, address="gus@example.com"),
            reply_to=Mailbox(name=evil, address="ada@north.example"),
            subject=f"Talk with {evil}",
        )
    )
    assert message.keys() == HEADERS
    assert message["Subject"] == "Talk with Gus Bcc: all@example.com <b>body"
    assert [address.addr_spec for address in message["To"].addresses] == ["gus@example.com"]


@given(name=st.text(max_size=120), subject=st.text(max_size=200))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_people_are_called_the_headers_stay_ours(name: str, subject: str) -> None:
    letter = mail(
        recipient=Mailbox(name=name, address="gus@example.com"),
        reply_to=Mailbox(name=name, address="ada@north.example"),
        subject=subject,
    )
    written = mime.build(letter, message_id="<1@almanac.test>").as_bytes()
    head, _, _ = written.partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    assert [line.split(":")[0] for line in lines if not line[0].isspace()] == HEADERS
    assert all(len(line) < 998 for line in lines)
    for header, address in (("To", "gus@example.com"), ("Reply-To", "ada@north.example")):
        field = " ".join(str(message_from_bytes(written)[header]).splitlines())
        assert [found for _, found in getaddresses([field])] == [address]


@pytest.mark.parametrize(
    "address",
    ["", "gus", "@example.com", "gus@", "gus@exam ple.com", "gus@example.com\r\nBcc: x@y.com", "a b@example.com",
     "a,b@example.com", '"a b"@example.com', "gus@example.com>", "gus@exa,mple.com", "gus@\u2028example.com"],
)  # fmt: skip
def test_what_is_no_address_is_refused_for_good(address: str) -> None:
    with pytest.raises(MailRefused, match=r"not an e-mail address|Codepoint"):
        mime.build(mail(recipient=Mailbox(name="Gus", address=address)), message_id="<1@almanac.test>")


def test_a_domain_beyond_ascii_is_written_as_the_dns_knows_it() -> None:
    message = mime.build(mail(recipient=Mailbox(name="", address="gus@straße.de")), message_id="<1@almanac.test>")
    assert message["To"] == "gus@xn--strae-oqa.de"


def test_the_other_sides_odd_address_does_not_keep_a_mail_from_going_out() -> None:
    message = mime.build(mail(reply_to=Mailbox(name="Åsa", address="åsa@example.com")), message_id="<1@almanac.test>")
    assert "Reply-To" not in message
    assert message.as_bytes().isascii()
