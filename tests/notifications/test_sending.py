"""From a mail to the mail server, the way every job goes: noted before, handed over, noted after."""

from __future__ import annotations

import threading

import pytest
from flask import Flask
from sqlalchemy import select, text

from jobs.mailing import send_mail
from tests import factories
from tests.conftest import Servers
from tests.notifications.test_mime import mail
from tests.peers.smtp import SmtpPeer
from webapp.core.db import session
from webapp.core.failures import PermanentFailure, TemporaryFailure
from webapp.notifications.mail import transport
from webapp.notifications.mail.message import Mail, Mailbox
from webapp.notifications.models import Delivery, DeliveryStatus

OTHERS_IN_TRANSACTION = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND state <> 'idle'"
)


@pytest.fixture
def letter(app: Flask) -> Mail:
    return mail(organization_id=factories.organization().id)


@pytest.fixture
def server(servers: Servers) -> SmtpPeer:
    """The mail server of the settings."""
    return servers.smtp


def the_delivery() -> Delivery:
    session().expire_all()
    return session().scalars(select(Delivery)).one()


def test_a_message_that_is_sent_twice_goes_out_once(letter: Mail, server: SmtpPeer) -> None:
    send_mail(letter)
    send_mail(letter)
    (message,) = server.messages
    delivery = the_delivery()
    assert (delivery.status, delivery.attempts, delivery.answer) == (DeliveryStatus.SENT, 1, "250 OK")
    assert message["Message-ID"] == delivery.message_id


def test_a_refusal_is_final_and_noted_with_the_servers_words(letter: Mail, server: SmtpPeer) -> None:
    server.refusals["gus@example.com"] = "550 5.1.1 No such user here"
    with pytest.raises(PermanentFailure):
        send_mail(letter)
    delivery = the_delivery()
    assert delivery.status is DeliveryStatus.FAILED
    assert "550 5.1.1 No such user here" in delivery.answer


def test_an_address_that_cannot_be_one_is_final_and_reaches_no_server(letter: Mail, server: SmtpPeer) -> None:
    wrong = mail(organization_id=letter.organization_id, recipient=Mailbox(name="Gus", address="gus@exam ple.com"))
    with pytest.raises(PermanentFailure):
        send_mail(wrong)
    assert the_delivery().status is DeliveryStatus.FAILED
    assert server.messages == []


def test_what_is_put_off_goes_out_with_the_next_attempt_under_the_same_message_id(
    letter: Mail, server: SmtpPeer
) -> None:
    server.answers.append("451 4.3.0 Try later")
    with pytest.raises(TemporaryFailure) as put_off:
        send_mail(letter)
    assert put_off.value.retry_after is None
    first = the_delivery()
    assert (first.status, first.attempts) == (DeliveryStatus.FAILED, 1)
    message_id = first.message_id
    send_mail(letter)
    (message,) = server.messages
    delivery = the_delivery()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.SENT, 2)
    assert message["Message-ID"] == delivery.message_id == message_id


def test_no_transaction_is_open_while_the_server_is_talked_to(app: Flask, letter: Mail, server: SmtpPeer) -> None:
    def send_in_a_context_of_its_own() -> None:
        with app.app_context():
            send_mail(letter)
            transport.close()

    thread = threading.Thread(target=send_in_a_context_of_its_own)
    with server.holding():
        thread.start()
        server.wait_for(1)
        assert the_delivery().status is DeliveryStatus.SENDING
        assert session().scalar(OTHERS_IN_TRANSACTION) == 0
    thread.join()
    assert the_delivery().status is DeliveryStatus.SENT
