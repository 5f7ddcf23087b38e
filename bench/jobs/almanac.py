"""The work as jobs of Almanac, and the application that declares them: `FLASK_APP=bench.jobs.almanac:app`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from bench.jobs import almanac_delays, body
from jobs.runtime import Job, job
from webapp import create_app
from webapp.core.db import after_commit, transaction

# As many as a busy request or a fan-out would enqueue together.
TRANSACTION_SIZE = 100
MANY = 1000
LINGER_SECONDS = 60

app = create_app()


@job(queue="bookings", durable=False)
def noop_transient(number: int) -> None:
    """Nothing, without a row."""
    body.noop(number)


@job(queue="bookings")
def noop_durable(number: int) -> None:
    """Nothing, with a row: claimed, fenced and closed."""
    body.noop(number)


@job(queue="bookings", durable=False)
def stamp_transient(number: int) -> None:
    """Say when it began, without a row."""
    body.stamp(number)


@job(queue="bookings")
def stamp_durable(number: int) -> None:
    """Say when it began, with a row."""
    body.stamp(number)


@job(queue="bookings")
def linger(number: int) -> None:
    """Say when it began and then stay, for whoever kills its worker."""
    body.stamp(number)
    time.sleep(LINGER_SECONDS)


def _fill(declared: Job[[int], None], count: int) -> None:
    """One call, one transaction, one push for each: what `.delay()` is elsewhere."""
    with app.app_context():
        for number in range(count):
            declared.enqueue(number)


def _fill_in_transactions(declared: Job[[int], None], count: int) -> None:
    """A transaction for every hundred, its commit and its push included."""
    with app.app_context():
        for first in range(0, count, TRANSACTION_SIZE):
            with transaction():
                for number in range(first, min(first + TRANSACTION_SIZE, count)):
                    declared.enqueue(number)


def _fill_many(count: int) -> None:
    """A call of `enqueue_many`, and so a transaction, for every thousand."""
    with app.app_context():
        for first in range(0, count, MANY):
            noop_durable.enqueue_many([{"number": number} for number in range(first, min(first + MANY, count))])


def _fill_later(fill: Callable[[Job[[int], None], int], None], count: int) -> None:
    with app.app_context():
        fill(noop_durable, count)


def _send_stamp(declared: Job[[int], None]) -> int:
    """Enqueue one and return the moment of its commit, before anything goes to Redis."""
    committed: list[int] = []
    with app.app_context(), transaction():
        after_commit(lambda: committed.append(time.monotonic_ns()))
        declared.enqueue(0)
    return committed[0]


FILL: Mapping[str, Callable[[int], None]] = {
    "almanac_transient": partial(_fill, noop_transient),
    "almanac_durable": partial(_fill_in_transactions, noop_durable),
    "almanac_one_by_one": partial(_fill, noop_durable),
    "almanac_many": _fill_many,
    "linger": partial(_fill, linger),
    "later_at_once": partial(_fill_later, almanac_delays.fill_at_once),
    "later_one_by_one": partial(_fill_later, almanac_delays.fill_one_by_one),
}
STAMP: Mapping[str, Callable[[], int]] = {
    "almanac_transient": partial(_send_stamp, stamp_transient),
    "almanac_durable": partial(_send_stamp, stamp_durable),
}
