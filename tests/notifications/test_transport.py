"""Messages reach a real mail server, over as few connections as can be, and its answers are understood."""

from __future__ import annotations

import os
import signal
import socket
import threading
from email.message import EmailMessage
from email.policy import SMTP
from types import FrameType

import pytest

from tests.conftest import Servers
from tests.peers.smtp import HANG_UP, SmtpPeer
from webapp.notifications.errors import MailDeferred, MailRefused
from webapp.notifications.mail import transport as transport_module
from webapp.notifications.mail.transport import SmtpTransport

pytestmark = pytest.mark.usefixtures("app")


def letter(text: str = "See you on Monday.", *, to: str = "gus@example.com") -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "Almanac <almanac@localhost>", to, "Your meeting"
    message.set_content(text)
    return message


def text_of(message: EmailMessage) -> str:
    text: str = message.get_content()
    return text.replace("\r\n", "\n")


def test_the_servers_answer_comes_back(transport: SmtpTransport, peer: SmtpPeer) -> None:
    assert transport.send(letter()) == "250 OK"
    assert peer.recipients == ["gus@example.com"]
    assert text_of(peer.messages[0]) == "See you on Monday.\n"


def test_many_messages_go_over_one_connection(transport: SmtpTransport, peer: SmtpPeer) -> None:
    for number in range(20):
        transport.send(letter(str(number)))
    assert [text_of(message).strip() for message in peer.messages] == [str(number) for number in range(20)]
    assert peer.connections == 1


