"""What can go wrong when people sign in, hold tokens and open organisations."""

from __future__ import annotations

from typing import ClassVar

from webapp.core.errors import Conflict, DomainError, Forbidden
from webapp.core.words import say


class WrongCredentials(DomainError):
    """The address is unknown, the password is not its own, or the person may not sign in: deliberately one answer."""

    code: ClassVar[str] = "wrong_credentials"
    message: ClassVar[str] = say("The e-mail address or the password is not right. Check both and try again.")


class WrongPassword(DomainError):
    """A signed-in person did not know their present password."""

    code: ClassVar[str] = "wrong_password"
    message: ClassVar[str] = say("That is not your present password. Type the one you signed in with.")


class UnfitPassword(DomainError):
    """A new password is too short, or absurdly long."""

    code: ClassVar[str] = "unfit_password"
    message: ClassVar[str] = say("Choose a password of 12 to 256 characters.")


class InvalidEmail(DomainError):
    """An address that no mail can reach."""

    code: ClassVar[str] = "invalid_email"
    message: ClassVar[str] = say("Give an e-mail address such as name@example.com.")


class InvalidSlug(DomainError):
    """A name that cannot stand in a web address."""

    code: ClassVar[str] = "invalid_slug"
    message: ClassVar[str] = say(
        "Use lower-case letters, digits and single hyphens between them, at most 60 characters."
    )


class SlugReserved(DomainError):
    """A name that stands in web addresses of Almanac's own, where an organisation's would."""

    code: ClassVar[str] = "slug_reserved"
    message: ClassVar[str] = say("Almanac uses this address itself; choose a different one.")


class InvalidName(DomainError):
    """A name that is empty, too long, or holds control characters."""

    code: ClassVar[str] = "invalid_name"


class UnknownZone(DomainError):
    """A time zone that does not exist."""

    code: ClassVar[str] = "unknown_zone"
    message: ClassVar[str] = say("Give a time zone by its IANA name, such as Europe/Berlin.")


class UnknownLanguage(DomainError):
    """A language that Almanac does not speak."""

    code: ClassVar[str] = "unknown_language"
    message: ClassVar[str] = say("Choose one of the languages in the list.")


class SlugTaken(Conflict):
    """Another organisation has this address."""

    code: ClassVar[str] = "slug_taken"
    message: ClassVar[str] = say("Another organisation has this address already; choose a different one.")


class EmailTaken(Conflict):
    """Somebody has an account with this address."""

    code: ClassVar[str] = "email_taken"
    message: ClassVar[str] = say("There is an account with this e-mail address already; use a different one.")


class UnfitScopes(DomainError):
    """A token was asked for with no scope, or one that its holder's role does not give."""

    code: ClassVar[str] = "unfit_scopes"
    message: ClassVar[str] = say("Choose at least one thing that the token may do, of those your role allows.")


class UnfitExpiry(DomainError):
    """A token was asked for that would end in the past, or hardly ever."""

    code: ClassVar[str] = "unfit_expiry"
    message: ClassVar[str] = say("Choose a last day from today on, at most ten years ahead.")


class InsufficientScope(Forbidden):
    """The token is good, but not for this."""

    code: ClassVar[str] = "insufficient_scope"
    message: ClassVar[str] = say("This token does not have the scope that this needs; create one that has.")
