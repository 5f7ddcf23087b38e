"""Where a meeting takes place, as the host says it, and what that asks of the guest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from webapp.core.validation import FieldError, InvalidInput
from webapp.core.words import say
from webapp.scheduling.models import EventType, LocationKind
from webapp.scheduling.service.guests import Guest, one_line, phone_number
from webapp.scheduling.service.texts import at_most

LONGEST_LOCATION = 255


def checked_location(kind: LocationKind, location: str) -> str:
    """Return the location as it is kept; raises ValueError when it is none of that kind."""
    return _READERS[kind](at_most(LONGEST_LOCATION, one_line(location)))


def require_phone(*, event_type: EventType, guest: Guest) -> None:
    """Raise InvalidInput naming `invitee.phone` when the host is to call a guest who has given no number."""
    if needs_phone(event_type) and not guest.phone:
        raise InvalidInput([FieldError("invitee.phone", say("The host calls you, so please give your phone number."))])


def needs_phone(event_type: EventType) -> bool:
    """True when the host calls the guest."""
    return event_type.location_kind is LocationKind.WE_CALL


def _address(text: str) -> str:
    if not text:
        raise ValueError(say("Please say where it is, as with a street and a town."))
    return text


def _number(text: str) -> str:
    number = phone_number(text)
    if number is None:
        raise ValueError(say("Please give the number that guests call, with its country code."))
    return number


def _link(text: str) -> str:
    try:
        parts = urlsplit(text)
        sound = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False  # a port or an address that is none
    if not sound or any(character.isspace() for character in text):
        raise ValueError(say("Please give a link that begins with https:// or http://."))
    return text


_READERS: Mapping[LocationKind, Callable[[str], str]] = {
    LocationKind.IN_PERSON: _address,
    LocationKind.WE_CALL: lambda _text: "",  # the guest's own number says where
    LocationKind.YOU_CALL: _number,
    LocationKind.LINK: _link,
    LocationKind.OTHER: lambda text: text,
}
