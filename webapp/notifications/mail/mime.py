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

from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from webapp.core.addresses import wire_address
from webapp.core.clock import now
from webapp.core.settings import settings
from webapp.notifications.errors import MailDeferred, MailRefused
from webapp.notifications.mail.message import CalendarPart, Mail, Mailbox, single_line


def build(mail: Mail, *, message_id: str) -> EmailMessage:
    """Return `mail` as a message from MAIL_FROM.

    Raises MailRefused when the recipient's address cannot be one, MailDeferred when MAIL_FROM cannot.
    """
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
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    if mail.calendar is not None:
        _add_calendar(message, mail.calendar)
    return message


def _sender() -> Address:
    name, address = parseaddr(settings().mail_from)
    try:
        return _address(Mailbox(name=name, address=address))
    except ValueError as error:
        raise MailDeferred(f"MAIL_FROM makes no sense: {error}") from error


def _address(mailbox: Mailbox) -> Address:
    local, _, domain = wire_address(mailbox.address).rpartition("@")
    return Address(display_name=single_line(mailbox.name), username=local, domain=domain)


def _add_calendar(message: EmailMessage, calendar: CalendarPart) -> None:
    # Base64, because its lines are folded by their own rule and some servers re-wrap what they can read.
    message.add_alternative(
        calendar.content, subtype="calendar", params={"method": calendar.method}, cte="base64", charset="utf-8"
    )
    message.add_attachment(
        calendar.content.encode(),
        maintype="application",
        subtype="ics",
        filename="invite.ics",
        params={"name": "invite.ics"},
    )
