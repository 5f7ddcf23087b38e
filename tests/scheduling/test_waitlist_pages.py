"""Joining, waiting, answering and looking on, at a browser without JavaScript."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.factories import member, schedule
from tests.scheduling.helpers import at, booked, in_days
from tests.scheduling.pages import Page, Visitor
from tests.scheduling.waiting import bookable, cancelled, joined, status, statuses, work
from webapp.core.crypto import new_token
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role
from webapp.scheduling.models import EventType, LocationKind, WaitlistEntry, WaitStatus
from webapp.scheduling.service.waitlist import waitlist_token
from webapp.scheduling.views.picker import start_value

WHO = {"name": "Mara Okafor", "email": "mara@example.org"}


@pytest.fixture
def visitor(app: Flask) -> Visitor:
    return Visitor(app)


@pytest.fixture
def kind(host: Membership) -> EventType:
    return bookable(of=host, on=schedule(of=host))


def page_of(kind: EventType, ending: str = "") -> str:
    return f"/book/{kind.organization.slug}/{kind.slug}{ending}"


def calendar(visitor: Visitor, kind: EventType) -> Page:
    return visitor.open(page_of(kind, f"?day={in_days(2)}&timezone=Europe/Berlin"))


def only_entry() -> WaitlistEntry:
    session().rollback()
    (entry,) = session().query(WaitlistEntry).all()
    return entry


def test_a_taken_time_is_joined_from_the_calendar(visitor: Visitor, kind: EventType) -> None:
    booked(kind)
    page = calendar(visitor, kind)
    assert "Join the waitlist for this day" not in page.words
    form = visitor.open(page.link(": join the waitlist")).form("/waitlist")
    shown = visitor.follow(visitor.send(form, WHO))
    assert "You are number 1 in line" in shown.words
    assert "10:00" in shown.words
    assert only_entry().wanted_from == at(10)


def test_a_full_day_is_joined_from_the_calendar(visitor: Visitor, kind: EventType) -> None:
    with transaction():
        kind.duration = kind.slot_interval = 480
    booked(kind, at(9))
    page = calendar(visitor, kind)
    assert f"day-{in_days(2)}" in page.ids
    assert "All times on this day are taken." in page.words
    form = visitor.open(page.link("Join the waitlist for this day")).form("/waitlist")
    assert "any time" in visitor.follow(visitor.send(form, WHO)).words
    assert only_entry().day == in_days(2)


def test_without_a_waitlist_nothing_is_said_of_one(visitor: Visitor, kind: EventType) -> None:
    booked(kind)
    with transaction():
        kind.waitlist_enabled = False
    assert "waitlist" not in calendar(visitor, kind).words
    visitor.open(page_of(kind, f"/waitlist?start={start_value(at(10))}"), status=404)


def test_a_form_sent_twice_joins_once(visitor: Visitor, kind: EventType) -> None:
    booked(kind)
    form = visitor.open(page_of(kind, f"/waitlist?start={start_value(at(10))}")).form("/waitlist")
    first, again = (visitor.send(form, WHO).answer.headers["Location"] for _ in range(2))
    assert first == again
    other = visitor.open(page_of(kind, f"/waitlist?start={start_value(at(10))}")).form("/waitlist")
    page = visitor.send(other, WHO, status=409)
    assert "on the waitlist for this already" in page.words
    assert dict(page.form("/waitlist").fields)["name"] == "Mara Okafor"


def test_mistakes_are_shown_beside_what_was_typed(visitor: Visitor, kind: EventType) -> None:
    booked(kind)
    form = visitor.open(page_of(kind, f"/waitlist?start={start_value(at(10))}")).form("/waitlist")
    page = visitor.send(form, WHO | {"email": "mara"}, status=422)
    assert dict(page.form("/waitlist").fields)["name"] == "Mara Okafor"
    assert visitor.send(form, WHO | {"start": start_value(at(3))}, status=422)
    for free in ({"start": start_value(at(11))}, {"start": "", "day": "never"}):
        assert "/waitlist" not in visitor.send(form, WHO | free).answer.headers["Location"]
    with pytest.raises(ValueError, match="not enough values"):
        only_entry()


def test_an_offer_is_taken_by_a_button_and_by_nothing_less(visitor: Visitor, kind: EventType) -> None:
    mine = booked(kind)
    entry, next_one = joined(kind, "Bea"), joined(kind, "Cy")
    cancelled(mine)
    work()
    address = f"/waitlist/{waitlist_token(entry)}"
    for _look in range(2):
        page = visitor.open(address)
    assert "A time is free for you" in page.words
    assert "Europe/Berlin" in page.words
    for answer in ("accept", "refuse", "leave"):
        visitor.open(f"{address}/{answer}", status=405)
    assert statuses(entry, next_one) == ["offered", "waiting"]
    shown = visitor.follow(visitor.send(page.form("/accept")))
    assert "You are booked in" in shown.words
    late = visitor.follow(visitor.send(page.form("/refuse")))
    assert "There is no offer to answer any more" in late.words


def test_an_offer_says_where(visitor: Visitor, kind: EventType) -> None:
    with transaction():
        kind.location_kind, kind.location = LocationKind.IN_PERSON, "Uferweg 3, Potsdam"
    mine = booked(kind)
    address = f"/waitlist/{waitlist_token(joined(kind, 'Bea'))}"
    assert "Where Uferweg 3, Potsdam With" in visitor.open(address).words
    cancelled(mine)
    work()
    page = visitor.open(address)
    assert "A time is free for you" in page.words
    assert "Where Uferweg 3, Potsdam With" in page.words


def test_an_offer_is_passed_on(visitor: Visitor, kind: EventType) -> None:
    mine = booked(kind)
    entry, next_one = joined(kind, "Bea"), joined(kind, "Cy")
    cancelled(mine)
    work()
    page = visitor.open(f"/waitlist/{waitlist_token(entry)}")
    assert "You passed the time on" in visitor.follow(visitor.send(page.form("/refuse"))).words
    work()
    assert statuses(entry, next_one) == ["refused", "offered"]


def test_a_question_that_is_new_is_asked_with_the_offer(visitor: Visitor, kind: EventType) -> None:
    mine = booked(kind)
    entry = joined(kind, "Bea")
    with transaction():
        kind.questions = [{"key": "topic", "label": "What about?", "required": True, "long": False}]
    cancelled(mine)
    work()
    form = visitor.open(f"/waitlist/{waitlist_token(entry)}").form("/accept")
    again = visitor.send(form, status=422)
    assert "Please answer this question." in again.words
    visitor.send(again.form("/accept"), {"answers.topic": "Windows"})
    assert status(entry) is WaitStatus.BOOKED


def test_who_waits_no_longer_leaves(visitor: Visitor, kind: EventType) -> None:
    booked(kind)
    entry = joined(kind, "Bea")
    form = visitor.open(f"/waitlist/{waitlist_token(entry)}").form("/leave")
    assert "no longer on this waitlist" in visitor.follow(visitor.send(form)).words
    assert "given up already" in visitor.follow(visitor.send(form)).words
    visitor.open(f"/waitlist/{new_token()}", status=404)


def test_a_host_sees_who_waits_and_takes_somebody_off(app: Flask, host: Membership, kind: EventType) -> None:
    browser = Visitor(app).sign_in(host)
    assert "Nobody is waiting" in browser.open("/app/bookings/waitlist").words
    mine = booked(kind)
    line = [joined(kind, name) for name in ("Bea", "Cy")]
    cancelled(mine)
    work()
    page = browser.open("/app/bookings/waitlist")
    assert "bea@example.com" in page.words
    assert "Offered" in page.words
    told = browser.follow(browser.send(page.form(f"{line[0].id}/remove")))
    assert "Bea is no longer on the waitlist." in told.words
    work()
    assert statuses(*line) == ["removed", "offered"]
    assert "given up already" in browser.follow(browser.send(page.form(f"{line[0].id}/remove"))).words


def test_other_people_s_waitlists_are_not_theirs(app: Flask, host: Membership, kind: EventType) -> None:
    booked(kind)
    entry = joined(kind, "Bea")
    remove = f"/app/bookings/waitlist/{entry.id}/remove"
    colleague = member(of=host.organization, role=Role.MEMBER)
    form = Visitor(app).sign_in(host).open("/app/bookings/waitlist").form(f"{entry.id}/remove")
    for outsider in (member(), colleague):
        browser = Visitor(app).sign_in(outsider)
        assert "bea@example.com" not in browser.open("/app/bookings/waitlist").words
        fields = dict(browser.open("/app/bookings/waitlist").form("/sign-out").fields)
        form.fields = [("csrf_token", fields["csrf_token"])]
        browser.send(form, status=404)
    stranger = Visitor(app)
    assert stranger.open("/app/bookings/waitlist", status=303).answer.headers["Location"].startswith("/sign-in")
    assert stranger.client.post(remove).status_code in {303, 400}
    assert status(entry) is WaitStatus.WAITING
