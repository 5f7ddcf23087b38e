"""Mail servers and messages to try the transport with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.smtp import SmtpPeer
from webapp.notifications.mail.transport import SmtpTransport


@pytest.fixture
def peer() -> Iterator[SmtpPeer]:
    """A mail server of the test's own."""
    with SmtpPeer() as running:
        yield running


@pytest.fixture
def transport(peer: SmtpPeer) -> Iterator[SmtpTransport]:
    """What sends to `peer`."""
    sender = SmtpTransport(peer.url)
    yield sender
    sender.close()
