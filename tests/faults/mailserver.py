"""The mail server of the fault tests: it can keep senders waiting at a given point, go away, and come back."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from devserver.servers import wait_until
from tests.peers.smtp import SmtpPeer

# To whom, and on whose behalf: the guest's mail and the host's mail about one booking differ, two copies do not.
Mailing = tuple[str, str]


class Step(StrEnum):
    """Where in the conversation a sender is kept waiting; the message counts as taken after the last of them."""

    RECIPIENT = "at RCPT, with nothing sent yet"
    CONTENT = "after the content, which is not taken yet"
    ANSWER = "after the message was taken, which the sender does not know yet"


class MailServer(SmtpPeer):
    """Keeps what arrives. `waiting` is how many senders are kept waiting at this moment."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0
        self._held: Step | None = None
        self._held_to = ""
        self._let_go = asyncio.Event()

    @contextmanager
    def keeping_waiting(self, step: Step, *, to: str = "") -> Iterator[None]:
        """Within the block every sender that comes to `step` waits; `wave_through` is for those who come later.

        With `to`, only those wait who have something for that address.
        """
        self._held, self._held_to, self._let_go = step, to, asyncio.Event()
        try:
            yield
        finally:
            self._held = None
            self._controller.loop.call_soon_threadsafe(self._let_go.set)

    def wave_through(self) -> None:
        """Let everybody pass who comes from now on; who waits goes on waiting until the block ends."""
        self._held = None

    def wait_for_senders(self, count: int, *, seconds: float = 60) -> None:
        """Return once `count` senders are kept waiting; fails when they do not come in time."""
        assert wait_until(lambda: self.waiting >= count, seconds), f"{self.waiting} of {count} senders wait"

    def wait_until_left(self, *, seconds: float = 60) -> None:
        """Return once nobody is kept waiting any more, because they were let go or hung up."""
        assert wait_until(lambda: not self.waiting, seconds), f"{self.waiting} senders still wait"

    def mailings(self) -> Counter[Mailing]:
        """How often each message came, by whom it is to and whom it speaks of."""
        return Counter((_address(message["To"]), _address(message["Reply-To"])) for message in list(self.messages))

    @contextmanager
    def away(self) -> Iterator[None]:
        """Within the block nobody listens, and everybody has been hung up on; afterwards at the same address again."""
        self.hang_up()
        self._controller.stop()
        try:
            yield
        finally:
            again = type(self._controller)(self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True)
            again.start()
            self._controller = again

    async def handle_RCPT(  # noqa: N802  # aiosmtpd looks its hooks up by these names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self._keep_at(Step.RECIPIENT, to=[address])
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        await self._keep_at(Step.CONTENT, to=envelope.rcpt_tos)
        answer = await super().handle_DATA(server, session, envelope)
        await self._keep_at(Step.ANSWER, to=envelope.rcpt_tos)
        return answer

    async def _keep_at(self, step: Step, *, to: Sequence[str]) -> None:
        """Wait for as long as `step` is held; a sender that hangs up meanwhile is gone, and so is its message."""
        if self._held is not step or (self._held_to and self._held_to not in to):
            return
        self.waiting += 1
        try:
            await self._let_go.wait()
        finally:
            self.waiting -= 1


def _address(header: Any) -> str:
    return str(header.addresses[0].addr_spec)
