"""What can be booked, when its host is there, and what has been booked."""

from webapp.scheduling.models.attendance import Attendance, Witness
from webapp.scheduling.models.attendees import BookingAttendee
from webapp.scheduling.models.away import OutOfOffice
from webapp.scheduling.models.blocks import BlockedTime, RecurringBlock
from webapp.scheduling.models.bookings import Booking, BookingHost, BookingStatus, Side
from webapp.scheduling.models.changes import BookingChange
from webapp.scheduling.models.event_types import AllDayEvents, EventHost, EventKind, EventType
from webapp.scheduling.models.holds import Hold
from webapp.scheduling.models.links import BookingLink
from webapp.scheduling.models.meetings import HostTime, Meeting
from webapp.scheduling.models.notes import LONGEST_NOTE, BookingNote
from webapp.scheduling.models.places import EventColor, LocationKind
from webapp.scheduling.models.questions import QuestionKind
from webapp.scheduling.models.reports import AvailabilityReport
from webapp.scheduling.models.schedules import DateOverride, Schedule, WeeklyHours
from webapp.scheduling.models.series import BookingSeries, Frequency
from webapp.scheduling.models.versions import EVERY_WEEK, availability_version
from webapp.scheduling.models.waitlist import IN_LINE, WaitlistEntry, WaitStatus

__all__ = [
    "EVERY_WEEK",
    "IN_LINE",
    "LONGEST_NOTE",
    "AllDayEvents",
    "Attendance",
    "AvailabilityReport",
    "BlockedTime",
    "Booking",
    "BookingAttendee",
    "BookingChange",
    "BookingHost",
    "BookingLink",
    "BookingNote",
    "BookingSeries",
    "BookingStatus",
    "DateOverride",
    "EventColor",
    "EventHost",
    "EventKind",
    "EventType",
    "Frequency",
    "Hold",
    "HostTime",
    "LocationKind",
    "Meeting",
    "OutOfOffice",
    "QuestionKind",
    "RecurringBlock",
    "Schedule",
    "Side",
    "WaitStatus",
    "WaitlistEntry",
    "WeeklyHours",
    "Witness",
    "availability_version",
]
