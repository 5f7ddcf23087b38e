"""The measuring, as a program in the environment of an installation: `python -m bench.slots.laps ROUNDS HOSTS`.

Prints one JSON object: for each label the milliseconds of every lap, by the clock and of the processor. Every round
takes all labels in turn, so that what disturbs one disturbs them all, and each a few times running, as guests come: a
lap after something else finds the processor's own caches full of that, one after its like does not. All of them count.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import available_timezones

from flask import Flask
from sqlalchemy import update
from werkzeug.test import create_environ, run_wsgi_app

from bench.report import BenchError
from bench.slots import straightforward
from bench.slots.studio import GUEST_ZONE, Studio, fill
from webapp import create_app
from webapp.core.db import session, transaction
from webapp.scheduling import queries
from webapp.scheduling.minutes import DAY, midnight_of, moment_of, now_minute
from webapp.scheduling.models import EventType
from webapp.scheduling.models.versions import availability_version
from webapp.scheduling.service.diaries import lineups
from webapp.scheduling.service.offers import rules_for
from webapp.scheduling.slots import offered

Lap = Callable[[], Any]

RUNNING = 5
# What takes long is measured once in a round, and what takes seconds in every so many rounds only.
LONG = {"team_cold", "straightforward_team_cold"}
SLOW = {"straightforward_team_cold": 20}
CHANGED_BEFORE = {"cold", "team_cold"}


def main(rounds: int, hosts: int) -> None:
    """Fill the database, see that both give the same answers, and measure."""
    app = create_app()
    with app.app_context():
        studio = fill(hosts=hosts)
        laps: dict[str, Lap] = {
            "cold": partial(_request, app, studio, studio.alone),
            "other_process": _request_each_in_another_zone(app, studio, studio.alone),
            "cached": partial(_request, app, studio, studio.alone),
            "straightforward_cold": partial(_straightforward, app, studio, studio.alone),
            "engine": _engine(studio),
            "straightforward_engine": _straightforward_engine(studio),
            "team_cold": partial(_request, app, studio, studio.team),
            "team_cached": partial(_request, app, studio, studio.team),
            "straightforward_team_cold": partial(_straightforward, app, studio, studio.team),
        }
    for label, lap in laps.items():
        if label.startswith("straightforward_"):
            _require_same(label, _starts(lap()), _starts(laps[label.removeprefix("straightforward_")]()))
    gc.collect()
    gc.freeze()  # as the web server does before it forks
    print(json.dumps(_measure(app, laps, rounds)))  # what this program is for: `bench` reads it


def _require_same(label: str, theirs: list[datetime], ours: list[datetime]) -> None:
    if theirs != ours or not ours:
        raise BenchError(f"{label}: {len(theirs)} starts here and {len(ours)} there, which should be the same ones.")


def _starts(answer: Any) -> list[datetime]:
    """Return the starts in an answer of any of the laps."""
    if isinstance(answer, bytes):
        return [datetime.fromisoformat(slot["start"]) for slot in json.loads(answer)["slots"]]
    return [start if isinstance(start, datetime) else moment_of(start) for start in answer]


def _measure(app: Flask, laps: dict[str, Lap], rounds: int) -> dict[str, list[tuple[float, float]]]:
    taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for number in range(rounds):
        for label, lap in laps.items():
            if label in SLOW and number % SLOW[label]:
                continue
            gc.collect()  # what one leaves behind is not the next one's to clear away
            for _ in range(1 if label in LONG else RUNNING):
                if label in CHANGED_BEFORE:
                    _change(app)
                taken[label].append(_time(lap))
    return taken


def _time(lap: Lap) -> tuple[float, float]:
    began, worked = time.perf_counter(), time.process_time()
    lap()
    return (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000


def _change(app: Flask) -> None:
    """Make all that was worked out before out of date, in Redis and in this process, as each change does."""
    with app.app_context(), transaction():
        session().execute(update(availability_version).values(version=availability_version.c.version + 1))


def _request_each_in_another_zone(app: Flask, studio: Studio, event_type: EventType) -> Lap:
    """Return a lap that finds in Redis what it needs, but nothing that this process has written before."""
    zones = iter(sorted(available_timezones() - {GUEST_ZONE.key}))
    return lambda: _request(app, studio, event_type, zone=next(zones))


def _request(app: Flask, studio: Studio, event_type: EventType, *, zone: str = GUEST_ZONE.key) -> bytes:
    """Ask as a guest's program would, with all of the server's own work; return the body."""
    query = {"start": studio.first.isoformat(), "end": studio.last.isoformat(), "timezone": zone}
    environ = create_environ(f"/api/v1/public/bench/{event_type.slug}/slots", query_string=query)
    body, status, _headers = run_wsgi_app(app.wsgi_app, environ, buffered=True)
    if status != "200 OK":
        raise BenchError(f"the slots are answered with {status}.")
    return b"".join(body)


def _straightforward(app: Flask, studio: Studio, event_type: EventType) -> bytes:
    """Answer the same without a web server around it."""
    with app.app_context():
        found = queries.public_event_type("bench", event_type.slug)
        hosts = straightforward.read(found, first=studio.first, last=studio.last)
        session().close()  # no transaction outlasts the seconds that follow
        starts = straightforward.offered(found, hosts, first=studio.first, last=studio.last, zone=GUEST_ZONE)
        return json.dumps({"slots": [{"start": start.isoformat()} for start in starts]}).encode()


def _engine(studio: Studio) -> Lap:
    """Return the engine alone, on the diary of the one host."""
    rules = rules_for(studio.alone)
    begin, until = midnight_of(studio.first), midnight_of(studio.last) + DAY
    (lineup,) = lineups(studio.alone, rules, begin=begin, until=until, moving=None)
    when: dict[str, Any] = {"first": studio.first, "last": studio.last, "zone": GUEST_ZONE}
    return lambda: offered(rules, lineup.diaries, now=now_minute(), **when)


def _straightforward_engine(studio: Studio) -> Lap:
    """Return what it is compared with, on the same rows."""
    hosts = straightforward.read(studio.alone, first=studio.first, last=studio.last)
    return partial(straightforward.offered, studio.alone, hosts, first=studio.first, last=studio.last, zone=GUEST_ZONE)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
