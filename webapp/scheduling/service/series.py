"""Book several meetings at once, each a booking of its own, and call off those that are still to come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from webapp.core.clock import find_zone
from webapp.core.db import savepoint, session
from webapp.core.events import publish
from webapp.core.validation import FieldErrors
from webapp.core.words import say
from webapp.scheduling.errors import OccurrencesRefused, RestTooLateToCancel, StartRefused, TooLateToCancel
from webapp.scheduling.events import SeriesBooked, SeriesCancelled
from webapp.scheduling.models import Booking, BookingLink, BookingSeries, EventType, Frequency, Hold, Side
from webapp.scheduling.queries import bookings_of_series, read_again
from webapp.scheduling.service.answers import Answer
from webapp.scheduling.service.awards import turn_to_free
from webapp.scheduling.service.booking import book, cancel
from webapp.scheduling.service.diaries import possible_hosts
from webapp.scheduling.service.guests import Guest
from webapp.scheduling.service.links import use_link
from webapp.scheduling.service.meetings import hosts_turn
from webapp.scheduling.service.recurrence import occurrences
from webapp.scheduling.service.standing import can_change


@dataclass(frozen=True, kw_only=True, slots=True)
class Recurrence:
    """How often, how many times, and which of these starts (aware) are left out because they cannot be had.

    What is left out may hold other times, too: of another frequency that somebody tried before.
    """

    frequency: Frequency
    count: int
    skip: Sequence[datetime] = ()


def book_series(
    *,
    event_type: EventType,
    start: datetime,
    recurrence: Recurrence,
    guest: Guest,
    answers: Mapping[str, Answer],
    duration: int | None = None,
    attendees: Sequence[str] = (),
    hold: Hold | None = None,
    link: BookingLink | None = None,
) -> list[Booking]:
    """Book the meetings of a series, the first at `start` (aware): all of them but those left out, or none.

    They keep their time of day in the zone of the event type's schedule. Each is booked as by `book`, which publishes
    that, and SeriesBooked follows; `hold` keeps the place of the first. Where approval is required each is a request
    of its own, so that the host can give some and decline others. Nobody waits in line for a series: of what is taken,
    a guest leaves a meeting out and can wait for that time on its own.
    Raises InvalidInput naming what of `recurrence` makes no sense, OccurrencesRefused with every start that cannot be
    had, and otherwise as `book` does.
    """
    starts = _starts(event_type, start, recurrence)
    if link:
        use_link(link)
    series = BookingSeries(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        frequency=recurrence.frequency,
        timezone=event_type.schedule.timezone,
    )
    session().add(series)
    session().flush()
    booked, refused = [], []
    with hosts_turn(possible_hosts(event_type)) as was_long:
        if was_long:
            read_again(event_type)
        for each in starts:
            try:
                with savepoint():  # what the database refuses of one leaves the others as they are
                    booked.append(
                        book(
                            event_type=event_type,
                            start=each,
                            guest=guest,
                            answers=answers,
                            duration=duration,
                            attendees=attendees,
                            hold=hold if each == starts[0] else None,
                            series=series,
                        )
                    )
            except StartRefused as refusal:
                if each == starts[0]:
                    raise
                refused.append((each, refusal))
    if refused:
        raise OccurrencesRefused(refused)
    if link:
        link.booking_id = booked[0].id
    publish(SeriesBooked(series_id=series.id))
    return booked


def cancel_rest(*, booking: Booking, by: Side, reason: str, host_id: UUID | None = None) -> list[Booking]:
    """Cancel the booking and all later ones of its series that still stand; publishes SeriesCancelled.

    With a `host_id`, only what that host hosts: a series in turn has bookings of colleagues as well, which are not for
    everybody to call off. Each is cancelled as by `cancel`, and what is raised is what that raises for the booking
    itself; RestTooLateToCancel when its guest may cancel it, and not all of the others.
    """
    with turn_to_free(host.id for each in (booking, *_rest(booking, host_id)) for host in each.hosts):
        rest = _rest(booking, host_id)  # which may have changed while waiting for the hosts' turn
        gone = [cancel(booking=booking, by=by, reason=reason, together=True)]
        gone += [_cancel_with_it(each, by, reason) for each in rest]
    publish(SeriesCancelled(booking_ids=[each.id for each in gone]))
    return gone


def _cancel_with_it(booking: Booking, by: Side, reason: str) -> Booking:
    try:
        return cancel(booking=booking, by=by, reason=reason, together=True)
    except TooLateToCancel as late:
        raise RestTooLateToCancel from late


def _rest(booking: Booking, host_id: UUID | None) -> list[Booking]:
    """Read, and return, all later bookings of the series that still stand, or those of them that the host hosts."""
    if booking.series_id is None:
        return []
    later = (each for each in bookings_of_series(booking.series_id) if each.starts_at > booking.starts_at)
    standing = [each for each in later if can_change(each)]
    return [each for each in standing if host_id is None or host_id in {host.id for host in each.hosts}]


def _starts(event_type: EventType, start: datetime, recurrence: Recurrence) -> list[datetime]:
    """Return the starts to be booked; raises InvalidInput."""
    faults = FieldErrors()
    most = event_type.series_most
    if most < 2:
        faults.add("recurrence", say("This cannot be booked as a series; please book it once."))
        faults.refuse()
    if not 2 <= recurrence.count <= most:
        faults.add("recurrence.count", say("Please choose between 2 and %(most)d meetings.", most=most))
        faults.refuse()
    zone = find_zone(event_type.schedule.timezone)
    starts = occurrences(start, frequency=recurrence.frequency, count=recurrence.count, zone=zone)
    if starts[0] in recurrence.skip:
        faults.add("recurrence.skip", say("The first meeting cannot be left out; please begin with a later one."))
        faults.refuse()
    return [each for each in starts if each not in recurrence.skip]
