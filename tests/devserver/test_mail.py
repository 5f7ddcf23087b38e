"""The mail catcher of `make run`: what a program sends is what lies in the folder."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from devserver.mail import MailCatcher


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[MailCatcher]:
    with MailCatcher(tmp_path / "mail") as running:
        yield running


def _message(text: str, *, to: str = "guest@example.com") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "almanac@example.com", to, "Your booking"
    message.set_content(text)
    return message


def _text(file: Path) -> str:
    text: str = message_from_bytes(file.read_bytes(), policy=policy.default).get_content()
    return text.strip()


def _files(catcher: MailCatcher) -> list[Path]:
    return sorted(catcher.folder.iterdir())


def test_a_message_becomes_a_file_named_for_its_time_and_recipient(catcher: MailCatcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.send_message(_message("See you on Monday."))
    (file,) = _files(catcher)
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-guest@example\.com\.eml", file.name)
    received = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert received["Subject"] == "Your booking"
    assert received["X-RcptTo"] == "guest@example.com"
    assert _text(file) == "See you on Monday."


def test_one_file_lists_all_recipients(catcher: MailCatcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.send_message(_message("Hello"), to_addrs=["ann@example.com", "bob@example.com"])
    (file,) = _files(catcher)
    assert file.name.endswith("-ann@example.com.eml")
    assert message_from_bytes(file.read_bytes())["X-RcptTo"] == "ann@example.com, bob@example.com"


def test_lines_of_dots_and_eight_bit_text_arrive_unchanged(catcher: MailCatcher) -> None:
    body = ".\r\n..\r\n...two dots\r\nGrüße aus 東京 \u2013 \U0001f44b\r\n.\r\nafter the dot\r\n".encode()
    head = b"Subject: Raw\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.sendmail("almanac@example.com", ["guest@example.com"], head + body, mail_options=["BODY=8BITMIME"])
    (file,) = _files(catcher)
    assert file.read_bytes() == b"X-RcptTo: guest@example.com\r\n" + head + body


def test_an_address_in_unicode_is_taken(catcher: MailCatcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.send_message(_message("Hej", to="åsa@exämple.com"))
    (file,) = _files(catcher)
    assert message_from_bytes(file.read_bytes(), policy=policy.default)["To"] == "åsa@exämple.com"
    assert "X-RcptTo: åsa@exämple.com" in file.read_text()


def test_a_recipient_cannot_choose_the_folder(catcher: MailCatcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        client.sendmail("almanac@example.com", ['"../../etc/x y"@example.com'], b"Subject: x\r\n\r\nx\r\n")
    (file,) = _files(catcher)
    assert re.fullmatch(r"\d{8}T\d{6}\.\d{6}Z-_\.\._\.\._etc_x_y_@example\.com\.eml", file.name)


def test_many_messages_over_one_connection_sort_in_the_order_they_came(catcher: MailCatcher) -> None:
    with smtplib.SMTP("127.0.0.1", catcher.port) as client:
        for number in range(50):
            client.send_message(_message(str(number)))
    assert [_text(file) for file in _files(catcher)] == [str(number) for number in range(50)]


def test_nothing_unfinished_is_ever_seen(catcher: MailCatcher) -> None:
    client = socket.create_connection(("127.0.0.1", catcher.port), timeout=5)
    with client, client.makefile("rwb") as lines:
        for command in (b"", b"HELO me", b"MAIL FROM:<a@example.com>", b"RCPT TO:<b@example.com>", b"DATA"):
            if command:
                lines.write(command + b"\r\n")
                lines.flush()
            lines.readline()
        lines.write(b"Subject: half\r\n\r\nthe line goes dead")
        lines.flush()
    assert _files(catcher) == []


def test_a_folder_that_is_gone_is_a_passing_failure_to_the_sender(catcher: MailCatcher) -> None:
    catcher.folder.rmdir()
    with smtplib.SMTP("127.0.0.1", catcher.port) as client, pytest.raises(smtplib.SMTPDataError) as refusal:
        client.send_message(_message("lost?"))
    assert refusal.value.smtp_code == 452


def test_it_stops_at_once_although_a_client_keeps_its_connection(tmp_path: Path) -> None:
    with MailCatcher(tmp_path) as catcher:
        client = smtplib.SMTP("127.0.0.1", catcher.port, timeout=5)
        client.ehlo()
    with client, pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()


def test_a_port_that_is_taken_is_said_so(catcher: MailCatcher, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="in use"):
        MailCatcher(tmp_path, port=catcher.port).start()
