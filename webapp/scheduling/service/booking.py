"""Book, move and cancel. Of any number of guests who want one time at once, exactly one gets it.

What decides is a look while holding the host's lock, which makes bookings of one host wait for each other and of no one
else; and the database's own constraint, should anything ever write past it. Whoever waited long for the lock has the
terms read again, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from webapp.core import clock
from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.events import publish
from webapp.core.words import say
from webapp.scheduling.errors import NothingChanged
from webapp.scheduling.events import BookingCancelled, BookingConfirmed, BookingRequested, BookingRescheduled
from webapp.scheduling.models import Booking, BookingLink, BookingSeries, BookingStatus, EventType, Hold, Side
from webapp.scheduling.queries import read_again as read_terms_again
from webapp.scheduling.service.access import manage_token, manage_url
from webapp.scheduling.service.answers import Answer, check_answers
from webapp.scheduling.service.approval import confirm
from webapp.scheduling.service.attendees import named_attendees
from webapp.scheduling.service.awards import turn_to_free
from webapp.scheduling.service.diaries import Lineup, possible_hosts
from webapp.scheduling.service.guests import Guest
from webapp.scheduling.service.links import note_booking, use_link
from webapp.scheduling.service.meetings import hosts_turn, leave_held_seat, leave_seat, take_seat
from webapp.scheduling.service.moves import require_not_moved_enough
from webapp.scheduling.service.offers import Offer, chosen_duration, offered_slots, require_offered
from webapp.scheduling.service.outside import keep_outside, keep_with_others, telling_hosts
from webapp.scheduling.service.places import require_phone
from webapp.scheduling.service.policy import require_in_time_to_cancel, require_in_time_to_move
from webapp.scheduling.service.standing import read_again, require_changeable
from webapp.scheduling.service.turns import whose_turn

# The guest's link is part of what booking is about, so it is found here as well.
__all__ = ["book", "cancel", "manage_token", "manage_url", "reschedule", "times_to_move_to"]


def book(
    *,
    event_type: EventType,
    start: datetime,
    guest: Guest,
    answers: Mapping[str, Answer],
    duration: int | None = None,
    attendees: Sequence[str] = (),
    by: Side = Side.GUEST,
    outside_rules: bool = False,
    hold: Hold | None = None,
    link: BookingLink | None = None,
    series: BookingSeries | None = None,
) -> Booking:
    """Book the meeting that begins at `start` (aware) and publish BookingConfirmed, or BookingRequested.

    What requires approval is pending until a host gives it; it takes the hosts' time like any other booking. A host who
    books for a guest gives it thereby, and can do so `outside_rules`: with their hours, blocks, days out of office,
    notice, horizon, grid and limits left aside, but never where another meeting takes place or has its break. Since
    they have been warned, what is thereby not in their own time is kept there (`kept_start`).
    `duration` is one of the event type's, in minutes; the first of them if not given. `attendees` are the addresses of
    whom the guest brings along. The place that `hold` keeps for this guest becomes the booking's; one that has run out
    still does, unless somebody else took it. A `link` is used up; `series` is what the booking is a part of.
    Raises InvalidInput for another duration, for answers that do not fit the questions, for a phone number that the
    host needs and for attendees that cannot be invited, the StartRefused that says why the start is not on offer
    (SlotTaken when somebody else has it, NoRoom of who books `outside_rules`), LinkUsed, LinkExpired, NotFound when the
    event type is switched off, and BusyHost.
    """
    # A host who books may know the number from elsewhere; of who waited, it was asked on joining if it was needed then.
    needs_phone = by is Side.GUEST and not (hold and hold.waitlist_entry_id)
    ask = partial(_asked, event_type, guest, answers, attendees, by=by, needs_phone=needs_phone, series=series)
    booking, length = ask(), chosen_duration(event_type, duration=duration)
    if link:
        use_link(link)
    asked_at = hold.created_at if hold and hold.is_live else None
    with telling_hosts(outside_rules=outside_rules), hosts_turn(possible_hosts(event_type)) as was_long:
        if was_long:
            read_terms_again(event_type)
            booking, length = ask(), chosen_duration(event_type, duration=duration)
        free = require_offered(
            event_type=event_type,
            start=start,
            duration=length,
            outside_rules=outside_rules,
            hold=hold,
            asked_at=asked_at,
        )
        if hold is not None:
            leave_held_seat(hold=hold)
        take_seat(booking=booking, start=start, duration=length, hosts=whose_turn(event_type=event_type, free=free))
        session().add(booking)
        _keep(booking, free, outside_rules=outside_rules)
    if link:
        note_booking(link, booking)
    _publish_booked(booking)
    return booking


def _asked(
    event_type: EventType,
    guest: Guest,
    answers: Mapping[str, Answer],
    attendees: Sequence[str],
    *,
    by: Side,
    needs_phone: bool,
    series: BookingSeries | None,
) -> Booking:
    """Return what is asked for, without a time, on the terms of the event type; raises what `book` says of them."""
    if not event_type.is_active:
        raise NotFound(say("There is nothing to book at this address."))
    if needs_phone:
        require_phone(event_type=event_type, guest=guest)
    asks = event_type.requires_approval and by is Side.GUEST
    return Booking(
        organization_id=event_type.organization_id,
        event_type_id=event_type.id,
        event_type=event_type,
        series=series,
        status=BookingStatus.PENDING if asks else BookingStatus.CONFIRMED,
        was_confirmed=not asks,
        sequence=0,
        manage_generation=0,
        guest_name=guest.name,
        guest_email=guest.email,
        guest_phone=guest.phone,
        guest_timezone=guest.timezone,
        guest_locale=guest.locale,
        answers=check_answers(questions=event_type.questions, answers=answers),
        named=named_attendees(event_type=event_type, guest_email=guest.email, emails=attendees),
    )


def reschedule(*, booking: Booking, start: datetime, by: Side = Side.GUEST, outside_rules: bool = False) -> Booking:
    """Move the booking to `start` (aware), raise its sequence and publish BookingRescheduled.

    Its own time does not stand in its way, and is offered to who waits for it. It keeps its manage link, and its length
    and its host while they are to be had. Where approval is required a guest asks for it again, so that a confirmed
    booking is pending once more, and BookingRequested is published as well; a host who moves a request approves it.
    `outside_rules` is as in `book`.
    Raises AlreadyCancelled, AlreadyDeclined, BookingOver, TooLateToMove and MovedTooOften for a guest, NothingChanged,
    the StartRefused that says why the start is not on offer, and BusyHost.
    """
    _require_movable(booking, by)
    _require_another_start(booking, start)
    event_type = booking.event_type
    host_ids = {host.id for host in booking.hosts} | possible_hosts(event_type)
    with telling_hosts(outside_rules=outside_rules), turn_to_free(host_ids) as was_long:
        if was_long:
            read_terms_again(event_type)
        read_again(booking)
        _require_movable(booking, by)
        _require_another_start(booking, start)
        free = require_offered(event_type=event_type, start=start, moving=booking, outside_rules=outside_rules)
        previous_start, length = booking.starts_at, chosen_duration(event_type, duration=None, moving=booking)
        leave_seat(booking=booking)
        take_seat(booking=booking, start=start, duration=length, hosts=whose_turn(event_type=event_type, free=free))
        _keep(booking, free, outside_rules=outside_rules)
        booking.sequence += 1
        booking.move_asked_at = None
        if event_type.requires_approval and by is Side.GUEST:
            booking.status = BookingStatus.PENDING
    publish(BookingRescheduled(booking_id=booking.id, previous_start=previous_start, sequence=booking.sequence))
    _ask_or_approve(booking, by)
    return booking


def times_to_move_to(
    *, booking: Booking, first: date, last: date, zone: ZoneInfo, by: Side = Side.GUEST
) -> list[Offer]:
    """Return every time but its own to which `reschedule` moves the booking by the rules, on the dates `first`..`last`
    of the `zone`, both included, in order.

    Raises AlreadyCancelled, AlreadyDeclined, BookingOver, TooLateToMove and MovedTooOften for a guest, RangeReversed
    and RangeTooLong.
    """
    _require_movable(booking, by)
    offers = offered_slots(event_type=booking.event_type, first=first, last=last, zone=zone, moving=booking)
    return [offer for offer in offers if offer.start != booking.starts_at]


def cancel(*, booking: Booking, by: Side, reason: str, together: bool = False) -> Booking:
    """Cancel the booking, free its time, offer that to who waits for it, raise its sequence and publish
    BookingCancelled.

    A request is withdrawn in the same way; `together` with others of its series, which are told of as one. Raises
    AlreadyCancelled, AlreadyDeclined, BookingOver, TooLateToCancel for a guest, and BusyHost.
    """
    with turn_to_free(host.id for host in booking.hosts):
        read_again(booking)
        require_changeable(booking)
        if by is Side.GUEST:
            require_in_time_to_cancel(booking)
        leave_seat(booking=booking)
        booking.status, booking.meeting_id = BookingStatus.CANCELLED, None
        booking.sequence += 1
        booking.cancelled_at, booking.cancelled_by, booking.cancel_reason = clock.now(), by, reason
    publish(BookingCancelled(booking_id=booking.id, together=together))
    return booking


def _keep(booking: Booking, ways: Sequence[Lineup], *, outside_rules: bool) -> None:
    """See to it that a booking whose time is its hosts' wish does not come up as one that no longer fits."""
    if outside_rules:
        keep_outside(booking=booking, ways=ways)
    keep_with_others(booking=booking)


def _ask_or_approve(booking: Booking, by: Side) -> None:
    """See to the approval that a booking at a new time is in need of, if it is."""
    if booking.is_pending and by is Side.GUEST:
        publish(BookingRequested(booking_id=booking.id, sequence=booking.sequence))
    elif booking.is_pending:
        confirm(booking)


def _publish_booked(booking: Booking) -> None:
    if booking.is_pending:
        publish(BookingRequested(booking_id=booking.id, sequence=booking.sequence))
    else:
        publish(BookingConfirmed(booking_id=booking.id))


def _require_movable(booking: Booking, by: Side) -> None:
    require_changeable(booking)
    if by is Side.GUEST:
        require_in_time_to_move(booking)
        require_not_moved_enough(booking)


def _require_another_start(booking: Booking, start: datetime) -> None:
    if booking.starts_at == start:
        raise NothingChanged
