"""Alerts: what is beyond its limit becomes an incident, told once when it begins and once when it is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from webapp.core import clock
from webapp.core.db import session
from webapp.core.errors import NotFound
from webapp.core.events import publish
from webapp.core.settings import settings
from webapp.core.words import say
from webapp.operations.events import AlertRaised, AlertRecovered
from webapp.operations.models import ABSENCES, HOURLY, Alert, AlertKind

# What has not been looked at for so long, such as the memory of a machine that is gone, is over.
FORGET_AFTER = timedelta(minutes=10)
FORGET_HOURLY_AFTER = timedelta(hours=3)
# To be over, a number has to fall this far below its limit, so that one at the limit does not ring every minute.
CLEARLY_BELOW = 0.9

# The key of the advisory lock that keeps two checks from settling at once: any number nobody else uses.
_SETTLING = 0xA1E27


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was measured, against what is all right at most: seconds, a share of 1, or a number of jobs."""

    kind: AlertKind
    subject: str
    value: float
    limit: float

    @property
    def is_over(self) -> bool:
        """True beyond the limit."""
        return self.value > self.limit

    @property
    def is_clear(self) -> bool:
        """True well within it."""
        return self.value <= self.limit * CLEARLY_BELOW


def failure_limit() -> float:
    """Return the share of attempts that may fail."""
    return settings().alert_failure_percent / 100


def memory_limit() -> float:
    """Return the share of its memory that a machine, or Redis, may use."""
    return settings().alert_memory_percent / 100


def cache_miss_limit() -> float:
    """Return the share of the lookups in the cache that may be in vain."""
    return settings().alert_cache_miss_percent / 100


def take_turn() -> bool:
    """Keep everybody else from settling until the end of the transaction; False when somebody is at it."""
    return bool(session().scalar(select(func.pg_try_advisory_xact_lock(_SETTLING))))


def settle(readings: Iterable[Reading], *, complete: Collection[AlertKind], by_watchman: bool = False) -> list[Alert]:
    """Raise an alert for what is over its limit and has none, and end those that are over; in the caller's transaction.

    `complete` are the kinds of which every subject beyond its limit is among the readings: the others are all right.
    Of what it raises, a watchman tells people himself. Returns what was raised.
    """
    session().execute(select(func.pg_advisory_xact_lock(_SETTLING)))
    now = clock.now()
    raised = []
    still_open = {(alert.kind, alert.subject): alert for alert in open_alerts()}
    for reading in readings:
        alert = still_open.pop((reading.kind, reading.subject), None)
        if alert is not None:
            _look_again(alert, reading)
        elif reading.is_over:
            raised.append(_raise(reading, is_told=by_watchman))
    for alert in still_open.values():
        if alert.kind in complete or _is_forgotten(alert, now):
            _recover(alert)
    return raised


def open_alerts() -> list[Alert]:
    """Return what is wrong now, the latest first."""
    query = select(Alert).where(Alert.recovered_at.is_(None)).order_by(Alert.raised_at.desc(), Alert.id.desc())
    return list(session().scalars(query.execution_options(populate_existing=True)))


def past_alerts(*, limit: int = 50) -> list[Alert]:
    """Return what was wrong and is over, the latest first."""
    query = select(Alert).where(Alert.recovered_at.is_not(None)).order_by(Alert.raised_at.desc(), Alert.id.desc())
    return list(session().scalars(query.limit(limit)))


def get(alert_id: UUID) -> Alert:
    """Return the alert with this id; raises NotFound."""
    alert = session().get(Alert, alert_id, populate_existing=True)
    if alert is None:
        raise NotFound(say("There is no such alert."))
    return alert


def _is_forgotten(alert: Alert, now: datetime) -> bool:
    """True for what nobody has looked at for long; who is absent is looked for by others (`jobs/watchman.py`)."""
    after = FORGET_HOURLY_AFTER if alert.kind in HOURLY else FORGET_AFTER
    return alert.kind not in ABSENCES and alert.seen_at < now - after


def _raise(reading: Reading, *, is_told: bool) -> Alert:
    alert = Alert(kind=reading.kind, subject=reading.subject[:200], value=reading.value, limit_value=reading.limit)
    session().add(alert)
    session().flush()
    publish(AlertRaised(alert_id=alert.id, is_told=is_told))
    return alert


def _look_again(alert: Alert, reading: Reading) -> None:
    if reading.is_clear:
        _recover(alert)
        return
    alert.seen_at = clock.now()
    alert.value = max(alert.value, reading.value)


def _recover(alert: Alert) -> None:
    alert.recovered_at = clock.now()
    session().flush()
    publish(AlertRecovered(alert_id=alert.id))
