"""An offered time is its guest's alone: nobody overtakes, nothing happens twice, what was missed is found."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.bookings import (
    cleanup_expired_waitlist_entries,
    process_waitlist_for_cancelled_booking,
    send_waitlist_notification,
)
from tests.conftest import Servers
from tests.factories import event_type, member
from tests.scheduling.conftest import Travel
from tests.scheduling.helpers import GUEST, at, booked, counted_queries, in_days
from tests.scheduling.test_teams import in_turn, people
from tests.scheduling.waiting import (
    MINUTE,
    TWO_HOURS,
    bookable,
    cancelled,
    joined,
    live_offers,
    status,
    statuses,
    work,
)
from webapp.core.crypto import new_token
from webapp.core.db import db, session, transaction
from webapp.identity.models import Role
from webapp.scheduling.errors import (
    NoOffer,
    NotInLine,
    SlotTaken,
)
from webapp.scheduling.models import Booking, Side, WaitlistEntry, WaitStatus
from webapp.scheduling.service import waitlist
from webapp.scheduling.service.approval import decline
from webapp.scheduling.service.booking import book, cancel, reschedule
from webapp.scheduling.service.event_types import set_active
from webapp.scheduling.service.holds import hold_time, let_go
from webapp.scheduling.service.out_of_office import AwayDetails, be_away

pytestmark = pytest.mark.usefixtures("app")


class TestNobodyOvertakes:
    """What is freed is held for the first in line from that instant on: no job has run in any of these."""

    @pytest.mark.parametrize("how", ["cancelled", "moved", "declined", "refused", "left", "let go", "lapsed"])
    def test_whatever_frees_it(self, how: str, travel: Travel) -> None:
        kind, token = bookable(requires_approval=True), new_token()
        if how == "let go":
            with transaction():
                hold_time(event_type=kind, start=at(10), token=token, holder="here")
        mine = None if how == "let go" else booked(kind)
        line = [joined(kind, name) for name in ("Bea", "Cy")]
        with transaction():
            if mine is None:
                let_go(token=token)
            elif how == "moved":
                reschedule(booking=mine, start=at(14))
            elif how == "declined":
                decline(booking=mine, reason="")
            else:
                cancel(booking=mine, by=Side.GUEST, reason="")
        assert statuses(*line) == ["offered", "waiting"]
        if how == "lapsed":
            travel(TWO_HOURS)
        if passes_on := {"refused": waitlist.refuse, "left": waitlist.leave, "lapsed": waitlist.lapse}.get(how):
            with transaction():
                passes_on(entry=line[0])
            assert statuses(*line) == [how, "offered"]
        with pytest.raises(SlotTaken), transaction():
            book(event_type=kind, start=at(10), guest=GUEST, answers={})

    def test_the_host_who_stands_in_is_waited_for_as_well(self) -> None:
        host = member()
        deputy = member(of=host.organization, role=Role.MEMBER)
        kind, theirs = bookable(of=host), event_type(of=deputy)
        day = in_days(2)
        with transaction():
            away = AwayDetails(timezone="Europe/Berlin", first_day=day, last_day=day, stand_in_id=deputy.user_id)
            be_away(organization_id=host.organization_id, host_id=host.user_id, details=away)
        mine = booked(theirs)
        entry = joined(kind, "Bea")
        cancelled(mine)
        assert status(entry) is WaitStatus.OFFERED

    def test_a_line_for_a_team_is_served_whichever_of_them_is_free(self) -> None:
        kind = in_turn(people(2))
        with transaction():
            kind.waitlist_enabled = True
        seats = [booked(kind), booked(kind)]
        line = [joined(kind, name) for name in ("Bea", "Cy", "Dee")]
        for seat in seats:
            cancelled(seat)
        assert statuses(*line) == ["offered", "offered", "waiting"]

    def test_who_leaves_in_that_very_instant_stands_in_nobody_s_way(self) -> None:
        kind = bookable()
        mine = booked(kind)
        line = [joined(kind, name) for name in ("Bea", "Cy")]
        with Session(db.engine) as other, other.begin():
            other.execute(select(WaitlistEntry.id).where(WaitlistEntry.id == line[0].id).with_for_update())
            cancelled(mine)
        assert statuses(*line) == ["waiting", "offered"]

    def test_it_costs_one_statement_when_nobody_waits(self) -> None:
        mine = booked(bookable())
        with counted_queries() as statements:
            cancelled(mine)
        assert sum("waitlist_entry" in statement for statement in statements) == 1

    def test_a_cancellation_that_is_undone_offers_nothing(self) -> None:
        kind = bookable()
        mine = booked(kind)
        entry = joined(kind, "Bea")
        with transaction() as current:
            cancel(booking=mine, by=Side.GUEST, reason="")
            assert entry.status is WaitStatus.OFFERED
            current.rollback()
        assert (status(entry), live_offers()) == (WaitStatus.WAITING, [])
        with pytest.raises(SlotTaken), transaction():
            book(event_type=kind, start=at(10), guest=GUEST, answers={})


class TestLookingAgain:
    def test_what_is_opened_again_is_offered(self) -> None:
        kind = bookable()
        mine = booked(kind)
        entry = joined(kind, "Bea")
        with transaction():
            set_active(event_type=kind, active=False)
        cancelled(mine)
        work()
        assert status(entry) is WaitStatus.WAITING
        with transaction():
            set_active(event_type=kind, active=True)
        work()
        assert status(entry) is WaitStatus.OFFERED

    def test_what_somebody_came_to_hold_meanwhile_is_offered_when_that_runs_out(self, travel: Travel) -> None:
        kind, token = bookable(), new_token()
        with transaction():
            first = hold_time(event_type=kind, start=at(10), token=token, holder="here")
        entry = joined(kind, "Bea")
        work()
        travel(3 * MINUTE)
        with transaction():
            hold_time(event_type=kind, start=at(10), token=new_token(), holder="here", instead_of=first)
        travel(3 * MINUTE)
        work()
        assert status(entry) is WaitStatus.WAITING
        travel(3 * MINUTE)
        work()
        assert status(entry) is WaitStatus.OFFERED


class TestNothingTwice:
    def test_jobs_that_run_twice_award_once_and_send_once(self, servers: Servers) -> None:
        kind = bookable()
        mine = booked(kind)
        first, second = joined(kind, "Bea"), joined(kind, "Cy")
        work()
        servers.smtp.forget()
        cancelled(mine)
        work()
        for _again in range(2):
            process_waitlist_for_cancelled_booking(mine.id)
            cleanup_expired_waitlist_entries()
            send_waitlist_notification(first.id)
            work()
        assert statuses(first, second) == ["offered", "waiting"]
        assert len(servers.smtp.to("bea@example.com")) == 1
        assert servers.smtp.to("cy@example.com") == []

    def test_an_offer_is_answered_once(self) -> None:
        kind = bookable()
        mine = booked(kind)
        entry = joined(kind, "Bea")
        with pytest.raises(NoOffer), transaction():
            waitlist.accept(entry=entry)
        cancelled(mine)
        work()
        with transaction():
            waitlist.accept(entry=entry)
        for answer, refusal in ((waitlist.accept, NoOffer), (waitlist.refuse, NoOffer), (waitlist.leave, NotInLine)):
            with pytest.raises(refusal), transaction():
                answer(entry=entry)
        with transaction():
            assert waitlist.lapse(entry=entry) is False
        assert session().scalars(select(Booking.guest_name).where(Booking.status == "confirmed")).all() == ["Bea"]

    def test_the_safety_net_does_what_no_other_job_did(self, travel: Travel) -> None:
        kind = bookable()
        mine = booked(kind)
        line = [joined(kind, "Bea"), joined(kind, "Cy")]
        cancelled(mine)
        cleanup_expired_waitlist_entries()
        assert statuses(*line) == ["offered", "waiting"]
        travel(TWO_HOURS)
        cleanup_expired_waitlist_entries()
        assert statuses(*line) == ["lapsed", "offered"]
