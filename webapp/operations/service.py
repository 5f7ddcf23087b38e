"""What the console writes down: every change that somebody makes, in the transaction of the change itself."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from webapp.core.db import Base, session
from webapp.core.idempotency import KEEP_KEYS
from webapp.core.logs import without_secrets
from webapp.core.models import IdempotentRequest
from webapp.core.settings import settings
from webapp.identity.models import Membership, Organization, Role, User, UserSession
from webapp.operations.models import Action, Alert, OperationsAction, QueueSample, Via

KEEP_SAMPLES = timedelta(hours=25)
KEEP_ALERTS = timedelta(days=90)
KEEP_ACTIONS = timedelta(days=365)


def record_action(
    *, action: Action, subject: str, by: Membership | None, via: Via, details: dict[str, Any] | None = None
) -> None:
    """Write down a change in the caller's transaction; `by` nobody means a command on this machine."""
    session().add(
        OperationsAction(
            user_id=by.user_id if by else None,
            actor=by.user.email if by else command_account(),
            via=via,
            action=action,
            subject=subject[:200],
            details=without_secrets(details or {}),
        )
    )


def actions(*, subject: str | None = None, limit: int = 50) -> Sequence[OperationsAction]:
    """Return the latest changes, the newest first; those of one run or schedule if `subject` is given."""
    query = select(OperationsAction).order_by(OperationsAction.created_at.desc(), OperationsAction.id.desc())
    if subject is not None:
        query = query.where(OperationsAction.subject == subject)
    return session().scalars(query.limit(limit)).all()


def is_operator(member: Membership) -> bool:
    """True when the member's organisation runs this installation, and so its background jobs."""
    operator = settings().operator_organization
    return operator is None or member.organization.slug == operator


def operators() -> Sequence[Membership]:
    """Return whom to tell when something is wrong: active owners and admins, each person once."""
    query = (
        select(Membership)
        .join(Membership.user)
        .join(Membership.organization)
        .where(User.is_active, Membership.role.in_([Role.OWNER, Role.ADMIN]))
        .order_by(Membership.created_at, Membership.id)
    )
    if settings().operator_organization is not None:
        query = query.where(Organization.slug == settings().operator_organization)
    by_person = {member.user_id: member for member in reversed(session().scalars(query).all())}
    return list(by_person.values())


def command_account() -> str:
    """Return who runs a command here: the account and the machine."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in many containers
        account = "somebody"
    return f"{account}@{socket.gethostname()}"[:254]


def purge(*, limit: int) -> int:
    """Delete up to `limit` rows of each kind that are past their time; return how many went of that with the most."""
    return max(
        _purge(kind, moment < func.now() - keep, limit)
        for kind, moment, keep in (
            (QueueSample, QueueSample.taken_at, KEEP_SAMPLES),
            (Alert, Alert.recovered_at, KEEP_ALERTS),
            (OperationsAction, OperationsAction.created_at, KEEP_ACTIONS),
            (IdempotentRequest, IdempotentRequest.created_at, KEEP_KEYS),
            (UserSession, UserSession.expires_at, timedelta()),
        )
    )


def _purge(kind: type[Base], past: ColumnElement[bool], limit: int) -> int:
    batch = select(kind.id).where(past).limit(limit).with_for_update(skip_locked=True)
    gone = delete(kind).where(kind.id.in_(batch)).returning(kind.id)
    return len(session().execute(gone, execution_options={"synchronize_session": False}).all())
