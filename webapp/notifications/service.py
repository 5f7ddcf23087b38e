"""Deliveries: each message has one row, and that row decides whether it still has to go out.

No transaction is held over the network, so a delivery has three steps, which `jobs.mailing.send_mail` takes: `prepare`
in a transaction, then the mail server, then `record_sent` or `record_failed` in another.

What this promises, honestly: a message that is recorded as sent is never sent again. But SMTP knows no commit in two
phases. A process that dies after the server took the message and before `record_sent` is committed leaves a row that
still says `sending`, and the next attempt hands the message over once more. That window is the server's reply on its
way to us and the commit of one row. So is a server that falls silent over a message it has read: we give up, and it
may have kept it. In both cases the twin carries the same Message-ID, by which mail servers and programs drop
duplicates. Two attempts at the very same time are kept apart by the lease of their job, not by the row.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from webapp.core.clock import now
from webapp.core.db import session, uuid7
from webapp.core.settings import settings
from webapp.notifications.mail.message import Mail
from webapp.notifications.models import Channel, Delivery, DeliveryStatus


class Prepared(NamedTuple):
    """A delivery that is about to go out: its row, and the Message-ID of every attempt."""

    id: UUID
    message_id: str


def prepare(mail: Mail) -> Prepared | None:
    """Return the delivery of `mail`, now `sending` with one more attempt, or None when it has been sent before.

    Two that prepare the same message at once wait for each other's transaction and share one row.
    """
    fresh = {
        "id": uuid7(),
        "organization_id": mail.organization_id,
        "idempotency_key": mail.idempotency_key,
        "channel": Channel.EMAIL,
        "template": mail.template,
        "recipient": mail.recipient.address,
        "subject": mail.subject,
        "status": DeliveryStatus.SENDING,
        "message_id": message_id(mail.idempotency_key),
        "attempts": 1,
    }
    row = session().connection().execute(_CLAIM, fresh).one_or_none()  # Core's: nobody needs it as an object
    return Prepared._make(row) if row else None


def record_sent(*, delivery_id: UUID, answer: str) -> None:
    """Note that the server took the message, and its `answer`; from now on `prepare` returns None for it."""
    _record(delivery_id, status=DeliveryStatus.SENT, answer=answer, sent_at=now())


def record_failed(*, delivery_id: UUID, answer: str) -> None:
    """Note why this attempt failed; a later `prepare` may try again. A delivery that was sent stays sent."""
    _record(delivery_id, status=DeliveryStatus.FAILED, answer=answer)


def _record(delivery_id: UUID, **values: object) -> None:
    session().connection().execute(_UNSENT, {"delivery_id": delivery_id} | values)


def message_id(idempotency_key: str) -> str:
    """Return the Message-ID of the message with this key: always the same, so that receivers recognise a twin."""
    return f"<{hashlib.sha256(idempotency_key.encode()).hexdigest()[:40]}@{settings().public_host}>"


def _claim() -> ReturningInsert[UUID, str]:
    fresh = insert(Delivery)
    again = {
        "status": DeliveryStatus.SENDING,
        "attempts": Delivery.attempts + 1,
        "recipient": fresh.excluded.recipient,
        "subject": fresh.excluded.subject,
    }
    return fresh.on_conflict_do_update(
        index_elements=[Delivery.idempotency_key], set_=again, where=Delivery.status != DeliveryStatus.SENT
    ).returning(Delivery.id, Delivery.message_id)


# Made once, for every message takes both.
_CLAIM = _claim()
_UNSENT = update(Delivery).where(Delivery.id == bindparam("delivery_id"), Delivery.status != DeliveryStatus.SENT)
