"""Open times: worked out ahead, thrown away when they are over, watched, and held against the bookings."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from jobs.mailing import send_mail
from jobs.runtime import group, job, progress
from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.logs import get_logger
from webapp.core.redis import cache_redis, jobs_redis
from webapp.identity.queries import find_membership
from webapp.operations import cache_figures
from webapp.scheduling import chunks, messages_of_reports, queries
from webapp.scheduling.events import AvailabilityChanged, AvailabilityFaultsFound, Change
from webapp.scheduling.service import integrity
from webapp.scheduling.service.precompute import forget, precompute, spread, weeks_ahead

DIRTY_BATCH = 200
# An hour's refreshes are over before the next ones begin.
REFRESH_OVER = timedelta(minutes=50)

log = get_logger(__name__)


@job(queue="bookings", lane="low", retry="never", soft_time_limit=300)
def precompute_availability_cache(organizer_id: UUID, days: int | None = None) -> dict[str, Any]:
    """Work out a person's open times, week by week, of every event type and length, for so many days ahead."""
    began, made = time.perf_counter(), 0
    with transaction():
        event_types = [
            each for each in queries.active_event_types(host_ids=[organizer_id]) if each.host_id == organizer_id
        ]
    for number, event_type in enumerate(event_types, 1):
        with transaction():
            made += precompute(event_type, weeks=weeks_ahead(event_type, days=days))
        progress(number, len(event_types))
    seconds = round(time.perf_counter() - began, 3)
    log.info("open times worked out", event_types=len(event_types), chunks=made, seconds=seconds)
    return {"event_types": len(event_types), "chunks": made, "seconds": seconds}


@job(queue="maintenance")
def refresh_availability_cache_for_all_organizers() -> dict[str, int]:
    """Have everybody's open times worked out ahead, one job for each person, spread over the hour."""
    with transaction():
        organizers = queries.organizers()
        for number, organizer_id in enumerate(organizers):
            when = clock.now() + spread(number, len(organizers), over=REFRESH_OVER)
            precompute_availability_cache.once_at(when, f"availability:precompute:{organizer_id}", organizer_id)
    return {"organizers": len(organizers)}


@job(queue="bookings", lane="low", retry="never", soft_time_limit=240)
def process_dirty_availability_cache() -> dict[str, int]:
    """Work out anew what changes have made out of date; what a killed run had taken off the list is worked out later,
    by whoever asks for it.
    """
    made = 0
    while dirty := chunks.take_dirty(DIRTY_BATCH):
        for event_type_id, weeks in dirty.items():
            with transaction():
                event_type = queries.find_event_type(event_type_id)
                if event_type and event_type.is_active:
                    made += sum(precompute(event_type, weeks=range(week, week + 1)) for week in sorted(weeks))
    return {"chunks": made}


@job(queue="bookings", lane="high", retry="never", durable=False, on=AvailabilityChanged)
def clear_availability_cache(
    change: Change,
    host_ids: list[UUID],
    event_type_id: UUID | None = None,
    begin: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, int]:
    """Throw away what a change has made out of date, in just the weeks concerned, and mark it to be worked out anew.

    Nobody is shown it in any case: the versions see to that. So this is cheap to lose.
    """
    dropped = 0
    with transaction():
        concerned = queries.active_event_types(host_ids=host_ids) if host_ids else []
        if event_type_id and (found := queries.find_event_type(event_type_id)):
            concerned.append(found)
        for event_type in concerned:
            dropped += forget(event_type, begin=begin, until=until)
    log.debug("open times thrown away", change=change.value, event_types=len(concerned), chunks=dropped)
    return {"chunks": dropped}


@job(queue="maintenance", retry="never", soft_time_limit=30, time_limit=60)
def monitor_cache_performance_detailed() -> dict[str, Any]:
    """Write down how the cache does, for `/metrics`, the console and the alerts."""
    figures = cache_figures.take(cache=cache_redis(), jobs=jobs_redis())
    cache_figures.record(figures, jobs=jobs_redis())
    log.info("cache performance", **figures)
    return figures


@job(queue="maintenance", soft_time_limit=600)
def validate_availability_data_integrity() -> dict[str, int]:
    """Look for overlaps, seats that do not add up and terms that nobody can meet; write each organisation a report."""
    with transaction():
        found = integrity.look()
    with transaction():
        reports = integrity.report(found)
    return {"organizations": len(reports), "findings": sum(len(report.findings) for report in reports)}


@job(queue="maintenance", atomic=True, on=AvailabilityFaultsFound)
def tell_administrators_of_availability_faults(report_id: UUID) -> None:
    """Have everybody who manages the organisation told of what was found."""
    group(*(send_availability_report.s(report_id, member.id) for member in integrity.readers(report_id))).enqueue()


@job(queue="email", retry="notification")
def send_availability_report(report_id: UUID, membership_id: UUID) -> None:
    """Tell one member what was found; nobody is told of a report that a newer one has taken the place of."""
    if report := integrity.find_report(report_id):
        send_mail(messages_of_reports.availability_report(report, to=find_membership(membership_id)))
