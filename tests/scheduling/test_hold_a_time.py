"""A time is kept for the guest who fills in the form: others see it as taken until it is booked, let go or runs out."""

from __future__ import annotations

import importlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from jobs.bookings import remove_expired_holds
from tests.factories import event_type, member, schedule
from tests.scheduling.conftest import Travel
from tests.scheduling.helpers import GUEST, address, at, body, booked, in_days, refused, slots
from tests.scheduling.test_groups import DETAILS, group, seats_left
from tests.scheduling.test_teams import in_turn, people, together
from webapp.core import clock
from webapp.core.crypto import new_token
from webapp.core.db import session, transaction
from webapp.core.settings import settings
from webapp.scheduling import queries
from webapp.scheduling.errors import SlotTaken, TooManyHolds, TooShortNotice
from webapp.scheduling.models import Booking, EventType, Hold, HostTime, Meeting
from webapp.scheduling.service.booking import book, reschedule
from webapp.scheduling.service.event_types import delete_event_type, update_event_type
from webapp.scheduling.service.holds import hold_time, let_go

LATER = timedelta(minutes=5)


def held(kind: EventType, start: datetime | None = None, *, token: str = "", holder: str = "here") -> Hold:
    with transaction():
        return hold_time(event_type=kind, start=start or at(10), token=token or new_token(), holder=holder)


def book_held(kind: EventType, hold: Hold | None, start: datetime | None = None) -> Booking:
    with transaction():
        return book(event_type=kind, start=start or at(10), guest=GUEST, answers={}, hold=hold)


def rows(*kinds: type[Any]) -> list[int | None]:
    return [session().scalar(select(func.count()).select_from(kind)) for kind in kinds]


def hold(client: FlaskClient, kind: EventType, start: datetime, **more: Any) -> Any:
    return client.post(f"{address(kind)}/holds", json={"start": start.isoformat()} | more)


def test_what_one_guest_holds_others_see_as_taken_and_cannot_book(client: FlaskClient) -> None:
    kind = event_type()
    answer = hold(client, kind, at(10))
    assert answer.status_code == 201
    expires = datetime.fromisoformat(answer.get_json()["expires_at"])
    assert timedelta() < LATER - (expires - clock.now()) < timedelta(seconds=20)
    assert at(10).isoformat() not in slots(client, kind, in_days(2))
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10))), 409, "slot_taken", "start")
    refused(hold(client, kind, at(10)), 409, "slot_taken", "start")
    mine = client.post(f"{address(kind)}/bookings", json=body(at(10), hold=answer.get_json()["token"]))
    assert mine.status_code == 201, mine.text
    assert rows(Hold, Meeting, HostTime, Booking) == [0, 1, 1, 1]


def test_a_time_let_go_is_free_at_once(client: FlaskClient) -> None:
    kind = event_type()
    token = hold(client, kind, at(10)).get_json()["token"]
    for _twice in range(2):
        answer = client.delete(f"{address(kind)}/holds/{token}")
        assert (answer.status_code, answer.data) == (204, b"")
    assert at(10).isoformat() in slots(client, kind, in_days(2))
    assert rows(Hold, Meeting, HostTime) == [0, 0, 0]


def test_nobody_else_s_token_lets_it_go(client: FlaskClient) -> None:
    kind = event_type()
    hold(client, kind, at(10))
    assert client.delete(f"{address(kind)}/holds/{new_token()}").status_code == 204
    refused(client.delete(f"/api/v1/public/nowhere/talk/holds/{new_token()}"), 404, "not_found")
    refused(client.post(f"{address(kind)}/bookings", json=body(at(10), hold=new_token())), 409, "slot_taken", "start")
    assert client.get(f"{address(kind)}/holds").status_code == 405
    refused(client.post(f"{address(kind)}/holds", json={"start": "ten"}), 422, "invalid", "start")
    refused(hold(client, kind, at(3)), 422, "outside_availability", "start")


def test_a_hold_that_has_run_out_is_free_in_that_very_second(client: FlaskClient, travel: Travel) -> None:
    kind = event_type()
    token = hold(client, kind, at(10)).get_json()["token"]
    expiry = queries.next_expiry(host_ids=[kind.host_id], begin=at(9), until=at(12))
    assert expiry is not None
    assert queries.next_expiry(host_ids=[kind.host_id], begin=at(11), until=at(12)) is None
    travel(expiry - clock.now() - timedelta(milliseconds=500))
    assert at(10).isoformat() not in slots(client, kind, in_days(2))
    travel(timedelta(milliseconds=500))
    assert at(10).isoformat() in slots(client, kind, in_days(2))
    assert queries.next_expiry(host_ids=[kind.host_id], begin=at(9), until=at(12)) is None
    assert client.post(f"{address(kind)}/bookings", json=body(at(10))).status_code == 201
    late = client.post(f"{address(kind)}/bookings", json=body(at(10), hold=token))
    refused(late, 409, "slot_taken", "start")
    assert rows(Hold, Meeting, Booking) == [0, 1, 1]


