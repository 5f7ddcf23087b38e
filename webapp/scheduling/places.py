"""Where a meeting takes place, in words."""

from __future__ import annotations

import phonenumbers
from flask_babel import gettext as _

from webapp.scheduling.models import Booking, EventType, LocationKind, Side


def place_of(event_type: EventType) -> str:
    """Return where it takes place, as far as it can be said before anybody has booked; may be empty."""
    if event_type.location_kind is LocationKind.WE_CALL:
        return str(_("By phone: we call you"))
    if event_type.location_kind is LocationKind.YOU_CALL:
        return str(_("By phone: you call %(number)s", number=_spaced(event_type.location)))
    return event_type.location


def place_of_booking(booking: Booking, *, to: Side | None) -> str:
    """Return where it takes place for the guest, for the host, or (None) for whom the guest brings; may be empty."""
    if booking.event_type.location_kind is not LocationKind.WE_CALL:
        return place_of(booking.event_type)
    if to is None or not booking.guest_phone:
        return str(_("By phone"))
    number = _spaced(booking.guest_phone)
    if to is Side.GUEST:
        return str(_("By phone: we call you on %(number)s", number=number))
    return str(_("By phone: call %(guest)s on %(number)s", guest=booking.guest_name, number=number))


def _spaced(number: str) -> str:
    """Return a number in E.164 as people read it."""
    return phonenumbers.format_number(phonenumbers.parse(number), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
