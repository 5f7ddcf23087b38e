"""What the bench of the bookings says of its measurements."""

from __future__ import annotations

from bench.bookings.bench import figures, targets_of, text
from tests.bench.test_reports import WHERE


def test_what_was_measured_stands_beside_what_was_wanted() -> None:
    posts = [float(number) for number in range(1, 101)]
    found = figures(posts, [200.0], 750.04, [3.0], where=WHERE, bookings=100_000, quick=False)

    assert found["post_ms"] == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "samples": 100}
    assert [target.what for target in targets_of(found) if not target.reached] == [
        "POST at 20 bookings a second, p95",
    ]
    assert "100,000 bookings in the table." in text(found)
    assert "| slots from the cache | at least 500/s | 750.00/s | yes |" in text(found)
