"""Somebody who is there when no worker is, or none is free: looks for alerts in their place, and mails by itself.

One is beside every scheduler and every worker's parent. It misses workers, a scheduler or Redis, says how much memory
its machine uses, and looks for all other alerts when no job has done so for long. What it finds becomes an alert like
any other, which the database has once however many find it; the watchman whose alert it became sends the mails itself,
for there may be nobody else to do it. Of the recovery jobs can tell again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from threading import Event
from types import MappingProxyType
from uuid import UUID

from flask import Flask
from redis import Redis, RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobs import watching
from jobs.mailing import send_mail
from webapp.core.db import db, transaction
from webapp.core.errors import NotFound
from webapp.core.failures import TemporaryFailure
from webapp.core.logs import get_logger
from webapp.core.redis import jobs_redis
from webapp.core.settings import settings
from webapp.identity.queries import find_membership
from webapp.notifications.errors import MailRefused
from webapp.operations import alerts, memory, messages, queries, samples
from webapp.operations.alerts import Reading
from webapp.operations.models import Alert, AlertKind
from webapp.operations.service import operators

LONGEST_PAUSE_SECONDS = 2.0

SUBJECTS: Mapping[AlertKind, str] = MappingProxyType(
    {AlertKind.NO_WORKER: "workers", AlertKind.NO_SCHEDULER: "scheduler", AlertKind.NO_REDIS: "Redis"}
)

log = get_logger(__name__)


class Watchman:
    """Remembers since when who is missed, and whom it has yet to tell."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._began = time.monotonic()
        self._missed_since: dict[AlertKind, float] = {}
        self._untold: list[tuple[UUID, UUID]] = []

    def look(self) -> None:
        """Look once. Needs an application context; raises sqlalchemy's errors when the database is away."""
        present = _present(self._redis)
        try:
            self._untold += self._miss(present)
            if present[AlertKind.NO_REDIS]:
                memory.report(redis=self._redis)
                self._untold += self._stand_in()
        finally:
            self._untold = [(alert, member) for alert, member in self._untold if not _tell(alert, member)]

    def has_settled_in(self) -> bool:
        """True once it has been there for so long that, if jobs could look for alerts, one would have."""
        return time.monotonic() - self._began > settings().alert_check_seconds

    def _miss(self, present: Mapping[AlertKind, bool]) -> list[tuple[UUID, UUID]]:
        """Raise and end the alerts about who is missing; return whom to tell of which."""
        readings = self._readings(present)
        with transaction():
            missed = {alert.kind for alert in alerts.open_alerts() if alert.kind in SUBJECTS}
            news = [reading for reading in readings if reading.is_over or reading.kind in missed]
            return _to_tell(alerts.settle(news, complete=(), by_watchman=True) if news else [])

    def _stand_in(self) -> list[tuple[UUID, UUID]]:
        """Look for alerts when no job has for long; return whom to tell of which.

        That is of all that are open: a job may have found one, and nobody have been free to tell.
        """
        with transaction():
            if not (self.has_settled_in() and alerts.take_turn() and _is_overdue()):
                return []
            watching.settle(watching.take_sample(redis=self._redis), redis=self._redis, by_watchman=True)
            return _to_tell(alerts.open_alerts())

    def _readings(self, present: Mapping[AlertKind, bool]) -> list[Reading]:
        """Return what is known for sure: who is there, and who was not for longer than is all right.

        A Redis that is away says nothing of the others.
        """
        now = time.monotonic()
        self._missed_since = {kind: self._missed_since.get(kind, now) for kind, is_so in present.items() if not is_so}
        limit = settings().alert_absence_seconds
        values = {kind: now - self._missed_since.get(kind, now) for kind in present}
        return [
            Reading(kind=kind, subject=SUBJECTS[kind], value=values[kind], limit=limit)
            for kind, is_so in present.items()
            if is_so or values[kind] > limit
        ]


def keep_watch(app: Flask, *, is_wanted: Callable[[], bool]) -> None:
    """Look every other second for as long as `is_wanted`."""
    watchman = Watchman(jobs_redis())
    pause = Event()
    while is_wanted():
        pause.wait(min(LONGEST_PAUSE_SECONDS, settings().alert_absence_seconds / 4))
        with app.app_context():
            try:
                watchman.look()
            except (DBAPIError, PoolTimeout) as error:
                log.warning("the database is away: nothing is seen", error=str(error.__cause__ or error).strip())
            except Exception:
                log.exception("the watchman could not look")  # but perhaps the next time
            finally:
                db.session.remove()


def _present(redis: Redis) -> dict[AlertKind, bool]:
    try:
        return {
            AlertKind.NO_REDIS: True,
            AlertKind.NO_WORKER: bool(queries.live_workers(redis=redis)),
            AlertKind.NO_SCHEDULER: queries.scheduler_leader(redis=redis) is not None,
        }
    except RedisError:
        return {AlertKind.NO_REDIS: False}


def _is_overdue() -> bool:
    age = samples.age()
    return age is None or age > timedelta(seconds=settings().alert_check_seconds)


def _to_tell(found: Iterable[Alert]) -> list[tuple[UUID, UUID]]:
    return [(alert.id, member.id) for alert in found for member in operators()]


def _tell(alert_id: UUID, membership_id: UUID) -> bool:
    """Mail a member about an alert; False when that is to be tried again."""
    try:
        with transaction():
            mail = messages.alert_raised(alerts.get(alert_id), to=find_membership(membership_id))
        send_mail(mail)
    except TemporaryFailure as failure:
        log.warning("nobody can be told of an alert yet", alert_id=str(alert_id), error=str(failure))
        return False
    except (MailRefused, NotFound) as failure:
        log.error("a member cannot be told of an alert", alert_id=str(alert_id), error=str(failure))
    return True
