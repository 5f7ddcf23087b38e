"""How every job sends a message: noted before, handed over, noted after, with no transaction open in between."""

from __future__ import annotations

from jobs.runtime.facts import confirm_held, record_fact
from webapp.core import tracing
from webapp.core.breakers import breaker
from webapp.core.db import transaction
from webapp.core.failures import Unavailable
from webapp.core.tracing import Kind
from webapp.notifications import service
from webapp.notifications.errors import MailDeferred, MailRefused, MailServerAway
from webapp.notifications.mail import mime, transport
from webapp.notifications.mail.message import Mail


def send_mail(mail: Mail) -> None:
    """Send `mail` unless its idempotency key says that it went out before.

    Raises MailRefused when it never will, MailDeferred when it may later, and Unavailable while the server is down; the
    delivery's row says so as well.
    """
    with transaction():
        delivery = service.prepare(mail)
    if delivery is None:
        return
    try:
        message = mime.build(mail, message_id=delivery.message_id)
        with breaker("smtp", failures=(MailServerAway,)), tracing.span("send mail", kind=Kind.CLIENT):
            answer = transport.send(message, confirm=confirm_held)
    except (MailRefused, MailDeferred, Unavailable) as failure:
        with transaction():
            service.record_failed(delivery_id=delivery.id, answer=str(failure))
        raise
    record_fact(lambda: service.record_sent(delivery_id=delivery.id, answer=answer))
