"""An e-mail as MIME, in the shape that Gmail, Outlook and Apple Mail take for an invitation (RFC 6047).

    multipart/mixed
      multipart/alternative
        text/plain
        text/html
        text/calendar; method=REQUEST       what shows the meeting in the mail
      application/ics; name=invite.ics      the same again, for programs that look only at attachments

A message without a calendar is the multipart/alternative alone.
"""

from __future__ import annotations

import base64
import quopri
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.utils import format_datetime, parseaddr
from typing import TypeVar

from webapp.core.addresses import wire_address
from webapp.core.clock import now
from webapp.core.settings import settings
from webapp.notifications.errors import MailRefused
from webapp.notifications.mail.message import Mail, Mailbox, single_line

_Whole = TypeVar("_Whole", bound=Message)

# No part has it in it: neither encoding writes an equals sign with a low line after it.
_BOUNDARY = "=_almanac_"


def build(mail: Mail, *, message_id: str) -> EmailMessage:
    """Return `mail` as a message from MAIL_FROM; raises MailRefused when the recipient's address cannot be one."""
    sender = _sender()
    try:
        recipient, reply_to = _address(mail.recipient), _address(mail.reply_to)
    except ValueError as error:
        raise MailRefused(str(error)) from error
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["To"] = recipient
    if reply_to.addr_spec.isascii() or not recipient.addr_spec.isascii():
        message["Reply-To"] = reply_to  # never the one reason why a message needs a server with SMTPUTF8
    message["Subject"] = single_line(mail.subject)
    message["Date"] = format_datetime(now())
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # so that nobody's "I am on holiday" answers it (RFC 3834)
    message["MIME-Version"] = "1.0"
    alternatives = [_text("plain", mail.text), _text("html", mail.html)]
    if mail.calendar is None:
        return _put_together(message, "alternative", alternatives)
    # Base64, because its lines are folded by their own rule and some servers re-wrap what they can read.
    encoded = base64.encodebytes(mail.calendar.content.encode())
    alternatives.append(_shown_calendar(encoded, method=mail.calendar.method))
    body = _put_together(Message(), "alternative", alternatives)
    return _put_together(message, "mixed", [body, _attached_calendar(encoded)])


def _sender() -> Address:
    name, address = parseaddr(settings().mail_from)
    return _address(Mailbox(name=name, address=address))


def _address(mailbox: Mailbox) -> Address:
    local, _, domain = wire_address(mailbox.address).rpartition("@")
    return Address(display_name=single_line(mailbox.name), username=local, domain=domain)


def _put_together(whole: _Whole, kind: str, parts: list[Message]) -> _Whole:
    whole["Content-Type"] = f'multipart/{kind}; boundary="{_BOUNDARY}{kind}"'
    for part in parts:
        whole.attach(part)
    return whole


def _text(subtype: str, content: str) -> Message:
    encoded = quopri.encodestring(content.encode())
    return _part(f'text/{subtype}; charset="utf-8"', encoded, encoding="quoted-printable")


def _shown_calendar(encoded: bytes, *, method: str) -> Message:
    return _part(f'text/calendar; charset="utf-8"; method="{method}"', encoded, encoding="base64")


def _attached_calendar(encoded: bytes) -> Message:
    part = _part('application/ics; name="invite.ics"', encoded, encoding="base64")
    part["Content-Disposition"] = 'attachment; filename="invite.ics"'
    return part


def _part(kind: str, encoded: bytes, *, encoding: str) -> Message:
    """Put a part together of headers that are ours to the letter: `EmailMessage` would take each apart to check it."""
    part = Message()
    part["Content-Type"] = kind
    part["Content-Transfer-Encoding"] = encoding
    part.set_payload(encoded.decode("ascii"))
    return part