def test_a_connection_is_not_worn_out(
    transport: SmtpTransport, peer: SmtpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MESSAGES_PER_CONNECTION", 5)
    for _ in range(12):
        transport.send(letter())
    assert peer.connections == 3


def test_lines_of_dots_arrive_unchanged(transport: SmtpTransport, peer: SmtpPeer) -> None:
    text = ".\n..\n.hidden\nafter the dot\n"
    transport.send(letter(text))
    assert text_of(peer.messages[0]) == text


def test_a_connection_that_died_at_rest_is_replaced_and_nothing_is_sent_twice(
    transport: SmtpTransport, peer: SmtpPeer
) -> None:
    transport.send(letter("one"))
    peer.hang_up()
    transport.send(letter("two"))
    assert [text_of(message).strip() for message in peer.messages] == ["one", "two"]
    assert peer.connections == 2


def test_a_rested_connection_is_asked_before_it_is_used(
    transport: SmtpTransport, peer: SmtpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "CHECK_WHEN_IDLE", 0.0)
    transport.send(letter())
    transport.send(letter())
    assert peer.connections == 1
    peer.hang_up()
    transport.send(letter())
    assert (peer.connections, len(peer.messages)) == (2, 3)


@pytest.mark.parametrize("step", ["MAIL", "gus@example.com"])
@pytest.mark.parametrize("answer", ["421 4.3.2 Going down for maintenance", HANG_UP])
def test_a_kept_connection_that_closes_before_the_data_is_replaced_once(
    transport: SmtpTransport, peer: SmtpPeer, step: str, answer: str
) -> None:
    transport.send(letter())
    peer.refusals[step] = answer
    transport.send(letter())
    assert (peer.connections, len(peer.messages)) == (2, 2)


def test_a_fresh_connection_that_closes_puts_the_message_off(transport: SmtpTransport, peer: SmtpPeer) -> None:
    peer.refusals["MAIL"] = HANG_UP
    with pytest.raises(MailDeferred, match="hung up before"):
        transport.send(letter())
    assert (peer.connections, peer.messages) == (1, [])


def test_a_server_that_hangs_up_on_the_message_is_not_given_it_again_at_once(
    transport: SmtpTransport, peer: SmtpPeer
) -> None:
    transport.send(letter())
    peer.refusals["DATA"] = HANG_UP
    with pytest.raises(MailDeferred, match="may have arrived"):
        transport.send(letter())
    assert (peer.connections, len(peer.messages)) == (1, 1)


def test_a_server_that_takes_too_long_over_the_message_puts_it_off(
    transport: SmtpTransport, peer: SmtpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "FINAL_TIMEOUT", 0.2)
    with peer.holding(), pytest.raises(MailDeferred, match="may have arrived"):
        transport.send(letter())


@pytest.mark.parametrize("code", ["550 5.1.1 No such user here", "553 5.1.3 Bad address", "554 5.7.1 Relay denied"])
def test_a_recipient_who_does_not_exist_is_final(transport: SmtpTransport, peer: SmtpPeer, code: str) -> None:
    peer.refusals["gus@example.com"] = code
    with pytest.raises(MailRefused, match=f"gus@example.com: {code}"):
        transport.send(letter())


@pytest.mark.parametrize("code", ["450 4.2.0 Greylisted, come again", "452 4.2.2 Mailbox full", "451 4.3.0 Try later"])
def test_a_recipient_who_cannot_be_reached_now_is_put_off(transport: SmtpTransport, peer: SmtpPeer, code: str) -> None:
    peer.refusals["gus@example.com"] = code
    with pytest.raises(MailDeferred, match=code):
        transport.send(letter())


def test_content_that_is_refused_is_final_and_content_that_is_put_off_is_not(
    transport: SmtpTransport, peer: SmtpPeer
) -> None:
    peer.answers[:] = ["554 5.6.0 Looks like spam", "451 4.7.1 Try later"]
    with pytest.raises(MailRefused, match="Looks like spam"):
        transport.send(letter())
    with pytest.raises(MailDeferred, match="Try later"):
        transport.send(letter())


def test_a_sender_who_may_not_send_is_ours_to_mend_and_costs_no_message(
    transport: SmtpTransport, peer: SmtpPeer
) -> None:
    peer.refusals["MAIL"] = "550 5.7.1 Sender not allowed"
    with pytest.raises(MailDeferred, match="MAIL_FROM"):
        transport.send(letter())


def test_a_message_that_is_too_large_is_final(transport: SmtpTransport, peer: SmtpPeer) -> None:
    peer.refusals["MAIL"] = "552 5.3.4 Message too big"
    with pytest.raises(MailRefused, match="too big"):
        transport.send(letter())


def test_the_connection_survives_a_refusal_and_carries_the_next_message(
    transport: SmtpTransport, peer: SmtpPeer
) -> None:
    for answer in ("550 5.1.1 No such user", "450 4.2.0 Later"):
        peer.refusals["gus@example.com"] = answer
        with pytest.raises((MailRefused, MailDeferred)):
            transport.send(letter())
    transport.send(letter())
    assert (peer.connections, len(peer.messages)) == (1, 1)


def test_nobody_listening_puts_the_message_off_and_names_the_setting() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(MailDeferred, match=rf"127\.0\.0\.1:{port} cannot be used.*SMTP_URL"):
            SmtpTransport(f"smtp://127.0.0.1:{port}").send(letter())


def test_a_short_blip_at_the_door_is_waited_out(transport: SmtpTransport, peer: SmtpPeer) -> None:
    peer.drops = 2
    transport.send(letter())
    assert (peer.connections, len(peer.messages)) == (3, 1)


def test_each_thread_has_a_connection_of_its_own(transport: SmtpTransport, peer: SmtpPeer) -> None:
    def send_two() -> None:
        transport.send(letter())
        transport.send(letter())

    threads = [threading.Thread(target=send_two) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (peer.connections, len(peer.messages)) == (3, 6)


def test_a_forked_child_leaves_its_parents_connection_alone(transport: SmtpTransport, peer: SmtpPeer) -> None:
    transport.send(letter("parent"))
    child = os.fork()
    if child == 0:
        try:
            transport.send(letter("child"))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    transport.send(letter("parent again"))
    assert [text_of(message).strip() for message in peer.wait_for(3)] == ["parent", "child", "parent again"]
    assert peer.connections == 2


class TimeIsUp(BaseException):
    """As the soft limit of a job: raised anywhere, and no Exception."""


def test_an_interruption_in_mid_sentence_leaves_no_half_used_connection_behind(
    transport: SmtpTransport, peer: SmtpPeer
) -> None:
    def time_is_up(_number: int, _frame: FrameType | None) -> None:
        raise TimeIsUp

    transport.send(letter("one"))
    before = signal.signal(signal.SIGALRM, time_is_up)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with peer.holding(), pytest.raises(TimeIsUp):
            transport.send(letter("interrupted"))
    finally:
        signal.signal(signal.SIGALRM, before)
    transport.send(letter("two"))
    assert [text_of(message).strip() for message in peer.messages] == ["one", "interrupted", "two"]
    assert peer.connections == 2


def test_the_module_sends_to_the_server_of_the_settings(servers: Servers) -> None:
    transport_module.send(letter("by the settings"))
    transport_module.close()
    assert [text_of(message).strip() for message in servers.smtp.messages] == ["by the settings"]
