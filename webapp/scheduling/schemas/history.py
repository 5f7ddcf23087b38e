"""The history of a booking, for members' programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from webapp.core.acting import ActorKind
from webapp.scheduling.schemas.fields import Moment
from webapp.scheduling.service.history import Entry
from webapp.web.openapi import Out


class ActorOut(Out):
    """Who did it: the guest, a member of the organisation (who has an `id` and a `name`), or the system by itself."""

    kind: ActorKind
    id: UUID | None
    name: str | None


class ValuesOut(Out):
    """What something was before and what it is after; null for nothing."""

    old: Any
    new: Any


class ChangeOut(Out):
    """Something that happened to a booking.

    `what` is `requested`, `confirmed`, `declined`, `rescheduled`, `cancelled` or another word; `changes` are by name.
    """

    at: Moment
    what: str
    by: ActorOut
    changes: dict[str, ValuesOut]

    @classmethod
    def of(cls, entry: Entry) -> ChangeOut:
        """Show all of it."""
        return cls(
            at=entry.at,
            what=entry.what,
            by=ActorOut(kind=entry.actor, id=entry.user_id, name=entry.by),
            changes={name: ValuesOut(**values) for name, values in entry.changes.items()},
        )


class HistoryOut(Out):
    """All that happened to a booking, in order."""

    items: list[ChangeOut]
