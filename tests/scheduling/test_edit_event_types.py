from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import address, at, body, booked, refused
from webapp.core.db import session, transaction
from webapp.core.errors import NotFound
from webapp.core.validation import InvalidInput
from webapp.identity.models import Membership
from webapp.scheduling import queries
from webapp.scheduling.errors import InUse, SlugTaken
from webapp.scheduling.models import EventType, QuestionKind
from webapp.scheduling.service.event_types import (
    EventTypeDetails,
    create_event_type,
    delete_event_type,
    set_active,
    update_event_type,
)
from webapp.scheduling.service.questions import Question
from webapp.scheduling.service.texts import slug_for

DETAILS = EventTypeDetails(name=" First talk ", slug="first-talk", duration=30, slot_interval=15)


def _create(host: Membership, details: EventTypeDetails = DETAILS) -> EventType:
    with transaction():
        return create_event_type(
            organization_id=host.organization_id, host_id=host.user_id, schedule=schedule_of(host), details=details
        )


def schedule_of(host: Membership) -> Any:
    found = queries.schedules(organization_id=host.organization_id, host_id=host.user_id)
    return found[0] if found else None


@pytest.fixture
def host(app: Flask) -> Membership:
    place = member()
    schedule(of=place)
    return place


def test_a_new_event_type_can_be_booked_at_once(host: Membership, client: FlaskClient) -> None:
    kind = _create(host, replace(DETAILS, minimum_notice=0))
    assert (kind.name, kind.is_active) == ("First talk", True)
    path = f"/api/v1/public/{host.organization.slug}/first-talk/bookings"
    assert client.post(path, json=body(at(10, 15))).status_code == 201


