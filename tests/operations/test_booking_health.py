"""How booking goes is looked at every hour, shown to Prometheus, and told of when it goes badly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from jobs import bookings, operations
from jobs.bookings import cleanup_expired_waitlist_entries, offer_what_is_free
from jobs.runtime import execute
from jobs.runtime.models import JobRun, RunState
from tests import factories
from tests.factories import event_type
from tests.notifications.test_mails_to_a_team import work
from tests.operations.test_metrics import named, scrape
from tests.scheduling.helpers import GUEST, at, booked
from tests.scheduling.waiting import bookable, cancelled, joined
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.operations import alerts, memory
from webapp.operations.models import Alert, AlertKind
from webapp.scheduling.models import Booking, EventType, Frequency, Side, WaitlistEntry
from webapp.scheduling.service import waitlist
from webapp.scheduling.service.approval import approve
from webapp.scheduling.service.booking import cancel, reschedule
from webapp.scheduling.service.series import Recurrence, book_series

pytestmark = pytest.mark.usefixtures("app")

Figures = dict[str, Any]


@pytest.fixture(autouse=True)
def _plenty_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "machine_share", lambda: 0.5)


@pytest.fixture
def kind() -> EventType:
    return event_type()


def made(kind: EventType, number: int, **ago: float) -> list[Booking]:
    """So many bookings that were made so long ago, for some time or other."""
    when = clock.now() - timedelta(**ago)
    begin = clock.now() + timedelta(days=400 * len(ago) + sum(ago.values()))
    starts = [begin + timedelta(hours=count) for count in range(number)]
    return factories.bookings(of=kind, starts=starts, created_at=when, updated_at=when)


def look() -> tuple[Figures, dict[AlertKind, Alert]]:
    figures = bookings.monitor_booking_system_health()
    settling = session().query(JobRun.id).filter_by(name="booking_health.settle_booking_alerts", state=RunState.WAITING)
    [row] = settling.all()
    session().rollback()
    execute.run(row.id)
    return figures, {alert.kind: alert for alert in alerts.open_alerts()}


def test_the_rate_is_compared_with_the_same_hours_of_the_week_before(client: FlaskClient, kind: EventType) -> None:
    made(kind, 2, minutes=30)
    made(kind, 3, hours=5)
    made(kind, 1, days=7, minutes=59)
    made(kind, 4, days=7, hours=23)
    made(kind, 9, days=3)
    figures, _ = look()
    assert figures["rate"] == {"hour": 2, "day": 5, "hour_week_before": 1, "day_week_before": 5}
    shown = scrape(client)
    assert shown[named("almanac_bookings_made", period="day", week="this")] == 5
    assert shown[named("almanac_bookings_made", period="hour", week="before")] == 1
    assert shown[named("almanac_late_confirmations")] == figures["late_confirmations"]


def test_far_fewer_bookings_than_a_week_ago_are_told_of_once(kind: EventType) -> None:
    made(kind, 20, days=7, hours=2)
    made(kind, 4, hours=20)
    assert AlertKind.FEW_BOOKINGS not in look()[1]  # 80 % fewer is the limit
    with transaction():
        session().delete(session().query(Booking).filter(Booking.created_at > clock.now() - timedelta(days=1)).first())
    alert = look()[1][AlertKind.FEW_BOOKINGS]
    assert (alert.value, alert.limit_value) == (0.85, 0.8)
    assert look()[1][AlertKind.FEW_BOOKINGS].id == alert.id
    made(kind, 4, hours=1)
    assert AlertKind.FEW_BOOKINGS not in look()[1]


def test_few_bookings_a_week_ago_say_nothing(kind: EventType) -> None:
    made(kind, 19, days=7, hours=2)
    assert AlertKind.FEW_BOOKINGS not in look()[1]


def test_a_guest_who_was_not_told_within_ten_minutes_is_waiting(kind: EventType) -> None:
    told = booked(kind, at(10))
    work()
    waiting, off = booked(kind, at(11)), booked(kind, at(12))
    with transaction():
        cancel(booking=off, by=Side.HOST, reason="")
    assert look()[0]["late_confirmations"] == 0
    _age(told, waiting, off, minutes=11)
    figures, open_alerts = look()
    assert figures["late_confirmations"] == 1
    alert = open_alerts[AlertKind.LATE_CONFIRMATIONS]
    operations.look_for_alerts()  # which looks every minute, and not at bookings
    with transaction():
        alert.seen_at = clock.now() - timedelta(minutes=70)
    operations.look_for_alerts()
    assert alerts.get(alert.id).recovered_at is None
    work()
    assert AlertKind.LATE_CONFIRMATIONS not in look()[1]


def test_a_booking_that_was_only_now_confirmed_has_its_time(kind: EventType) -> None:
    [booking] = made(kind, 1, minutes=30)
    assert look()[0]["late_confirmations"] == 1
    with transaction():
        booking.updated_at = clock.now()
    assert look()[0]["late_confirmations"] == 0


def test_a_request_that_was_approved_is_told_of_under_its_approval(kind: EventType) -> None:
    with transaction():
        kind.requires_approval = True
    asked = booked(kind)
    with transaction():
        approve(booking=asked)
    _age(asked, minutes=11)
    assert look()[0]["late_confirmations"] == 1
    work()
    assert look()[0]["late_confirmations"] == 0
    with transaction():
        reschedule(booking=asked, start=at(14))
        approve(booking=asked)
    _age(asked, minutes=11)
    assert look()[0]["late_confirmations"] == 1  # what was said before is not what was approved now
    work()
    assert look()[0]["late_confirmations"] == 0


def test_a_series_is_told_of_once_for_all_its_meetings(kind: EventType) -> None:
    with transaction():
        kind.series_most = 3
        weekly = Recurrence(frequency=Frequency.WEEKLY, count=3)
        series = book_series(event_type=kind, start=at(10), recurrence=weekly, guest=GUEST, answers={})
    _age(*series, minutes=11)
    assert look()[0]["late_confirmations"] == 3
    work()
    assert look()[0]["late_confirmations"] == 0
    with transaction():
        reschedule(booking=series[0], start=at(14))
    _age(*series, minutes=11)
    assert look()[0]["late_confirmations"] == 1
    work()
    assert look()[0]["late_confirmations"] == 0


def test_who_waits_is_counted_and_who_holds_an_offer_past_its_time(client: FlaskClient) -> None:
    kinds = [bookable() for _ in range(3)]
    taken = [booked(kind) for kind in kinds]
    lines = [[joined(kind, "Bea"), joined(kind, "Cy")] for kind in kinds]
    for booking in taken[1:]:
        cancelled(booking)
        offer_what_is_free([booking.host_id])
    with transaction():
        waitlist.leave(entry=lines[0][0])
    assert look()[0]["waitlist"] == {"waiting": 3, "offered": 2, "overdue": 0}
    _overdue(lines[1][0], minutes=9)  # which those who look every five minutes have yet to see
    assert look()[0]["waitlist"] == {"waiting": 3, "offered": 2, "overdue": 0}
    _overdue(lines[1][0], minutes=11)
    figures, open_alerts = look()
    assert figures["waitlist"] == {"waiting": 3, "offered": 2, "overdue": 1}
    assert (open_alerts[AlertKind.LATE_OFFERS].value, open_alerts[AlertKind.LATE_OFFERS].limit_value) == (1, 0)
    shown = scrape(client)
    assert {state: shown[named("almanac_waitlist_entries", state=state)] for state in figures["waitlist"]} == (
        figures["waitlist"]
    )
    cleanup_expired_waitlist_entries()
    assert AlertKind.LATE_OFFERS not in look()[1]


def _overdue(entry: WaitlistEntry, *, minutes: int) -> None:
    with transaction():
        entry.offer_expires_at = clock.now() - timedelta(minutes=minutes)


def _age(*aged: Booking, minutes: int) -> None:
    with transaction():
        for booking in aged:
            booking.created_at = booking.updated_at = clock.now() - timedelta(minutes=minutes)
