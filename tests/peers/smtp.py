"""A real SMTP server on loopback that keeps what it is sent, and can be told to misbehave."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from devserver.servers import free_port

HANG_UP = "hang up"


class SmtpPeer:
    """An SMTP server: `messages` is what arrived, `connections` how often somebody connected.

    `answers` scripts the replies to the next messages, and `refusals` those to a recipient (its address) or to
    everybody's `MAIL` or `DATA` command; the answer HANG_UP closes the connection instead, each refusal is used once.
    `drops` is how many of the next connections are cut before a word is said, `holding()` keeps the final replies back.
    With `tls` it offers STARTTLS, or speaks TLS from the start when
    `implicit_tls`; with `sign_in` (user, password) it takes mail from nobody else.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        sign_in: tuple[str, str] | None = None,
        international: bool = True,
    ) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.raw: list[bytes] = []
        self.answers: list[str] = []
        self.refusals: dict[str, str] = {}
        self.connections = 0
        self.drops = 0
        self.signed_in: list[str] = []
        self._sign_in = sign_in
        self._arrival = threading.Condition()
        self._released = threading.Event()
        self._released.set()
        self._sessions: list[SMTP] = []
        self.port = free_port()
        options: dict[str, Any] = {"enable_SMTPUTF8": international}
        if sign_in is not None:
            options |= {"auth_required": True, "authenticator": self._authenticate}
        if tls is not None and not implicit_tls:
            options |= {"tls_context": tls, "require_starttls": True}
        self._controller = _CountingController(
            self, hostname="127.0.0.1", port=self.port, ssl_context=tls if implicit_tls else None, **options
        )

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._controller.start()
        self.connections = 0  # the controller tries its own server once
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self.hang_up()
        self._controller.stop()

    def forget(self) -> None:
        self.messages.clear()
        self.recipients.clear()
        self.raw.clear()
        self.answers.clear()
        self.refusals.clear()
        self.signed_in.clear()
        self.connections = self.drops = 0

    def wait_for(self, count: int, *, seconds: float = 60) -> list[EmailMessage]:
        """Return the messages once there are `count` of them; fails when they do not come in time."""
        with self._arrival:
            arrived = self._arrival.wait_for(lambda: len(self.messages) >= count, seconds)
        assert arrived, f"{len(self.messages)} of {count} messages arrived in {seconds} s"
        return list(self.messages)

    def to(self, recipient: str) -> list[EmailMessage]:
        """The messages whose To is `recipient`."""
        return [message for message in self.messages if recipient in str(message["To"])]

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Within the block every message is taken, and no sender hears of it."""
        self._released.clear()
        try:
            yield
        finally:
            self._released.set()

    def hang_up(self) -> None:
        """Close every connection, as a server does that is restarted, and wait until the others know."""
        done = threading.Event()

        def close_all() -> None:
            for session in self._sessions:
                if session.transport is not None:
                    session.transport.close()
            self._sessions.clear()
            self._controller.loop.call_soon(done.set)

        self._controller.loop.call_soon_threadsafe(close_all)
        done.wait(5)

    def connected(self, server: SMTP) -> None:
        """Called by the controller for each connection."""
        self.connections += 1
        if self.drops:
            self.drops -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        self._sessions.append(server)

    async def handle_MAIL(  # noqa: N802  # aiosmtpd looks its hooks up by these names
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" in self.refusals:
            return self._refuse(server, "MAIL")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  # as above
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refusals:
            return self._refuse(server, address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        if "DATA" in self.refusals:
            return self._refuse(server, "DATA")
        if self.answers:
            answer = self.answers.pop(0)
            if not answer.startswith("250"):
                return answer
        content: Any = envelope.content
        with self._arrival:
            self.raw.append(content)
            self.messages.append(message_from_bytes(content, policy=policy.default))
            self.recipients.extend(envelope.rcpt_tos)
            self._arrival.notify_all()
        await asyncio.to_thread(self._released.wait)
        return "250 OK"

    def _refuse(self, server: SMTP, what: str) -> str:
        answer = self.refusals.pop(what)
        if answer == HANG_UP:
            assert server.transport is not None
            server.transport.close()
        return answer

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: LoginPassword
    ) -> AuthResult:
        user, password = login.login.decode(), login.password.decode()
        if (user, password) != self._sign_in:
            return AuthResult(success=False, handled=False)
        self.signed_in.append(user)
        return AuthResult(success=True)


class _CountingController(Controller):
    """Tells the peer of each connection as it is made."""

    def factory(self) -> SMTP:
        peer = self.handler

        class CountingSMTP(SMTP):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                encrypted_by_now = self.transport is not None  # then it is the connection that we know already
                super().connection_made(transport)
                if not encrypted_by_now:
                    peer.connected(self)

        return CountingSMTP(self.handler, **self.SMTP_kwargs)
