"""`python -m bench bookings`: a busy installation: bookings at a steady rate, their mails, and slots from the cache."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from typing import Any

import psycopg

from bench import machine
from bench.bookings.client import Guest, book_at_a_rate, read_for
from bench.bookings.mailbox import Mailbox, mail_server
from bench.installation import ROOT, Installation, installation
from bench.report import BenchError, Report, Target, percentile, table, targets_table
from devserver.servers import free_port

SUMMARY = "bookings: the time to book and until the confirmation is at the mail server, and slots from the cache"

HOSTS = 100
RATE = 20
GUESTS = 8
# What guests' programs look at: a week of one event type.
WEEK = timedelta(days=6)
FIRST_FREE_DAY = 5
_READY_SECONDS = 60
_MAIL_SECONDS = 60


def add_options(parser: argparse.ArgumentParser) -> None:
    """There is nothing that this bench alone can be told."""


def measure(options: argparse.Namespace) -> Report:
    """Fill a database, start what production runs, and be its guests; raises BenchError when something is refused."""
    bookings, seconds = (10_000, 5) if options.quick else (100_000, 30)
    with installation() as servers, mail_server() as (mail_url, box):
        where = machine.describe(servers)
        options.say(f"Filling in {bookings} bookings")
        _fill(servers, bookings)
        port = _start(servers, mail_url)
        _warm_up(port)
        options.say(f"Booking {RATE} times a second for {seconds} s")
        posts = book_at_a_rate(port, _orders(seconds * RATE), rate=RATE, guests=GUESTS)
        waits = _waits(servers, box, len(posts))
        options.say(f"Looking at slots for {seconds} s")
        rate, looks = read_for(port, _paths(), seconds=seconds, guests=GUESTS)
    found = figures(posts, waits, rate, looks, where=where, bookings=bookings, quick=options.quick)
    return Report(name="bookings", figures=found, text=text(found))


def _fill(servers: Installation, bookings: int) -> None:
    command = [sys.executable, "-m", "bench.bookings.fill", str(bookings), str(HOSTS)]
    done = subprocess.run(command, cwd=ROOT, env=servers.environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"the database cannot be filled:\n{done.stderr[-2000:]}")


def _start(servers: Installation, mail_url: str) -> int:
    """Start web, worker and scheduler as production does; return the port of the web server when it answers."""
    port = free_port()
    environment = servers.environment() | {
        "FLASK_APP": "wsgi:app",
        "SMTP_URL": mail_url,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "RATE_LIMIT_PUBLIC": "1000000 per minute",
    }
    commands = {
        "web": ("gunicorn", "wsgi:app"),
        "worker": ("jobs.worker", "--processes", "2"),
        "scheduler": ("jobs.scheduler",),
    }
    programs = {
        name: servers.program(name, sys.executable, "-m", *command, environment=environment)
        for name, command in commands.items()
    }
    for program in programs.values():
        program.start()
    until = time.monotonic() + _READY_SECONDS
    while not _is_ready(port):
        if time.monotonic() > until:
            raise BenchError(f"the web server does not get ready:\n{programs['web'].last_words()}")
        time.sleep(0.2)
    return port


def _is_ready(port: int) -> bool:
    try:
        guest = Guest(port)
        guest.get("/readyz")
        guest.close()
    except (OSError, BenchError):
        return False
    return True


def _warm_up(port: int) -> None:
    """Have every process book and look once, so that nothing is loaded or compiled while the clock runs."""
    book_at_a_rate(port, _orders(4 * GUESTS, hour=18), rate=RATE, guests=GUESTS)
    read_for(port, _paths(), seconds=2, guests=GUESTS)


def _day(number: int) -> date:
    return datetime.now(UTC).date() + timedelta(days=FIRST_FREE_DAY + number)


def _orders(count: int, *, hour: int = 9) -> list[tuple[str, dict[str, Any]]]:
    """Return so many bookings: of one host after the other, and then of the first one's next half-hour."""
    orders = []
    for number in range(count):
        turn, host = divmod(number, HOSTS)
        start = datetime.combine(_day(0), time_of_day(hour), UTC) + turn * timedelta(minutes=30)
        guest = {"name": f"Guest {number}", "email": f"guest-{hour}-{number}@example.com"}
        body = {"start": start.isoformat(), "timezone": "Europe/Berlin", "invitee": guest}
        orders.append((f"/api/v1/public/bench/talk-{host}/bookings", body))
    return orders


def _paths() -> list[str]:
    when = f"start={_day(0)}&end={_day(0) + WEEK}&timezone=Europe/Berlin"
    return [f"/api/v1/public/bench/talk-{host}/slots?{when}" for host in range(HOSTS)]


def _waits(servers: Installation, box: Mailbox, count: int) -> list[float]:
    """Return how many milliseconds after its transaction began each guest's confirmation was at the mail server."""
    with psycopg.connect(servers.postgres.url) as connection:
        rows = connection.execute(
            "SELECT guest_email, extract(epoch FROM created_at)::float8 FROM booking WHERE guest_email LIKE 'guest-9-%'"
        ).fetchall()
    until = time.monotonic() + _MAIL_SECONDS
    while any(guest not in box.first for guest, _ in rows) and time.monotonic() < until:
        time.sleep(0.1)
    waits = [(box.first[guest] - booked) * 1000 for guest, booked in rows if guest in box.first]
    if len(waits) < count:
        raise BenchError(f"only {len(waits)} of {count} guests got their confirmation.")
    return waits


def figures(
    posts: Sequence[float],
    waits: Sequence[float],
    rate: float,
    looks: Sequence[float],
    *,
    where: dict[str, Any],
    bookings: int,
    quick: bool,
) -> dict[str, Any]:
    """Return milliseconds by what was done, and how many looks at slots were answered a second."""
    return {
        "quick": quick,
        "machine": where,
        "bookings": bookings,
        "post_ms": _percentiles(posts),
        "confirmation_ms": _percentiles(waits),
        "slots_per_second": round(rate, 1),
        "slots_ms": _percentiles(looks),
    }


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    return {name: round(percentile(values, share), 1) for name, share in shares.items()} | {"samples": len(values)}


def text(found: Mapping[str, Any]) -> str:
    """Return the tables."""
    rows = [
        ("POST of a booking", "post_ms"),
        ("Confirmation at the mail server", "confirmation_ms"),
        ("GET of a week's slots", "slots_ms"),
    ]
    return "\n\n".join(
        [
            machine.sentence(found["machine"]),
            f"{found['bookings']:,} bookings in the table." + (" A quick look." if found["quick"] else ""),
            table(
                ["", "p50", "p95", "p99", "Samples"],
                [
                    [
                        label,
                        *(f"{found[name][share]:,.1f} ms" for share in ("p50", "p95", "p99")),
                        f"{found[name]['samples']:,}",
                    ]
                    for label, name in rows
                ],
            ),
            targets_table(targets_of(found)),
        ]
    )


def targets_of(found: Mapping[str, Any]) -> list[Target]:
    """Return the numbers to reach."""
    post, mail = found["post_ms"]["p95"], found["confirmation_ms"]["p95"]
    return [
        Target(what=f"POST at {RATE} bookings a second, p95", wanted=80, measured=post, unit=" ms", at_most=True),
        Target(what="confirmation at the mail server, p95", wanted=250, measured=mail, unit=" ms", at_most=True),
        Target(what="slots from the cache", wanted=500, measured=found["slots_per_second"], unit="/s"),
    ]
