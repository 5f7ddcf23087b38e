"""The organisation that `make run` fills an empty database with."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import select

from webapp.core.db import session, transaction
from webapp.core.settings import settings
from webapp.identity import service as identity
from webapp.identity.models import Membership, Organization, Role, Scope, User
from webapp.scheduling.models import EventColor, EventType, LocationKind, QuestionKind
from webapp.scheduling.service import event_types, schedules
from webapp.scheduling.service.event_types import EventTypeDetails
from webapp.scheduling.service.questions import Question

SLUG = "riverside"
OWNER_EMAIL = "ada@riverside.example"
COLLEAGUE_EMAIL = "noor@riverside.example"

INTRO = EventTypeDetails(
    name="Intro call",
    slug="intro-call",
    duration=30,
    slot_interval=30,
    description="Half an hour to get to know each other and see whether we can help.",
    minimum_notice=60,
    location="We call you on the number you give",
    questions=(Question(label="What would you like to talk about?", kind=QuestionKind.LONG_TEXT),),
)
WORKSHOP = EventTypeDetails(
    name="Planning workshop",
    slug="planning-workshop",
    duration=90,
    slot_interval=30,
    description="We plan your project together, at our table.",
    buffer_before=15,
    buffer_after=15,
    minimum_notice=4 * 60,
    location_kind=LocationKind.IN_PERSON,
    location="Riverside Studio, 12 Quay Street",
    color=EventColor.PURPLE,
    questions=(
        Question(label="How many of you will come?", required=True),
        Question(label="Anything we should prepare?", kind=QuestionKind.LONG_TEXT),
    ),
)
CHECK_IN = EventTypeDetails(
    name="Quick check-in",
    slug="quick-check-in",
    duration=15,
    slot_interval=15,
    description="A short look at where things stand.",
    minimum_notice=30,
    horizon_days=30,
    location="Video call, the link comes by e-mail",
    color=EventColor.ORANGE,
)


def seed(file: Path) -> None:
    """Make the demo organisation, unless it is there, and write how to sign in to `file`, readable for its owner only.

    Password and API token are drawn each time the file has to be written, so neither is a default. With both there,
    nothing happens.
    """
    password = secrets.token_urlsafe(12)
    with transaction():
        owner = _owner()
        if owner is not None and file.exists():
            return
        owner = owner or _make_organization()
        owner.user.password_hash = identity.hash_password(password)
        _token, secret = identity.create_api_token(membership=owner, name="Demo", scopes=list(Scope))
        slugs = list(
            session().scalars(
                select(EventType.slug).where(EventType.organization_id == owner.organization_id).order_by(EventType.id)
            )
        )
    _write_private(
        file,
        {
            "url": settings().public_url,
            "email": OWNER_EMAIL,
            "password": password,
            "organization": SLUG,
            "event_types": slugs,
            "api_token": secret,
        },
    )


def _owner() -> Membership | None:
    return session().scalar(
        select(Membership)
        .join(Organization, Membership.organization_id == Organization.id)
        .join(User, Membership.user_id == User.id)
        .where(Organization.slug == SLUG, User.email == OWNER_EMAIL)
    )


def _make_organization() -> Membership:
    owner = identity.register_organization(
        name="Riverside Studio",
        slug=SLUG,
        timezone="Europe/Berlin",
        owner_name="Ada Brandt",
        owner_email=OWNER_EMAIL,
        password=secrets.token_urlsafe(24),
    )
    _offer(owner, INTRO, WORKSHOP)
    _offer(_colleague(owner.organization), CHECK_IN)
    return owner


def _colleague(organization: Organization) -> Membership:
    user = User(
        email=COLLEAGUE_EMAIL,
        name="Noor Haddad",
        password_hash=identity.hash_password(secrets.token_urlsafe(24)),
        timezone="America/New_York",
    )
    membership = Membership(
        organization_id=organization.id, user_id=user.id, role=Role.MEMBER, organization=organization, user=user
    )
    session().add(membership)
    session().flush()
    return membership


def _offer(host: Membership, *offers: EventTypeDetails) -> None:
    schedule = schedules.create_schedule(
        organization_id=host.organization_id, host_id=host.user_id, timezone=host.user.timezone
    )
    for details in offers:
        event_types.create_event_type(
            organization_id=host.organization_id, host_id=host.user_id, schedule=schedule, details=details
        )


def _write_private(file: Path, content: dict[str, Any]) -> None:
    """Write the whole file or nothing of it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.chmod(0o600)
    unfinished.write_text(json.dumps(content, indent=2) + "\n")
    unfinished.replace(file)
