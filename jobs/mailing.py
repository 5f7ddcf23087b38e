"""How every job sends a message: noted before, handed over, noted after, with no transaction open in between."""

from __future__ import annotations

from webapp.core.db import transaction
from webapp.notifications import service
from webapp.notifications.errors import MailDeferred, MailRefused
from webapp.notifications.mail import mime, transport
from webapp.notifications.mail.message import Mail


def send_mail(mail: Mail) -> None:
    """Send `mail` unless its idempotency key says that it went out before.

    Raises MailRefused when it never will, MailDeferred when it may later; the delivery's row says so as well.
    """
    with transaction():
        delivery = service.prepare(mail)
    if delivery is None:
        return
    try:
        answer = transport.send(mime.build(mail, message_id=delivery.message_id))
    except (MailRefused, MailDeferred) as failure:
        with transaction():
            service.record_failed(delivery_id=delivery.id, answer=str(failure))
        raise
    with transaction():
        service.record_sent(delivery_id=delivery.id, answer=answer)
