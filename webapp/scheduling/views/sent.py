"""What kind of mail was sent about a booking, in words.

A subject would not do: it says when in its recipient's own zone, without naming it, so one list would show one meeting
at several times.
"""

from __future__ import annotations

from flask_babel import gettext as _

from webapp.notifications.models import Delivery


def mail_words(delivery: Delivery) -> str:
    """Return what a mail was for; of a kind that is not known here, its subject."""
    words = {
        "confirmation_invitee": _("Confirmation"),
        "notification_organizer": _("New booking"),
        "request_invitee": _("Request received"),
        "request_organizer": _("Request to answer"),
        "declined_invitee": _("Request declined"),
        "declined_organizer": _("Request declined"),
        "rescheduled_invitee": _("New time"),
        "rescheduled_organizer": _("New time"),
        "rescheduled_attendee": _("New time"),
        "cancelled_invitee": _("Cancellation"),
        "cancelled_organizer": _("Cancellation"),
        "cancelled_attendee": _("Cancellation"),
        "move_request_invitee": _("Asked to move it"),
        "reminder_invitee": _("Reminder"),
        "invitation_attendee": _("Invitation"),
        "removed_attendee": _("No longer invited"),
    }
    return str(words.get(delivery.template.removeprefix("booking_"), delivery.subject or delivery.template))
