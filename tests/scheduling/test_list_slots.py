from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient

from tests.factories import bookings, event_type, member, schedule
from tests.scheduling.helpers import address, at, booked, counted_queries, in_days, refused, slots
from webapp.core.db import db, transaction
from webapp.scheduling.models import DateOverride


def test_a_day_from_nine_to_five_offers_sixteen_half_hours(client: FlaskClient) -> None:
    kind = event_type()
    query = {"start": in_days(2), "end": in_days(2), "timezone": "Europe/Berlin"}
    answer = client.get(f"{address(kind)}/slots", query_string=query).get_json()
    assert answer["timezone"] == "Europe/Berlin"
    assert len(answer["slots"]) == 16
    assert answer["slots"][0] == {
        "start": at(9).isoformat(),
        "end": at(9, 30).isoformat(),
        "seats_left": 1,
    }
    assert answer["slots"][-1]["end"] == at(17).isoformat()


def test_the_last_day_is_included(client: FlaskClient) -> None:
    kind = event_type()
    query = {"start": in_days(2), "end": in_days(4), "timezone": "Europe/Berlin"}
    answer = client.get(f"{address(kind)}/slots", query_string=query).get_json()
    assert len(answer["slots"]) == 3 * 16
    assert answer["slots"][-1]["end"] == at(17, days=4).isoformat()


def test_slots_are_shown_in_the_guests_zone_and_on_its_days(client: FlaskClient) -> None:
    kind = event_type()
    in_tokyo = slots(client, kind, in_days(2), zone="Asia/Tokyo")
    assert all(start.endswith("+09:00") and start.startswith(in_days(2).isoformat()) for start in in_tokyo)
    # At 16:00 in Berlin a day begins in Tokyo, or is an hour old; the offers begin the afternoon before.
    assert at(16, days=1) <= datetime.fromisoformat(in_tokyo[0]) <= at(16, 30, days=1)
    assert at(15) <= datetime.fromisoformat(in_tokyo[-1]) <= at(15, 30)


def test_utc_is_written_with_an_offset_too(client: FlaskClient) -> None:
    assert slots(client, event_type(), in_days(2), zone="UTC")[0].endswith("+00:00")


def test_a_booked_time_is_offered_no_more_nor_what_its_buffers_touch(client: FlaskClient) -> None:
    kind = event_type(buffer_before=10, buffer_after=15)
    booked(kind, at(10))
    offered = slots(client, kind, in_days(2))
    assert at(9).isoformat() in offered
    assert at(11).isoformat() in offered
    assert not {at(9, 30).isoformat(), at(10).isoformat(), at(10, 30).isoformat()} & set(offered)


def test_a_booking_of_the_hosts_other_event_type_blocks_as_well(client: FlaskClient) -> None:
    host = member()
    hours = schedule(of=host)
    short, long = event_type(of=host, on=hours), event_type(of=host, on=hours, duration=90)
    booked(short, at(10))
    offered = slots(client, long, in_days(2))
    assert at(8, 30).isoformat() not in offered
    assert at(9).isoformat() not in offered
    assert at(10, 30).isoformat() in offered


def test_a_closed_date_offers_nothing_and_an_open_one_its_own_hours(client: FlaskClient) -> None:
    kind = event_type()
    with transaction():
        kind.schedule.overrides += [
            DateOverride(day=in_days(2)),
            DateOverride(day=in_days(3), start_minute=20 * 60, end_minute=21 * 60),
        ]
    assert slots(client, kind, in_days(2)) == []
    assert slots(client, kind, in_days(3)) == [at(20, days=3).isoformat(), at(20, 30, days=3).isoformat()]


