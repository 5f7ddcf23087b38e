"""Input that was refused, field by field, so that a form or a program can show each fault in its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar, NamedTuple

from webapp.core.errors import DomainError
from webapp.core.words import say


class FieldError(NamedTuple):
    """What is wrong with one field, in one plain sentence; nested fields are named with dots: `answers.topic`."""

    field: str
    message: str


class InvalidInput(DomainError):
    """One or more fields cannot be used; `errors` says which and why."""

    code: ClassVar[str] = "invalid"
    status: ClassVar[int] = 422
    message: ClassVar[str] = say("Some of what was sent cannot be used; each field named says why.")

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__(field=self.errors[0].field if self.errors else None)

    @property
    def faults(self) -> list[dict[str, str]]:
        """Every field that was refused, with its `field` and `message`."""
        return [fault._asdict() for fault in self.errors]


def sentence(message: str) -> str:
    """Return the message with a full stop, where the one who wrote it left it to us."""
    return message if message.endswith((".", "!", "?")) else f"{message}."


class FieldErrors:
    """Gathers what is wrong, so that all faults are told at once.

    >>> faults = FieldErrors()
    >>> with faults.of("email"):
    ...     raise ValueError(say("This is no e-mail address."))
    >>> faults.found
    [FieldError(field='email', message='This is no e-mail address.')]
    """

    def __init__(self) -> None:
        self.found: list[FieldError] = []

    def add(self, field: str, message: str) -> None:
        """Note that `field` is wrong."""
        self.found.append(FieldError(field, message))

    @contextmanager
    def of(self, field: str) -> Iterator[None]:
        """Take a ValueError of the block as what is wrong with `field`."""
        try:
            yield
        except ValueError as error:
            self.add(field, sentence(str(error)))

    def refuse(self) -> None:
        """Raise InvalidInput when anything was found wrong."""
        if self.found:
            raise InvalidInput(self.found)
