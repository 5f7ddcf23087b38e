"""The e-mails that tell those who look after the installation what is wrong, and when it is over."""

from __future__ import annotations

from email.utils import parseaddr

from flask_babel import force_locale

from webapp.core.languages import customs
from webapp.core.settings import settings
from webapp.identity.models import Membership
from webapp.notifications.mail.compose import write
from webapp.notifications.mail.message import Mail, Mailbox
from webapp.operations import words
from webapp.operations.models import Alert
from webapp.scheduling.when import describe


def alert_raised(alert: Alert, *, to: Membership) -> Mail:
    """Return the mail that tells a member of an alert; the same alert writes it under the same key."""
    return _mail(alert, "alert_raised", to=to)


def alert_recovered(alert: Alert, *, to: Membership) -> Mail:
    """Return the mail that tells a member that an alert is over."""
    return _mail(alert, "alert_recovered", to=to)


def _mail(alert: Alert, template: str, *, to: Membership) -> Mail:
    locale = customs(to.user.locale or "")
    with force_locale(locale):
        said = {
            "alert": alert,
            "title": words.alert_title(alert),
            "facts": words.alert_facts(alert),
            "advice": words.alert_advice(alert),
            "lasted": words.seconds_text((alert.recovered_at - alert.raised_at).total_seconds())
            if alert.recovered_at
            else "",
        }
    when = describe(alert.raised_at, alert.raised_at, zone=to.user.timezone, locale=locale)
    written = write(
        template,
        said
        | {
            "organization": to.organization,
            "reader": to.user,
            "when": f"{when.brief} ({when.zone})",
            "alerts_url": f"{settings().public_url}/admin/jobs/alerts",
        },
        locale=locale,
    )
    name, address = parseaddr(settings().mail_from)
    return Mail(
        organization_id=to.organization_id,
        idempotency_key=f"alert:{alert.id}:{template}:{to.user_id}",
        template=template,
        recipient=Mailbox(name=to.user.name, address=to.user.email),
        reply_to=Mailbox(name=name, address=address),
        subject=written.subject,
        text=written.text,
        html=written.html,
    )
