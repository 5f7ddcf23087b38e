"""A real SMTP server on loopback that keeps what it is sent, and can be told to misbehave."""

from __future__ import annotations

import socket
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class SmtpPeer:
    """An SMTP server: `messages` is what arrived, `answers` scripts the replies to the next messages.

    `connections` counts how often somebody connected; `hold` makes the final reply wait until `release()`.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: list[str] = []
        self.connections = 0
        self._arrival = threading.Condition()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def forget(self) -> None:
        self.messages.clear()
        self.recipients.clear()
        self.answers.clear()
        self.connections = 0

    def wait_for(self, count: int, *, seconds: float = 10) -> list[EmailMessage]:
        """Return the messages once there are `count` of them; fails when they do not come in time."""
        with self._arrival:
            arrived = self._arrival.wait_for(lambda: len(self.messages) >= count, seconds)
        assert arrived, f"{len(self.messages)} of {count} messages arrived in {seconds} s"
        return list(self.messages)

    def to(self, recipient: str) -> list[EmailMessage]:
        """The messages whose To is `recipient`."""
        return [message for message in self.messages if recipient in str(message["To"])]

    async def handle_EHLO(  # noqa: N802  # aiosmtpd looks its hooks up by these names
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        if self.answers:
            answer = self.answers.pop(0)
            if not answer.startswith("250"):
                return answer
        content: Any = envelope.content
        with self._arrival:
            self.messages.append(message_from_bytes(content, policy=policy.default))
            self.recipients.extend(envelope.rcpt_tos)
            self._arrival.notify_all()
        return "250 OK"
