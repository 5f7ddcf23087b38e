"""What can go wrong in the business's own terms, and how a program is told (RFC 9457)."""

from __future__ import annotations

from typing import Any, ClassVar

from webapp.core.words import say


class DomainError(Exception):
    """Something a caller can cause and understand.

    `code` is stable and for programs, `status` is the HTTP status it maps to, the message is one plain sentence for
    people, `field` names the input it is about, if any.
    """

    code: ClassVar[str] = "invalid"
    status: ClassVar[int] = 422
    message: ClassVar[str] = say("That cannot be done.")

    def __init__(self, message: str | None = None, *, field: str | None = None) -> None:
        super().__init__(message or self.message)
        self.field = field

    @property
    def faults(self) -> list[dict[str, str]]:
        """What is wrong field by field, as problem documents list it: each with `field` and `message`."""
        return [{"field": self.field, "message": str(self)}] if self.field else []


class NotFound(DomainError):
    """There is no such thing here, or none that the caller may see."""

    code = "not_found"
    status = 404
    message = "There is nothing here under that name."


class Forbidden(DomainError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403
    message = "Your role does not allow that."


class Conflict(DomainError):
    """The state of things has moved on."""

    code = "conflict"
    status = 409
    message = "Somebody changed this in the meantime; look again and repeat what you still want."


def problem(
    *, status: int, code: str, title: str, detail: str | None = None, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Return a problem document (RFC 9457): `type`, `title`, `status`, `code` and, where there are any,
    `detail` and `errors` (each with `field` and `message`).
    """
    document: dict[str, Any] = {"type": f"urn:almanac:problem:{code}", "title": title, "status": status, "code": code}
    if detail and detail != title:
        document["detail"] = detail
    if errors:
        document["errors"] = errors
    return document
