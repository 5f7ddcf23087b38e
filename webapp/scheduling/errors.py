"""What a guest or a host can be told about bookings and what can be booked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from webapp.core.errors import Conflict, DomainError
from webapp.core.words import say


class StartRefused(DomainError):
    """A meeting cannot begin when it was asked to."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message, field="start")


class SlotTaken(StartRefused):
    """Somebody else has that time."""

    code: ClassVar[str] = "slot_taken"
    status: ClassVar[int] = 409
    message: ClassVar[str] = say("This time has just been taken; please choose another one.")


class NoRoom(SlotTaken):
    """Not even a host who leaves the rules aside can have that time.

    The breaks around meetings are kept, too: they are part of the time that the database lets no other meeting have.
    """

    message: ClassVar[str] = say(
        "Another meeting takes place at this time, or the break that is kept before or after one; please choose "
        "another time."
    )


class InThePast(StartRefused):
    """The start has gone by."""

    code: ClassVar[str] = "in_the_past"
    message: ClassVar[str] = say("This time has already passed; please choose a later one.")


class TooShortNotice(StartRefused):
    """The start is nearer than the host allows."""

    code: ClassVar[str] = "too_short_notice"
    message: ClassVar[str] = say("This time is too soon for the host; please choose a later one.")


class BeyondHorizon(StartRefused):
    """The start is further ahead than the host allows."""

    code: ClassVar[str] = "beyond_horizon"
    message: ClassVar[str] = say("This time is too far ahead to be booked yet; please choose an earlier one.")


class OutsideAvailability(StartRefused):
    """The host is not there."""

    code: ClassVar[str] = "outside_availability"
    message: ClassVar[str] = say("The host is not available at this time; please choose one of the times on offer.")


class OffGrid(StartRefused):
    """The host is there, and meetings do not begin at that minute."""

    code: ClassVar[str] = "off_grid"
    message: ClassVar[str] = say("Meetings do not start at this minute; please choose one of the times on offer.")


class LimitReached(StartRefused):
    """As many meetings as the host allows on that day, in that week or in that month are booked."""

    code: ClassVar[str] = "limit_reached"
    status: ClassVar[int] = 409
    message: ClassVar[str] = say("The host takes no more meetings at that time; please choose another day.")


class RangeReversed(DomainError):
    """The last day comes before the first."""

    code: ClassVar[str] = "range_reversed"
    message: ClassVar[str] = say("The last day comes before the first; please swap them.")

    def __init__(self) -> None:
        super().__init__(field="end")


class RangeTooLong(DomainError):
    """More days were asked for than are worked out at once."""

    code: ClassVar[str] = "range_too_long"
    message: ClassVar[str] = say("At most 62 days can be asked for at once; please ask for fewer.")

    def __init__(self) -> None:
        super().__init__(field="end")


class AlreadyCancelled(Conflict):
    """The booking does not stand any more."""

    code: ClassVar[str] = "already_cancelled"
    message: ClassVar[str] = say("This booking has been cancelled; please book a new time instead.")


class AlreadyDeclined(Conflict):
    """The host has not approved the request."""

    code: ClassVar[str] = "already_declined"
    message: ClassVar[str] = say("This request has been declined; please ask for a new time instead.")


class AlreadyConfirmed(Conflict):
    """The booking stands, so there is nothing to approve or to decline."""

    code: ClassVar[str] = "already_confirmed"
    message: ClassVar[str] = say("This booking is confirmed already; to call it off, cancel it.")


class MovedMeanwhile(Conflict):
    """The request is for another time than the one that was answered: its guest has moved it since."""

    code: ClassVar[str] = "moved_meanwhile"
    message: ClassVar[str] = say(
        "The guest has moved this request to another time meanwhile; please look at that time, and answer again."
    )

    def __init__(self) -> None:
        super().__init__(field="start")


class BookingOver(Conflict):
    """The meeting has begun or is past, so nothing about it changes any more."""

    code: ClassVar[str] = "booking_over"
    message: ClassVar[str] = say("This meeting has already started, so it cannot be changed any more.")


class TooLateToCancel(Conflict):
    """The event type lets guests cancel up to a time that has gone by, or not at all."""

    code: ClassVar[str] = "too_late_to_cancel"
    message: ClassVar[str] = say("This booking cannot be cancelled online any more; please get in touch with the host.")


class RestTooLateToCancel(TooLateToCancel):
    """Its guest may cancel this booking, but not all of the series that come after it."""

    message: ClassVar[str] = say(
        "A later meeting of the series cannot be cancelled online any more; please cancel this one by itself."
    )


class TooLateToMove(Conflict):
    """The event type lets guests move their bookings up to a time that has gone by, or not at all."""

    code: ClassVar[str] = "too_late_to_move"
    message: ClassVar[str] = say("This booking cannot be moved online any more; please get in touch with the host.")


class MovedTooOften(Conflict):
    """Its guests have moved the booking as often as they can; everybody who takes part hears of each move."""

    code: ClassVar[str] = "moved_too_often"
    message: ClassVar[str] = say("This booking has been moved many times already; please ask the host to move it.")


class NothingChanged(Conflict):
    """The booking is already at the start that was asked for."""

    code: ClassVar[str] = "nothing_changed"
    message: ClassVar[str] = say("The booking is already at this time; please choose another one.")

    def __init__(self) -> None:
        super().__init__(field="start")


class SlugTaken(Conflict):
    """Another event type of the organisation has that address."""

    code: ClassVar[str] = "slug_taken"
    message: ClassVar[str] = say("Another event type already has this address; please choose another one.")

    def __init__(self) -> None:
        super().__init__(field="slug")


