"""The forms of guests: who books, with the answers to the host's questions, and why somebody cancels."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, EmailField, Field, StringField, TelField, TextAreaField
from wtforms.validators import InputRequired, Length

from webapp.core.addresses import email_address
from webapp.scheduling.forms import checked_by
from webapp.scheduling.forms.attendees import attendees_field, split_addresses
from webapp.scheduling.forms.questions import question_field
from webapp.scheduling.models import BookingLink, EventType
from webapp.scheduling.service.answers import Answer
from webapp.scheduling.service.guests import Guest, one_line, phone_number, plain_text
from webapp.scheduling.service.places import needs_phone
from webapp.scheduling.service.questions import Question
from webapp.web.forms import Form

_ANSWER = "answers."
_ATTENDEES = "attendees"


def _phone(*validators: InputRequired) -> TelField:
    return TelField(
        _("Phone number"),
        [*validators, Length(max=40), checked_by(phone_number)],
        render_kw={"autocomplete": "tel", "maxlength": 40},
    )


class GuestForm(Form):
    """Who books. `guest_form` adds the questions of an event type."""

    name = StringField(
        _("Your name"),
        [InputRequired(_("Please tell us your name.")), Length(max=120), checked_by(one_line)],
        render_kw={"autocomplete": "name", "maxlength": 120},
    )
    email = EmailField(
        _("E-mail address"),
        [
            InputRequired(_("Please tell us where to send the confirmation.")),
            Length(max=254),
            checked_by(email_address),
        ],
        render_kw={"autocomplete": "email", "maxlength": 254},
    )
    phone = _phone()

    def guest(self, *, timezone: str, locale: str) -> Guest:
        """Return the guest that a valid form describes; `timezone` is an IANA name, `locale` a language tag."""
        return Guest(
            name=one_line(self.name.data or ""),
            email=email_address(self.email.data or ""),
            phone=phone_number(self.phone.data or ""),
            timezone=timezone,
            locale=locale,
        )

    def answers(self) -> dict[str, Answer]:
        """Return what was answered, by the questions' keys."""
        return {field.name.removeprefix(_ANSWER): field.data or "" for field in self.questions()}

    def brought_along(self) -> list[str]:
        """Return the addresses of whom the guest brings along, where the event type lets them."""
        return split_addresses(self[_ATTENDEES].data or "") if _ATTENDEES in self else []

    def questions(self) -> list[Field]:
        """Return the fields of the event type's own questions, in their order."""
        return [field for field in self if field.name.startswith(_ANSWER)]

    def typed(self) -> dict[str, Any]:
        """Return all that was typed, to tell whether the same form is sent twice."""
        return {field.name: field.data for field in self}


def guest_form(
    event_type: EventType,
    typed: MultiDict[str, str] | None = None,
    *,
    link: BookingLink | None = None,
    of: type[GuestForm] = GuestForm,
) -> GuestForm:
    """Return the booking form of an event type, with what was typed, or for whom the link is.

    `of` is what it asks for beside its questions.
    """

    class _Form(of):  # type: ignore[misc, valid-type]  # a base that is chosen when it runs
        """A class of its own, since fields are declared on classes."""

    if needs_phone(event_type) and of is GuestForm:
        _Form.phone = _phone(InputRequired(_("Please give the number on which the host calls you.")))
    for question in map(Question.of, event_type.questions):
        setattr(_Form, _ANSWER + question.key, question_field(question))
    if event_type.most_attendees:
        setattr(_Form, _ATTENDEES, attendees_field())
    form: GuestForm = _Form(typed, data={"name": link.guest_name, "email": link.guest_email} if link else None)
    return form


class DeclineForm(Form):
    """Why a request is declined; nobody has to say."""

    decline_reason = TextAreaField(
        _("Reason"), [Length(max=500), checked_by(plain_text)], render_kw={"maxlength": 500, "rows": 3}
    )


class CancelForm(Form):
    """Why a booking is cancelled; nobody has to say."""

    reason = TextAreaField(
        _("Reason"), [Length(max=500), checked_by(plain_text)], render_kw={"maxlength": 500, "rows": 3}
    )
    rest = BooleanField(_("Cancel all later meetings of the series, too"))
