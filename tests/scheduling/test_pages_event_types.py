"""How a host says what can be booked, without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.factories import event_type, member
from tests.scheduling.helpers import at, booked
from tests.scheduling.pages import Form, Visitor
from webapp.core.db import session
from webapp.identity.models import Membership, Role
from webapp.scheduling.forms.blocks import RecurringForm
from webapp.scheduling.forms.event_type import EventTypeForm
from webapp.scheduling.models import AllDayEvents, EventType, Schedule

NEW = "/app/event-types/new"


def every() -> list[EventType]:
    session().rollback()
    return list(session().scalars(select(EventType).execution_options(populate_existing=True).order_by(EventType.id)))


def only() -> EventType:
    (found,) = every()
    return found


def fields(form: Form) -> dict[str, str]:
    return dict(form.fields)


def with_question(visitor: Visitor, form: Form, label: str, **options: str) -> Form:
    """The form with one more question, added by its button and filled in."""
    added = visitor.send(form, status=200, button="add").form()
    number = max(int(name.split("-")[1]) for name in fields(added) if name.endswith("-label"))
    added.fields = [pair for pair in added.fields if pair[0] != f"questions-{number}-label"]
    extra: dict[str, Any] = {"label": label} | options
    added.fields = [pair for pair in added.fields if pair[0].removeprefix(f"questions-{number}-") not in options]
    added.fields += [(f"questions-{number}-{name}", value) for name, value in extra.items()]
    return added


def test_a_host_makes_an_event_type_and_guests_can_book_it(visitor: Visitor, host: Membership) -> None:
    form = visitor.open(NEW).form()
    page = visitor.follow(visitor.send(form, {"name": "First Meeting", "duration": "45", "location": "Room 2"}))
    assert "First Meeting" in page.words
    made = only()
    assert (made.slug, made.duration, made.slot_interval, made.location) == ("first-meeting", 45, 30, "Room 2")
    assert (made.minimum_notice, made.horizon_days, made.is_active) == (60, 60, True)
    assert visitor.open(f"/book/{host.organization.slug}/first-meeting").words


def test_who_has_no_hours_yet_gets_office_hours_in_their_own_zone(visitor: Visitor, host: Membership) -> None:
    visitor.send(visitor.open(NEW).form(), {"name": "Talk"})
    kept = session().scalars(select(Schedule)).one()
    assert (kept.host_id, kept.timezone, len(kept.hours)) == (host.user_id, "Europe/Berlin", 5)
    visitor.send(visitor.open(NEW).form(), {"name": "Another talk"})
    assert session().scalars(select(Schedule)).one().id == kept.id


def test_a_host_changes_an_event_type(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host, minimum_notice=95)
    form = visitor.open(f"/app/event-types/{kind.id}").form()
    assert fields(form)["minimum_notice"] == "95"
    visitor.send(form, {"name": "Longer talk", "duration": "60", "description": "All about it", "slug": "longer"})
    changed = only()
    assert (changed.name, changed.duration, changed.description, changed.slug) == (
        *("Longer talk", 60, "All about it", "longer"),
    )
    assert changed.minimum_notice == 95


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", ""), ("name", "x" * 121), ("slug", "Not A Slug"), ("duration", "4"), ("duration", "soon")),
        *(("duration", ""), ("slot_interval", "0"), ("buffer_before", "-5"), ("buffer_after", "9999999999999")),
        *(("other_durations", "45, soon"), ("other_durations", "3"), ("slot_offset", ""), ("limit_per_day", "0")),
        *(("minimum_notice", "7"), ("minimum_notice", "x"), ("horizon_days", "731"), ("location", "y" * 256)),
    ],
)
def test_a_faulty_field_is_named_and_the_rest_is_kept(visitor: Visitor, field: str, value: str) -> None:
    form = visitor.open(NEW).form()
    page = visitor.send(form, {"name": "Kept name", "description": "Kept text"} | {field: value}, status=422)
    assert f'href="#{field}"' in page.answer.text
    assert f'id="{field}-error"' in page.answer.text
    assert fields(page.form())["description"].strip() == "Kept text"
    assert every() == []


def test_a_group_is_made_with_seats_and_stays_one(visitor: Visitor, host: Membership) -> None:
    visitor.send(visitor.open(NEW).form(), {"name": "Yoga", "kind": "group", "seats": "12"})
    assert (only().kind, only().seats) == ("group", 12)
    form = visitor.open(f"/app/event-types/{only().id}").form()
    visitor.send(form, {"kind": "one_to_one", "seats": "10"})
    assert (only().kind, only().seats) == ("group", 10)
    assert "10 seats" in visitor.open("/app/event-types").words
    assert "10 seats left" in visitor.open(f"/book/{host.organization.slug}/yoga").words


@pytest.mark.parametrize("seats", ["1", "", "many", "1001"])
def test_a_group_needs_seats(visitor: Visitor, seats: str) -> None:
    page = visitor.send(visitor.open(NEW).form(), {"name": "Yoga", "kind": "group", "seats": seats}, status=422)
    assert 'id="seats-error"' in page.answer.text
    assert every() == []


def test_a_team_is_chosen_with_its_priorities(app: Flask, visitor: Visitor, host: Membership) -> None:
    colleague = member(of=host.organization, name="Zed")
    form = visitor.open(NEW).form()
    rows = {value: name.removesuffix("-host_id") for name, value in form.fields if name.endswith("-host_id")}
    zed, owner = rows[str(colleague.user_id)], rows[str(host.user_id)]
    typed = {"name": "Help", "kind": "round_robin", f"{zed}-takes_part": "y", f"{zed}-priority": "2"}
    visitor.send(form, typed | {f"{owner}-takes_part": "y"})
    assert [(each.host_id, each.priority) for each in only().team] == [(host.user_id, 1), (colleague.user_id, 2)]
    assert "Zed" in visitor.open("/app/event-types").words
    page = visitor.open(f"/book/{host.organization.slug}/help")
    assert host.organization.name in page.words
    assert "Zed" in page.words
    form = visitor.open(f"/app/event-types/{only().id}").form()
    assert fields(form)[f"{zed}-priority"] == "2"
    visitor.send(form, {f"{owner}-takes_part": None})
    assert [each.host_id for each in only().team] == [colleague.user_id]
    nobody = visitor.send(form, {f"{owner}-takes_part": None, f"{zed}-takes_part": None}, status=422)
    assert "Please choose who hosts it." in nobody.words


def test_who_does_not_manage_the_organisation_has_nobody_else_host(app: Flask, host: Membership) -> None:
    junior = Visitor(app).sign_in(member(of=host.organization, role=Role.MEMBER))
    form = junior.open(NEW).form()
    assert not [name for name, _ in form.fields if name.startswith("people-")]
    junior.send(form, {"name": "Help", "kind": "round_robin"}, status=422)
    assert every() == []


def test_a_kind_that_does_not_exist_is_refused(visitor: Visitor) -> None:
    page = visitor.send(visitor.open(NEW).form(), {"name": "Yoga", "kind": "crowd"}, status=422)
    assert 'id="kind-error"' in page.answer.text


def test_lengths_and_limits_are_typed_and_shown_again(visitor: Visitor, host: Membership) -> None:
    typed = {"name": "Talk", "other_durations": " 60,45 ,", "limit_per_week": "3", "buffers_among_own": "y"}
    visitor.send(visitor.open(NEW).form(), typed)
    made = only()
    assert (made.durations, made.limit_per_day, made.limit_per_week) == ([30, 45, 60], None, 3)
    assert made.buffers_among_own
    form = visitor.open(f"/app/event-types/{made.id}").form()
    assert (fields(form)["other_durations"], fields(form)["limit_per_week"]) == ("45, 60", "3")
    visitor.send(form, {"other_durations": "", "limit_per_week": "", "buffers_among_own": None})
    assert (only().durations, only().limit_per_week, only().buffers_among_own) == ([30], None, False)


def test_an_address_that_is_taken_is_said_beside_its_field(visitor: Visitor, host: Membership) -> None:
    event_type(of=host, slug="talk")
    page = visitor.send(visitor.open(NEW).form(), {"name": "Talk"}, status=409)
    assert 'id="slug-error"' in page.answer.text
    assert "already has this address" in page.words


def test_questions_are_added_by_a_button_and_asked_of_guests(visitor: Visitor, host: Membership) -> None:
    form = visitor.open(NEW).form()
    form.fields = [pair for pair in form.fields if pair[0] != "name"] + [("name", "Talk")]
    form = with_question(visitor, form, "What about?", required="y")
    form = with_question(visitor, form, "Anything else?", kind="long_text")
    assert fields(form)["name"] == "Talk"
    visitor.send(form)
    asked = [(question["label"], question["required"], question["long"]) for question in only().questions]
    assert asked == [("What about?", True, False), ("Anything else?", False, True)]


def test_a_question_is_removed_by_its_button_and_the_others_keep_their_keys(visitor: Visitor, host: Membership) -> None:
    labels = ("First", "Second", "Third")
    kind = event_type(
        of=host,
        questions=[{"key": f"k{label}", "label": label, "required": False, "long": False} for label in labels],
    )
    form = visitor.open(f"/app/event-types/{kind.id}").form()
    without = visitor.send(form, status=200, button="remove-1").form()
    visitor.send(without, {"questions-0-label": "First, reworded"})
    assert [(question["key"], question["label"]) for question in only().questions] == [
        ("kFirst", "First, reworded"),
        ("kThird", "Third"),
    ]


def test_an_empty_question_is_no_question_and_an_emptied_one_is_a_fault(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host, questions=[{"key": "a", "label": "First", "required": False, "long": False}])
    form = visitor.send(visitor.open(f"/app/event-types/{kind.id}").form(), status=200, button="add").form()
    page = visitor.send(form, {"questions-0-label": ""}, status=422)
    assert 'id="questions-0-label-error"' in page.answer.text
    assert "Question 1: This must not be empty." in page.words
    visitor.send(form)
    assert len(only().questions) == 1


def test_an_event_type_is_switched_off_and_on(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host)
    page = visitor.open("/app/event-types")
    off = visitor.follow(visitor.send(page.form(f"{kind.id}/active")))
    assert "cannot be booked any more" in off.words
    assert only().is_active is False
    on = visitor.follow(visitor.send(off.form(f"{kind.id}/active")))
    assert "can be booked again" in on.words
    assert only().is_active is True


def test_an_event_type_that_was_never_booked_is_deleted(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host, name="Talk")
    page = visitor.follow(visitor.send(visitor.open("/app/event-types").form(f"{kind.id}/delete")))
    assert "“Talk” is deleted" in page.words
    assert every() == []


def test_an_event_type_with_bookings_stays(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host)
    booked(kind, at(10))
    page = visitor.follow(visitor.send(visitor.open("/app/event-types").form(f"{kind.id}/delete")))
    assert "switch it off instead" in page.words
    assert len(every()) == 1


def test_a_member_makes_and_sees_their_own(app: Flask, host: Membership) -> None:
    event_type(of=host, name="Of the owner")
    junior = Visitor(app).sign_in(member(of=host.organization, role=Role.MEMBER))
    junior.send(junior.open(NEW).form(), {"name": "Of the member"})
    words = junior.open("/app/event-types").words
    assert "Of the member" in words
    assert "Of the owner" not in words


def test_all_day_events_are_not_asked_for_and_stay_as_a_program_set_them(visitor: Visitor, host: Membership) -> None:
    kind = event_type(of=host, all_day_events=AllDayEvents.IGNORE)
    page = visitor.open(f"/app/event-types/{kind.id}")
    assert "All-day events" not in page.words
    visitor.send(page.form(), {"name": "Another"})
    assert (only().name, only().all_day_events) == ("Another", AllDayEvents.IGNORE)


def test_labels_are_understood_away_from_their_fields(app: Flask) -> None:
    with app.test_request_context():
        labels = [str(field.label.text) for form in (EventTypeForm(), RecurringForm()) for field in form]
    assert [label for label in labels if "…" in label] == []


def test_copying_a_link_and_duplicating_an_event_type_are_called_differently(
    visitor: Visitor, host: Membership
) -> None:
    kind = event_type(of=host, name="Portrait")
    page = visitor.open("/app/event-types")
    assert 'aria-label="Duplicate Portrait"' in page.answer.text
    assert "Copy link" in page.words
    visitor.send(page.form(f"{kind.id}/copy"))
    assert len(every()) == 2


def test_a_list_that_is_empty_says_what_to_do(visitor: Visitor) -> None:
    assert visitor.open("/app/event-types").link("Make the first one") == NEW
