"""Wait for a time that is taken: join, be offered it in turn, take it or pass it on.

An offer is a hold, so nobody else can have the time meanwhile, and its guest books by it as any guest with a hold does.
What decides a race is the entry's row: whoever wants to change its status locks it in the status that they expect, and
who comes second finds it in another one. The row is locked before any host, so that no two wait for each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID

from psycopg.errors import UniqueViolation
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError

from webapp.core import clock, crypto
from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.events import publish
from webapp.core.settings import settings
from webapp.core.words import say
from webapp.scheduling import queries
from webapp.scheduling.errors import (
    AlreadyWaiting,
    NoOffer,
    NotInLine,
    OutsideAvailability,
    SlotTaken,
    StartRefused,
    StillFree,
)
from webapp.scheduling.events import WaitlistJoined, WaitlistOffered, WaitlistOfferLapsed
from webapp.scheduling.models import IN_LINE, Booking, EventType, Hold, WaitlistEntry, WaitStatus
from webapp.scheduling.service.answers import Answer, check_answers
from webapp.scheduling.service.booking import book
from webapp.scheduling.service.freed import tell_who_waits
from webapp.scheduling.service.guests import Guest
from webapp.scheduling.service.holds import free_hold, keep
from webapp.scheduling.service.offers import (
    MOST_DAYS,
    chosen_duration,
    offered_slots,
    require_offered,
    taken_slots,
)
from webapp.scheduling.service.places import require_phone

_MINUTE = timedelta(minutes=1)
_SHORTEST_OFFER = timedelta(minutes=10)


def join(
    *,
    event_type: EventType,
    guest: Guest,
    answers: Mapping[str, Answer],
    wanted: datetime | date,
    duration: int | None = None,
) -> WaitlistEntry:
    """Put the guest in line for a start (aware), or for any time of a day in the guest's zone, whichever is `wanted`.

    Publishes WaitlistJoined. Raises NotFound when the event type keeps no waitlist, InvalidInput as `book` does,
    StillFree when there is nothing to wait for, the StartRefused that says why the time could never be had, and
    AlreadyWaiting.
    """
    if not event_type.is_active or not event_type.waitlist_enabled:
        raise NotFound(say("There is no waitlist here."))
    length = chosen_duration(event_type, duration=duration)
    require_phone(event_type=event_type, guest=guest)
    checked = check_answers(questions=event_type.questions, answers=answers)
    wanted_from, wanted_until = _span_of(wanted, guest)
    _require_taken(event_type, wanted_from, wanted_until, guest, length)
    entry = WaitlistEntry(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        event_type=event_type,
        status=WaitStatus.WAITING,
        wanted_from=wanted_from,
        wanted_until=wanted_until,
        day=None if isinstance(wanted, datetime) else wanted,
        duration=length,
        guest_name=guest.name,
        guest_email=guest.email,
        guest_phone=guest.phone,
        guest_timezone=guest.timezone,
        guest_locale=guest.locale,
        answers=checked,
    )
    entry.token_digest = crypto.digest(waitlist_token(entry))
    _add(entry)
    publish(WaitlistJoined(entry_id=entry.id))
    return entry


def offer_next(*, host_ids: Collection[UUID]) -> WaitlistEntry | None:
    """Hold a free time for the first in line who waits for it, among all who wait for time of these hosts.

    Publishes WaitlistOffered and returns who has the offer; None when there is nothing free that anybody waits for.
    One at a time and each in a transaction of its own, so that no two hosts' turns are ever waited for at once.
    Raises BusyHost.
    """
    line = queries.waiting(host_ids=host_ids)
    free_starts = _free_starts(line)
    for entry in line:
        starts = free_starts[entry.event_type_id, _length(entry)]
        start = next((start for start in starts if entry.wanted_from <= start < entry.wanted_until), None)
        if start is not None and _offer(entry, start):
            return entry
    return None


def accept(*, entry: WaitlistEntry, answers: Mapping[str, Answer] | None = None) -> Booking:
    """Book what the entry was offered; `answers` replace those given before, as far as they are still asked for.

    Raises NoOffer when there is none or it is over, and what `book` raises.
    """
    running = WaitlistEntry.offer_expires_at > clock.now()
    if not _lock(entry, WaitStatus.OFFERED, running) or entry.offered_start is None:
        raise NoOffer
    booking = book(
        event_type=entry.event_type,
        start=entry.offered_start,
        guest=_guest(entry),
        answers=_still_asked(entry) if answers is None else answers,
        duration=_length(entry),
        hold=queries.hold_for(entry.id),
    )
    entry.status, entry.booking_id = WaitStatus.BOOKED, booking.id
    return booking


def refuse(*, entry: WaitlistEntry) -> None:
    """Pass on what the entry was offered, to the next in line. Raises NoOffer and BusyHost."""
    if not _lock(entry, WaitStatus.OFFERED):
        raise NoOffer
    entry.status = WaitStatus.REFUSED
    _give_back(entry)


def leave(*, entry: WaitlistEntry, removed: bool = False) -> None:
    """Take the entry out of line, and give back what it was offered; `removed` says that it was the host who did so.

    Raises NotInLine and BusyHost.
    """
    if not _lock(entry, *IN_LINE):
        raise NotInLine
    entry.status = WaitStatus.REMOVED if removed else WaitStatus.LEFT
    _give_back(entry)


def lapse(*, entry: WaitlistEntry) -> bool:
    """End an offer whose time is over, publish WaitlistOfferLapsed, and let the next in line have the time.

    Returns False, and does nothing, when the offer was answered or is running still. Raises BusyHost.
    """
    over = WaitlistEntry.offer_expires_at <= clock.now()
    if not _lock(entry, WaitStatus.OFFERED, over):
        return False
    entry.status = WaitStatus.LAPSED
    publish(WaitlistOfferLapsed(entry_id=entry.id))
    _give_back(entry)
    return True


def end_what_has_passed() -> None:
    """Take out of line who waited for a time that has passed."""
    passed = (WaitlistEntry.status == WaitStatus.WAITING, WaitlistEntry.wanted_until <= clock.now())
    session().execute(update(WaitlistEntry).where(*passed).values(status=WaitStatus.PASSED))


def position(entry: WaitlistEntry) -> int:
    """Return the entry's place in line, from 1, among those who wait for some of the same."""
    return queries.people_ahead(entry) + 1


