"""The default periodic table: what runs when, and in whose time."""

from __future__ import annotations

from jobs import availability, bookings, operations
from jobs.runtime import Cron, Every

SCHEDULE = (
    Every(operations.check_system_health, Cron("* * * * *")),
    Every(bookings.cleanup_expired_waitlist_entries, Cron("*/5 * * * *")),
    Every(bookings.remove_expired_holds, Cron("*/5 * * * *")),
    Every(operations.monitor_job_performance, Cron("7 * * * *")),
    Every(bookings.monitor_booking_system_health, Cron("11 * * * *")),
    Every(bookings.cleanup_expired_access_tokens, Cron("40 3 * * *")),
    Every(bookings.mark_no_shows, Cron("*/15 * * * *")),
    Every(availability.refresh_availability_cache_for_all_organizers, Cron("3 * * * *")),
    Every(availability.process_dirty_availability_cache, Cron("*/5 * * * *")),
    Every(availability.monitor_cache_performance_detailed, Cron("17 * * * *")),
    Every(availability.validate_availability_data_integrity, Cron("40 3 * * *")),
)
