"""What people type into the pages of scheduling, and how it is put into the services' terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wtforms import Field, Form, SelectChoice  # type: ignore[attr-defined]  # newer than its published types
from wtforms.validators import ValidationError

from webapp.core.clock import require_year
from webapp.core.validation import FieldError
from webapp.web.languages import told


def checked_by(check: Callable[[str], Any]) -> Callable[[Form, Field], None]:
    """Return a validator that takes the ValueError of a service's own check as the field's error."""

    def validate(_form: Form, field: Field) -> None:
        try:
            check(field.data or "")
        except ValueError as error:
            raise ValidationError(told(error)) from error

    return validate


def within_years(_form: Form, field: Field) -> None:
    """Refuse dates near the ends of what dates can say."""
    if field.data is not None:
        try:
            require_year(field.data)
        except ValueError as error:
            raise ValidationError(told(error)) from error


def show_errors(form: Form, errors: Iterable[FieldError]) -> list[str]:
    """Put what a service refused beside the fields of `form`; return what belongs to none of them.

    What is wrong with one of several things that are typed into one field, such as `attendees.1`, is the field's.
    """
    general = []
    for error in errors:
        name = error.field if error.field in form else error.field.partition(".")[0]
        if name in form:
            form[name].errors = [*form[name].errors, told(error.message)]
        else:
            general.append(told(error.message))
    return general


def option(value: str, label: str, *, group: str | None = None) -> Any:
    """Return one choice of a select or of radio buttons, in the group of that name if one is given."""
    return SelectChoice(value, label, optgroup=group)
