"""The e-mails to who waits for a time that is taken. Each is sent once to each entry, so its key names the entry."""

from __future__ import annotations

from datetime import datetime, timedelta

from babel import Locale
from babel.dates import format_date
from flask_babel import force_locale

from webapp.core.languages import customs
from webapp.notifications.mail.compose import write
from webapp.notifications.mail.message import Mail, Mailbox
from webapp.scheduling.models import EventType, WaitlistEntry
from webapp.scheduling.places import place_of
from webapp.scheduling.service.links import book_again_url
from webapp.scheduling.service.waitlist import waitlist_url
from webapp.scheduling.when import When, describe


def joined(entry: WaitlistEntry, *, place: int) -> Mail:
    """Return the mail that tells a guest that they are in line, in which `place`, and how to leave."""
    return _mail(entry, "waitlist_joined", place=place, when=None if entry.day else _when(entry, entry.wanted_from))


def offer(entry: WaitlistEntry) -> Mail:
    """Return the mail that offers a guest the time that they wait for, until when they have to answer included."""
    return _mail(entry, "waitlist_offer", when=_offered(entry), deadline=_deadline(entry))


def offer_expired(entry: WaitlistEntry) -> Mail:
    """Return the mail that tells a guest that their offer has gone to the next in line."""
    return _mail(entry, "waitlist_offer_expired", when=_offered(entry))


def _mail(entry: WaitlistEntry, template: str, **context: object) -> Mail:
    event_type, locale = entry.event_type, _locale(entry)
    common = {
        "entry": entry,
        "event_type": event_type,
        "organization": event_type.organization,
        "day": entry.day and format_date(entry.day, "full", locale=locale),
        "waitlist_url": waitlist_url(entry),
        "book_url": book_again_url(event_type),
        "where": _where(event_type, locale),
    }
    written = write(template, common | context, locale=locale)
    return Mail(
        organization_id=entry.organization_id,
        idempotency_key=f"waitlist:{entry.id}:{template}",
        template=template,
        recipient=Mailbox(name=entry.guest_name, address=entry.guest_email),
        reply_to=Mailbox(name=event_type.host.name, address=event_type.host.email),
        subject=written.subject,
        text=written.text,
        html=written.html,
    )


def _where(event_type: EventType, locale: Locale) -> str:
    with force_locale(locale):
        return place_of(event_type)


def _offered(entry: WaitlistEntry) -> When | None:
    return _when(entry, entry.offered_start) if entry.offered_start else None


def _when(entry: WaitlistEntry, start: datetime) -> When:
    end = start + timedelta(minutes=entry.duration)
    return describe(start, end, zone=entry.guest_timezone, locale=_locale(entry))


def _deadline(entry: WaitlistEntry) -> When | None:
    """Say until when the offer holds; of its time, only the beginning means something."""
    until = entry.offer_expires_at
    return describe(until, until, zone=entry.guest_timezone, locale=_locale(entry)) if until else None


def _locale(entry: WaitlistEntry) -> Locale:
    return customs(entry.guest_locale)