def test_a_hold_that_has_run_out_still_books_what_nobody_took(client: FlaskClient, travel: Travel) -> None:
    kind = event_type()
    token = hold(client, kind, at(10)).get_json()["token"]
    travel(LATER)
    assert client.post(f"{address(kind)}/bookings", json=body(at(10), hold=token)).status_code == 201
    assert rows(Hold, Meeting, HostTime, Booking) == [0, 1, 1, 1]


def test_the_same_request_sent_again_with_its_key_holds_once(client: FlaskClient) -> None:
    kind, key = event_type(), {"Idempotency-Key": "once"}
    first, again = (
        client.post(f"{address(kind)}/holds", json={"start": at(10).isoformat()}, headers=key) for _ in range(2)
    )
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert rows(Hold) == [1]


@pytest.mark.parametrize("ends", ["let go", "booked", "run out"])
def test_the_same_request_is_not_answered_with_a_hold_that_is_gone(
    client: FlaskClient, travel: Travel, ends: str
) -> None:
    kind, key = event_type(), {"Idempotency-Key": "once"}
    path, sent = f"{address(kind)}/holds", {"start": at(10).isoformat()}
    token = client.post(path, json=sent, headers=key).get_json()["token"]
    if ends == "let go":
        client.delete(f"{path}/{token}")
    elif ends == "booked":
        assert client.post(f"{address(kind)}/bookings", json=body(at(10), hold=token)).status_code == 201
    else:
        travel(LATER)
    refused(client.post(path, json=sent, headers=key), 409, "hold_gone")
    fresh = client.post(path, json=sent, headers={"Idempotency-Key": "again"})
    assert fresh.status_code == (409 if ends == "booked" else 201)


def test_a_guest_keeps_it_longer(client: FlaskClient, travel: Travel) -> None:
    kind = event_type()
    first = hold(client, kind, at(10)).get_json()
    travel(timedelta(minutes=4))
    second = hold(client, kind, at(10), instead_of=first["token"]).get_json()
    travel(timedelta(minutes=4))
    assert at(10).isoformat() not in slots(client, kind, in_days(2))
    assert client.delete(f"{address(kind)}/holds/{first['token']}").status_code == 204
    assert rows(Hold, Meeting) == [1, 1]
    assert client.delete(f"{address(kind)}/holds/{second['token']}").status_code == 204
    assert rows(Hold, Meeting) == [0, 0]


@pytest.mark.usefixtures("app")
class TestHowMany:
    def test_one_address_holds_a_few_times_and_no_more_so_that_nobody_blocks_a_calendar(self, travel: Travel) -> None:
        kind = event_type()
        most = settings().holds_per_address
        kept = [held(kind, at(9 + number)) for number in range(most)]
        with pytest.raises(TooManyHolds):
            held(kind, at(9 + most))
        held(kind, at(9 + most), holder="elsewhere")
        with transaction():
            hold_time(event_type=kind, start=at(9), token=new_token(), holder="here", instead_of=kept[0])
        travel(LATER)
        held(kind, at(9))

    def test_the_web_counts_by_address(self, client: FlaskClient) -> None:
        kind = event_type()
        one_home = [{"REMOTE_ADDR": f"2001:db8::{number}"} for number in range(1, 7)]
        sent = [
            client.post(f"{address(kind)}/holds", json={"start": at(9 + number).isoformat()}, environ_base=home)
            for number, home in enumerate(one_home)
        ]
        assert [answer.status_code for answer in sent] == [201] * 5 + [429]
        refused(sent[-1], 429, "too_many_holds")


@pytest.mark.usefixtures("app")
class TestAStaleHoldNeverBlocks:
    def test_a_time_that_overlaps_it_is_booked(self, travel: Travel) -> None:
        host = member()
        hours = schedule(of=host)
        short, long = event_type(of=host, on=hours, buffer_after=15), event_type(of=host, on=hours, duration=120)
        held(short, at(10))
        travel(LATER)
        assert book_held(long, None, at(9)).ends_at == at(11)
        assert rows(Hold) == [0]

    def test_a_booking_moves_there(self, travel: Travel) -> None:
        kind = event_type()
        mover = booked(kind, at(14))
        held(kind, at(10))
        travel(LATER)
        with transaction():
            reschedule(booking=mover, start=at(10))
        assert rows(Hold, Meeting) == [0, 1]

    def test_the_limit_of_a_day_does_not_count_it(self, travel: Travel) -> None:
        kind = event_type(limit_per_day=1)
        held(kind, at(10))
        travel(LATER)
        assert book_held(kind, None, at(14)).starts_at == at(14)

    def test_an_event_type_that_was_only_held_can_be_deleted(self) -> None:
        kind = event_type()
        held(kind)
        with transaction():
            delete_event_type(event_type=kind)
        assert rows(Hold, Meeting, HostTime) == [0, 0, 0]

    def test_it_is_tidied_away_and_what_is_still_kept_is_not(self, travel: Travel) -> None:
        kind = group(3)
        booked(kind, at(10))
        held(kind, at(10)), held(kind, at(11))
        travel(timedelta(minutes=3))
        held(kind, at(12))
        travel(timedelta(minutes=3))
        for _twice in range(2):
            remove_expired_holds()
            assert rows(Hold, Meeting) == [1, 2]
        assert session().scalars(select(Meeting.seats_taken)).all() == [1, 1]


