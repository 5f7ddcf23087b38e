"""The organisation that `make run` fills an empty database with."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import select

from webapp.core.db import session, transaction
from webapp.core.settings import settings
from webapp.identity import service as identity
from webapp.identity.models import Membership, Organization, Role, Scope, User
from webapp.scheduling.models import EventColor, EventKind, EventType, LocationKind, QuestionKind
from webapp.scheduling.service import event_types, schedules
from webapp.scheduling.service.event_types import EventTypeDetails
from webapp.scheduling.service.questions import Question
from webapp.scheduling.service.teams import TeamMember

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
    location="By phone or by video",
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
OPEN_STUDIO = EventTypeDetails(
    name="Open studio",
    slug="open-studio",
    duration=60,
    slot_interval=60,
    description="A look around while we work, for eight people at a time. If it is full, wait in line.",
    minimum_notice=2 * 60,
    kind=EventKind.GROUP,
    seats=8,
    waitlist_enabled=True,
    location_kind=LocationKind.IN_PERSON,
    location="Riverside Studio, 12 Quay Street",
    color=EventColor.RED,
)
SECOND_OPINION = EventTypeDetails(
    name="Second opinion",
    slug="second-opinion",
    duration=45,
    slot_interval=15,
    other_durations=(90,),
    description="We look over plans that you have. Tell us what they are, and we say yes within a day.",
    minimum_notice=24 * 60,
    requires_approval=True,
    cancel_notice=12 * 60,
    reschedule_notice=12 * 60,
    policy="Free of charge until twelve hours before.",
    location="Video call, the link comes by e-mail",
    color=EventColor.BLUE,
    questions=(Question(label="What are the plans for?", kind=QuestionKind.LONG_TEXT, required=True),),
)
ADVICE = EventTypeDetails(
    name="Advice with whoever is free",
    slug="advice",
    duration=30,
    slot_interval=30,
    description="When it matters most that it is soon: you meet whichever of us two has time.",
    kind=EventKind.ROUND_ROBIN,
    location_kind=LocationKind.WE_CALL,
)


def seed(file: Path) -> None:
    """Make the demo organisation, unless it is there, and write how to sign in to `file`, readable for its owner only.

    Password and API token are drawn each time the file has to be made, so neither is a default. With both there, only
    the address in it becomes that of this start.
    """
    password = secrets.token_urlsafe(12)
    with transaction():
        owner = _owner()
        if owner is not None and file.exists():
            _write_private(file, json.loads(file.read_text()) | {"url": settings().public_url})
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
    colleague = _colleague(owner.organization)
    both = [TeamMember(host_id=each.user_id) for each in (owner, colleague)]
    _offer(owner, INTRO, WORKSHOP, OPEN_STUDIO, SECOND_OPINION, replace(ADVICE, team=both))
    _offer(colleague, CHECK_IN)
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
