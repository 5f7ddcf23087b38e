"""Why a message did not go out."""

from __future__ import annotations

from webapp.core.failures import PermanentFailure, TemporaryFailure


class MailRefused(PermanentFailure):
    """The mail server will never take this message for this recipient; the message is the server's answer."""


class MailDeferred(TemporaryFailure):
    """The mail server did not take the message now: busy, out of reach, or set up wrongly; the message says which."""


class MailServerAway(MailDeferred):
    """It is the server itself that is out of reach or out of order, for this message as for every other."""