def waitlist_token(entry: WaitlistEntry) -> str:
    """Return the token that lets its guest see and answer; always the same for one entry."""
    return crypto.derive_token("waitlist", str(entry.id))


def waitlist_url(entry: WaitlistEntry) -> str:
    """Return the address at which its guest sees their place in line and answers an offer."""
    return f"{settings().public_url}/waitlist/{waitlist_token(entry)}"


def _span_of(wanted: datetime | date, guest: Guest) -> tuple[datetime, datetime]:
    """Return from when and until when a meeting may begin for this guest."""
    if isinstance(wanted, datetime):
        return wanted.astimezone(UTC), wanted.astimezone(UTC) + _MINUTE
    zone = clock.find_zone(guest.timezone)
    midnights = (datetime.combine(one, time(), zone) for one in (wanted, wanted + timedelta(days=1)))
    wanted_from, wanted_until = (midnight.astimezone(UTC) for midnight in midnights)
    return wanted_from, wanted_until


def _require_taken(
    event_type: EventType, wanted_from: datetime, wanted_until: datetime, guest: Guest, duration: int
) -> None:
    """Raise what says why nobody can wait for this: it is free, or it is no time at which the hosts are there."""
    zone = clock.find_zone(guest.timezone)
    day = wanted_from.astimezone(zone).date()
    free = offered_slots(event_type=event_type, first=day, last=day, zone=zone, duration=duration)
    if any(wanted_from <= offer.start < wanted_until for offer in free):
        raise StillFree
    taken = taken_slots(event_type=event_type, first=day, last=day, zone=zone, duration=duration)
    if any(wanted_from <= offer.start < wanted_until for offer in taken):
        return
    if wanted_until - wanted_from == _MINUTE:
        try:
            require_offered(event_type=event_type, start=wanted_from, duration=duration)
        except SlotTaken:
            raise OutsideAvailability from None  # the host is away, which no booking that is cancelled will change
    raise OutsideAvailability


def _add(entry: WaitlistEntry) -> None:
    try:
        with session().begin_nested():
            session().add(entry)
    except IntegrityError as error:
        if isinstance(error.orig, UniqueViolation):
            raise AlreadyWaiting from error
        raise


