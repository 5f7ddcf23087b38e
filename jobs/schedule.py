"""The default periodic table: what runs when, and in whose time."""

from __future__ import annotations

from jobs import bookings, operations
from jobs.runtime import Cron, Every

SCHEDULE = (
    Every(operations.check_system_health, Cron("* * * * *")),
    Every(bookings.cleanup_expired_waitlist_entries, Cron("*/5 * * * *")),
    Every(bookings.remove_expired_holds, Cron("*/5 * * * *")),
    Every(operations.monitor_job_performance, Cron("7 * * * *")),
    Every(bookings.monitor_booking_system_health, Cron("11 * * * *")),
    Every(bookings.cleanup_expired_access_tokens, Cron("40 3 * * *")),
    Every(bookings.mark_no_shows, Cron("*/15 * * * *")),
)
