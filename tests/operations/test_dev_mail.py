"""The page that shows caught mail: all of it readable, none of it running, and only in development."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from webapp.core.settings import settings

NAME = "20261122T101500.123456Z-mara@example.org.eml"


@pytest.fixture
def folder(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The catcher's folder."""
    monkeypatch.setenv("MAIL_CATCHER_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    settings.cache_clear()


def message() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Almanac <almanac@example.com>", "Mara <mara@example.org>"
    mail["Subject"] = "Booked – <b>Portrait</b>"  # noqa: RUF001  # an en dash, to be encoded
    mail.set_content("Hello Mara\nhttps://example.com/manage/abc\n")
    mail.add_alternative(
        "<html><head></head><body><h1>Booked</h1><script>alert(1)</script></body></html>", subtype="html"
    )
    mail.add_attachment(
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", maintype="text", subtype="calendar", filename="invite.ics"
    )
    return mail


def caught(folder: Path, name: str = NAME, content: bytes | None = None) -> str:
    (folder / name).write_bytes(b"X-RcptTo: mara@example.org\r\n" + (content or message().as_bytes()))
    return f"/dev/mail/{name}"


def test_mails_are_listed_newest_first(client: FlaskClient, folder: Path) -> None:
    caught(folder)
    later = message()
    later.replace_header("Subject", "Moved")
    caught(folder, NAME.replace("101500", "101600"), later.as_bytes())
    (folder / "half.part").write_text("not yet")
    text = client.get("/dev/mail").text
    assert text.index("Moved") < text.index("Booked – &lt;b&gt;Portrait")  # noqa: RUF001  # as above


def test_an_empty_folder_and_one_that_does_not_exist_yet_say_so(client: FlaskClient, folder: Path) -> None:
    assert "No mail yet" in client.get("/dev/mail").text
    folder.rmdir()
    assert "No mail yet" in client.get("/dev/mail").text
    folder.mkdir()


def test_a_mail_shows_headers_text_calendar_and_source(client: FlaskClient, folder: Path) -> None:
    text = client.get(caught(folder)).text
    for expected in ("Mara &lt;mara@example.org&gt;", "Hello Mara", "BEGIN:VCALENDAR", "invite.ics", "Content-Type:"):
        assert expected in text
    assert "<script>alert" not in text


def test_the_html_of_a_mail_runs_nothing(client: FlaskClient, folder: Path) -> None:
    answer = client.get(f"{caught(folder)}/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "<h1>Booked</h1>" in answer.text
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "default-src 'self'" in client.get("/dev/mail").headers["Content-Security-Policy"]


def test_attachments_and_the_source_can_be_had(client: FlaskClient, folder: Path) -> None:
    address = caught(folder)
    part = next(
        answer for number in range(9) if (answer := client.get(f"{address}/parts/{number}")).mimetype == "text/calendar"
    )
    assert part.data.startswith(b"BEGIN:VCALENDAR")
    assert "attachment; filename=invite.ics" in part.headers["Content-Disposition"]
    source = client.get(f"{address}/source")
    assert source.mimetype == "text/plain"
    assert source.data.startswith(b"X-RcptTo")
    assert client.get(f"{address}/parts/0").status_code == 404
    assert client.get(f"{address}/parts/99").status_code == 404


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?utf-8?b?!!!\r\nContent-Type: text/plain; charset=nope\r\n\r\n\xff",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\nno parts",
        b"From: \xff@\xff\r\nTo: ,,,<>\r\nDate: never\r\n\r\nx",
    ],
)
def test_a_broken_mail_is_shown_as_far_as_it_goes(client: FlaskClient, folder: Path, content: bytes) -> None:
    address = caught(folder, content=content or b"\r\n")
    for path in ("/dev/mail", address, f"{address}/html", f"{address}/source"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "name", ["../secret", "..%2fsecret", "secret.eml", "%2e%2e", NAME.replace("mara", "nobody"), "%00"]
)
def test_nothing_but_mails_of_the_folder_is_shown(client: FlaskClient, folder: Path, name: str) -> None:
    (folder / "secret.eml").write_text("secret")
    for ending in ("", "/html", "/source", "/parts/0"):
        assert client.get(f"/dev/mail/{name}{ending}").status_code == 404


def test_there_is_no_such_page_without_a_catcher(client: FlaskClient) -> None:
    assert client.get("/dev/mail").status_code == 404
    assert client.get(f"/dev/mail/{NAME}").status_code == 404
