"""How a host says when they work, without JavaScript."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.factories import event_type, schedule
from tests.scheduling.helpers import in_days, slots
from tests.scheduling.pages import Form, Page, Visitor
from webapp.core.db import session
from webapp.identity.models import Membership
from webapp.scheduling.models import Schedule

PAGE = "/app/availability"
DAYS = f"{PAGE}/days"


def week(page: Page) -> Form:
    return page.form("/availability")


def kept() -> Schedule:
    session().rollback()
    return session().scalars(select(Schedule).execution_options(populate_existing=True)).one()


def hours() -> list[tuple[int, int, int]]:
    return [(row.weekday, row.start_minute // 60, row.end_minute // 60) for row in kept().hours]


def overrides() -> list[tuple[str, int, int]]:
    return [(row.day.isoformat(), row.start_minute // 60, row.end_minute // 60) for row in kept().overrides]


def rows_of(form: Form, weekday: int) -> list[str]:
    """The numbers of the rows of a weekday."""
    return [name.split("-")[1] for name, value in form.fields if name.endswith("-weekday") and value == str(weekday)]


def test_office_hours_are_proposed_and_become_real_when_saved(visitor: Visitor) -> None:
    page = visitor.open(PAGE)
    assert list(session().scalars(select(Schedule))) == []
    saved = visitor.follow(visitor.send(week(page)))
    assert "Your hours are saved" in saved.words
    assert hours() == [(weekday, 9, 17) for weekday in range(5)]
    assert kept().timezone == "Europe/Berlin"


def test_hours_are_added_removed_and_changed_by_the_week(visitor: Visitor, host: Membership) -> None:
    schedule(of=host, days=range(2))
    form = week(visitor.open(PAGE))
    form = week(visitor.send(form, status=200, button=f"remove-{rows_of(form, 1)[0]}"))
    form = week(visitor.send(form, {"hours-0-end": "12:00"}, status=200, button="add-0"))
    form = week(visitor.send(form, status=200, button="add-6"))
    assert len(rows_of(form, 0)) == 2
    visitor.send(form, {"timezone": "Asia/Tokyo"})
    assert hours() == [(0, 9, 12), (0, 13, 17), (6, 9, 17)]
    assert kept().timezone == "Asia/Tokyo"


def test_midnight_as_an_end_is_the_end_of_the_day(visitor: Visitor, host: Membership) -> None:
    schedule(of=host, days=range(1))
    visitor.send(week(visitor.open(PAGE)), {"hours-0-start": "22:00", "hours-0-end": "00:00"})
    assert hours() == [(0, 22, 24)]
    assert dict(week(visitor.open(PAGE)).fields)["hours-0-end"] == "00:00"


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("", "17:00", "Please give both times"),
        ("25:99", "17:00", "valid time"),
    ],
)
def test_a_faulty_row_is_named_and_what_was_typed_is_kept(
    visitor: Visitor, host: Membership, start: str, end: str, words: str
) -> None:
    schedule(of=host, days=range(2))
    typed = {"hours-1-start": start, "hours-1-end": end, "timezone": "Asia/Tokyo"}
    page = visitor.send(week(visitor.open(PAGE)), typed, status=422)
    assert words in page.words
    assert page.link("Tuesday") == "#hours-1-start"
    again = dict(week(page).fields)
    assert (again["hours-1-start"], again["timezone"]) == (start, "Asia/Tokyo")
    assert hours() == [(0, 9, 17), (1, 9, 17)]


def test_hours_that_overlap_are_refused(visitor: Visitor, host: Membership) -> None:
    schedule(of=host, days=range(1))
    form = week(visitor.send(week(visitor.open(PAGE)), status=200, button="add-0"))
    page = visitor.send(form, {"hours-1-start": "10:00", "hours-1-end": "18:00"}, status=422)
    assert "overlap others of the same day" in page.words
    assert hours() == [(0, 9, 17)]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "localtime"])
def test_a_zone_that_is_none_is_refused(visitor: Visitor, host: Membership, zone: str) -> None:
    schedule(of=host)
    page = visitor.send(week(visitor.open(PAGE)), {"timezone": zone}, status=422)
    assert 'id="timezone-error"' in page.answer.text
    assert kept().timezone == "Europe/Berlin"


@pytest.mark.parametrize("weekday", ["7", "-1", "x", ""])
def test_a_weekday_that_is_none_is_refused(visitor: Visitor, host: Membership, weekday: str) -> None:
    schedule(of=host, days=range(1))
    visitor.send(week(visitor.open(PAGE)), {"hours-0-weekday": weekday}, status=422)
    assert hours() == [(0, 9, 17)]


@pytest.mark.parametrize("action", ["add-9", "add-", "remove-99", "remove-x", "fly"])
def test_a_button_that_does_not_exist_does_nothing(visitor: Visitor, host: Membership, action: str) -> None:
    schedule(of=host, days=range(1))
    form = week(visitor.open(PAGE))
    assert week(visitor.send(form, {"action": action}, status=200)).fields[1:] == form.fields[1:]


def test_a_day_is_closed_and_opened_again(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host, on=schedule(of=host))
    day = in_days(3)
    page = visitor.follow(visitor.send(visitor.open(PAGE).form("/days"), {"day": day.isoformat()}))
    assert overrides() == [(day.isoformat(), 0, 0)]
    assert slots(visitor.client, kind, day) == []
    visitor.send(page.form(f"{day}/remove"))
    assert overrides() == []
    assert slots(visitor.client, kind, day)


def test_a_day_gets_hours_of_its_own(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host, on=schedule(of=host))
    day = in_days(3)
    typed = {"day": day.isoformat(), "kind": "open", "ranges-0-start": "10:00", "ranges-0-end": "11:00"}
    form = visitor.send(visitor.open(PAGE).form("/days"), typed, status=200, button="add").form("/days")
    visitor.send(form, {"ranges-1-start": "13:00", "ranges-1-end": "14:00"})
    assert overrides() == [(day.isoformat(), 10, 11), (day.isoformat(), 13, 14)]
    assert len(slots(visitor.client, kind, day)) == 4
    assert "10:00 – 11:00, 13:00 – 14:00" in visitor.open(PAGE, headers={"Accept-Language": "en-GB"}).words  # noqa: RUF001  # dashes


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"day": ""}, "Please choose a date"),
        ({"day": "soon"}, "valid date"),
        ({"kind": "maybe"}, "valid choice"),
        ({"kind": "open", "ranges-0-start": ""}, "Please give both times"),
    ],
)
def test_a_day_that_makes_no_sense_is_refused(
    visitor: Visitor, host: Membership, typed: dict[str, str], words: str
) -> None:
    schedule(of=host)
    page = visitor.send(visitor.open(PAGE).form("/days"), {"day": in_days(3).isoformat()} | typed, status=422)
    assert words in page.words
    assert overrides() == []


def test_an_open_day_without_hours_is_no_closed_day_by_accident(visitor: Visitor, host: Membership) -> None:
    schedule(of=host)
    form = visitor.open(PAGE).form("/days")
    form.fields = [pair for pair in form.fields if not pair[0].startswith("ranges")]
    page = visitor.send(form, {"day": in_days(3).isoformat(), "kind": "open"}, status=422)
    assert "Please add the hours" in page.words
    assert overrides() == []


def test_removing_a_day_that_is_none_says_so(visitor: Visitor, host: Membership) -> None:
    schedule(of=host)
    form = visitor.open(PAGE).form("/days")
    form.action = f"{DAYS}/soon/remove"
    assert "That is not a date" in visitor.follow(visitor.send(form)).words


def test_past_days_are_no_longer_listed(visitor: Visitor, host: Membership) -> None:
    schedule(of=host)
    form = visitor.open(PAGE).form("/days")
    visitor.send(form, {"day": in_days(-3).isoformat()})
    assert f"{in_days(-3)}/remove" not in visitor.open(PAGE).answer.text


def test_what_a_host_saves_is_what_a_guest_sees(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host, on=schedule(of=host, days=range(7)))
    day = in_days(3)
    before = slots(visitor.client, kind, day)
    form = week(visitor.open(PAGE))
    row = rows_of(form, day.weekday())[0]
    visitor.send(form, {f"hours-{row}-start": "16:00"})
    assert len(before) == 16
    assert len(slots(visitor.client, kind, day)) == 2
