"""Wait for a time that is taken: join, be offered it in turn, take it or pass it on.

An offer is a hold, so nobody else can have the time meanwhile, and its guest books by it as any guest with a hold does.
What decides a race is the entry's row: whoever wants to change its status locks it in the status that they expect, and
who comes second finds it in another one. The row is locked before any host, and who has the hosts passes over a row
that is locked, so that no two wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from psycopg.errors import UniqueViolation
from sqlalchemy import update
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
    StillFree,
)
from webapp.scheduling.events import WaitlistJoined, WaitlistOfferLapsed
from webapp.scheduling.models import IN_LINE, Booking, EventType, WaitlistEntry, WaitStatus
from webapp.scheduling.service.answers import Answer, check_answers
from webapp.scheduling.service.awards import length_of, lock_entry, turn_to_free
from webapp.scheduling.service.booking import book
from webapp.scheduling.service.guests import Guest
from webapp.scheduling.service.meetings import leave_held_seat
from webapp.scheduling.service.offers import (
    chosen_duration,
    offered_slots,
    require_offered,
    taken_slots,
)
from webapp.scheduling.service.places import require_phone

_MINUTE = timedelta(minutes=1)


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


def accept(*, entry: WaitlistEntry, answers: Mapping[str, Answer] | None = None) -> Booking:
    """Book what the entry was offered; `answers` replace those given before, as far as they are still asked for.

    Raises NoOffer when there is none or it is over, and what `book` raises.
    """
    running = WaitlistEntry.offer_expires_at > clock.now()
    if not lock_entry(entry, WaitStatus.OFFERED, running) or entry.offered_start is None:
        raise NoOffer
    booking = book(
        event_type=entry.event_type,
        start=entry.offered_start,
        guest=_guest(entry),
        answers=_still_asked(entry) if answers is None else answers,
        duration=length_of(entry),
        hold=queries.hold_for(entry.id),
    )
    entry.status, entry.booking_id = WaitStatus.BOOKED, booking.id
    return booking


def refuse(*, entry: WaitlistEntry) -> None:
    """Pass on what the entry was offered, to the next in line. Raises NoOffer and BusyHost."""
    if not lock_entry(entry, WaitStatus.OFFERED):
        raise NoOffer
    entry.status = WaitStatus.REFUSED
    _give_back(entry)


def leave(*, entry: WaitlistEntry, removed: bool = False) -> None:
    """Take the entry out of line, and give back what it was offered; `removed` says that it was the host who did so.

    Raises NotInLine and BusyHost.
    """
    if not lock_entry(entry, *IN_LINE):
        raise NotInLine
    entry.status = WaitStatus.REMOVED if removed else WaitStatus.LEFT
    _give_back(entry)


def lapse(*, entry: WaitlistEntry) -> bool:
    """End an offer whose time is over, publish WaitlistOfferLapsed, and let the next in line have the time.

    Returns False, and does nothing, when the offer was answered or is running still. Raises BusyHost.
    """
    over = WaitlistEntry.offer_expires_at <= clock.now()
    if not lock_entry(entry, WaitStatus.OFFERED, over):
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


def _give_back(entry: WaitlistEntry) -> None:
    """Free what was held for the entry, if anything was, and let the next in line have it."""
    if entry.offered_start is None:
        return
    hold = queries.hold_for(entry.id)
    held = queries.hosts_of(meeting_id=hold.meeting_id) if hold else []
    with turn_to_free({*held, *(host.id for host in entry.event_type.hosts)}):
        if hold is not None:
            leave_held_seat(hold=hold)


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
