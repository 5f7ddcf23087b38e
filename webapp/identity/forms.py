"""What people fill in; the rules themselves are the service's, so that every way in keeps them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import (
    DateField,
    EmailField,
    HiddenField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, Optional

from webapp.core.languages import TAGS
from webapp.identity.models import Role, Scope, User
from webapp.identity.service import scopes_for
from webapp.web.forms import Form
from webapp.web.languages import language_name
from webapp.web.times import zone_choices

SCOPE_LABELS = {
    Scope.BOOKINGS_READ: _("Read bookings"),
    Scope.BOOKINGS_WRITE: _("Change and cancel bookings"),
    Scope.EVENT_TYPES_READ: _("Read event types"),
    Scope.EVENT_TYPES_WRITE: _("Make and change event types"),
    Scope.ORGANIZATION_READ: _("Read the organisation's settings"),
    Scope.ORGANIZATION_WRITE: _("Change the organisation's settings"),
    Scope.AVAILABILITY_READ: _("Read working hours and absences"),
    Scope.AVAILABILITY_WRITE: _("Change working hours and absences"),
    Scope.JOBS_READ: _("Read background jobs"),
    Scope.JOBS_WRITE: _("Run and stop background jobs"),
}


class SignInForm(Form):
    """Who wants to come in, and where they were going."""

    email = EmailField(_("E-mail address"), [InputRequired(_("Type your e-mail address."))])
    password = PasswordField(_("Password"), [InputRequired(_("Type your password."))])
    next = HiddenField()


class ProfileForm(Form):
    """How a person is called, where they live and what they read."""

    name = StringField(_("Name"), [InputRequired(_("Type your name."))])
    timezone = SelectField(_("Time zone"))
    locale = SelectField(_("Language"), validate_choice=False)

    def offer_zones(self, user: User) -> ProfileForm:
        """Fill the zone picker, with the zone of `user` in it, and offer the languages; returns the form."""
        self.timezone.choices = dict(zone_choices(user.timezone))
        self.locale.choices = [("", _("As my browser asks for")), *((tag, language_name(tag)) for tag in TAGS)]
        return self


class PasswordForm(Form):
    """A change of password."""

    current_password = PasswordField(_("Present password"), [InputRequired(_("Type your present password."))])
    new_password = PasswordField(_("New password"), [InputRequired(_("Type the password you want from now on."))])


class TokenForm(Form):
    """A personal token to be made."""

    name = StringField(_("Name"), [InputRequired(_("Give it a name that says where you will use it."))])
    scopes = SelectMultipleField(_("What it may do"), coerce=Scope)
    expires_on = DateField(_("Last day"), [Optional()])

    def offer_scopes(self, role: Role) -> TokenForm:
        """Offer the scopes that `role` may give; returns the form."""
        self.scopes.choices = [(scope, SCOPE_LABELS[scope]) for scope in scopes_for(role)]
        return self
