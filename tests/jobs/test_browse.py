"""Lists of runs: the same however they are asked for, and never a walk through the whole table."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from bench.jobs.rows import FILL
from jobs.runtime import browse
from jobs.runtime.browse import RunFilter, Standing
from tests.operations.background import later
from webapp.core import clock
from webapp.core.db import session, transaction

ROWS = 20_000


@pytest.fixture
def many(app: Flask) -> None:
    with transaction():
        session().execute(text(FILL), {"rows": ROWS})
    with transaction():
        session().execute(text("ANALYZE job_run"))


def everything(wanted: RunFilter, *, limit: int = 100) -> list[Any]:
    """All runs that fit, page by page."""
    rows: list[Any] = []
    before = None
    while True:
        with transaction():
            page = browse.page(wanted, before=before, limit=limit)
        rows += page.items
        before = page.next
        if before is None:
            return rows


CANCELLED = Standing.CANCELLED
FILTERS = [
    (RunFilter(standing=Standing.DEAD), "state = 'dead'"),
    (RunFilter(standing=Standing.RUNNING), "state = 'running'"),
    (RunFilter(standing=Standing.QUEUED), "state = 'waiting' AND run_at <= now()"),
    (RunFilter(standing=Standing.SCHEDULED), "state = 'waiting' AND run_at > now()"),
    (RunFilter(name="rare.job"), "name = 'rare.job'"),
    (RunFilter(name="usual.job_3", standing=CANCELLED), "name = 'usual.job_3' AND state = 'cancelled'"),
    (RunFilter(name="rare.job", queue="email"), "name = 'rare.job' AND queue = 'email'"),
    (RunFilter(queue="email", standing=CANCELLED), "queue = 'email' AND state = 'cancelled'"),
    (RunFilter(text="Number 1999"), "arguments::text ILIKE '%number 1999%'"),
    (RunFilter(text="77", standing=CANCELLED), "arguments::text LIKE '%77%' AND state = 'cancelled'"),
]


def test_every_run_that_fits_is_found_once_newest_first(many: None) -> None:
    for wanted, condition in FILTERS:
        expected = list(session().scalars(text(f"SELECT id FROM job_run WHERE {condition} ORDER BY id DESC")))
        session().rollback()
        assert expected
        assert [row.id for row in everything(wanted)] == expected, wanted


def test_a_stretch_of_time(many: None) -> None:
    wanted = RunFilter(since=later(hours=-2), until=later(hours=-1))
    found = everything(wanted, limit=1000)
    assert len(found) == pytest.approx(3600, abs=5)
    assert all(later(hours=-2, seconds=-5) < browse.moment_of(row.id) < later(hours=-1) for row in found)


def test_no_filter_walks_through_the_table(many: None) -> None:
    for wanted, _condition in FILTERS:
        if wanted.text:
            continue
        read = browse._candidates(wanted, None, look_at=26)
        compiled = read.element.compile(dialect=session().get_bind().dialect, compile_kwargs={"literal_binds": True})
        with transaction():
            plan = "\n".join(session().scalars(text(f"EXPLAIN {compiled}".replace(":", r"\:"))))
        assert "Seq Scan" not in plan, (wanted, plan)


def test_looking_for_a_text_ends_in_time_and_says_how_far_it_got(many: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "LOOK_SECONDS", 0.0)
    with transaction():
        page = browse.page(RunFilter(text="number 1 "))
    assert page.items == []
    assert page.looked_back_to is not None
    looked = clock.now() - page.looked_back_to
    assert looked == pytest.approx(timedelta(seconds=browse.LOOK_AT), abs=timedelta(seconds=30))
    monkeypatch.undo()
    assert len(everything(RunFilter(text='"number 1"'))) == 1


def test_names_and_counts(many: None) -> None:
    with transaction():
        assert browse.names() == sorted(["rare.job", *(f"usual.job_{n}" for n in range(20))])
        counted = browse.tally()
        sql = "SELECT count(*) FILTER (WHERE run_at > now()), count(*) FROM job_run WHERE state = 'waiting'"
        scheduled, waiting = session().execute(text(sql)).one()
    assert (counted[Standing.SCHEDULED], counted[Standing.QUEUED]) == (scheduled, waiting - scheduled)
