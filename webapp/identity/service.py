"""What identity does: passwords, sessions, personal tokens, and opening an organisation.

Everything that writes runs inside the caller's `transaction()`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from psycopg.errors import UniqueViolation
from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from webapp.core import clock, crypto
from webapp.core.addresses import email_address
from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.languages import TAGS
from webapp.core.settings import settings
from webapp.core.words import is_slug, say
from webapp.identity import queries
from webapp.identity.errors import (
    EmailTaken,
    InvalidEmail,
    InvalidName,
    InvalidSlug,
    SlugReserved,
    SlugTaken,
    UnfitExpiry,
    UnfitPassword,
    UnfitScopes,
    UnknownLanguage,
    UnknownZone,
    WrongCredentials,
    WrongPassword,
)
from webapp.identity.models import ApiToken, Membership, Organization, Role, Scope, User, UserSession

TOKEN_PREFIX = "alm_"  # noqa: S105  # what every token begins with, so that scanners find leaked ones
TOKEN_SHOWN = 12  # characters of a token kept in clear to tell it apart in a list
TOKEN_USE_GRAIN = timedelta(minutes=1)
TOKEN_LONGEST = timedelta(days=3660)
PASSWORD_LENGTH = range(12, 257)
ADMINISTRATORS_SCOPES = frozenset({Scope.JOBS_READ, Scope.JOBS_WRITE, Scope.ORGANIZATION_WRITE})

# These stand for something else where an organisation's slug stands in addresses, and are found there first.
RESERVED_SLUGS = frozenset({"bookings", "waitlist"})

# Passwords


def _hasher() -> PasswordHasher:
    """Argon2id; with 64 MiB, three passes, as RFC 9106 recommends where memory is short."""
    return PasswordHasher(memory_cost=settings().password_memory_mb * 1024)


def hash_password(password: str) -> str:
    """Return the Argon2id hash of `password` with its parameters and salt, as it is stored."""
    return _hasher().hash(_password_bytes(password))


def verify_password(password: str, *, password_hash: str) -> bool:
    """True when `password` is the one that `password_hash` was made from."""
    try:
        return _hasher().verify(password_hash, _password_bytes(password))
    except (VerificationError, InvalidHashError):
        return False


def authenticate(*, email: str, password: str) -> Membership:
    """Return the first membership of the person with this address and password.

    An unknown address costs the same work and gets the same answer as a wrong password. A hash made with older
    parameters is renewed. Raises WrongCredentials.
    """
    address = normal_email(email)
    membership = None if address is None else queries.first_membership(email=address)
    if membership is None:
        hash_password(password)  # as dear as verifying one
        raise WrongCredentials
    user = membership.user
    if not verify_password(password, password_hash=user.password_hash):
        raise WrongCredentials
    if _hasher().check_needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
    return membership


def change_password(*, user: User, current: str, new: str, keep_session: str) -> None:
    """Give `user` a new password and close all their sessions but the one whose token is `keep_session`.

    Raises WrongPassword and UnfitPassword, each naming its field.
    """
    if not verify_password(current, password_hash=user.password_hash):
        raise WrongPassword(field="current_password")
    _check_password(new, field="new_password")
    user.password_hash = hash_password(new)
    session().execute(
        delete(UserSession).where(
            UserSession.user_id == user.id, UserSession.token_digest != crypto.digest(keep_session)
        )
    )


def _password_bytes(password: str) -> bytes:
    # Keyboards and systems differ in how they compose one and the same accented letter.
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _check_password(password: str, *, field: str) -> None:
    if len(password) not in PASSWORD_LENGTH:
        raise UnfitPassword(field=field)


# Sessions


def open_session(*, membership: Membership, user_agent: str, ip_address: str) -> str:
    """Sign a browser in for the days that the settings say, and return the token for its cookie."""
    token = crypto.new_token()
    session().add(
        UserSession(
            token_digest=crypto.digest(token),
            user_id=membership.user_id,
            organization_id=membership.organization_id,
            expires_at=clock.now() + timedelta(days=settings().session_days),
            user_agent=user_agent.replace("\0", "")[:255],
            ip_address=ip_address[:45],
        )
    )
    return token


def close_session(*, token: str) -> None:
    """Sign out the browser that holds `token`, for good; an unknown token is nothing to complain of."""
    session().execute(delete(UserSession).where(UserSession.token_digest == crypto.digest(token)))


def find_session(*, token: str) -> Membership | None:
    """Return who holds `token`, with user and organisation, in one query.

    None when the session is closed or over, the person inactive, or their membership gone.
    """
    return queries.session_membership(token_digest=crypto.digest(token), at=clock.now())


# Personal tokens


def scopes_for(role: Role) -> tuple[Scope, ...]:
    """Return the scopes that a member with `role` may give to a token, and that such a token may use."""
    if role is Role.AUDITOR:
        return tuple(scope for scope in Scope if scope.value.endswith(":read"))
    return tuple(scope for scope in Scope if role.administers or scope not in ADMINISTRATORS_SCOPES)


def effective_scopes(*, token: ApiToken, membership: Membership) -> frozenset[Scope]:
    """Return what `token` may do now: what it was given, as far as its holder's present role goes."""
    return frozenset(scope for scope in scopes_for(membership.role) if scope.value in token.scopes)


