"""A mail server that takes every message and notes when it had it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller

from devserver.servers import free_port


class Mailbox:
    """When each message came, in seconds since the epoch, by recipient; `confirmed` are the guests' first ones."""

    def __init__(self) -> None:
        self.first: dict[str, float] = {}
        self.messages = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name for it
        """Take a message; called by the server."""
        self.messages += 1
        for recipient in envelope.rcpt_tos:
            self.first.setdefault(recipient, time.time())
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[str, Mailbox]]:
    """Run one on a free port; give its address and what it has got."""
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}", box
    finally:
        controller.stop()
