"""Handing messages to the mail server of SMTP_URL, over one kept connection per process and thread."""

from __future__ import annotations

import ipaddress
import os
import re
import smtplib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from functools import cached_property, lru_cache
from time import monotonic
from typing import Self
from urllib.parse import unquote, urlsplit

import backoff

from webapp.core.settings import settings
from webapp.notifications.errors import MailDeferred, MailRefused, MailServerAway
from webapp.notifications.mail.message import single_line

# Seconds. The last reply gets longest: giving up on a server that is still filing the message means sending it twice.
CONNECT_TIMEOUT = 10.0
COMMAND_TIMEOUT = 30.0
FINAL_TIMEOUT = 60.0

CHECK_WHEN_IDLE = 5.0  # a connection that rested this long is asked whether it still lives
MESSAGES_PER_CONNECTION = 100  # after more than this some providers hang up or slow down

_DEFAULT_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_SERVICE_NOT_AVAILABLE = 421
_START_MAIL_INPUT = range(354, 355)
_SIGN_IN_FIRST = 530
_TOO_LARGE = 552

_Reply = tuple[int, bytes | str]
Confirm = Callable[[], None]


def _agree() -> None:
    """Nothing speaks against sending."""


class _ConnectionLost(MailServerAway):
    """The server hung up before it had agreed to take the message: nothing was sent, a new connection may try."""


@dataclass(frozen=True, slots=True)
class _Envelope:
    """What travels: the addresses, and the message as bytes with CRLF line ends."""

    sender: str
    recipient: str
    content: bytes
    international: bool  # an address has letters beyond ASCII before its @: only SMTPUTF8 (RFC 6531) carries those

    @classmethod
    def of(cls, message: EmailMessage) -> Self:
        addresses = [str(message[name].addresses[0].addr_spec) for name in ("From", "To", "Reply-To") if message[name]]
        international = not "".join(addresses).isascii()
        wire = policy.SMTPUTF8 if international else policy.SMTP.clone(cte_type="7bit")
        return cls(addresses[0], addresses[1], message.as_bytes(policy=wire), international)


@dataclass(slots=True)
class _Connection:
    """A connection to the server and what it has done so far; closed when the thread that kept it ends."""

    client: smtplib.SMTP
    process: int = field(default_factory=os.getpid)
    messages: int = 0
    rested_since: float = field(default_factory=monotonic)

    def is_usable(self) -> bool:
        """True when the next message may go over it. Never in a forked child: the socket is its parent's."""
        if self.process != os.getpid() or self.messages >= MESSAGES_PER_CONNECTION or self.client.sock is None:
            return False
        return monotonic() - self.rested_since < CHECK_WHEN_IDLE or self.is_clean()

    def is_clean(self) -> bool:
        """True when the server answers, and has forgotten whatever message was begun."""
        try:
            return self.client.rset()[0] == 250
        except OSError:  # of which every error of smtplib is one
            return False

    def close(self) -> None:
        """Drop it without a word, which harms neither side, and from a forked child leaves the parent's alone."""
        self.client.close()

    def __del__(self) -> None:
        self.close()


