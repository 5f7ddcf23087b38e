"""Everything that is read about event types, schedules and bookings; each function costs a fixed number of queries."""

from webapp.scheduling.queries.absences import (
    absences,
    absences_of,
    blocked_times,
    blocked_times_of,
    default_schedules,
    get_absence,
    get_blocked_time,
    get_recurring_block,
    recurring_blocks,
    recurring_blocks_of,
)
from webapp.scheduling.queries.bookings import (
    Agenda,
    Selection,
    When,
    booking,
    booking_by_token,
    bookings_page,
    get_booking,
    today_and_next,
)
from webapp.scheduling.queries.changes import booking_changes, names_of
from webapp.scheduling.queries.diaries import Held, bookings_in_turn, held_times
from webapp.scheduling.queries.event_types import (
    event_types,
    get_event_type,
    public_event_type,
    public_event_types,
    public_organization,
)
from webapp.scheduling.queries.export import Asked, asked_questions
from webapp.scheduling.queries.health import BookingRate, booking_rate, late_confirmations
from webapp.scheduling.queries.holds import expired_holds, find_hold, hosts_of, live_holds, next_expiry
from webapp.scheduling.queries.impact import bookings_to_come
from webapp.scheduling.queries.notes import get_note, notes
from webapp.scheduling.queries.schedules import get_schedule, hosted_event_types, schedules
from webapp.scheduling.queries.team_week import team_mates
from webapp.scheduling.queries.waitlist import (
    entry_by_token,
    get_waitlist_entry,
    hold_for,
    overdue_offers,
    people_ahead,
    somebody_waits,
    waited_for,
    waiting,
    waitlist_entry,
    waitlist_page,
)

__all__ = [
    "Agenda",
    "Asked",
    "BookingRate",
    "Held",
    "Selection",
    "When",
    "absences",
    "absences_of",
    "asked_questions",
    "blocked_times",
    "blocked_times_of",
    "booking",
    "booking_by_token",
    "booking_changes",
    "booking_rate",
    "bookings_in_turn",
    "bookings_page",
    "bookings_to_come",
    "default_schedules",
    "entry_by_token",
    "event_types",
    "expired_holds",
    "find_hold",
    "get_absence",
    "get_blocked_time",
    "get_booking",
    "get_event_type",
    "get_note",
    "get_recurring_block",
    "get_schedule",
    "get_waitlist_entry",
    "held_times",
    "hold_for",
    "hosted_event_types",
    "hosts_of",
    "late_confirmations",
    "live_holds",
    "names_of",
    "next_expiry",
    "notes",
    "overdue_offers",
    "people_ahead",
    "public_event_type",
    "public_event_types",
    "public_organization",
    "recurring_blocks",
    "recurring_blocks_of",
    "schedules",
    "somebody_waits",
    "team_mates",
    "today_and_next",
    "waited_for",
    "waiting",
    "waitlist_entry",
    "waitlist_page",
]
