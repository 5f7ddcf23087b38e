"""Bookings that no longer fit when their host can be booked, and what is done about them.

They stay until somebody decides: a change of hours moves nobody. What does not fit is the slot engine's word, on the
host's own diary without its meetings: notice, horizon, grid and limits are about what is offered next, not about what
stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import islice
from uuid import UUID

from webapp.core import clock
from webapp.core.events import publish
from webapp.scheduling import queries
from webapp.scheduling.events import BookingMoveAsked
from webapp.scheduling.minutes import minute_from, minute_of
from webapp.scheduling.models import Booking, EventType, Schedule, Side
from webapp.scheduling.service.absences import Absences, absences_between, dates_around
from webapp.scheduling.service.awards import turn_to_free
from webapp.scheduling.service.booking import cancel
from webapp.scheduling.service.diaries import LONGEST_MEETING, Asked, Hosting, diary_of
from webapp.scheduling.service.named_schedules import schedule_id_of
from webapp.scheduling.service.offers import rules_for
from webapp.scheduling.service.standing import can_change, read_again, require_changeable
from webapp.scheduling.slots import Limits, Refusal, Rules, check
from webapp.scheduling.slots.spans import merge, within

MOST_MISFITS = BOOKINGS_AT_ONCE = 1000


class Cause(StrEnum):
    """Why a booking no longer fits."""

    HOURS = "hours"
    BLOCKED = "blocked"
    AWAY = "away"


class Answer(StrEnum):
    """What the host does about a booking that no longer fits."""

    KEEP = "keep"
    MOVE = "move"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Misfit:
    """A booking that no longer fits, and why."""

    booking: Booking
    cause: Cause


@dataclass(frozen=True, slots=True)
class Misfits:
    """The first bookings that no longer fit, and whether there are `more`."""

    items: list[Misfit]
    more: bool


def misfits(*, organization_id: UUID, host_id: UUID) -> Misfits:
    """Return the bookings to come that no longer fit the host's hours, blocks and days away, soonest first.

    They are MOST_MISFITS at most. Bookings that the host said to keep are left out for as long as they stay at that
    time.
    """
    found = list(islice(_find(organization_id, host_id), MOST_MISFITS + 1))
    return Misfits(found[:MOST_MISFITS], more=len(found) > MOST_MISFITS)


def _find(organization_id: UUID, host_id: UUID) -> Iterator[Misfit]:
    """Yield all of them, however many bookings there are that fit."""
    last = None
    while bookings := queries.bookings_to_come(
        organization_id=organization_id, host_id=host_id, after=last, limit=BOOKINGS_AT_ONCE
    ):
        yield from _among(bookings, organization_id, host_id)
        if len(bookings) < BOOKINGS_AT_ONCE:
            return
        last = bookings[-1]


def _among(bookings: Sequence[Booking], organization_id: UUID, host_id: UUID) -> Iterator[Misfit]:
    """Yield those of the bookings that no longer fit; they are in order."""
    begin, until = minute_of(bookings[0].starts_at), max(minute_from(booking.ends_at) for booking in bookings)
    absences = absences_between([host_id], begin=begin - LONGEST_MEETING, until=until + LONGEST_MEETING)
    schedules = queries.schedules(organization_id=organization_id, host_id=host_id)
    dates = dates_around(begin - LONGEST_MEETING, until + LONGEST_MEETING)
    found = ((booking, _cause(booking, host_id, schedules, absences, dates)) for booking in bookings)
    yield from (Misfit(booking, cause) for booking, cause in found if cause)


def answer_several(*, bookings: Sequence[Booking], answer: Answer, reason: str = "") -> None:
    """Do with all of the bookings what `answer_misfit` does with one, but with those that ended meanwhile; or raise."""
    with turn_to_free(host.id for booking in bookings for host in booking.hosts):
        for booking in bookings:
            start = booking.starts_at
            read_again(booking)
            if booking.starts_at == start and can_change(booking):
                _answer(booking, answer, reason)


def answer_misfit(*, booking: Booking, start: datetime, answer: Answer, reason: str = "") -> bool:
    """Keep the booking where it is, ask its guest to move it, or cancel it with a reason that the guest reads.

    Who was asked may move or cancel it until it begins, whatever the event type says, also when the host keeps it in
    the end: the mail that asks has gone out. One that does not begin at `start` (aware) any more was moved since: it is
    left alone, for nobody has been asked about its new time, and False is returned. Publishes BookingMoveAsked or
    BookingCancelled. Raises AlreadyCancelled, BookingOver and BusyHost.
    """
    with turn_to_free(host.id for host in booking.hosts):
        read_again(booking)
        if booking.starts_at != start:
            return False
        _answer(booking, answer, reason)
    return True


def _answer(booking: Booking, answer: Answer, reason: str) -> None:
    if answer is Answer.CANCEL:
        cancel(booking=booking, by=Side.HOST, reason=reason)
        return
    require_changeable(booking)
    if answer is Answer.KEEP:
        booking.kept_start = booking.starts_at
    else:
        booking.kept_start, booking.move_asked_at = None, clock.now()
        publish(BookingMoveAsked(booking_id=booking.id, asked_at=booking.move_asked_at))


def _cause(
    booking: Booking, host_id: UUID, schedules: Sequence[Schedule], absences: Absences, dates: tuple[date, date]
) -> Cause | None:
    """Say why the booking does not fit its host's own time, None if it does."""
    event_type, host = booking.event_type, next(host for host in booking.hosts if host.id == host_id)
    schedule = _schedule(event_type, host_id, schedules)
    if schedule is None:
        return Cause.HOURS
    asked = Asked(event_type, dates, absences)
    start, end = minute_of(booking.starts_at), minute_from(booking.ends_at)
    diary = diary_of(asked, Hosting(host, schedule))
    refusal = check(_lenient(rules_for(event_type), end - start), [diary], now=start, start=start)
    if refusal is None:
        return None
    if any(within(merge(absences.away.get(host_id, ())), start, end)):
        return Cause.AWAY
    return Cause.HOURS if refusal is Refusal.OUTSIDE_AVAILABILITY else Cause.BLOCKED


def _schedule(event_type: EventType, host_id: UUID, schedules: Sequence[Schedule]) -> Schedule | None:
    """Return by which schedule somebody hosts an event type; who stands in, or has left its team, by their default."""
    chosen = schedule_id_of(event_type, host_id)
    return next((schedule for schedule in schedules if schedule.id == chosen), next(iter(schedules), None))


def _lenient(rules: Rules, duration: int) -> Rules:
    """Return the rules for a meeting of `duration` minutes that stands: no notice, horizon, grid nor limits."""
    return replace(rules, duration=duration, interval=1, offset=0, minimum_notice=0, horizon_days=1, limits=Limits())
