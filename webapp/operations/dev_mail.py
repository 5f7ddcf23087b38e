"""The mail that a development machine sent: `make run` catches every message as a file, and these pages show them.

They exist only where ENVIRONMENT is development and MAIL_CATCHER_DIR names the folder of the catcher.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, Response, abort, render_template

from webapp.core.settings import settings
from webapp.web.extensions import talisman

blueprint = Blueprint("dev_mail", __name__, url_prefix="/dev/mail")

_MOST = 200
_NAME = re.compile(r"(?P<arrived>\d{8}T\d{6}\.\d{6}Z)-[\w@.+-]{1,200}\.eml", re.ASCII)
_HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)
_HEADERS = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-RcptTo")
# A mail's own styles and pictures, and nothing else: no script, no request to anywhere, no form.
_MAIL_CSP = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",
    "img-src": "data:",
    "frame-ancestors": "'self'",
    "sandbox": "allow-popups allow-popups-to-escape-sandbox",
}


class Caught(NamedTuple):
    """A message in the catcher's folder, and when it arrived (UTC)."""

    name: str
    arrived: datetime
    message: EmailMessage

    def header(self, name: str) -> str:
        """Return a header as text, empty when the message has none or writes it beyond recognition."""
        try:
            return str(self.message.get(name, ""))
        except (MessageError, ValueError, IndexError):
            return ""


class Part(NamedTuple):
    """A piece of a message other than its text and HTML."""

    number: int
    name: str
    content_type: str
    text: str | None


@blueprint.before_request
def _only_in_development() -> None:
    if not (settings().is_development and settings().mail_catcher_dir):
        abort(404)


@blueprint.get("")
def index() -> str:
    """List the messages, newest first."""
    names = sorted((name for name in _names() if _NAME.fullmatch(name)), reverse=True)
    mails = [_read(name, headers_only=True) for name in names[:_MOST]]
    return render_template("operations/dev_mail/index.html", mails=mails, total=len(names))


@blueprint.get("/<name>")
def show(name: str) -> str:
    """Show one message: its headers, text, HTML, calendar file and source."""
    mail = _read(name)
    return render_template(
        "operations/dev_mail/show.html",
        mail=mail,
        headers=[(header, mail.header(header)) for header in _HEADERS if mail.header(header)],
        text=_body(mail, "plain"),
        has_html=bool(_body(mail, "html")),
        parts=list(_parts(mail)),
        source=_path(name).read_bytes().decode(errors="replace"),
    )


@blueprint.get("/<name>/html")
@talisman(content_security_policy=_MAIL_CSP)  # type: ignore[untyped-decorator]  # the library has no types
def html(name: str) -> Response:
    """Return the HTML of a message alone, for the frame in its page."""
    page = _HEAD.sub(r"\g<0><base target='_blank'>", _body(_read(name), "html"), count=1)  # no page fits into the frame
    return Response(page, content_type="text/html; charset=utf-8")


@blueprint.get("/<name>/parts/<int:number>")
def part(name: str, number: int) -> Response:
    """Return an attachment as a download."""
    pieces = list(_read(name).message.walk())
    if number >= len(pieces) or pieces[number].is_multipart():
        abort(404)
    piece = pieces[number]
    response = Response(piece.get_payload(decode=True) or b"", content_type=piece.get_content_type())
    response.headers.set("Content-Disposition", "attachment", filename=piece.get_filename() or "part")
    return response


@blueprint.get("/<name>/source")
def source(name: str) -> Response:
    """Return a message as it was sent."""
    return Response(_path(name).read_bytes(), content_type="text/plain; charset=utf-8")


def _folder() -> Path:
    folder = settings().mail_catcher_dir
    return folder or abort(404)


def _names() -> Iterator[str]:
    folder = _folder()
    return (path.name for path in folder.iterdir()) if folder.is_dir() else iter(())


def _path(name: str) -> Path:
    path = _folder() / name
    if not _NAME.fullmatch(name) or not path.is_file():
        abort(404)
    return path


def _read(name: str, *, headers_only: bool = False) -> Caught:
    with _path(name).open("rb") as file:
        message = BytesParser(EmailMessage, policy=policy.default).parse(file, headersonly=headers_only)
    arrived = datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    return Caught(name, arrived, message)


def _body(mail: Caught, kind: str) -> str:
    body = mail.message.get_body((kind,))
    return _text(body) or "" if body is not None else ""


def _parts(mail: Caught) -> Iterator[Part]:
    """Yield what is attached, calendars with their text since that is what one wants to read."""
    for number, piece in enumerate(mail.message.walk()):
        content_type = piece.get_content_type()
        is_calendar = content_type == "text/calendar"
        if not piece.is_multipart() and (piece.is_attachment() or is_calendar):
            text = _text(piece) if is_calendar else None
            yield Part(number, piece.get_filename() or content_type, content_type, text)


def _text(piece: MIMEPart) -> str | None:
    try:
        return str(piece.get_content())
    except (LookupError, MessageError, ValueError):  # an encoding that is unknown, or not what was said
        payload = piece.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else None
