"""What hosts see of their day and their bookings, and do about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from jobs.runtime.models import JobRun
from tests import factories
from tests.factories import event_type, member
from tests.scheduling.helpers import BERLIN, GUEST, at, booked, counted_queries, in_days
from tests.scheduling.pages import Visitor
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Role
from webapp.notifications.models import Channel, Delivery, DeliveryStatus
from webapp.scheduling.models import Booking, BookingStatus, EventKind, EventType, Side
from webapp.scheduling.service.booking import book, cancel

PAGES = ("/app", "/app/bookings", "/app/event-types", "/app/event-types/new", "/app/availability")


@pytest.fixture
def kind(host: Membership) -> EventType:
    return event_type(of=host, name="Portrait")


def another(kind: EventType, number: int, *, name: str = "", start: datetime | None = None) -> Booking:
    """A booking written straight into the database, a day apart from the next."""
    begins = start or datetime.combine(in_days(1 + number), time(9), BERLIN)
    return factories.booking(
        of=kind,
        start=begins,
        guest_name=name or f"Guest {number:03}",
        guest_email=f"guest{number}@example.org",
    )


def now(booking: Booking) -> Booking:
    session().rollback()
    return session().scalars(select(Booking).filter_by(id=booking.id).execution_options(populate_existing=True)).one()


@pytest.mark.parametrize(
    "path",
    [
        *PAGES,
        "/app/bookings/018f0000-0000-7000-8000-000000000000",
        "/app/event-types/018f0000-0000-7000-8000-000000000000",
    ],
)
def test_strangers_are_asked_to_sign_in(app: Flask, path: str) -> None:
    assert "/sign-in?next=" in Visitor(app).open(path, status=303).answer.headers["Location"]


@pytest.mark.parametrize("path", PAGES)
def test_each_page_marks_itself_in_the_navigation_and_is_not_kept(visitor: Visitor, path: str) -> None:
    page = visitor.open(path)
    assert page.answer.text.count('aria-current="page"') >= 1
    assert page.answer.headers["Cache-Control"] == "no-store"
    assert len(page.ids) == len(set(page.ids))
    assert page.link("Skip to the content") == "#content"


@pytest.mark.parametrize(
    ("path", "section"), [("/app/website", "/app/event-types"), ("/app/team/availability", "/app/availability")]
)
def test_a_page_with_an_address_of_its_own_marks_the_section_that_leads_to_it(
    visitor: Visitor, path: str, section: str
) -> None:
    assert f'href="{section}" aria-current="page"' in " ".join(visitor.open(path).answer.text.split())


def test_the_page_for_websites_leads_back_to_the_event_types(visitor: Visitor) -> None:
    assert visitor.open("/app/website").link("All event types") == "/app/event-types"


def test_the_week_of_the_dashboard_is_the_readers(app: Flask, host: Membership, kind: EventType) -> None:
    with time_machine.travel("2026-09-30T08:00:00Z", tick=True):  # a Wednesday
        visitor = Visitor(app).sign_in(host)
        for day in (27, 28):  # a Sunday and a Monday
            factories.booking(of=kind, start=datetime(2026, 9, day, 9, tzinfo=BERLIN))
        world, america, german = (
            visitor.open("/app", headers={"Accept-Language": language}).words for language in ("en-GB", "en-US", "de")
        )
    assert "1 booking from Monday to Sunday" in world
    assert "2 bookings from Sunday to Saturday" in america
    assert "1 Buchung von Montag bis Sonntag" in german


def test_the_front_door_leads_to_the_dashboard(visitor: Visitor) -> None:
    assert visitor.open("/", status=302).answer.headers["Location"] == "/app"


def test_the_dashboard_shows_today_and_what_comes_next(visitor: Visitor, kind: EventType) -> None:
    midnight = datetime.combine(in_days(0), time(), BERLIN)
    another(kind, 0, name="Tess Today", start=midnight + timedelta(hours=23))
    another(kind, 1, name="Nina Next")
    factories._kept(kind)
    words = visitor.open("/app").words
    assert words.index("Tess Today") < words.index("What comes next") < words.index("Nina Next")
    assert "Europe/Berlin" in words
    assert f"http://almanac.test/book/{kind.organization.slug}/{kind.slug}" in visitor.open("/app").answer.text


def test_the_dashboard_has_a_row_for_each_meeting_however_many_come(visitor: Visitor, host: Membership) -> None:
    class_, single = event_type(of=host, name="Yoga", kind=EventKind.GROUP, seats=8), event_type(of=host, name="Talk")
    with transaction():
        for name in ("Ann", "Ben", "Cleo", "Dora", "Emil", "Fay"):
            guest = replace(GUEST, name=name, email=f"{name.lower()}@example.com")
            book(event_type=class_, start=at(10), guest=guest, answers={})
        book(event_type=single, start=at(12), guest=replace(GUEST, name="Gus"), answers={})
    page = visitor.open("/app")
    assert page.answer.text.count('<li class="row">') == 2
    assert "Ann , Ben , Cleo , 3 more Yoga" in page.words
    assert "Dora" not in page.words
    assert page.link("3 more") == "/app/bookings?q=Yoga"
    assert "Gus" in page.words


def test_a_new_host_is_told_what_to_do_first(visitor: Visitor) -> None:
    assert visitor.open("/app").link("Make an event type") == "/app/event-types/new"


def test_bookings_are_sorted_into_upcoming_past_and_cancelled(visitor: Visitor, kind: EventType) -> None:
    another(kind, 1, name="Una Upcoming")
    another(kind, -9, name="Paul Past")
    gone = another(kind, 2, name="Carl Cancelled")
    with transaction():
        cancel(booking=gone, by=Side.GUEST, reason="")
    seen = {when: visitor.open(f"/app/bookings?when={when}").words for when in ("upcoming", "past", "cancelled", "all")}
    assert [name in seen["upcoming"] for name in ("Una", "Paul", "Carl")] == [True, False, False]
    assert [name in seen["past"] for name in ("Una", "Paul", "Carl")] == [False, True, False]
    assert [name in seen["cancelled"] for name in ("Una", "Paul", "Carl")] == [False, False, True]
    assert all(name in seen["all"] for name in ("Una", "Paul", "Carl"))


@pytest.mark.parametrize("search", ["mara", "MARA OK", "mara@", "wedd"])
def test_bookings_are_found_by_name_address_and_event_type(visitor: Visitor, host: Membership, search: str) -> None:
    wedding, other = event_type(of=host, name="Wedding"), event_type(of=host, name="Portrait")
    mara = another(wedding, 1, name="Mara Okafor")
    with transaction():
        session().merge(mara).guest_email = "mara@example.org"
    another(other, 2, name="Tom Brandt")
    words = visitor.open(f"/app/bookings?q={search}").words
    assert "Mara Okafor" in words
    assert "Tom Brandt" not in words


@pytest.mark.parametrize("search", ["nobody", "%25", "_", "%00", "'\"><script>", "x" * 5000])
def test_a_search_without_a_hit_says_so(visitor: Visitor, kind: EventType, search: str) -> None:
    another(kind, 1, name="Mara")
    page = visitor.open(f"/app/bookings?q={search}")
    assert "<script>" not in page.answer.text
    if search != "%00":  # which is nothing to search for
        assert "Nothing found" in page.words


def test_long_lists_are_turned_page_by_page(visitor: Visitor, kind: EventType) -> None:
    for number in range(30):
        another(kind, number)
    first = visitor.open("/app/bookings")
    second = visitor.open(first.link("Show more"))
    names = [text for page in (first, second) for href, text in page.links if "/app/bookings/0" in href]
    assert names == [f"Guest {number:03}" for number in range(30)]
    assert second.link("Back to the start")


@pytest.mark.parametrize("query", ["when=never", "after=nonsense", "after=%00", "host=all&after=" + "A" * 4000])
def test_an_address_that_makes_no_sense_still_shows_a_list(visitor: Visitor, query: str) -> None:
    visitor.open(f"/app/bookings?{query}")


def test_who_manages_the_organisation_may_see_everybodys_bookings(visitor: Visitor, host: Membership) -> None:
    colleague = member(of=host.organization, role=Role.MEMBER)
    another(event_type(of=colleague), 1, name="Mara Okafor")
    assert "Mara Okafor" not in visitor.open("/app/bookings").words
    words = visitor.open("/app/bookings?host=all").words
    assert "Mara Okafor" in words
    assert colleague.user.name in words


def test_a_member_sees_their_own_bookings_only(app: Flask, kind: EventType, host: Membership) -> None:
    foreign = another(kind, 1, name="Mara Okafor")
    visitor = Visitor(app).sign_in(member(of=host.organization, role=Role.MEMBER))
    assert "Mara Okafor" not in visitor.open("/app/bookings?host=all").words
    visitor.open(f"/app/bookings/{foreign.id}", status=404)
    visitor.open(f"/app/event-types/{kind.id}", status=404)


def test_another_organisation_sees_and_changes_nothing(app: Flask, kind: EventType) -> None:
    booking = another(kind, 1)
    outsider = Visitor(app).sign_in(member())
    outsider.open(f"/app/bookings/{booking.id}", status=404)
    outsider.open(f"/app/event-types/{kind.id}", status=404)
    form = outsider.open("/app/event-types/new").form()
    for path in (
        f"/app/bookings/{booking.id}/cancel",
        f"/app/bookings/{booking.id}/send-again",
        f"/app/event-types/{kind.id}",
        f"/app/event-types/{kind.id}/active",
        f"/app/event-types/{kind.id}/delete",
    ):
        form.action = path
        outsider.send(form, status=404)
    assert now(booking).status is BookingStatus.CONFIRMED


def test_a_booking_shows_all_there_is_to_know(visitor: Visitor, host: Membership) -> None:
    questions = [
        {"key": "topic", "label": "What about?", "required": False, "long": False},
        {"key": "gone", "label": "First asked", "required": False, "long": False},
    ]
    kind = event_type(of=host, questions=questions)
    booking = another(kind, 1, name="Mara Okafor")
    with transaction():
        session().merge(booking).answers = {"topic": "Windows", "extra": "of an old question"}
    factories._kept(
        Delivery(
            organization_id=kind.organization_id,
            idempotency_key=f"booking:{booking.id}:booking_confirmation_invitee",
            channel=Channel.EMAIL,
            template="booking_confirmation_invitee",
            recipient="mara@example.org",
            subject="Confirmed: Portrait, 1 Dec 07:00",
            status=DeliveryStatus.SENT,
            message_id="<x@y>",
            sent_at=clock.now(),
        )
    )
    words = visitor.open(f"/app/bookings/{booking.id}").words
    for expected in (
        *("Mara Okafor", "Europe/Berlin (UTC", "America/New York (UTC", "What about?", "Windows", "of an old question"),
        *("Confirmation Sent", "guest1@example.org", "Room 1"),
    ):
        assert expected in words
    assert "07:00" not in words
    assert "First asked" not in words


@pytest.mark.parametrize(
    ("when", "says"),
    [
        ("upcoming", "Once somebody books"),
        ("past", "have taken place"),
        ("no_show", "the guest did not come"),
        ("cancelled", "cancelled or declined"),
        ("all", "Once somebody books"),
    ],
)
def test_an_empty_list_says_what_would_be_in_it(visitor: Visitor, when: str, says: str) -> None:
    words = visitor.open(f"/app/bookings?when={when}").words
    assert says in words
    assert ("Once somebody books" in words) == (when in {"upcoming", "all"})


def test_a_host_cancels_with_a_reason(visitor: Visitor, kind: EventType) -> None:
    booking = booked(kind)
    form = visitor.open(f"/app/bookings/{booking.id}").form("/cancel")
    words = visitor.follow(visitor.send(form, {"reason": "Flooded"})).words
    assert "cancelled" in words
    assert "Flooded" in words
    assert (now(booking).status, now(booking).cancelled_by) == (BookingStatus.CANCELLED, Side.HOST)
    assert "has been cancelled" in visitor.follow(visitor.send(form)).words


def test_the_confirmation_can_be_sent_again(visitor: Visitor, kind: EventType) -> None:
    booking = booked(kind)
    form = visitor.open(f"/app/bookings/{booking.id}").form("/send-again")
    assert GUEST.email in visitor.follow(visitor.send(form)).words
    visitor.send(form)
    session().rollback()
    runs = session().scalars(select(JobRun).where(JobRun.name == "bookings.send_booking_confirmation_to_invitee")).all()
    assert len({run.arguments["resend"] for run in runs if run.arguments.get("resend")}) == 2
    assert {run.arguments["booking_id"] for run in runs} == {str(booking.id)}


def test_the_pages_cost_as_many_queries_with_many_bookings_as_with_one(visitor: Visitor, kind: EventType) -> None:
    def cost(path: str) -> int:
        with counted_queries() as statements:
            visitor.open(path)
        return len(statements)

    paths = ("/app", "/app/bookings", "/app/bookings?host=all&q=guest&when=all", "/app/event-types")
    another(kind, 1)
    few = [cost(path) for path in paths]
    for number in range(2, 25):
        another(kind, number)
    for _ in range(3):
        event_type(of=member(of=kind.organization))
    assert [cost(path) for path in paths] == few
    assert max(few) <= 6


@pytest.mark.parametrize("path", ["/app/bookings/not-an-id", "/app/nothing"])
def test_what_is_not_there_is_not_found(visitor: Visitor, path: str) -> None:
    visitor.open(path, status=404)


def test_times_of_a_booking_at_ten_are_shown_at_ten(visitor: Visitor, kind: EventType) -> None:
    booked(kind, at(10))
    assert "10:00 – 10:30" in visitor.open("/app/bookings", headers={"Accept-Language": "en-GB"}).words  # noqa: RUF001  # a dash