class TestGroups:
    def test_a_seat_that_is_held_is_one_seat_less(self, client: FlaskClient, travel: Travel) -> None:
        kind = group(3)
        booked(kind, at(10))
        mine = held(kind)
        assert seats_left(client, kind)[at(10).isoformat()] == 1
        held(kind)
        assert at(10).isoformat() not in seats_left(client, kind)
        with pytest.raises(SlotTaken):
            book_held(kind, None)
        book_held(kind, mine)
        travel(LATER)
        assert seats_left(client, kind)[at(10).isoformat()] == 1
        book_held(kind, None)
        assert session().scalars(select(Meeting.seats_taken)).all() == [3]

    def test_a_class_that_was_only_held_takes_no_time_of_its_host(self, client: FlaskClient, travel: Travel) -> None:
        host = member()
        hours = schedule(of=host)
        kind, talk = group(of=host, on=hours), event_type(of=host, on=hours)
        held(kind), held(kind)
        assert at(10).isoformat() not in slots(client, talk, in_days(2))
        travel(LATER)
        assert seats_left(client, kind)[at(10).isoformat()] == 3
        assert at(10).isoformat() in slots(client, talk, in_days(2))
        book_held(talk, None)

    @pytest.mark.usefixtures("app")
    def test_seats_that_were_only_held_are_taken_out_when_there_are_fewer(self, travel: Travel) -> None:
        kind = group(3)
        booked(kind), held(kind), held(kind)
        travel(LATER)
        with transaction():
            update_event_type(event_type=kind, details=replace(DETAILS, seats=2))
        assert session().execute(select(Meeting.seats, Meeting.seats_taken)).all() == [(2, 1)]


@pytest.mark.usefixtures("app")
class TestTeams:
    def test_of_a_team_in_turn_one_host_is_held(self) -> None:
        kind = in_turn(people(2))
        mine = held(kind)
        book_held(kind, None)
        with pytest.raises(SlotTaken):
            book_held(kind, None)
        book_held(kind, mine)
        hosts = session().scalars(select(Booking.host_id)).all()
        assert sorted(hosts) == sorted(member.host_id for member in kind.team)

    def test_a_team_together_is_held_with_all_its_hosts(self, travel: Travel) -> None:
        kind = together(people(3))
        held(kind)
        assert rows(HostTime) == [3]
        travel(LATER)
        assert len(book_held(kind, None).hosts) == 3
        assert rows(Hold, HostTime) == [0, 3]


def test_notice_that_passes_while_the_form_is_filled_in_does_not_undo_the_hold(app: Flask, travel: Travel) -> None:
    notice = (at(10) - clock.now()) // timedelta(minutes=1) - 2
    kind = event_type(minimum_notice=notice)
    mine = held(kind)
    travel(timedelta(minutes=4))
    with pytest.raises(TooShortNotice):
        held(kind, mine.starts_at, holder="elsewhere")
    assert book_held(kind, mine, mine.starts_at).is_confirmed


def test_what_is_held_is_let_go_only_once(app: Flask) -> None:
    kind, token = group(3), new_token()
    booked(kind)
    held(kind, token=token)
    for _twice in range(2):
        with transaction():
            let_go(token=token)
    assert session().scalars(select(Meeting.seats_taken)).all() == [1]


def test_the_tables_come_and_go_with_holds_in_them(app: Flask) -> None:
    from flask_migrate import downgrade, upgrade

    kind = group(3)
    booked(kind, at(10))
    held(kind, at(10)), held(kind, at(11))
    before = importlib.import_module("migrations.versions.20261125_waitlist").down_revision
    session().commit()
    downgrade(revision=before)
    assert session().scalars(select(Meeting.seats_taken)).all() == [1]
    session().commit()
    upgrade()
    assert rows(Hold, Meeting) == [0, 1]


def longer(kind: EventType, instead_of: Hold) -> Hold:
    with transaction():
        return hold_time(
            event_type=kind, start=instead_of.starts_at, token=new_token(), holder="here", instead_of=instead_of
        )


def test_notice_that_has_passed_does_not_keep_a_guest_from_keeping_it_longer(app: Flask, travel: Travel) -> None:
    kind = event_type(minimum_notice=(at(10) - clock.now()) // timedelta(minutes=1) - 2)
    mine = held(kind)
    for _ in range(3):
        travel(timedelta(minutes=4))
        mine = longer(kind, mine)
        assert mine.expires_at - clock.now() > timedelta(minutes=4)
    assert book_held(kind, mine, mine.starts_at).is_confirmed


def test_a_guest_who_keeps_it_longer_and_longer_is_held_to_the_notice_after_an_hour(app: Flask, travel: Travel) -> None:
    kind = event_type(minimum_notice=(at(10) - clock.now()) // timedelta(minutes=1) - 2)
    mine = held(kind)
    for _ in range(15):
        travel(timedelta(minutes=4))
        mine = longer(kind, mine)
    travel(timedelta(minutes=4))
    with pytest.raises(TooShortNotice):
        longer(kind, mine)