def test_days_long_past_and_far_ahead_offer_nothing(client: FlaskClient) -> None:
    kind = event_type()
    for day in ("0001-01-01", "1969-12-31", "9999-12-31"):
        query = {"start": day, "end": day, "timezone": "Pacific/Apia"}
        assert client.get(f"{address(kind)}/slots", query_string=query).get_json()["slots"] == []


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "invalid", "timezone"),
        ({"timezone": "localtime"}, "invalid", "timezone"),
        ({"timezone": "../../etc/passwd"}, "invalid", "timezone"),
        ({"timezone": "Europe/Berlin\0"}, "invalid", "timezone"),
        ({"timezone": "x" * 1000}, "invalid", "timezone"),
        ({"start": "2026-02-30"}, "invalid", "start"),
        ({"start": "20261124"}, "invalid", "start"),
        ({"start": "1795514400"}, "invalid", "start"),
        ({"end": "2026-11-2\N{ARABIC-INDIC DIGIT FOUR}"}, "invalid", "end"),
        ({"end": ""}, "invalid", "end"),
        ({"start": "2026-11-25", "end": "2026-11-24"}, "range_reversed", "end"),
        ({"start": "2026-11-24", "end": "2027-01-25"}, "range_too_long", "end"),
        ({"start": "0001-01-01", "end": "9999-12-31"}, "range_too_long", "end"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    client: FlaskClient, changes: dict[str, str], code: str, field: str
) -> None:
    query = {"start": "2026-11-24", "end": "2026-11-25", "timezone": "Europe/Berlin"} | changes
    refused(client.get(f"{address(event_type())}/slots", query_string=query), 422, code, field)


def test_62_days_may_be_asked_for_at_once(client: FlaskClient) -> None:
    query = {"start": "2026-11-24", "end": "2027-01-24", "timezone": "Europe/Berlin"}
    assert client.get(f"{address(event_type())}/slots", query_string=query).status_code == 200


def test_every_missing_part_of_the_question_is_named(client: FlaskClient) -> None:
    refused(client.get(f"{address(event_type())}/slots"), 422, "invalid", "start", "end", "timezone")


def test_nothing_is_found_at_unknown_addresses_nor_where_the_event_type_is_off(client: FlaskClient) -> None:
    kind, off = event_type(), event_type(is_active=False)
    query = {"start": in_days(2), "end": in_days(2), "timezone": "Europe/Berlin"}
    strange = ["/api/v1/public/nobody/talk", f"/api/v1/public/{kind.organization.slug}/nothing", address(off)]
    strange += [f"/api/v1/public/{kind.organization.slug}/%00", "/api/v1/public/%ff/x", "/api/v1/public/a'b/c"]
    strange.append(f"/api/v1/public/{off.organization.slug}/{kind.slug}")
    for path in strange:
        refused(client.get(f"{path}/slots", query_string=query), 404, "not_found")


def test_slots_are_only_read(client: FlaskClient) -> None:
    answer = client.post(f"{address(event_type())}/slots", json={})
    refused(answer, 405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_an_organisation_shows_what_is_open_for_booking(client: FlaskClient) -> None:
    host = member()
    hours = schedule(of=host)
    questions = [{"key": "topic", "label": "What about?", "required": True, "long": False}]
    event_type(of=host, on=hours, slug="first", name="First", questions=questions)
    event_type(of=host, on=hours, slug="closed", is_active=False)
    event_type(slug="elsewhere")
    answer = client.get(f"/api/v1/public/{host.organization.slug}").get_json()
    assert answer["name"] == host.organization.name
    assert [kind["slug"] for kind in answer["event_types"]] == ["first"]
    first = answer["event_types"][0]
    assert first["host"] == {"name": host.user.name}
    assert first["questions"] == [questions[0] | {"kind": "short_text", "options": []}]
    assert first["url"] == f"http://almanac.test/book/{host.organization.slug}/first"
    assert host.user.email not in str(answer)
    refused(client.get("/api/v1/public/nobody"), 404, "not_found")


def test_500_bookings_cost_no_more_queries_than_one(client: FlaskClient) -> None:
    kind = event_type(duration=15, slot_interval=15)
    booked(kind, at(9))
    path = f"{address(kind)}/slots?start={in_days(2)}&end={in_days(33)}&timezone=Europe/Berlin"
    with_one = _queries_of(client, path)
    bookings(of=kind, starts=_in_the_nights(499), minutes=5)
    assert _queries_of(client, path) == with_one <= 12


def _queries_of(client: FlaskClient, path: str) -> int:
    db.session.remove()  # nothing is known from before
    with counted_queries() as statements:
        assert client.get(path).status_code == 200
    return len(statements)


def _in_the_nights(count: int) -> list[datetime]:
    """Starts five minutes apart, in the nights to come."""
    return [
        at(0, 5 * (number % 12), days=3 + number // 96) + timedelta(hours=number % 96 // 12) for number in range(count)
    ]