def _free_starts(line: list[WaitlistEntry]) -> dict[tuple[UUID, int], list[datetime]]:
    """Return, by event type and length, the starts on offer while anybody in this line wants one, in order."""

    def sort(entry: WaitlistEntry) -> tuple[UUID, int]:
        return entry.event_type_id, _length(entry)

    found = {}
    for key, group in groupby(sorted(line, key=sort), key=sort):
        entries = list(group)
        first = min(entry.wanted_from for entry in entries).date()
        last = max(entry.wanted_until for entry in entries).date()
        found[key] = list(_starts(entries[0].event_type, key[1], first, last))
    return found


def _starts(event_type: EventType, duration: int, first: date, last: date) -> Iterator[datetime]:
    """Yield the starts on offer on dates of UTC, of which there may be more than are worked out at once."""
    zone, horizon = clock.find_zone("UTC"), (clock.now() + timedelta(days=event_type.horizon_days)).date()
    while first <= min(last, horizon):
        until = min(last, first + timedelta(days=MOST_DAYS - 1))
        for offer in offered_slots(event_type=event_type, first=first, last=until, zone=zone, duration=duration):
            yield offer.start
        first = until + timedelta(days=1)


def _offer(entry: WaitlistEntry, start: datetime) -> bool:
    """Hold the time for this entry; False when somebody was quicker, with the time or with the entry."""
    until = _deadline(entry.event_type, start)
    try:
        with session().begin_nested():
            if not _lock(entry, WaitStatus.WAITING):
                return False
            entry.status, entry.offered_start, entry.offer_expires_at = WaitStatus.OFFERED, start, until
            # Its guest answers by the entry's own link; nobody ever has the token of this hold.
            digest = crypto.digest(crypto.new_token())
            hold = Hold(token_digest=digest, expires_at=until, waitlist_entry_id=entry.id)
            keep(hold=hold, event_type=entry.event_type, start=start, duration=_length(entry))
    except StartRefused:
        return False
    publish(WaitlistOffered(entry_id=entry.id))
    return True


def _deadline(event_type: EventType, start: datetime) -> datetime:
    """Return until when an offer holds: as long as the setting says, but half of what is left for booking at most, so
    that the next in line has a chance too. Ten minutes there are in any case, unless the meeting begins before.
    """
    now = clock.now()
    left = start - timedelta(minutes=event_type.minimum_notice) - now
    usual = timedelta(minutes=settings().waitlist_offer_minutes)
    return min(now + min(usual, max(left / 2, _SHORTEST_OFFER)), start)


def _give_back(entry: WaitlistEntry) -> None:
    """Free what was held for the entry, and tell whoever waits for it."""
    hold = queries.hold_for(entry.id)
    if hold is not None:
        free_hold(hold=hold)
    if entry.offered_start is not None:
        tell_who_waits(host_ids=[host.id for host in entry.event_type.hosts])


def _lock(entry: WaitlistEntry, *expected: WaitStatus | ColumnElement[bool]) -> bool:
    """Read the entry anew and let nobody else change it until the commit; False when it is not as expected any more.

    Of the statuses that are named, it has to be in one, and what else is named has to be true.
    """
    statuses = [one for one in expected if isinstance(one, WaitStatus)]
    conditions = [one for one in expected if not isinstance(one, WaitStatus)]
    found = session().scalar(
        select(WaitlistEntry)
        .where(WaitlistEntry.id == entry.id, WaitlistEntry.status.in_(statuses), *conditions)
        .with_for_update(of=WaitlistEntry),
        execution_options={"populate_existing": True},
    )
    return found is not None


def _guest(entry: WaitlistEntry) -> Guest:
    return Guest(
        name=entry.guest_name,
        email=entry.guest_email,
        phone=entry.guest_phone,
        timezone=entry.guest_timezone,
        locale=entry.guest_locale,
    )


def _still_asked(entry: WaitlistEntry) -> dict[str, Answer]:
    keys = {question["key"] for question in entry.event_type.questions}
    return {key: answer for key, answer in entry.answers.items() if key in keys}


def _length(entry: WaitlistEntry) -> int:
    """Return how long the meeting takes: as wished, or as usual if there is no such length any more."""
    durations = entry.event_type.durations
    return entry.duration if entry.duration in durations else durations[0]
