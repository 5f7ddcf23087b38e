"""The cache is filled before anybody asks, emptied of what is over, and watched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select

from jobs import availability, watching
from jobs.runtime.carrier import queue_name
from jobs.runtime.models import JobRun
from tests.factories import event_type, member, schedule
from tests.scheduling.helpers import BERLIN, at, booked, counted_queries, in_days
from webapp.core import clock, measures
from webapp.core.db import session, transaction
from webapp.core.redis import cache_redis, jobs_redis
from webapp.operations import cache_figures
from webapp.operations.metrics import exposition
from webapp.operations.models import AlertKind
from webapp.scheduling import chunks
from webapp.scheduling.events import Change
from webapp.scheduling.models import EventType
from webapp.scheduling.service.event_types import set_active
from webapp.scheduling.service.offers import offered_slots, rules_for, stamps_of
from webapp.scheduling.service.precompute import weeks_ahead
from webapp.scheduling.service.schedules import set_override


def _cached(kind: EventType) -> set[int]:
    """The weeks that the cache has of the usual length, as things are now."""
    stamps = stamps_of(kind, rules_for(kind), weeks=weeks_ahead(kind))
    return {place.week for place in chunks.read(stamps)}


def _week_of(days: int) -> int:
    minute = int(at(12, days=days).timestamp()) // 60
    return chunks.weeks_between(minute, minute + 1).start


def _keys() -> int:
    return sum(b"index" not in key for key in cache_redis().scan_iter("almanac:open:1:*"))


def test_open_times_are_worked_out_before_anybody_asks(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, other_durations=[60], horizon_days=30)
    event_type(of=host, is_active=False)

    worked = availability.precompute_availability_cache(host.user_id)
    assert worked["chunks"] == 2 * len(weeks_ahead(kind))
    with counted_queries() as statements:
        offered_slots(event_type=kind, first=in_days(0), last=in_days(30), zone=BERLIN, duration=60)
    assert not any("host_time" in statement for statement in statements)
    assert availability.precompute_availability_cache(host.user_id)["chunks"] == 0


def test_every_organizer_is_refreshed_within_the_hour_and_once(app: Flask) -> None:
    hosts = [event_type().host_id for _ in range(4)]
    for _ in range(2):
        assert availability.refresh_availability_cache_for_all_organizers() == {"organizers": 4}

    runs = session().scalars(select(JobRun).where(JobRun.name == "availability.precompute_availability_cache")).all()
    assert sorted(run.arguments["organizer_id"] for run in runs) == sorted(map(str, hosts))
    waits = sorted(run.run_at - clock.now() for run in runs)
    assert waits[-1] - waits[0] > timedelta(minutes=30)
    assert waits[-1] < timedelta(hours=1)


def test_a_change_drops_just_the_weeks_concerned_and_they_are_worked_out_anew(app: Flask) -> None:
    kind = event_type(horizon_days=60)
    availability.precompute_availability_cache(kind.host_id)
    before, keys = _cached(kind), _keys()
    booking = booked(kind, at(10, days=17))
    concerned = before - _cached(kind)
    assert _week_of(17) in concerned
    assert len(concerned) < len(before)

    cleared = availability.clear_availability_cache(
        Change.BOOKING, [kind.host_id], begin=booking.starts_at, until=booking.ends_at
    )
    assert cleared == {"chunks": len(concerned)}
    assert _keys() == keys - len(concerned)
    availability.process_dirty_availability_cache()
    assert _cached(kind) == before
    assert availability.process_dirty_availability_cache() == {"chunks": 0}


def test_clearing_leaves_what_still_holds(app: Flask) -> None:
    kind = event_type()
    availability.precompute_availability_cache(kind.host_id)
    before = _cached(kind)

    assert availability.clear_availability_cache(Change.HOURS, [kind.host_id]) == {"chunks": 0}
    assert _cached(kind) == before


def test_services_have_the_cache_cleared(app: Flask) -> None:
    hours = schedule(of=(host := member()))
    kind = event_type(of=host, on=hours)
    jobs_redis().flushall()
    booked(kind, at(10))
    with transaction():
        set_override(schedule=hours, day=in_days(3), ranges=[])

    sent: Any = jobs_redis().lrange(f"rq:queue:{queue_name('bookings', 'high')}", 0, -1)
    assert len(sent) == 3  # the booking's own job, and one for each change


def test_what_is_switched_off_is_not_worked_out_anew(app: Flask) -> None:
    kind = event_type()
    with transaction():
        set_active(event_type=session().get_one(EventType, kind.id), active=False)
    availability.clear_availability_cache(Change.EVENT_TYPE, [], event_type_id=kind.id)
    assert availability.process_dirty_availability_cache() == {"chunks": 0}


def test_the_figures_of_the_cache_are_seen_and_rung_for(app: Flask) -> None:
    measures.flush()
    jobs_redis().delete(measures.KEY)
    chunks.count(asked=1000, missing=900)
    measures.flush()
    figures = availability.monitor_cache_performance_detailed()

    assert (figures["hit_ratio"], figures["keys"]) == (0.1, cache_redis().dbsize())
    assert b"almanac_cache_hit_ratio 0.1\n" in exposition(redis=jobs_redis())
    found = {
        each.kind: each for each in watching.readings(watching.take_sample(redis=jobs_redis()), redis=jobs_redis())
    }
    assert found[AlertKind.CACHE_MISSES].is_over

    chunks.count(asked=1000, missing=10)
    measures.flush()
    assert availability.monitor_cache_performance_detailed()["hit_ratio"] == 0.99
    chunks.count(asked=5, missing=5)
    measures.flush()
    assert availability.monitor_cache_performance_detailed()["hit_ratio"] is None
    assert "hit_ratio" not in cache_figures.recorded(jobs=jobs_redis())
