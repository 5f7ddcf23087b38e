"""Guests wait for a time that is taken; the first in line is offered it, and then the next one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from jobs.bookings import (
    cleanup_expired_waitlist_entries,
)
from tests.conftest import Servers
from tests.factories import booking, event_type, member, schedule
from tests.scheduling.conftest import Travel
from tests.scheduling.helpers import GUEST, at, booked, in_days
from tests.scheduling.test_groups import DETAILS, group
from tests.scheduling.test_teams import in_turn, people, together
from tests.scheduling.waiting import (
    MINUTE,
    TWO_HOURS,
    bookable,
    cancelled,
    count,
    guest,
    joined,
    live_offers,
    status,
    statuses,
    words_to,
    work,
)
from webapp.core import clock
from webapp.core.crypto import new_token
from webapp.core.db import session, transaction
from webapp.core.errors import NotFound
from webapp.core.validation import InvalidInput
from webapp.scheduling import queries
from webapp.scheduling.errors import (
    AlreadyWaiting,
    NoOffer,
    OffGrid,
    OutsideAvailability,
    SlotTaken,
    StillFree,
    TooShortNotice,
)
from webapp.scheduling.models import Hold, Meeting, WaitlistEntry, WaitStatus
from webapp.scheduling.service import waitlist
from webapp.scheduling.service.approval import decline
from webapp.scheduling.service.booking import book, reschedule
from webapp.scheduling.service.event_types import update_event_type
from webapp.scheduling.service.holds import hold_time, let_go

pytestmark = pytest.mark.usefixtures("app")


class TestJoining:
    def test_the_first_to_come_is_the_first_in_line(self) -> None:
        kind = bookable()
        booked(kind)
        line = [joined(kind, name) for name in ("Ada", "Bea", "Cy")]
        assert [waitlist.position(entry) for entry in line] == [1, 2, 3]
        with transaction():
            waitlist.leave(entry=line[0])
        assert [waitlist.position(entry) for entry in line[1:]] == [1, 2]

    def test_who_waits_for_the_day_and_who_waits_for_an_hour_of_it_are_in_one_line(self) -> None:
        kind = bookable(duration=480)
        booked(kind, at(9))
        whole_day, nine = joined(kind, "Ada", day=in_days(2)), joined(kind, "Bea", at(9))
        assert [waitlist.position(entry) for entry in (whole_day, nine)] == [1, 2]

    def test_nobody_waits_for_what_is_free(self) -> None:
        kind = bookable()
        booked(kind)
        with pytest.raises(StillFree):
            joined(kind, "Ada", at(11))
        with pytest.raises(StillFree):
            joined(kind, "Ada", day=in_days(2))

    def test_nobody_waits_for_a_time_at_which_there_are_no_meetings(self) -> None:
        kind = bookable(minimum_notice=60)
        booked(kind)
        for start, refusal in (
            (at(3), OutsideAvailability),
            (at(10, 10), OffGrid),
            (clock.now() + 5 * MINUTE, TooShortNotice),
        ):
            with pytest.raises(refusal):
                joined(kind, "Ada", start)
        with transaction():
            kind.schedule.hours = []
        for wanted in (at(10), in_days(2)):
            with pytest.raises(OutsideAvailability), transaction():
                waitlist.join(event_type=kind, guest=GUEST, answers={}, wanted=wanted)

    def test_nobody_waits_twice_for_the_same(self) -> None:
        kind = bookable()
        booked(kind)
        first = joined(kind, "Ada")
        with pytest.raises(AlreadyWaiting), transaction():
            waitlist.join(
                event_type=kind, guest=replace(guest("Ada"), email="ADA@example.com"), answers={}, wanted=at(10)
            )
        with transaction():
            waitlist.leave(entry=first)
        assert joined(kind, "Ada").status is WaitStatus.WAITING

    def test_there_is_a_waitlist_only_where_the_host_keeps_one(self) -> None:
        kind = event_type()
        booked(kind)
        with pytest.raises(NotFound):
            joined(kind, "Ada")

    def test_questions_are_asked_as_of_every_guest(self) -> None:
        kind = bookable(questions=[{"key": "topic", "label": "Topic?", "required": True, "long": False}])
        booking(of=kind, start=at(10))
        with pytest.raises(InvalidInput):
            joined(kind, "Ada")

    def test_they_hear_of_it(self, servers: Servers) -> None:
        kind = bookable()
        booked(kind)
        joined(kind, "Ada", zone="America/New_York")
        work()
        words = words_to(servers, "ada@example.com")
        assert "number 1" in words
        assert "America/New York" in words


class TestOffers:
    def test_a_cancelled_time_is_held_for_the_first_in_line_and_for_nobody_else(self, servers: Servers) -> None:
        kind = bookable()
        mine = booked(kind)
        first, second = joined(kind, "Bea"), joined(kind, "Cy")
        cancelled(mine)
        work()
        assert statuses(first, second) == ["offered", "waiting"]
        assert (first.offered_start, live_offers()) == (at(10), [at(10)])
        assert first.offer_expires_at is not None
        assert timedelta() < clock.now() + TWO_HOURS - first.offer_expires_at < MINUTE
        with pytest.raises(SlotTaken), transaction():
            book(event_type=kind, start=at(10), guest=GUEST, answers={})
        assert waitlist.waitlist_url(first) in words_to(servers, "bea@example.com")
        with transaction():
            taken = waitlist.accept(entry=first)
        assert (taken.starts_at, taken.guest_name) == (at(10), "Bea")
        assert (status(first), first.booking_id) == (WaitStatus.BOOKED, taken.id)
        assert (count(Hold), count(Meeting)) == (0, 1)

    def test_what_is_refused_goes_to_the_next_and_then_to_anybody(self) -> None:
        kind = bookable()
        mine = booked(kind)
        line = [joined(kind, name) for name in ("Bea", "Cy")]
        cancelled(mine)
        work()
        for turn, entry in enumerate(line):
            assert status(entry) is WaitStatus.OFFERED
            with transaction():
                (waitlist.refuse if turn == 0 else waitlist.leave)(entry=entry)
            work()
        assert statuses(*line) == ["refused", "left"]
        assert booked(kind).starts_at == at(10)

    def test_what_nobody_answers_goes_to_the_next_when_its_time_is_over(self, servers: Servers, travel: Travel) -> None:
        kind = bookable()
        mine = booked(kind)
        line = [joined(kind, name) for name in ("Bea", "Cy", "Dee")]
        cancelled(mine)
        work()
        travel(TWO_HOURS)
        with pytest.raises(NoOffer), transaction():
            waitlist.accept(entry=line[0])
        work()
        assert statuses(*line) == ["lapsed", "offered", "waiting"]
        assert "no longer kept" in servers.smtp.to("bea@example.com")[-1]["Subject"].lower()
        travel(TWO_HOURS)
        work()
        assert statuses(*line) == ["lapsed", "lapsed", "offered"]
        with transaction():
            assert waitlist.accept(entry=line[2]).guest_name == "Dee"

    def test_nobody_comes_in_between_when_an_offer_is_over_and_no_job_has_run_yet(self, travel: Travel) -> None:
        kind = bookable()
        mine = booked(kind)
        line = [joined(kind, name) for name in ("Ada", "Bea")]
        cancelled(mine)
        travel(TWO_HOURS + MINUTE)
        with pytest.raises(SlotTaken):
            booked(kind)
        work()
        assert statuses(*line) == ["lapsed", "offered"]

        travel(TWO_HOURS + 11 * MINUTE)  # nobody works at all
        booked(kind)
        assert work()
        assert statuses(*line) == ["lapsed", "lapsed"]

    def test_a_booking_that_moves_away_frees_its_time(self) -> None:
        kind = bookable()
        mover = booked(kind)
        entry = joined(kind, "Bea")
        with transaction():
            reschedule(booking=mover, start=at(14))
        work()
        assert status(entry) is WaitStatus.OFFERED

    def test_a_request_that_is_declined_frees_its_time(self) -> None:
        kind = bookable(requires_approval=True)
        request = booked(kind)
        entry = joined(kind, "Bea")
        with transaction():
            decline(booking=request, reason="")
        work()
        assert status(entry) is WaitStatus.OFFERED

    def test_who_waits_for_a_day_gets_any_time_of_it(self) -> None:
        kind = bookable(duration=240, slot_interval=240)
        booked(kind, at(9))
        afternoon = booked(kind, at(13))
        entry = joined(kind, "Bea", day=in_days(2))
        cancelled(afternoon)
        work()
        assert (status(entry), entry.offered_start) == (WaitStatus.OFFERED, at(13))

    def test_a_day_is_the_guest_s_own(self) -> None:
        kind = bookable(duration=240, slot_interval=240)
        booked(kind, at(13, days=1))
        nine = booked(kind, at(9))
        entry = joined(kind, "Bea", day=in_days(1), zone="Pacific/Honolulu")
        cancelled(nine)
        work()
        assert status(entry) is WaitStatus.OFFERED

    def test_two_seats_go_to_the_first_two(self) -> None:
        kind = group(2, waitlist_enabled=True)
        seats = [booked(kind), booked(kind)]
        line = [joined(kind, name) for name in ("Bea", "Cy", "Dee")]
        for seat in seats:
            cancelled(seat)
        work()
        assert statuses(*line) == ["offered", "offered", "waiting"]

    def test_more_seats_are_offered_to_who_waits(self) -> None:
        kind = group(2, waitlist_enabled=True)
        booked(kind), booked(kind)
        line = [joined(kind, name) for name in ("Bea", "Cy", "Dee")]
        with transaction():
            update_event_type(event_type=kind, details=replace(DETAILS, seats=4, waitlist_enabled=True))
        work()
        assert statuses(*line) == ["offered", "offered", "waiting"]

    def test_one_host_s_time_goes_to_the_first_in_line_of_all_that_they_host(self) -> None:
        host = member()
        hours = schedule(of=host)
        talk, portrait = bookable(of=host, on=hours), bookable(of=host, on=hours)
        mine = booked(talk)
        first, second = joined(portrait, "Bea"), joined(talk, "Cy")
        cancelled(mine)
        work()
        assert statuses(first, second) == ["offered", "waiting"]

    @pytest.mark.parametrize("team", [in_turn, together])
    def test_teams_keep_waitlists_too(self, team: object) -> None:
        kind = team(people(2))  # type: ignore[operator]  # one of the two above
        with transaction():
            kind.waitlist_enabled = True
        bookings = [booked(kind)] if team is together else [booked(kind), booked(kind)]
        line = [joined(kind, "Bea"), joined(kind, "Cy")]
        cancelled(bookings[0])
        work()
        assert statuses(*line) == ["offered", "waiting"]
        with transaction():
            assert {host.id for host in waitlist.accept(entry=line[0]).hosts} <= {m.host_id for m in kind.team}

    def test_a_limit_that_is_no_longer_reached_frees_the_day(self) -> None:
        kind = bookable(limit_per_day=1)
        mine = booked(kind, at(9))
        entry = joined(kind, "Bea", at(15))
        cancelled(mine)
        work()
        assert (status(entry), entry.offered_start) == (WaitStatus.OFFERED, at(15))

    def test_a_form_that_is_left_lets_who_waits_have_the_time(self) -> None:
        kind, token = bookable(), new_token()
        with transaction():
            hold_time(event_type=kind, start=at(10), token=token, holder="here")
        entry = joined(kind, "Bea")
        with transaction():
            let_go(token=token)
        work()
        assert status(entry) is WaitStatus.OFFERED

    def test_a_form_that_is_never_sent_lets_who_waits_have_the_time_when_its_hold_runs_out(
        self, travel: Travel
    ) -> None:
        kind = bookable()
        with transaction():
            hold_time(event_type=kind, start=at(10), token=new_token(), holder="here")
        entry = joined(kind, "Bea")
        work()
        assert status(entry) is WaitStatus.WAITING
        travel(5 * MINUTE)
        work()
        assert status(entry) is WaitStatus.OFFERED

    def test_the_nearer_the_meeting_the_shorter_the_offer(self, travel: Travel) -> None:
        for left, least, most in ((600, 118, 120), (100, 48, 50), (14, 9, 10), (6, 5, 6)):
            assert least * MINUTE <= self._offered_for(left * MINUTE, travel) <= most * MINUTE, left

    def _offered_for(self, left: timedelta, travel: Travel) -> timedelta:
        """How long an offer holds that is made so long before the meeting."""
        kind = bookable()
        mine = booked(kind)
        entry = joined(kind, "Bea")
        before = clock.now()
        travel(at(10) - left - before)
        cancelled(mine)
        work()
        assert (status(entry), entry.offer_expires_at) != (WaitStatus.WAITING, None), left
        assert entry.offer_expires_at is not None
        length = entry.offer_expires_at - clock.now()
        travel(before - clock.now())
        return length

    def test_no_offer_is_made_of_what_is_too_near_or_switched_off(self, travel: Travel) -> None:
        soon, closed = bookable(minimum_notice=120), bookable()
        seats = [booked(soon), booked(closed)]
        line = [joined(soon, "Bea"), joined(closed, "Cy")]
        with transaction():
            closed.is_active = False
        travel(at(10) - clock.now() - timedelta(hours=1))
        for seat in seats:
            cancelled(seat)
        work()
        assert statuses(*line) == ["waiting", "waiting"]
        travel(TWO_HOURS)
        cleanup_expired_waitlist_entries()
        assert statuses(*line) == ["passed", "passed"]


def test_an_answer_is_given_again_where_a_question_was_added(app: Flask) -> None:
    kind = bookable()
    mine = booked(kind)
    entry = joined(kind, "Bea")
    with transaction():
        kind.questions = [{"key": "topic", "label": "Topic?", "required": True, "long": False}]
    cancelled(mine)
    work()
    with pytest.raises(InvalidInput), transaction():
        waitlist.accept(entry=entry)
    assert status(entry) is WaitStatus.OFFERED
    with transaction():
        assert waitlist.accept(entry=entry, answers={"topic": "Windows"}).answers == {"topic": "Windows"}


def test_whose_offered_time_was_lost_can_still_be_told_so(app: Flask) -> None:
    kind = bookable()
    mine = booked(kind)
    entry = joined(kind, "Bea")
    cancelled(mine)
    work()
    session().execute(update(Hold).values(expires_at=clock.now()))
    session().commit()
    booked(kind)
    with pytest.raises(SlotTaken), transaction():
        waitlist.accept(entry=entry)
    assert status(entry) is WaitStatus.OFFERED
    assert queries.hold_for(entry.id) is None
    assert count(WaitlistEntry) == 1
