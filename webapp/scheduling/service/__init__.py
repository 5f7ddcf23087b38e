"""What can be done about bookings, event types and schedules; one module for each, a function for each verb."""

from webapp.core.events import subscribe
from webapp.scheduling.events import BookingEvent
from webapp.scheduling.service.history import record

# Here, so that no event about a booking can be published by a service before somebody writes it down.
subscribe(BookingEvent, record)
