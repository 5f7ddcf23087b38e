"""The row of a delivery decides whether its message still has to go out."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests import factories
from tests.notifications.test_mime import mail
from webapp.core.clock import now
from webapp.core.db import session, transaction
from webapp.notifications import service
from webapp.notifications.mail.message import Mail
from webapp.notifications.models import Channel, Delivery, DeliveryStatus

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def letter(app: Flask) -> Mail:
    return mail(organization_id=factories.organization().id, template="booking_confirmation_invitee")


def prepare(letter: Mail) -> service.Prepared | None:
    with transaction():
        return service.prepare(letter)


def the_delivery() -> Delivery:
    session().expire_all()
    return session().scalars(select(Delivery)).one()


def test_a_new_message_is_being_sent(letter: Mail) -> None:
    assert prepare(letter) is not None
    delivery = the_delivery()
    assert (delivery.status, delivery.attempts, delivery.channel) == (DeliveryStatus.SENDING, 1, Channel.EMAIL)
    assert (delivery.recipient, delivery.subject) == ("gus@example.com", "Your meeting")
    assert delivery.template == "booking_confirmation_invitee"
    assert delivery.organization_id == letter.organization_id


def test_a_message_that_was_sent_is_not_sent_again(letter: Mail) -> None:
    delivery = prepare(letter)
    assert delivery is not None
    with transaction():
        service.record_sent(delivery_id=delivery.id, answer="250 Ok: queued as 4F2C")
    assert prepare(letter) is None
    kept = the_delivery()
    assert (kept.status, kept.attempts, kept.answer) == (DeliveryStatus.SENT, 1, "250 Ok: queued as 4F2C")
    assert kept.sent_at is not None
    assert abs((kept.sent_at - now()).total_seconds()) < 60


def test_an_attempt_that_failed_is_repeated_in_the_same_row_under_the_same_message_id(letter: Mail) -> None:
    first = prepare(letter)
    assert first is not None
    with transaction():
        service.record_failed(delivery_id=first.id, answer="450 Later")
    assert (the_delivery().status, the_delivery().answer) == (DeliveryStatus.FAILED, "450 Later")
    message_id = first.message_id
    second = prepare(letter)
    assert second is not None
    assert (second.id, second.message_id) == (first.id, message_id)
    assert (the_delivery().attempts, the_delivery().status) == (2, DeliveryStatus.SENDING)


def test_an_attempt_whose_process_died_is_repeated(letter: Mail) -> None:
    assert prepare(letter) is not None
    assert prepare(letter) is not None
    assert the_delivery().attempts == 2


def test_a_late_failure_does_not_undo_what_was_sent(letter: Mail) -> None:
    delivery = prepare(letter)
    assert delivery is not None
    with transaction():
        service.record_sent(delivery_id=delivery.id, answer="250 Ok")
        service.record_failed(delivery_id=delivery.id, answer="The worker lost its lease")
    assert (the_delivery().status, the_delivery().answer) == (DeliveryStatus.SENT, "250 Ok")


def test_another_key_is_another_message(letter: Mail) -> None:
    assert prepare(letter) is not None
    assert prepare(mail(organization_id=letter.organization_id, idempotency_key="test:2")) is not None
    assert session().scalar(select(func.count()).select_from(Delivery)) == 2


def test_a_message_that_many_prepare_at_once_has_one_row(letter: Mail, app: Flask) -> None:
    ids: list[UUID] = []

    def prepare_in_a_context_of_its_own() -> None:
        with app.app_context():
            delivery = prepare(letter)
            assert delivery is not None
            ids.append(delivery.id)

    threads = [threading.Thread(target=prepare_in_a_context_of_its_own) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ids), len(set(ids))) == (5, 1)
    assert the_delivery().attempts == 5