class InUse(Conflict):
    """There are bookings of the event type, which must not lose it."""

    code: ClassVar[str] = "in_use"
    message: ClassVar[str] = say("This event type has bookings, so it cannot be deleted; switch it off instead.")


class ScheduleInUse(Conflict):
    """Event types go by the schedule, which must not lose it."""

    code: ClassVar[str] = "schedule_in_use"
    message: ClassVar[str] = say("Event types go by this schedule; please choose another one for them first.")


class ScheduleIsDefault(Conflict):
    """New event types go by the schedule."""

    code: ClassVar[str] = "schedule_is_default"
    message: ClassVar[str] = say("This is the default schedule; please make another one the default first.")


class TooManySchedules(Conflict):
    """The host has as many schedules as anybody may have."""

    code: ClassVar[str] = "too_many_schedules"
    message: ClassVar[str] = say("There are too many schedules already; please delete one that you no longer need.")


class AlreadyAway(Conflict):
    """Some of the days are days out of office already."""

    code: ClassVar[str] = "already_away"
    message: ClassVar[str] = say(
        "Some of these days are noted as out of office already; please change or delete those."
    )

    def __init__(self) -> None:
        super().__init__(field="first_day")


class OccurrencesRefused(Conflict):
    """Some meetings of a series cannot be had; `refused` has their starts (UTC) and why, and nothing was booked."""

    code: ClassVar[str] = "occurrences_refused"
    message: ClassVar[str] = say("Some meetings of this series cannot be had; leave them out, or choose another time.")

    def __init__(self, refused: Sequence[tuple[datetime, StartRefused]]) -> None:
        self.refused = tuple(refused)
        super().__init__()

    @property
    def faults(self) -> list[dict[str, str]]:
        """Each start that cannot be had, as `recurrence.<start>`, with the reason."""
        return [
            {"field": f"recurrence.{start.isoformat()}", "message": str(refusal)} for start, refusal in self.refused
        ]


class LinkUsed(DomainError):
    """The link booked once, and does so no more."""

    code: ClassVar[str] = "link_used"
    status: ClassVar[int] = 410
    message: ClassVar[str] = say(
        "This link has been used: it books once. Please ask whoever sent it to you for another."
    )

    def __init__(self) -> None:
        super().__init__(field="link")


class LinkExpired(DomainError):
    """The link was to be used until a time that has passed."""

    code: ClassVar[str] = "link_expired"
    status: ClassVar[int] = 410
    message: ClassVar[str] = say("This link has expired. Please ask whoever sent it to you for another.")

    def __init__(self) -> None:
        super().__init__(field="link")


class LinkBooksOnly(Conflict):
    """A link that books once is no way into a waitlist, where a place could be had for every time that is taken."""

    code: ClassVar[str] = "link_books_only"
    message: ClassVar[str] = say("This link books a time that is free; nobody can wait by it. Please choose a time.")

    def __init__(self) -> None:
        super().__init__(field="link")


class BusyHost(DomainError):
    """So many people book this host at once that this one did not get a turn."""

    code: ClassVar[str] = "unavailable"
    status: ClassVar[int] = 503
    message: ClassVar[str] = say("Many people are booking at this moment; please try again in a few seconds.")


class NotTakingPlace(Conflict):
    """The booking is not a confirmed one, so nobody can have come to it or not."""

    code: ClassVar[str] = "not_confirmed"
    message: ClassVar[str] = say("This booking is not confirmed, so there is nobody to come to it.")


class CheckInClosed(Conflict):
    """It is too early or too late to check in, or nobody asks for it."""

    code: ClassVar[str] = "check_in_closed"
    message: ClassVar[str] = say("You can check in from 15 minutes before the start until the end.")


class HostSaidOtherwise(Conflict):
    """The host has noted that the guest was not there."""

    code: ClassVar[str] = "host_said_otherwise"
    message: ClassVar[str] = say("The host has noted that you were not there; please talk to them.")


class TooEarlyToSay(Conflict):
    """The meeting has yet to begin."""

    code: ClassVar[str] = "too_early"
    message: ClassVar[str] = say("The meeting has not started yet, so nobody can say who came.")


class HoldGone(Conflict):
    """What was kept for a guest is not any more: it was let go, was booked or has run out."""

    code: ClassVar[str] = "hold_gone"
    message: ClassVar[str] = say(
        "This time is kept for you no longer; please ask for it again, with a fresh Idempotency-Key."
    )


class TooManyHolds(DomainError):
    """As many times are kept for guests from one place as may be."""

    code: ClassVar[str] = "too_many_holds"
    status: ClassVar[int] = 429
    message: ClassVar[str] = say(
        "No more times can be kept for you at once; this one can still be booked while it is free."
    )


class StillFree(Conflict):
    """Nobody has to wait for this."""

    code: ClassVar[str] = "still_free"
    message: ClassVar[str] = say("There is a free time; please book it, nobody has to wait for it.")


class AlreadyWaiting(Conflict):
    """The guest is in line for the same already."""

    code: ClassVar[str] = "already_waiting"
    message: ClassVar[str] = say("This e-mail address is on the waitlist for this already; the link is in your inbox.")

    def __init__(self) -> None:
        super().__init__(field="invitee.email")


class NoOffer(Conflict):
    """There is no offer to answer: none was made, or it was answered, or it has lapsed."""

    code: ClassVar[str] = "no_offer"
    message: ClassVar[str] = say("There is no offer to answer any more; this page says how things stand.")


class NotInLine(Conflict):
    """Nobody waits any more who could leave."""

    code: ClassVar[str] = "not_in_line"
    message: ClassVar[str] = say("This place on the waitlist has been given up already.")
