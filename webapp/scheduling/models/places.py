"""Where meetings take place, and the colours by which hosts tell their event types apart."""

from __future__ import annotations

from enum import StrEnum


class LocationKind(StrEnum):
    """How people meet, and so what the `location` of an event type is.

    In person at an address; by phone, when the host calls the guest's number (no location), or the guest the host's (a
    number in E.164); behind a link (its address); or as the text says.
    """

    IN_PERSON = "in_person"
    WE_CALL = "we_call"
    YOU_CALL = "you_call"
    LINK = "link"
    OTHER = "other"


class EventColor(StrEnum):
    """A colour of the palette in `static/css/tokens.css`, which has each for light and for dark pages."""

    GREEN = "green"
    BLUE = "blue"
    PURPLE = "purple"
    PINK = "pink"
    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREY = "grey"
