"""The history of each booking: a row for every event about one, in the transaction in which it happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import inspect

from webapp.core import clock
from webapp.core.acting import ActorKind, current_actor
from webapp.core.db import session
from webapp.scheduling import queries
from webapp.scheduling.events import BookingEvent
from webapp.scheduling.models import Booking, BookingChange

# Columns that say nothing about the booking to people; `host_id` is among the hosts.
_UNTOLD = {
    *("id", "organization_id", "event_type_id", "meeting_id", "host_id", "sequence", "was_confirmed"),
    *("created_at", "updated_at", "manage_generation", "manage_expires_at", "kept_start", "move_asked_at"),
}
_HOSTS = "hosts"
_NOTHING: tuple[Any, ...] = (None, "", {}, [])

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to a booking; `by` is the name of the member who did it.

    `changes` are the old and the new value of each thing that changed, as JSON has it; hosts are named.
    """

    at: datetime
    what: str
    actor: ActorKind
    user_id: UUID | None
    by: str | None
    changes: dict[str, dict[str, Any]]


def record(event: BookingEvent) -> None:
    """Write down an event about a booking: what it is, who acts, and what has changed since the one before."""
    session().flush()
    booking, actor = session().get_one(Booking, event.booking_id), current_actor()
    old, new = _last_state(queries.booking_changes(booking.id)), _state(booking)
    changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    change = BookingChange(
        organization_id=booking.organization_id,
        booking_id=booking.id,
        happened_at=clock.now(),
        what=event.what,
        actor=actor.kind,
        user_id=actor.user_id,
        details={name: {"old": old.get(name), "new": new.get(name)} for name in changed},
    )
    session().add(change)


def history(booking: Booking) -> list[Entry]:
    """Return all that happened to the booking, in order."""
    changes = queries.booking_changes(booking.id)
    hosts = (UUID(host_id) for change in changes for host_id in _host_ids(change))
    names = queries.names_of({*hosts, *(change.user_id for change in changes if change.user_id)})
    return [
        Entry(
            at=change.happened_at,
            what=change.what,
            actor=change.actor,
            user_id=change.user_id,
            by=names.get(change.user_id) if change.user_id else None,
            changes=change.details | _named_hosts(change, names),
        )
        for change in changes
    ]


def _state(booking: Booking) -> State:
    """Return all of the booking that history tells, as JSON has it; nothing that is not there, and no tokens."""
    columns = [column.key for column in inspect(Booking).column_attrs]
    told = (name for name in columns if name not in _UNTOLD and not name.endswith("_digest"))
    state = {name: _plain(getattr(booking, name)) for name in told}
    state[_HOSTS] = [str(host.id) for host in booking.hosts]
    state["attendees"] = [attendee.email for attendee in booking.attendees]
    return {name: value for name, value in state.items() if value not in _NOTHING}


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case UUID():
            return str(value)
        case _:
            return value


def _last_state(changes: Iterable[BookingChange]) -> State:
    """Return how the booking stood after all these changes."""
    state: State = {}
    for change in changes:
        state |= {name: values["new"] for name, values in change.details.items()}
    return state


def _host_ids(change: BookingChange) -> Sequence[str]:
    hosts = change.details.get(_HOSTS, {})
    return [*(hosts.get("old") or ()), *(hosts.get("new") or ())]


def _named_hosts(change: BookingChange, names: dict[UUID, str]) -> dict[str, dict[str, Any]]:
    hosts = change.details.get(_HOSTS)
    if hosts is None:
        return {}
    return {_HOSTS: {side: [names.get(UUID(host), host) for host in hosts[side] or ()] for side in ("old", "new")}}
