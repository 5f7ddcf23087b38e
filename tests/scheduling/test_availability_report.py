"""What contradicts itself is found once a day, told to who manages the organisation, and can be put right."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy import select, text

from jobs import availability
from jobs.runtime.models import JobRun
from tests.factories import bookings, event_type, member, schedule
from tests.scheduling.helpers import at, booked
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role
from webapp.scheduling.models import AvailabilityReport, EventKind, WeeklyHours
from webapp.scheduling.queries.integrity import Fault
from webapp.scheduling.service.integrity import latest_report

PAGE = "/app/availability/report"


def _found(host: Membership) -> list[str]:
    availability.validate_availability_data_integrity()
    report = latest_report(host.organization_id)
    return [finding["kind"] for finding in report.findings] if report else []


def _execute(statement: str, **values: Any) -> None:
    """Break something behind the services' back."""
    with transaction() as current:
        current.execute(text(statement), values)


def test_a_healthy_organisation_has_an_empty_report(app: Flask, host: Membership) -> None:
    visitor = Visitor(app)
    visitor.sign_in(host)
    assert "Not looked at yet" in visitor.open(PAGE).words
    booked(event_type(of=host))
    assert _found(host) == []
    assert "Everything adds up" in visitor.open(PAGE).words


def test_seats_and_times_that_differ_from_the_bookings_are_found(host: Membership) -> None:
    booking = booked(event_type(of=host, kind=EventKind.GROUP, seats=3))
    _execute("UPDATE meeting SET seats_taken = 2")
    assert _found(host) == [Fault.SEATS_DIFFER]
    _execute("UPDATE meeting SET seats_taken = 1, ends_at = ends_at + interval '5 minutes'")
    assert _found(host) == [Fault.BOOKING_OUTSIDE_MEETING]
    report = latest_report(host.organization_id)
    assert report
    assert report.findings[0]["path"] == f"/app/bookings/{booking.id}"


def test_a_meeting_that_nobody_has_booked_is_found(host: Membership) -> None:
    booking = booked(event_type(of=host))
    _execute("DELETE FROM booking WHERE id = :id", id=booking.id)
    assert _found(host) == [Fault.EMPTY_MEETING]


def test_what_is_over_is_left_as_it_is(host: Membership) -> None:
    kind = event_type(of=host, kind=EventKind.GROUP, seats=3)
    past, seat, empty = bookings(of=kind, starts=[at(10, days=-2), at(12, days=-2), at(14, days=-2)])
    _execute("UPDATE meeting SET seats = 3, seats_taken = 2 WHERE id = :id", id=seat.meeting_id)
    _execute("DELETE FROM booking WHERE id = :id", id=empty.id)
    _execute("UPDATE booking SET ends_at = ends_at + interval '5 minutes' WHERE id = :id", id=past.id)
    assert _found(host) == []
    _execute("UPDATE booking SET ends_at = ends_at + interval '9 days' WHERE id = :id", id=past.id)
    assert _found(host) == [Fault.BOOKING_OUTSIDE_MEETING]


def test_meetings_that_overlap_are_found(host: Membership) -> None:
    kind = event_type(of=host)
    bookings(of=kind, starts=[at(10), at(12)])
    for name in ("ex_host_time_overlap", "ex_host_time_apart"):
        _execute(f"ALTER TABLE host_time DROP CONSTRAINT {name}")
    try:
        _execute("UPDATE host_time SET blocked_until = blocked_until + interval '3 hours', "
                 "apart_until = apart_until + interval '3 hours'")  # fmt: skip
        assert _found(host) == [Fault.OVERLAPPING_MEETINGS]
    finally:
        _execute("DELETE FROM booking")
        _execute("DELETE FROM meeting")
        span = "tstzrange({0}_from, {0}_until) WITH &&"
        mine = "uuidrange({0}, {0}, '[]') WITH &&"
        overlap = f"{mine.format('host_id')}, {span.format('blocked')}"
        apart = f"{mine.format('host_id')}, {mine.format('event_type_id')}, {span.format('apart')}"
        for name, what in (("ex_host_time_overlap", overlap), ("ex_host_time_apart", apart)):
            _execute(f"ALTER TABLE host_time ADD CONSTRAINT {name} EXCLUDE USING gist ({what})")


def test_what_nobody_can_book_is_found(host: Membership) -> None:
    kind = event_type(of=host)
    _execute("DELETE FROM weekly_hours")
    assert _found(host) == [Fault.WITHOUT_HOURS]
    _execute("UPDATE event_type SET limit_per_day = 5, limit_per_week = 2, is_active = false")
    assert _found(host) == []
    _execute("UPDATE event_type SET is_active = true")
    assert set(_found(host)) == {Fault.WITHOUT_HOURS, Fault.IMPOSSIBLE_LIMITS}
    team = event_type(of=host, kind=EventKind.ROUND_ROBIN)
    report = _found(host)
    assert report.count(Fault.WITHOUT_HOSTS) == 1
    assert {kind.id, team.id} <= {UUID(path.rpartition("/")[2]) for path in _paths(host)}


def test_hours_that_overlap_are_found(host: Membership) -> None:
    hours = schedule(of=host)
    with transaction():
        session().add(WeeklyHours(schedule_id=hours.id, weekday=0, start_minute=600, end_minute=700))
    assert _found(host) == [Fault.OVERLAPPING_HOURS]


def test_administrators_are_told_once_of_each_new_finding(host: Membership) -> None:
    member(of=host.organization, role=Role.MEMBER)
    admin = member(of=host.organization, role=Role.ADMIN)
    event_type(of=host)
    _execute("DELETE FROM weekly_hours")
    for _ in range(2):
        _found(host)

    (told,) = session().scalars(select(JobRun).where(JobRun.name.contains("tell_administrators")))
    report = session().scalars(select(AvailabilityReport)).one()
    availability.tell_administrators_of_availability_faults(report.id)
    mails = session().scalars(select(JobRun).where(JobRun.name.contains("send_availability_report"))).all()
    assert {run.arguments["membership_id"] for run in mails} == {str(host.id), str(admin.id)}
    assert told.arguments["report_id"] != str(report.id)


def test_the_page_is_for_administrators_of_that_organisation(app: Flask, host: Membership) -> None:
    kind = event_type(of=host, name="Talk of the town")
    _execute("DELETE FROM weekly_hours")
    _found(host)
    Visitor(app).open(PAGE, status=303)
    other, outsider, owner = (Visitor(app) for _ in range(3))
    other.sign_in(member(of=host.organization, role=Role.MEMBER))
    other.open(PAGE, status=403)
    outsider.sign_in(member())
    assert kind.name not in outsider.open(PAGE).words
    owner.sign_in(host)
    assert owner.client.post(PAGE).status_code == 405
    assert owner.open(PAGE).link(kind.name) == f"/app/event-types/{kind.id}"


def _paths(host: Membership) -> list[str]:
    report = latest_report(host.organization_id)
    return [finding["path"] for finding in report.findings] if report else []
