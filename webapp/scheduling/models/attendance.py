"""Who came to a meeting, as far as somebody has said so."""

from __future__ import annotations

from enum import StrEnum


class Attendance(StrEnum):
    """Whether the guest of a booking was there."""

    UNKNOWN = "unknown"
    ATTENDED = "attended"
    NO_SHOW = "no_show"


class Witness(StrEnum):
    """Who said so: the guest by checking in, the host, or the system, which saw nobody check in."""

    GUEST = "guest"
    HOST = "host"
    SYSTEM = "system"