def test_a_changed_event_type_offers_the_new_and_keeps_what_was_booked(host: Membership, client: FlaskClient) -> None:
    kind = event_type(of=host)
    booking = booked(kind, at(10))
    with transaction():
        update_event_type(
            event_type=kind, details=replace(DETAILS, slug="longer", duration=60, slot_interval=60, minimum_notice=0)
        )
    assert (booking.starts_at, booking.ends_at) == (at(10), at(10, 30))
    refused(client.post(f"{address(kind)}/bookings", json=body(at(11, 30))), 422, "off_grid", "start")
    assert client.post(f"{address(kind)}/bookings", json=body(at(11))).status_code == 201


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": "  "}, {"name"}),
        ({"name": "x" * 121, "location": "x" * 256, "description": "x" * 5001}, {"name", "location", "description"}),
        ({"name": "two\nlines", "location": "a\0b", "description": "a\0b"}, {"name", "location", "description"}),
        ({"slug": ""}, {"slug"}),
        ({"slug": "With Blanks"}, {"slug"}),
        ({"slug": "-talk"}, {"slug"}),
        ({"slug": "x" * 61}, {"slug"}),
        ({"duration": 4, "slot_interval": 0}, {"duration", "slot_interval"}),
        ({"duration": 1441, "slot_interval": 10**12}, {"duration", "slot_interval"}),
        ({"buffer_before": -1, "buffer_after": 721}, {"buffer_before", "buffer_after"}),
        ({"minimum_notice": -1, "horizon_days": 0}, {"minimum_notice", "horizon_days"}),
        ({"minimum_notice": 525_601, "horizon_days": 731}, {"minimum_notice", "horizon_days"}),
        ({"slot_offset": -1, "limit_per_day": 0}, {"slot_offset", "limit_per_day"}),
        ({"limit_per_week": -1, "limit_per_month": 1001}, {"limit_per_week", "limit_per_month"}),
        ({"other_durations": [4]}, {"other_durations"}),
        ({"other_durations": range(5, 16)}, {"other_durations"}),
        ({"questions": [Question(label="Fine"), Question(label=" ")]}, {"questions.1"}),
        ({"questions": [Question(label="x" * 201), Question(label="Fine")]}, {"questions.0"}),
        ({"questions": [Question(label=f"Number {number}") for number in range(21)]}, {"questions"}),
        ({"questions": [Question(label="A", key="same"), Question(label="B", key="same")]}, {"questions"}),
    ],
)  # fmt: skip
def test_each_field_that_makes_no_sense_is_named(host: Membership, changes: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        _create(host, replace(DETAILS, **changes))
    assert {fault.field for fault in caught.value.errors} == fields
    kind = event_type(of=host)
    with pytest.raises(InvalidInput), transaction():
        update_event_type(event_type=kind, details=replace(DETAILS, **changes))
    session().refresh(kind)
    assert kind.duration == 30


@pytest.mark.parametrize(
    "details",
    [
        replace(DETAILS, duration=5, slot_interval=5, minimum_notice=0, horizon_days=1),
        replace(DETAILS, duration=1440, slot_interval=1440, minimum_notice=525_600, horizon_days=730),
        replace(DETAILS, slot_offset=1439, limit_per_day=1, limit_per_week=1, limit_per_month=1000),
        replace(DETAILS, other_durations=range(1440, 1430, -1), buffers_among_own=True),
        replace(DETAILS, buffer_before=720, buffer_after=720, name="x" * 120, slug="x" * 60, location="x" * 255),
    ],
)
def test_what_the_service_lets_through_the_database_takes(host: Membership, details: EventTypeDetails) -> None:
    kind = _create(host, details)
    session().refresh(kind)
    assert (kind.duration, kind.name, kind.horizon_days) == (
        details.duration,
        details.name.strip(),
        details.horizon_days,
    )


def test_an_address_is_used_once_in_an_organisation_and_again_in_another(host: Membership) -> None:
    first = _create(host)
    with pytest.raises(SlugTaken) as caught:
        _create(host)
    assert caught.value.field == "slug"
    second = event_type(of=host, slug="second")
    with pytest.raises(SlugTaken), transaction():
        update_event_type(event_type=second, details=DETAILS)
    with transaction():
        update_event_type(event_type=first, details=replace(DETAILS, name="Renamed"))
    other = member()
    schedule(of=other)
    assert _create(other).slug == first.slug


def test_new_questions_get_keys_of_their_own_and_old_ones_keep_theirs(host: Membership) -> None:
    asked = [
        Question(label="What about?", required=True),
        Question(label="What about?"),
        Question(label="¿…?", kind=QuestionKind.LONG_TEXT),
    ]
    kind = _create(host, replace(DETAILS, questions=asked))
    kept = [(question["key"], question["label"], question["required"], question["kind"]) for question in kind.questions]
    assert kept == [
        ("what-about", "What about?", True, "short_text"),
        ("what-about-2", "What about?", False, "short_text"),
        ("question", "¿…?", False, "long_text"),
    ]
    fewer = [Question(label="Now called so", key="what-about-2"), Question(label="What about 2")]
    with transaction():
        update_event_type(event_type=kind, details=replace(DETAILS, questions=fewer))
    session().refresh(kind)
    assert [question["key"] for question in kind.questions] == ["what-about-2", "what-about-2-2"]


def test_switched_off_it_is_gone_for_guests_and_comes_back(host: Membership, client: FlaskClient) -> None:
    kind = event_type(of=host)
    for active, status in ((False, 404), (True, 201)):
        with transaction():
            set_active(event_type=kind, active=active)
        assert client.post(f"{address(kind)}/bookings", json=body(at(10))).status_code == status


def test_further_lengths_are_kept_in_order_and_once(host: Membership) -> None:
    kind = _create(host, replace(DETAILS, duration=30, other_durations=[60, 45, 30, 60]))
    assert kind.durations == [30, 45, 60]


def test_only_what_was_never_booked_can_be_deleted(host: Membership) -> None:
    unused, used = event_type(of=host), event_type(of=host)
    booked(used)
    with transaction():
        delete_event_type(event_type=unused)
    with pytest.raises(InUse), transaction():
        delete_event_type(event_type=used)
    assert queries.event_types(organization_id=host.organization_id) == [used]


def test_another_organisation_finds_none_of_it(host: Membership) -> None:
    kind, outsider = event_type(of=host), member()
    assert queries.get_event_type(host.organization_id, kind.id) == kind
    with pytest.raises(NotFound):
        queries.get_event_type(outsider.organization_id, kind.id)
    with pytest.raises(NotFound):
        queries.get_event_type(host.organization_id, kind.id, host_id=outsider.user_id)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("First talk", "first-talk"), (" 30 min: Käse & Wein! ", "30-min-k-se-wein"), ("東京", ""), ("x" * 99, "x" * 60)],
)  # fmt: skip
def test_a_slug_is_proposed_from_the_name(name: str, slug: str) -> None:
    assert slug_for(name) == slug
