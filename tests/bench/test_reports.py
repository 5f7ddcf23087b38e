"""The figures that programs read and the tables that people read say what was measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.installation import ROOT
from bench.jobs.contenders import CONTENDERS, PEERS, chosen
from bench.jobs.race import Laps
from bench.jobs.results import figures, targets_of, text
from bench.report import BenchError, Spread, percentile, replace_section

WHERE: dict[str, Any] = {
    "processor": "A chip",
    "cores": 2,
    "memory_gb": 8.0,
    "system": "Linux 6",
    "python": "3.11",
    "postgresql": "18",
    "redis": "6",
    "sync_ms": 0.5,
    "load_before": 0.1,
    "taken_at": "2026-01-01T00:00+00:00",
}


@pytest.fixture
def laps() -> Laps:
    peers = {peer: [100.0, 200.0, 400.0] for peer in PEERS}
    return Laps(
        rates={"almanac_durable": [200.0, 200.0, 200.0], "almanac_transient": [500.0, 1000.0, 2000.0], **peers},
        enqueue={"almanac_durable": [300.0, 600.0, 1200.0], "almanac_many": [9000.0], **peers},
        pickup_ms={"almanac_durable": [float(wait) for wait in range(1, 101)], "celery": [3.0]},
        ran_twice={"almanac": 0, "celery": 2},
    )


def test_figures_have_the_shape_that_other_programs_know(laps: Laps) -> None:
    found = json.loads(json.dumps(figures(laps, where=WHERE, quick=True)))

    assert found["rates"].keys() == {"almanac_durable", "almanac_transient", "celery", "dramatiq", "huey", "rq"}
    for comparison in ("transient", "durable", "enqueue"):
        assert found["ratios"][comparison].keys() == set(PEERS)
    assert found["pickup_ms"] == {"p50": 50.0, "p99": 99.0, "samples": 100}


def test_a_ratio_compares_the_two_rates_of_one_round(laps: Laps) -> None:
    found = figures(laps, where=WHERE, quick=False)

    assert found["ratios"]["transient"]["celery"] == 5.0
    assert found["ratios"]["durable"]["celery"] == 1.0
    assert found["spread"]["ratios"]["durable"]["celery"] == [0.5, 2.0]
    assert found["ratios"]["enqueue"]["rq"] == 3.0


def test_targets_that_are_missed_are_marked(laps: Laps) -> None:
    found = figures(laps, where=WHERE, quick=False)

    missed = {target.what for target in targets_of(found) if not target.reached}
    assert missed == {
        "`durable=False` over RQ's own worker",
        "durable over RQ's own worker",
        "wait when idle, p50",
        "wait when idle, p99",
    }
    assert text(found).count("**no**") == len(missed)
    assert "Jobs that ran twice: 2 of celery." in text(found)


def test_some_contenders_alone_make_a_report_without_targets(laps: Laps) -> None:
    alone = Laps(rates={"celery": laps.rates["celery"]}, enqueue={"celery": [1.0]}, pickup_ms={"celery": [1.0]})

    found = figures(alone, where=WHERE, quick=True)

    assert found["ratios"] == {}
    assert targets_of(found) == []
    assert "Celery" in text(found)
    assert "so many times" not in text(found)


def test_a_section_is_replaced_and_the_rest_of_the_page_kept(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- jobs -->\nold\n<!-- /jobs -->\nafter\n")

    replace_section(page, name="jobs", text="new")
    replace_section(page, name="jobs", text="newer")

    assert page.read_text() == "before\n<!-- jobs -->\n\nnewer\n\n<!-- /jobs -->\nafter\n"


def test_a_page_without_the_section_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="has no section"):
        replace_section(tmp_path / "missing.md", name="jobs", text="new")
    assert not (tmp_path / "missing.md").exists()


def test_the_published_page_has_a_section_for_each_bench() -> None:
    from bench.__main__ import BENCHES

    page = (ROOT / "docs" / "performance.md").read_text()
    assert all(f"<!-- {name} -->" in page and f"<!-- /{name} -->" in page for name in BENCHES)


def test_a_contender_that_nobody_knows_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(BenchError, match="'cellery': choose from almanac, celery, dramatiq, huey, rq"):
        chosen("almanac,cellery")
    assert [each.name for each in chosen("almanac")] == ["almanac"]


def test_contenders_share_one_redis_but_no_database() -> None:
    assert len({each.database for each in CONTENDERS}) == len(CONTENDERS)


def test_percentiles_are_values_that_were_measured() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([float(number) for number in range(1, 201)], 0.99) == 198.0
    assert percentile([7.0], 0.99) == 7.0
    assert Spread.of([3, 1, 2]) == Spread(2, 1, 3)


def test_asking_for_a_bench_that_does_not_exist_names_those_that_do() -> None:
    asked = subprocess.run(
        [sys.executable, "-m", "bench", "jbos"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 2
    assert "jobs" in asked.stderr
