"""Who came: guests check in, hosts say so, and whoever was expected to check in and did not is a no-show.

Each is one conditional UPDATE, so a check-in, a host and a cancellation at the same moment are decided by the row.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from webapp.core import clock
from webapp.core.db import session
from webapp.core.events import publish
from webapp.core.settings import settings
from webapp.core.words import say
from webapp.scheduling.errors import CheckInClosed, HostSaidOtherwise, NotTakingPlace, TooEarlyToSay
from webapp.scheduling.events import BookingAttendanceUndone, BookingAttended, BookingEvent, BookingNoShow
from webapp.scheduling.models import Attendance, Booking, BookingStatus, EventType, Witness

CHECK_IN_OPENS = timedelta(minutes=15)

_EVENTS: dict[Attendance, type[BookingEvent]] = {
    Attendance.ATTENDED: BookingAttended,
    Attendance.NO_SHOW: BookingNoShow,
    Attendance.UNKNOWN: BookingAttendanceUndone,
}


def can_check_in(booking: Booking) -> bool:
    """True while the guest is asked to check in, can do so, and nobody has said who came."""
    return (
        booking.is_confirmed
        and booking.event_type.expects_check_in
        and booking.attendance is Attendance.UNKNOWN
        and booking.starts_at - CHECK_IN_OPENS <= clock.now() < booking.ends_at
    )


def can_say(booking: Booking, attendance: Attendance) -> bool:
    """True when the host can say so by now: that somebody is there from when guests can check in, that not, later."""
    early = {Attendance.ATTENDED: CHECK_IN_OPENS, Attendance.NO_SHOW: timedelta()}.get(attendance)
    return booking.is_confirmed and (early is None or booking.starts_at - early <= clock.now())


def check_in(*, booking: Booking) -> Booking:
    """Note that the guest is there and publish BookingAttended; nothing happens when it is known already.

    Raises NotTakingPlace, CheckInClosed, and HostSaidOtherwise when the host has noted that the guest was not there.
    """
    if not booking.event_type.expects_check_in:
        raise CheckInClosed(say("This meeting asks for no check-in."))
    now = clock.now()
    window = (Booking.starts_at <= now + CHECK_IN_OPENS, Booking.ends_at > now)
    if not _say(booking, Attendance.ATTENDED, Witness.GUEST, Booking.attendance == Attendance.UNKNOWN, *window):
        _require_confirmed(booking)
        if booking.attendance is Attendance.NO_SHOW:
            raise HostSaidOtherwise
        if booking.attendance is not Attendance.ATTENDED:
            raise CheckInClosed
    return booking


def note_attendance(*, booking: Booking, attendance: Attendance) -> Booking:
    """Note what the host says, whatever was said before, and publish the event of it; the same again changes nothing.

    UNKNOWN takes back what was said. Raises NotTakingPlace and TooEarlyToSay.
    """
    _require_confirmed(booking)
    if not can_say(booking, attendance):
        raise TooEarlyToSay
    anew = (Booking.attendance != attendance) | (Booking.attendance_by.is_distinct_from(Witness.HOST))
    if not _say(booking, attendance, Witness.HOST, anew):
        _require_confirmed(booking)
    return booking


def mark_no_shows(*, limit: int) -> list[UUID]:
    """Note as no-shows up to `limit` bookings that are over and that nobody checked in to, and return their ids.

    Each had its whole time for checking in while its event type asked for it, ended NO_SHOW_GRACE_MINUTES ago, and
    nobody has said anything of who came. Publishes BookingNoShow for each.
    """
    now = clock.now()
    asking = session().execute(
        select(EventType.id, EventType.check_in_since).where(EventType.check_in_since.is_not(None))
    )
    since = {row.id: row.check_in_since for row in asking}
    if not since:
        return []
    missed = (
        select(Booking.id)
        .join(EventType, Booking.event_type_id == EventType.id)
        .where(
            Booking.status == BookingStatus.CONFIRMED,
            Booking.attendance_by.is_(None),
            # By itself, the planner would not know that they are few.
            Booking.event_type_id.in_(since),
            Booking.ends_at > min(since.values()),
            Booking.starts_at >= EventType.check_in_since + CHECK_IN_OPENS,
            Booking.ends_at <= now - timedelta(minutes=settings().no_show_grace_minutes),
        )
        .order_by(Booking.event_type_id, Booking.ends_at)  # as the index has them, so that it is used
        .limit(limit)
        .with_for_update(of=Booking, skip_locked=True)
    )
    marked = session().scalars(
        update(Booking)
        .where(Booking.id.in_(missed))
        .values(attendance=Attendance.NO_SHOW, attendance_at=now, attendance_by=Witness.SYSTEM)
        .returning(Booking.id),
        execution_options={"synchronize_session": False},
    )
    ids = list(marked)
    for booking_id in ids:
        publish(BookingNoShow(booking_id=booking_id))
    return ids


def forget_attendance(*, booking: Booking) -> None:
    """Have nothing known of who came to the booking, which takes place at another time, or not at all."""
    forgotten = {"attendance": Attendance.UNKNOWN, "attendance_at": None, "attendance_by": None}
    session().execute(update(Booking).where(Booking.id == booking.id).values(forgotten))


def _say(booking: Booking, attendance: Attendance, by: Witness, *conditions: ColumnElement[bool]) -> bool:
    """Write it down if the booking stands and the conditions hold, and read the booking again either way."""
    statement = (
        update(Booking)
        .where(Booking.id == booking.id, Booking.status == BookingStatus.CONFIRMED, *conditions)
        .values(attendance=attendance, attendance_at=clock.now(), attendance_by=by)
        .returning(Booking.id)
    )
    said = session().scalar(statement, execution_options={"synchronize_session": False}) is not None
    session().refresh(booking, ["status", "starts_at", "ends_at", "attendance", "attendance_at", "attendance_by"])
    if said:
        publish(_EVENTS[attendance](booking_id=booking.id))
    return said


def _require_confirmed(booking: Booking) -> None:
    if not booking.is_confirmed:
        raise NotTakingPlace
