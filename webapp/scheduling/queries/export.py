"""What the columns of an export are."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from sqlalchemy import func, select, true

from webapp.core.db import session
from webapp.scheduling.models import Booking, EventType
from webapp.scheduling.queries.bookings import Selection, selected


class Asked(NamedTuple):
    """A question of an event type; one that is no longer asked has its key for a label."""

    event_type_id: UUID
    key: str
    label: str


def asked_questions(selection: Selection) -> list[Asked]:
    """Return every question to which a booking of the selection may have an answer, in the order they are asked.

    Questions that are no longer asked and that somebody has answered come after the others of their event type.
    """
    keys = func.jsonb_object_keys(Booking.answers).table_valued("key").render_derived().lateral()
    pairs = selected(selection).outerjoin(keys, true()).with_only_columns(Booking.event_type_id, keys.c.key).distinct()
    answered: dict[UUID, set[str]] = {}
    for event_type_id, key in session().execute(pairs):
        answered.setdefault(event_type_id, set()).update([key] if key else [])
    statement = select(EventType.id, EventType.questions).where(EventType.id.in_(answered)).order_by(EventType.id)
    return [asked for row in session().execute(statement) for asked in _asked(row.id, row.questions, answered[row.id])]


def _asked(event_type_id: UUID, questions: list[dict[str, str]], answered: set[str]) -> list[Asked]:
    labels = {question["key"]: question["label"] for question in questions}
    order = [*labels, *sorted(answered - labels.keys())]
    return [Asked(event_type_id, key, labels.get(key, key)) for key in order]
