"""The guests' links: they expire, hosts revoke them, and whatever is sent carries one that opens the booking."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from jobs import bookings as jobs
from jobs import notifications
from tests import factories
from tests.conftest import Servers
from tests.factories import event_type, member
from tests.notifications.test_mails_to_a_team import work
from tests.scheduling.helpers import GUEST, address, at, bearer, body, booked, refused
from tests.scheduling.pages import Visitor
from tests.scheduling.test_attendees import everything, to
from webapp.core import clock, crypto
from webapp.core.db import session, transaction, uuid7
from webapp.core.events import DomainEvent
from webapp.identity.models import Role, Scope
from webapp.scheduling.events import BookingLinkRevoked
from webapp.scheduling.models import Booking, Side
from webapp.scheduling.queries import booking_by_token
from webapp.scheduling.service import access
from webapp.scheduling.service.booking import cancel, manage_token, reschedule

pytestmark = pytest.mark.usefixtures("app")

MONTH = timedelta(days=30)


def opens(client: FlaskClient, token: str) -> bool:
    answer = client.get(f"/api/v1/public/bookings/{token}")
    assert answer.status_code in {200, 404}, answer.text
    return answer.status_code == 200


def expire(booking: Booking) -> None:
    with transaction():
        booking.manage_expires_at = clock.now() - timedelta(seconds=1)


def link_in_last_mail(servers: Servers) -> str:
    """The token in the last mail that the guest got; in its text and in its calendar it is the same."""
    words = everything(to(servers, GUEST.email)[-1])
    links = {part.split()[0] for part in words.split("http://almanac.test/manage/")[1:]}
    [token] = {urlsplit(link).path.split("%")[0].split('"')[0].split("&")[0] for link in links}
    return token


def test_a_link_lives_for_a_month_after_the_end_and_a_move_takes_it_along(client: FlaskClient) -> None:
    booking = booked(event_type(), at(10))
    assert booking.manage_expires_at == at(10, 30) + MONTH
    with transaction():
        reschedule(booking=booking, start=at(10, days=20))
    assert booking.manage_expires_at == at(10, 30, days=20) + MONTH
    token = manage_token(booking)
    with time_machine.travel(booking.manage_expires_at - timedelta(seconds=1), tick=False):
        assert opens(client, token)
    with time_machine.travel(booking.manage_expires_at, tick=False):
        assert not opens(client, token)
        assert client.get(f"/manage/{token}").status_code == 404


def test_links_of_before_there_were_generations_still_open(client: FlaskClient) -> None:
    booking = booked(event_type())
    assert manage_token(booking) == crypto.derive_token("manage", str(booking.id))
    with transaction():
        booking.manage_expires_at = None  # as a process of the release before leaves it
    assert opens(client, manage_token(booking))
    jobs.cleanup_expired_access_tokens()
    session().refresh(booking)
    assert booking.manage_expires_at == booking.ends_at + MONTH


def test_a_revoked_link_dies_at_once_and_the_next_mail_carries_a_new_one(
    client: FlaskClient, servers: Servers, heard: list[DomainEvent]
) -> None:
    host = member()
    booking = booked(event_type(of=host))
    work()
    first = link_in_last_mail(servers)
    assert opens(client, first)
    heard.clear()
    answer = client.post(f"/api/v1/bookings/{booking.id}/revoke-link", headers=bearer(host))
    assert answer.status_code == 200, answer.text
    assert heard == [BookingLinkRevoked(booking_id=booking.id)]
    assert not opens(client, first)
    notifications.send_booking_reminder(booking.id, 0)
    second = link_in_last_mail(servers)
    assert second != first
    assert opens(client, second)
    stored = session().connection().exec_driver_sql("SELECT booking::text FROM booking").scalar_one()
    assert second not in stored


@pytest.mark.parametrize("mail", ["confirmation", "reminder", "move"])
def test_whatever_is_sent_carries_a_link_that_opens(client: FlaskClient, servers: Servers, mail: str) -> None:
    booking = booked(event_type())
    work()
    first = link_in_last_mail(servers)
    if mail == "move":
        with transaction():
            reschedule(booking=booking, start=at(14))
    expire(booking)
    if mail == "confirmation":
        jobs.send_booking_confirmation_to_invitee(booking.id, resend=uuid7())
    elif mail == "reminder":
        notifications.send_booking_reminder(booking.id, 0)
    else:
        work()
    assert not opens(client, first)
    assert opens(client, link_in_last_mail(servers))


def test_the_job_removes_links_of_what_is_over_and_renews_those_of_what_is_to_come(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LINKS_AT_ONCE", 2)
    kind = event_type()
    long_ago = clock.now() - timedelta(days=40)
    over = factories.bookings(of=kind, starts=[long_ago - timedelta(hours=number) for number in range(3)])
    recent = factories.booking(of=kind, start=clock.now() - timedelta(days=3))
    ahead, fine = booked(kind, at(10)), booked(kind, at(11))
    dead, live = manage_token(ahead), manage_token(fine)
    expire(ahead)
    assert jobs.cleanup_expired_access_tokens() == {"removed": 3, "renewed": 1}
    assert jobs.cleanup_expired_access_tokens() == {"removed": 0, "renewed": 0}
    for booking in (*over, recent, ahead):
        session().refresh(booking)
    assert [booking.manage_digest for booking in over] == [None] * 3
    assert recent.manage_digest is not None
    assert (opens(client, dead), opens(client, manage_token(ahead)), opens(client, live)) == (False, True, True)


def test_of_a_series_the_links_of_the_others_do_not_lead_to_the_one_that_was_revoked(client: FlaskClient) -> None:
    kind = event_type(series_most=3)
    sent = body(at(10), recurrence={"frequency": "weekly", "count": 3})
    made = client.post(f"{address(kind)}/bookings", json=sent).get_json()
    first, revoked, last = (each["manage_url"].rpartition("/")[2] for each in made["series"])
    with transaction():
        booking = booking_by_token(revoked)
        access.revoke_link(booking=booking)
    fresh = manage_token(booking)
    assert (opens(client, revoked), opens(client, fresh)) == (False, True)
    for token in (first, last):
        page, shown = client.get(f"/manage/{token}").text, client.get(f"/api/v1/public/bookings/{token}").get_json()
        assert fresh not in page
        assert revoked not in page
        assert [each["manage_url"] and each["manage_url"].rpartition("/")[2] for each in shown["series"]] == [
            *(first, None, last)
        ]
    page = client.get(f"/manage/{fresh}").text
    assert f"/manage/{first}" in page
    assert f"/manage/{last}" in page


def test_what_is_over_or_cancelled_gets_no_new_link(client: FlaskClient) -> None:
    over, off = factories.booking(of=event_type(), start=clock.now() - timedelta(days=1)), booked(event_type())
    with transaction():
        cancel(booking=off, by=Side.GUEST, reason="")
    token = manage_token(off)
    assert opens(client, token)
    for booking in (over, off):
        with transaction():
            access.revoke_link(booking=booking)
        assert booking.manage_digest is None
    assert not opens(client, token)


def test_hosts_revoke_it_on_the_page_and_nobody_else_does(app: Flask, client: FlaskClient) -> None:
    host = member()
    booking = booked(event_type(of=host))
    token, path = manage_token(booking), f"/app/bookings/{booking.id}"
    api = f"/api/v1/bookings/{booking.id}/revoke-link"
    for stranger in (member(), member(of=host.organization, role=Role.MEMBER)):
        refused(client.post(api, headers=bearer(stranger)), 404, "not_found")
        visitor = Visitor(app).sign_in(stranger)
        form = visitor.open("/app/event-types/new").form()
        form.action = f"{path}/revoke-link"
        visitor.send(form, status=404)
    refused(client.post(api), 401, "unauthenticated")
    refused(client.post(api, headers=bearer(host, Scope.BOOKINGS_READ)), 403, "insufficient_scope")
    refused(client.get(api, headers=bearer(host)), 405, "method_not_allowed")
    assert opens(client, token)
    visitor = Visitor(app).sign_in(host)
    page = visitor.open(path)
    assert "opens nothing any more" in visitor.follow(visitor.send(page.form("/revoke-link"))).words
    session().rollback()
    session().expire_all()
    assert not opens(client, token)
