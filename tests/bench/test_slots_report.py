"""What the bench of the slots says of its laps."""

from __future__ import annotations

from typing import Any

from bench.slots.bench import figures, targets_of, text
from tests.bench.test_reports import WHERE


def _found(**changes: Any) -> dict[str, Any]:
    taken = {
        "cold": [10.0] * 19 + [30.0],
        "straightforward_cold": [400.0] * 20,
        "other_process": [5.0] * 20,
        "cached": [3.0] * 20,
        "engine": [1.0] * 20,
        "straightforward_engine": [300.0] * 20,
        "team_cold": [100.0] * 20,
        "team_cached": [4.0] * 20,
        "straightforward_team_cold": [20_000.0],
    }
    laps = {label: [(each, 1.0) for each in values] for label, values in (taken | changes).items()}
    return figures(laps, where=WHERE, quick=False)


def test_a_ratio_says_how_many_times_as_long_the_straightforward_way_takes() -> None:
    assert _found()["ratios"] == {"cold": 40.0, "engine": 300.0, "team_cold": 200.0}
    assert _found()["server_ms"]["cold"] == {"p50": 10.0, "p95": 10.0, "processor_p50": 1.0}


def test_a_target_that_is_missed_is_marked() -> None:
    found = _found(team_cold=[100.0] * 10 + [300.0] * 10)

    assert [target.what for target in targets_of(found) if not target.reached] == [
        "50 hosts in turn, from PostgreSQL, p95"
    ]
    assert text(found).count("**no**") == 1
    assert "| One host, the engine alone | 1.0 ms | 1.0 ms | 1.0 ms | 300.0 ms |" in text(found)