def create_api_token(
    *, membership: Membership, name: str, scopes: Iterable[Scope], expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """Return a new personal token and its secret, which is stored nowhere and so can be shown only now.

    `expires_at` is aware; None means until it is revoked. Raises InvalidName, UnfitScopes, UnfitExpiry.
    """
    chosen = set(scopes)
    if not chosen or not chosen <= set(scopes_for(membership.role)):
        raise UnfitScopes(field="scopes")
    if expires_at is not None and not clock.now() < expires_at <= clock.now() + TOKEN_LONGEST:
        raise UnfitExpiry(field="expires_on")
    secret = crypto.new_token(prefix=TOKEN_PREFIX)
    token = ApiToken(
        organization_id=membership.organization_id,
        user_id=membership.user_id,
        name=_checked_name(name, field="name", longest=80),
        prefix=secret[:TOKEN_SHOWN],
        token_digest=crypto.digest(secret),
        scopes=[scope.value for scope in Scope if scope in chosen],
        expires_at=expires_at,
    )
    session().add(token)
    session().flush()
    return token, secret


def revoke_api_token(*, membership: Membership, token_id: UUID) -> ApiToken:
    """End the member's own token now and return it; raises NotFound when there is none to end."""
    token = queries.token_of(membership, token_id=token_id)
    if token is None:
        raise NotFound(say("There is no such token; it may have been revoked already."))
    token.revoked_at = clock.now()
    return token


def find_bearer(*, secret: str) -> tuple[ApiToken, Membership] | None:
    """Return the token that `secret` opens and its holder's membership, in one query.

    None when it is unknown, revoked or over, its holder inactive, or their membership gone.
    """
    return queries.usable_token(token_digest=crypto.digest(secret), at=clock.now())


def token_use_is_due(token: ApiToken) -> bool:
    """True when the last recorded use of `token` is a minute old or more, so that it is worth a write."""
    return token.last_used_at is None or token.last_used_at <= clock.now() - TOKEN_USE_GRAIN


def record_token_use(*, token: ApiToken) -> None:
    """Note that `token` is used now, at most once a minute; never waits for a twin that is noting it already."""
    now = clock.now()
    due = (
        select(ApiToken.id)
        .where(
            ApiToken.id == token.id,
            or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - TOKEN_USE_GRAIN),
        )
        .with_for_update(skip_locked=True)
    )
    session().execute(update(ApiToken).where(ApiToken.id.in_(due)).values(last_used_at=now))


# Organisations and people


def register_organization(
    *, name: str, slug: str, timezone: str, owner_name: str, owner_email: str, password: str
) -> Membership:
    """Open an organisation with its first owner, who gets its time zone, and return their membership.

    Raises InvalidName, InvalidSlug, SlugReserved, UnknownZone, InvalidEmail, UnfitPassword, SlugTaken and EmailTaken,
    each naming its field.
    """
    _require_slug(slug)
    _check_password(password, field="password")
    zone = _checked_zone(timezone)
    organization = Organization(name=_checked_name(name, field="name", longest=120), slug=slug, timezone=zone)
    user = User(
        email=_checked_email(owner_email, field="owner_email"),
        name=_checked_name(owner_name, field="owner_name", longest=120),
        password_hash=hash_password(password),
        timezone=zone,
    )
    membership = Membership(
        organization_id=organization.id, user_id=user.id, role=Role.OWNER, organization=organization, user=user
    )
    _insert(membership)
    return membership


def add_member(*, slug: str, name: str, email: str, password: str, role: Role) -> Membership:
    """Give a new person a place in the organisation called `slug`, with its time zone, and return their membership.

    Raises NotFound when there is no such organisation, and InvalidName, InvalidEmail, UnfitPassword and EmailTaken,
    each naming its field.
    """
    organization = session().scalar(select(Organization).where(Organization.slug == slug))
    if organization is None:
        raise NotFound(say("There is no organisation called %(slug)r.", slug=slug), field="slug")
    _check_password(password, field="password")
    user = User(
        email=_checked_email(email, field="owner_email"),
        name=_checked_name(name, field="owner_name", longest=120),
        password_hash=hash_password(password),
        timezone=organization.timezone,
    )
    membership = Membership(
        organization_id=organization.id, user_id=user.id, role=role, organization=organization, user=user
    )
    _insert(membership)
    return membership


def normal_email(value: str) -> str | None:
    """Return the one way we write this address (lower case, Unicode composed), or None when it is no address."""
    try:
        email = email_address(value).lower()
    except ValueError:
        return None
    return email if len(email) <= 254 else None


def update_profile(*, user: User, name: str, timezone: str, locale: str) -> None:
    """Change how `user` is called, the IANA zone they see times in and the language tag they read.

    An empty `locale` leaves the language to the browser. Raises InvalidName, UnknownZone and UnknownLanguage.
    """
    if locale and locale not in TAGS:
        raise UnknownLanguage(field="locale")
    user.name, user.timezone = _checked_name(name, field="name", longest=120), _checked_zone(timezone)
    user.locale = locale


def _insert(membership: Membership) -> None:
    try:
        with session().begin_nested():
            session().add(membership)
    except IntegrityError as error:
        taken = error.orig.diag.constraint_name if isinstance(error.orig, UniqueViolation) else None
        if taken == "uq_organization_slug":
            raise SlugTaken(field="slug") from None
        if taken == "uq_user_account_email":
            raise EmailTaken(field="owner_email") from None
        raise


def _checked_name(value: str, *, field: str, longest: int) -> str:
    name = " ".join(value.split())
    if not name or len(name) > longest or not name.isprintable():
        raise InvalidName(
            say("Give a name of 1 to %(longest)d characters, without control characters.", longest=longest), field=field
        )
    return name


def _checked_email(value: str, *, field: str) -> str:
    email = normal_email(value)
    if email is None:
        raise InvalidEmail(field=field)
    return email


def _require_slug(slug: str) -> None:
    if not is_slug(slug):
        raise InvalidSlug(field="slug")
    if slug in RESERVED_SLUGS:
        raise SlugReserved(field="slug")


def _checked_zone(value: str) -> str:
    try:
        return clock.find_zone(value).key
    except ValueError:
        raise UnknownZone(field="timezone") from None
