"""What a rate promises, at its full length: `make test ARGS="-m slow -k over_minutes"`."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.jobs import limited
from tests.jobs.workers import Worker, eventually
from tests.operations.conftest import our_process

LIMIT, PERIOD, PERIODS = 240, 60.0, 3
JOBS = LIMIT * (PERIODS + 1)


@pytest.mark.slow
def test_eight_workers_never_start_more_in_any_minute_and_waste_less_than_two_in_a_hundred(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_APP", "tests.jobs.limited_app:app")
    limited.two_hundred_and_forty_a_minute.enqueue_many([{} for _ in range(JOBS)])
    with our_process("jobs.scheduler"), Worker(tmp_path, processes=8):
        eventually(lambda: len(limited.begun()) == JOBS, seconds=PERIOD * (PERIODS + 1))
    moments = limited.begun()
    crowded = [(first, last) for first, last in zip(moments, moments[LIMIT:], strict=False) if last - first <= PERIOD]
    assert crowded == []
    # The first 240 may start at once, and each further 240 a minute after those before them.
    assert PERIODS * PERIOD / (moments[-LIMIT] - moments[0]) >= 0.98
