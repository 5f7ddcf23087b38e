"""Alerts in words, for mails and pages alike."""

from __future__ import annotations

from flask_babel import format_decimal
from flask_babel import gettext as _

from webapp.operations.models import ABSENCES, Alert, AlertKind


def alert_title(alert: Alert) -> str:
    """Return in a few words what is wrong."""
    words = {
        AlertKind.SLOW_JOB: _("%(subject)s takes too long", subject=alert.subject),
        AlertKind.FAILURES: _("%(subject)s fails too often", subject=alert.subject),
        AlertKind.DEEP_QUEUE: _("Too many jobs wait in %(subject)s", subject=alert.subject),
        AlertKind.MEMORY: _("%(subject)s is short of memory", subject=alert.subject),
        AlertKind.NO_WORKER: _("No worker is alive"),
        AlertKind.NO_SCHEDULER: _("No scheduler is alive"),
        AlertKind.NO_REDIS: _("Redis, which carries the background jobs, cannot be reached"),
        AlertKind.LATE_CONFIRMATIONS: _("Guests wait for their confirmations"),
        AlertKind.FEW_BOOKINGS: _("Far less is booked than a week ago"),
        AlertKind.LATE_OFFERS: _("Waitlists stand still"),
        AlertKind.CACHE_MISSES: _("Open times are seldom found in the cache"),
    }
    return str(words[alert.kind])


def alert_facts(alert: Alert) -> list[tuple[str, str]]:
    """Return what was measured and what would have been all right, each with its label."""
    label = {
        AlertKind.SLOW_JOB: _("It took"),
        AlertKind.FAILURES: _("Attempts that failed"),
        AlertKind.DEEP_QUEUE: _("Jobs that waited"),
        AlertKind.MEMORY: _("Memory in use"),
        AlertKind.NO_WORKER: _("Missing for"),
        AlertKind.NO_SCHEDULER: _("Missing for"),
        AlertKind.NO_REDIS: _("Out of reach for"),
        AlertKind.LATE_CONFIRMATIONS: _("Confirmations that were not sent"),
        AlertKind.FEW_BOOKINGS: _("Fewer in 24 hours by"),
        AlertKind.LATE_OFFERS: _("Offers that were not passed on"),
        AlertKind.CACHE_MISSES: _("Looked for in vain"),
    }[alert.kind]
    limit = _("up to %(value)s", value=_amount(alert.kind, alert.limit_value))
    return [(str(label), _amount(alert.kind, alert.value)), (str(_("All right")), str(limit))]


def alert_advice(alert: Alert) -> str:
    """Return in one sentence what to do."""
    words = {
        AlertKind.SLOW_JOB: _(
            "Look at its runs: one that hangs can be revoked. If it needs that long, give it a soft time limit."
        ),
        AlertKind.FAILURES: _("Look at the errors of its runs; when the cause is gone, replay its dead letters."),
        AlertKind.DEEP_QUEUE: _("Start more workers, or see whether one job keeps them all busy."),
        AlertKind.MEMORY: _("See which process has grown, or run fewer worker processes on this machine."),
        AlertKind.NO_WORKER: _(
            "No job is run until you start one with python -m jobs.worker. Nothing is lost: jobs wait in the database."
        ),
        AlertKind.NO_SCHEDULER: _(
            "Jobs for later, retries and periodic jobs wait until you start one with python -m jobs.scheduler."
        ),
        AlertKind.NO_REDIS: _(
            "No job is run until it is back. Nothing is lost: when it is, it is given all that waits in the database."
        ),
        AlertKind.LATE_CONFIRMATIONS: _(
            "Look at the e-mails on the pages of the latest bookings, and at the runs of "
            "bookings.send_booking_confirmation_to_invitee."
        ),
        AlertKind.FEW_BOOKINGS: _("Book something yourself to see that it works; it may well be a quiet day."),
        AlertKind.LATE_OFFERS: _(
            "Look at the runs of bookings.expire_waitlist_offer, and whether its queue is worked on."
        ),
        AlertKind.CACHE_MISSES: _(
            "Pages are slower than they could be. See whether the cache is short of memory, or was just emptied."
        ),
    }
    return str(words[alert.kind])


def seconds_text(seconds: float) -> str:
    """Return a duration as people say it: `120 ms`, `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds < 0.9995:
        return str(_("%(number)d ms", number=round(seconds * 1000)))
    if seconds < 9.95:
        return str(_("%(number)s s", number=format_decimal(round(seconds, 1))))
    whole = round(seconds)
    if whole < 60:
        return str(_("%(number)d s", number=whole))
    if whole < 3600:
        return str(_("%(minutes)d min %(seconds)d s", minutes=whole // 60, seconds=whole % 60))
    if whole < 86400:
        return str(_("%(hours)d h %(minutes)d min", hours=whole // 3600, minutes=whole % 3600 // 60))
    return str(_("%(days)d d %(hours)d h", days=whole // 86400, hours=whole % 86400 // 3600))


def _amount(kind: AlertKind, value: float) -> str:
    if kind is AlertKind.SLOW_JOB or kind in ABSENCES:
        return seconds_text(value)
    if kind in {AlertKind.DEEP_QUEUE, AlertKind.LATE_CONFIRMATIONS, AlertKind.LATE_OFFERS}:
        return str(format_decimal(int(value)))
    return f"{round(value * 100)} %"
