"""The form in which a host books for a guest."""

from __future__ import annotations

from typing import cast

from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import EmailField, StringField
from wtforms.validators import InputRequired, Length

from webapp.core.addresses import email_address
from webapp.core.clock import find_zone
from webapp.scheduling.forms import checked_by
from webapp.scheduling.forms.booking import GuestForm, guest_form
from webapp.scheduling.models import EventType
from webapp.scheduling.service.guests import one_line


class HostBookingForm(GuestForm):
    """Who comes, and in which time zone they are told of it."""

    name = StringField(
        _("Name of the guest"),
        [InputRequired(_("Please say who comes.")), Length(max=120), checked_by(one_line)],
        render_kw={"autocomplete": "off", "maxlength": 120},
    )
    email = EmailField(
        _("E-mail address of the guest"),
        [InputRequired(_("Please say where the confirmation goes.")), Length(max=254), checked_by(email_address)],
        render_kw={"autocomplete": "off", "maxlength": 254},
    )
    guest_timezone = StringField(_("Time zone of the guest"), [checked_by(find_zone)])


def host_booking_form(event_type: EventType, typed: MultiDict[str, str] | None = None) -> HostBookingForm:
    """Return the form of an event type with its questions, and with what was typed."""
    form = cast("HostBookingForm", guest_form(event_type, typed, of=HostBookingForm))
    form.phone.render_kw = {"autocomplete": "off", "maxlength": 40}
    if typed is None:
        form.guest_timezone.data = event_type.organization.timezone
    return form
