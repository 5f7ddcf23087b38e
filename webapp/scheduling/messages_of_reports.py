"""The e-mail that tells those who manage an organisation what does not add up."""

from __future__ import annotations

from email.utils import parseaddr

from flask_babel import force_locale

from webapp.core.languages import customs
from webapp.core.settings import settings
from webapp.identity.models import Membership
from webapp.notifications.mail.compose import write
from webapp.notifications.mail.message import Mail, Mailbox
from webapp.scheduling import faults_in_words
from webapp.scheduling.models import AvailabilityReport


def availability_report(report: AvailabilityReport, *, to: Membership) -> Mail:
    """Return the mail that tells a member what was found; the same report writes it under the same key."""
    locale = customs(to.user.locale or "")
    with force_locale(locale):
        lines = faults_in_words.lines(report)
    said = {
        "organization": to.organization,
        "reader": to.user,
        "lines": lines,
        "public_url": settings().public_url,
        "report_url": f"{settings().public_url}/app/availability/report",
    }
    written = write("availability_report", said, locale=locale)
    name, address = parseaddr(settings().mail_from)
    return Mail(
        organization_id=report.organization_id,
        idempotency_key=f"availability-report:{report.id}:{to.user_id}",
        template="availability_report",
        recipient=Mailbox(name=to.user.name, address=to.user.email),
        reply_to=Mailbox(name=name, address=address),
        subject=written.subject,
        text=written.text,
        html=written.html,
    )
