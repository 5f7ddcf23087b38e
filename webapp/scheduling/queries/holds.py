"""Holds: which seats they still keep, and whose they are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, Subquery, bindparam, func, or_, select

from webapp.core import clock
from webapp.core.crypto import digest
from webapp.core.db import session
from webapp.identity.models import User
from webapp.scheduling.models import Hold, HostTime, OutOfOffice

_HOST_IDS: BindParameter[UUID] = bindparam("host_ids", expanding=True)
_MEANWHILE = (HostTime.apart_until > bindparam("begin"), HostTime.apart_from < bindparam("until"))
# What takes time of some hosts between two instants, the buffers included.
DURING = (HostTime.host_id.in_(_HOST_IDS), *_MEANWHILE)


def when(host_ids: Iterable[UUID], begin: datetime, until: datetime) -> dict[str, Any]:
    """Return what `DURING` asks for, the instants aware, and what `seats_let_go` does but `own_hold`."""
    return {"host_ids": list(host_ids), "begin": begin, "until": until, "now": clock.now()}


def seats_let_go() -> Subquery:
    """Return, by `meeting_id`, how many `seats` count as free although their hold is there: it has run out by `now` or
    is `own_hold`, the caller's own. These two are for whoever executes the statement to say.
    """
    free = or_(Hold.expires_at <= bindparam("now"), Hold.id == bindparam("own_hold"))
    return select(Hold.meeting_id, func.count().label("seats")).where(free).group_by(Hold.meeting_id).subquery()


def next_expiry(
    *, host_ids: Iterable[UUID], begin: datetime, until: datetime, but_offers: bool = False
) -> datetime | None:
    """Return until when `held_times` keeps its answer about these instants and hosts, and about whoever stands in for
    one of them at any time: holds run out by themselves. None for as long as nobody writes anything.

    With `but_offers`, what is held for those on a waitlist is left out.
    """
    return session().scalar(_NEXT_BUT_OFFERS if but_offers else _NEXT_EXPIRY, when(host_ids, begin, until))


def find_hold(*, event_type_id: UUID, start: datetime, tokens: Iterable[str]) -> Hold | None:
    """Return the hold on that start of the event type which one of the tokens opens, also one that has run out."""
    digests = [digest(token) for token in tokens]
    if not digests:
        return None
    return session().scalar(
        select(Hold)
        .where(Hold.token_digest.in_(digests), Hold.event_type_id == event_type_id, Hold.starts_at == start)
        .order_by(Hold.expires_at.desc())
        .limit(1)
    )


def live_holds(*, holder: str, other_than: UUID | None = None) -> int:
    """Return how many places are kept for one holder, one of the holds left out of the count if it is named."""
    kept = (Hold.holder == holder, Hold.expires_at > clock.now(), Hold.id.is_distinct_from(other_than))
    return session().scalar(select(func.count()).where(*kept)) or 0


def expired_holds(*, limit: int) -> list[Hold]:
    """Return holds of all organisations that have run out and are still there, oldest first."""
    return list(
        session().scalars(select(Hold).where(Hold.expires_at <= clock.now()).order_by(Hold.expires_at).limit(limit))
    )


def hosts_of(*, meeting_id: UUID) -> list[UUID]:
    """Return whose time a meeting takes."""
    return list(session().scalars(select(HostTime.host_id).where(HostTime.meeting_id == meeting_id)))


def _next_expiry(*which: ColumnElement[bool]) -> Select[datetime | None]:
    stand_ins = select(OutOfOffice.stand_in_id).where(OutOfOffice.host_id.in_(_HOST_IDS))
    everybody = select(User.id).where(User.id.in_(_HOST_IDS)).union(stand_ins)
    meetings = select(HostTime.meeting_id).where(HostTime.host_id.in_(everybody), *_MEANWHILE)
    running = (Hold.expires_at > bindparam("now"), Hold.meeting_id.in_(meetings))
    return select(func.min(Hold.expires_at)).where(*running, *which)


# Made once: whoever works out open times asks it.
_NEXT_EXPIRY = _next_expiry()
_NEXT_BUT_OFFERS = _next_expiry(Hold.waitlist_entry_id.is_(None))