class SmtpTransport:
    """Sends through the server at `url`: smtp://, smtps:// or smtp+starttls://, with user:password@ where it asks."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._scheme = parts.scheme
        self._host = parts.hostname or "localhost"
        self._port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._kept = threading.local()

    def send(self, message: EmailMessage, *, confirm: Confirm = _agree) -> str:
        """Hand `message` to the server and return its answer, such as `250 2.0.0 Ok: queued as 4F2C`.

        Raises MailRefused when it will never take it, MailDeferred when it may take it later. A kept connection that
        turns out dead is replaced once, as long as the server had not yet agreed to take the message over it.
        `confirm` is called when all that is left is the content; what it raises is raised, and nothing is sent.
        """
        envelope = _Envelope.of(message)
        connection = self._take()
        if connection is not None:
            try:
                return self._send_over(connection, envelope, confirm)
            except _ConnectionLost:
                pass
        return self._send_over(self._connect(), envelope, confirm)

    def close(self) -> None:
        """Hang up, if this thread has a connection; the next `send` opens a new one."""
        connection = self._kept.__dict__.pop("connection", None)
        if connection is not None:
            connection.close()

    def _take(self) -> _Connection | None:
        connection: _Connection | None = self._kept.__dict__.pop("connection", None)
        if connection is None or connection.is_usable():
            return connection
        connection.close()
        return None

    def _keep(self, connection: _Connection) -> None:
        connection.messages += 1
        connection.rested_since = monotonic()
        self._kept.connection = connection

    def _send_over(self, connection: _Connection, envelope: _Envelope, confirm: Confirm) -> str:
        try:
            answer = _hand_over(connection.client, envelope, confirm)
        except (MailRefused, MailDeferred):
            if connection.client.sock is not None and connection.is_clean():
                self._keep(connection)
            else:
                connection.close()
            raise
        except BaseException:  # a time limit in mid-sentence: nobody knows what the server waits for
            connection.close()
            raise
        self._keep(connection)
        return answer

    def _connect(self) -> _Connection:
        try:
            return _Connection(self._open())
        except smtplib.SMTPAuthenticationError as error:
            answer = _text((error.smtp_code, error.smtp_error))
            raise MailServerAway(f"The mail server refused the user name or password in SMTP_URL: {answer}") from error
        except OSError as error:
            raise MailServerAway(
                f"The mail server {self._host}:{self._port} cannot be used: {error or type(error).__name__}; "
                "check SMTP_URL and that the server runs"
            ) from error

    @backoff.on_exception(
        backoff.expo,
        (ConnectionError, smtplib.SMTPServerDisconnected),
        max_tries=3,
        max_time=5,
        factor=0.1,
        logger=None,
    )
    def _open(self) -> smtplib.SMTP:
        if self._scheme == "smtps":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, _our_name(), timeout=CONNECT_TIMEOUT, context=self._tls
            )
        else:
            client = smtplib.SMTP(self._host, self._port, _our_name(), timeout=CONNECT_TIMEOUT)
        try:
            if self._scheme == "smtp+starttls":
                client.starttls(context=self._tls)
            client.ehlo_or_helo_if_needed()
            if self._user:
                client.login(self._user, self._password)
        except BaseException:
            client.close()
            raise
        return client

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _hand_over(client: smtplib.SMTP, envelope: _Envelope, confirm: Confirm) -> str:
    """Go through the four steps of one message and return the server's last word."""
    _wait_at_most(client, COMMAND_TIMEOUT)
    try:
        _check_sender(client.mail(envelope.sender, _options(client, envelope)), envelope)
        _check(client.rcpt(envelope.recipient), recipient=envelope.recipient)
        _check(client.docmd("DATA"), recipient=envelope.recipient, wanted=_START_MAIL_INPUT)
    except OSError as error:
        raise _ConnectionLost(f"The mail server hung up before it took the message: {error}") from error
    confirm()
    try:
        client.send(re.sub(rb"(?m)^\.", b"..", envelope.content) + b".\r\n")
        _wait_at_most(client, FINAL_TIMEOUT)
        reply = client.getreply()
    except OSError as error:
        client.close()
        raise MailServerAway(
            f"The mail server hung up on the message, which may have arrived all the same: {error}"
        ) from error
    return _check(reply, recipient=envelope.recipient)


def _options(client: smtplib.SMTP, envelope: _Envelope) -> list[str]:
    options = [f"SIZE={len(envelope.content)}"] if client.has_extn("size") else []
    if envelope.international:
        if not client.has_extn("smtputf8"):
            raise MailRefused(
                f"The mail server cannot write to {envelope.recipient}, which has letters beyond ASCII in it; "
                "use another address, or a server that offers SMTPUTF8"
            )
        options += ["SMTPUTF8", "BODY=8BITMIME"]
    return options


def _check_sender(reply: _Reply, envelope: _Envelope) -> None:
    """Raise what follows from an answer about the sender.

    That we may not send at all is for whoever runs us to mend, and no reason to give the message up.
    """
    code, _ = reply
    if code >= 500 and code != _TOO_LARGE:
        raise MailDeferred(f"The mail server refused us as a sender, check MAIL_FROM and SMTP_URL: {_text(reply)}")
    _check(reply, recipient=envelope.recipient)


def _check(reply: _Reply, *, recipient: str, wanted: range = range(200, 300)) -> str:
    """Return an answer that is `wanted` as text, and raise what follows from any other."""
    code, _ = reply
    if code in wanted:
        return _text(reply)
    if code == _SERVICE_NOT_AVAILABLE:
        raise _ConnectionLost(f"The mail server is closing down: {_text(reply)}")
    if code < 500 or code == _SIGN_IN_FIRST:
        raise MailDeferred(f"The mail server put off the message to {recipient}: {_text(reply)}")
    raise MailRefused(f"The mail server refused the message to {recipient}: {_text(reply)}")


def _text(reply: _Reply) -> str:
    code, words = reply
    line = words.decode(errors="replace") if isinstance(words, bytes) else words
    return single_line(f"{code} {line}")[:500]


def _wait_at_most(client: smtplib.SMTP, seconds: float) -> None:
    if client.sock is not None:
        client.sock.settimeout(seconds)


def _our_name() -> str:
    """Return how we introduce ourselves: our public host, or its address in brackets (RFC 5321, 4.1.3)."""
    host = settings().public_host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


@lru_cache(maxsize=1)
def _transport() -> SmtpTransport:
    return SmtpTransport(settings().smtp_url)


def send(message: EmailMessage, *, confirm: Confirm = _agree) -> str:
    """Hand `message` to the server of SMTP_URL and return its answer; raises MailRefused or MailDeferred.

    `confirm` is called when all that is left is the content; what it raises is raised, and nothing is sent.
    """
    return _transport().send(message, confirm=confirm)


def close() -> None:
    """Hang up on the server of SMTP_URL, if this thread has a connection to it."""
    _transport().close()
