"""Each mail, word for word; golden/README.md says how to renew the files."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from tests.notifications import samples
from webapp.notifications.mail.message import Mail
from webapp.operations.messages import alert_raised, alert_recovered
from webapp.scheduling import messages, waitlist_messages
from webapp.scheduling.messages_of_reports import availability_report
from webapp.scheduling.models import Side, WaitStatus
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.waitlist import waitlist_token

GOLDEN = Path(__file__).parent / "golden"
RENEW = bool(os.environ.get("ALMANAC_RENEW_GOLDEN"))

MAILS: dict[str, Callable[[], Mail]] = {
    "confirmation_invitee": lambda: messages.confirmation_to_invitee(samples.booking()),
    "notification_organizer": lambda: messages.notification_to_organizer(samples.booking()),
    "rescheduled_invitee": lambda: messages.rescheduled_to_invitee(samples.moved(), samples.EARLIER),
    "rescheduled_organizer": lambda: messages.rescheduled_to_organizer(samples.moved(), samples.EARLIER),
    "cancelled_invitee_by_host": lambda: messages.cancelled_to_invitee(
        samples.cancelled(by=Side.HOST, reason="I have caught a cold.\nI am sorry!")
    ),
    "cancelled_invitee_by_guest": lambda: messages.cancelled_to_invitee(samples.cancelled(by=Side.GUEST)),
    "cancelled_organizer_by_guest": lambda: messages.cancelled_to_organizer(
        samples.cancelled(by=Side.GUEST, reason="No longer needed")
    ),
    "cancelled_organizer_by_host": lambda: messages.cancelled_to_organizer(samples.cancelled(by=Side.HOST)),
    "cancelled_invitee_by_guest_unconfirmed": lambda: messages.cancelled_to_invitee(samples.withdrawn()),
    "cancelled_organizer_by_guest_unconfirmed": lambda: messages.cancelled_to_organizer(samples.withdrawn()),
    "request_invitee": lambda: messages.request_to_invitee(samples.pending()),
    "request_organizer": lambda: messages.request_to_organizer(samples.pending()),
    "request_invitee_again": lambda: messages.request_to_invitee(samples.pending(was_confirmed=True)),
    "request_organizer_again": lambda: messages.request_to_organizer(samples.pending(was_confirmed=True)),
    "request_invitee_again_for_good": lambda: messages.request_to_invitee(
        samples.pending(was_confirmed=True, event={"cancel_notice": None, "reschedule_notice": None})
    ),
    "declined_invitee": lambda: messages.declined_to_invitee(
        samples.declined(by=Side.HOST, reason="That day is taken.\nThe week after?")
    ),
    "declined_invitee_unanswered": lambda: messages.declined_to_invitee(samples.declined(by=None)),
    "declined_organizer": lambda: messages.declined_to_organizer(samples.declined(by=Side.HOST)),
    "declined_organizer_unanswered": lambda: messages.declined_to_organizer(samples.declined(by=None)),
    "alert_raised": lambda: alert_raised(samples.alert(), to=samples.operator()),
    "alert_recovered": lambda: alert_recovered(samples.alert(recovered_at=samples.START), to=samples.operator()),
    "confirmation_invitee_in_german": lambda: messages.confirmation_to_invitee(samples.booking(guest_locale="de-AT")),
    "notification_organizer_in_german": lambda: messages.notification_to_organizer(
        samples.booking(host={"locale": "de"})
    ),
    "rescheduled_invitee_in_america": lambda: messages.rescheduled_to_invitee(
        samples.booking(sequence=1, guest_locale="en-US"), samples.EARLIER
    ),
    "move_request_invitee": lambda: messages.move_request_to_invitee(samples.booking(), samples.EARLIER),
    "availability_report": lambda: availability_report(samples.report(), to=samples.operator()),
    "series_confirmation_invitee": lambda: messages.confirmation_to_invitee(
        samples.weekly()[0], series=samples.weekly()
    ),
    "series_cancelled_organizer": lambda: messages.cancelled_to_organizer(
        samples.cancelled_series()[0], series=samples.cancelled_series()
    ),
    "reminder_invitee": lambda: messages.reminder_to_invitee(samples.booking()),
    "confirmation_invitee_for_good": lambda: messages.confirmation_to_invitee(
        samples.booking(event={"cancel_notice": None, "reschedule_notice": None})
    ),
    "rescheduled_invitee_who_may_cancel": lambda: messages.rescheduled_to_invitee(
        samples.booking(event={"reschedule_notice": None}, sequence=1), samples.EARLIER
    ),
    "reminder_invitee_who_may_move": lambda: messages.reminder_to_invitee(
        samples.booking(event={"cancel_notice": 5000})
    ),
    "waitlist_joined": lambda: waitlist_messages.joined(samples.waiting(), place=2),
    "waitlist_joined_for_a_day": lambda: waitlist_messages.joined(samples.waiting(day=samples.START.date()), place=1),
    "waitlist_offer_in_german": lambda: waitlist_messages.offer(
        samples.waiting(status=WaitStatus.OFFERED, locale="de")
    ),
    "waitlist_offer": lambda: waitlist_messages.offer(samples.waiting(status=WaitStatus.OFFERED)),
    "waitlist_offer_expired": lambda: waitlist_messages.offer_expired(samples.waiting(status=WaitStatus.LAPSED)),
}


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_says_what_its_golden_files_say(app: Flask, name: str) -> None:
    with time_machine.travel(samples.EARLIER, tick=False):
        mail = MAILS[name]()
    tokens = {manage_token(samples.booking()): "MANAGE-TOKEN", waitlist_token(samples.waiting()): "WAITLIST-TOKEN"}
    folder = GOLDEN / name
    for part, words in (("subject.txt", f"{mail.subject}\n"), ("body.txt", mail.text), ("body.html", mail.html)):
        written = re.sub("|".join(tokens), lambda found: tokens[found[0]], words)
        file = folder / part
        if RENEW:
            folder.mkdir(exist_ok=True)
            file.write_text(written, encoding="utf-8")
        assert written == file.read_text(encoding="utf-8"), f"{name}/{part} has changed"


def test_every_golden_folder_belongs_to_a_mail() -> None:
    assert {folder.name for folder in GOLDEN.iterdir() if folder.is_dir()} == set(MAILS)
