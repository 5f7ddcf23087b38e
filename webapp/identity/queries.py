"""What is read of identity, each in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import contains_eager

from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.scope import scoped
from webapp.core.words import say
from webapp.identity.models import ApiToken, Membership, User, UserSession


def first_membership(*, email: str) -> Membership | None:
    """Return the oldest membership of the active person with this address (in lower case)."""
    return session().scalar(
        select(Membership)
        .join(Membership.user)
        .options(contains_eager(Membership.user))
        .where(User.email == email, User.is_active)
        .order_by(Membership.created_at, Membership.id)
        .limit(1)
    )


def find_membership(membership_id: UUID) -> Membership:
    """Return a membership with its user and organisation; raises NotFound."""
    found = session().get(Membership, membership_id, populate_existing=True)
    if found is None:
        raise NotFound(say("This person is no member any more."))
    return found


def member_of(organization_id: UUID, *, user_id: UUID) -> Membership:
    """Return a person's membership in the organisation; raises NotFound."""
    found = session().scalar(scoped(Membership, organization_id).filter_by(user_id=user_id))
    if found is None:
        raise NotFound
    return found


def session_membership(*, token_digest: str, at: datetime) -> Membership | None:
    """Return the membership of an open session at the instant `at`, with its user and organisation."""
    return session().scalar(
        select(Membership)
        .join(Membership.user)
        .join(
            UserSession,
            and_(
                UserSession.user_id == Membership.user_id,
                UserSession.organization_id == Membership.organization_id,
            ),
        )
        .options(contains_eager(Membership.user))
        .where(UserSession.token_digest == token_digest, UserSession.expires_at > at, User.is_active)
    )


def usable_token(*, token_digest: str, at: datetime) -> tuple[ApiToken, Membership] | None:
    """Return a token that is good at the instant `at`, and its holder's membership with user and organisation."""
    row = (
        session()
        .execute(
            select(ApiToken, Membership)
            .join(
                Membership,
                and_(Membership.user_id == ApiToken.user_id, Membership.organization_id == ApiToken.organization_id),
            )
            .join(Membership.user)
            .options(contains_eager(Membership.user))
            .where(
                ApiToken.token_digest == token_digest,
                ApiToken.revoked_at.is_(None),
                or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > at),
                User.is_active,
            )
        )
        .one_or_none()
    )
    return None if row is None else (row[0], row[1])


def active_members(organization_id: UUID) -> Sequence[Membership]:
    """Return the organisation's members who may sign in, by name."""
    return (
        session()
        .scalars(
            select(Membership)
            .join(Membership.user)
            .options(contains_eager(Membership.user))
            .where(Membership.organization_id == organization_id, User.is_active)
            .order_by(User.name, User.id)
        )
        .all()
    )


def tokens_of(membership: Membership) -> Sequence[ApiToken]:
    """Return the member's tokens that were not revoked, the newest first."""
    return (
        session()
        .scalars(
            select(ApiToken)
            .where(
                ApiToken.user_id == membership.user_id,
                ApiToken.organization_id == membership.organization_id,
                ApiToken.revoked_at.is_(None),
            )
            .order_by(ApiToken.created_at.desc(), ApiToken.id.desc())
        )
        .all()
    )


def token_of(membership: Membership, *, token_id: UUID) -> ApiToken | None:
    """Return the member's own unrevoked token with this id."""
    return session().scalar(
        select(ApiToken).where(
            ApiToken.id == token_id,
            ApiToken.user_id == membership.user_id,
            ApiToken.organization_id == membership.organization_id,
            ApiToken.revoked_at.is_(None),
        )
    )
