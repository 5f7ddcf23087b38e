"""From laps to figures for programs and tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench import machine
from bench.jobs.contenders import PEERS
from bench.jobs.race import Laps
from bench.report import Spread, Target, percentile, table, targets_table

# Which of Almanac's measurements is held against the peers' own, by the name of the comparison.
_COMPARED = {"transient": "almanac_transient", "durable": "almanac_durable"}
_SHOWN_AS = {
    "almanac_durable": "Almanac",
    "almanac_transient": "Almanac, `durable=False`",
    "almanac_one_by_one": "Almanac, a transaction for each job",
    "almanac_many": "Almanac, `enqueue_many`",
    "celery": "Celery (prefork)",
    "dramatiq": "Dramatiq",
    "huey": "Huey (processes)",
    "rq": "RQ's own worker",
}


def figures(laps: Laps, *, where: dict[str, Any], quick: bool) -> dict[str, Any]:
    """Return medians, and under `spread` the lowest and highest; ratios are Almanac over the peer, round by round."""
    rates, enqueue = _spreads(laps.rates), _spreads(laps.enqueue)
    ratios = {name: _ratios(laps.rates, label) for name, label in _COMPARED.items() if label in laps.rates}
    if "almanac_durable" in laps.enqueue:
        ratios["enqueue"] = _ratios(laps.enqueue, "almanac_durable")
    waits = {label: _percentiles(values) for label, values in laps.pickup_ms.items()}
    return {
        "quick": quick,
        "machine": where,
        "rounds": max(len(values) for values in laps.rates.values()),
        "rates": _medians(rates),
        "enqueue_rates": _medians(enqueue),
        "ratios": {name: _medians(ratio) for name, ratio in ratios.items()},
        "pickup_ms": waits.get("almanac_durable"),
        "pickup_ms_by_contender": waits,
        "ran_twice": laps.ran_twice,
        "spread": {
            "rates": _bounds(rates),
            "enqueue_rates": _bounds(enqueue),
            "ratios": {name: _bounds(ratio) for name, ratio in ratios.items()},
        },
    }


def text(found: Mapping[str, Any]) -> str:
    """Return the tables."""
    parts = [
        machine.sentence(found["machine"]),
        f"Medians of {found['rounds']} rounds, lowest and highest in brackets."
        + (" A quick look: the rounds are short." if found["quick"] else ""),
        _rates_table("Jobs a second", found, "rates"),
        *([_ratios_table(found)] if any(found["ratios"].values()) else []),
        _rates_table("Enqueued a second", found, "enqueue_rates"),
        _waits_table(found["pickup_ms_by_contender"]),
        _twice(found["ran_twice"]),
    ]
    targets = targets_of(found)
    return "\n\n".join([*parts, targets_table(targets)] if targets else parts)


def targets_of(found: Mapping[str, Any]) -> list[Target]:
    """Return the numbers to reach, as far as those they are measured against took part."""
    ratios = found["ratios"]
    if any(peer not in ratios.get(name, {}) for name in ("transient", "durable", "enqueue") for peer in PEERS):
        return []
    transient, durable, waits = ratios["transient"], ratios["durable"], found["pickup_ms"]
    return [
        Target(what="`durable=False` over Dramatiq", wanted=1, measured=transient["dramatiq"]),
        Target(what="`durable=False` over Huey", wanted=1, measured=transient["huey"]),
        Target(what="`durable=False` over Celery", wanted=4, measured=transient["celery"]),
        Target(what="`durable=False` over RQ's own worker", wanted=25, measured=transient["rq"]),
        Target(what="durable over Celery", wanted=1, measured=durable["celery"]),
        Target(what="durable over RQ's own worker", wanted=7, measured=durable["rq"]),
        Target(what="enqueueing in a transaction over Celery", wanted=1, measured=ratios["enqueue"]["celery"]),
        Target(what="`enqueue_many`", wanted=5000, measured=found["enqueue_rates"]["almanac_many"], unit="/s"),
        Target(what="wait when idle, p50", wanted=5, measured=waits["p50"], unit=" ms", at_most=True),
        Target(what="wait when idle, p99", wanted=50, measured=waits["p99"], unit=" ms", at_most=True),
    ]


def _spreads(values: Mapping[str, Sequence[float]]) -> dict[str, Spread]:
    return {label: Spread.of(each) for label, each in values.items()}


def _medians(spreads: Mapping[str, Spread]) -> dict[str, float]:
    return {label: _rounded(spread.median) for label, spread in spreads.items()}


def _bounds(spreads: Mapping[str, Spread]) -> dict[str, list[float]]:
    return {label: [_rounded(spread.low), _rounded(spread.high)] for label, spread in spreads.items()}


def _ratios(values: Mapping[str, Sequence[float]], ours: str) -> dict[str, Spread]:
    """Return how many times each peer's value ours is, round by round."""
    return {
        peer: Spread.of(mine / theirs for mine, theirs in zip(values[ours], values[peer], strict=True))
        for peer in PEERS
        if peer in values
    }


def _percentiles(waits: Sequence[float]) -> dict[str, float]:
    return {
        "p50": _rounded(percentile(waits, 0.50)),
        "p99": _rounded(percentile(waits, 0.99)),
        "samples": len(waits),
    }


def _rounded(value: float) -> float:
    return round(value, 2 if value < 100 else 0)


def _twice(ran_twice: Mapping[str, int]) -> str:
    some = [f"{number:,} of {name}" for name, number in ran_twice.items() if number]
    return f"Jobs that ran twice: {', '.join(some) or 'none'}."


def _rates_table(title: str, found: Mapping[str, Any], key: str) -> str:
    rows = (
        [_SHOWN_AS[label], f"{rate:,.0f}", "{:,.0f} to {:,.0f}".format(*found["spread"][key][label])]
        for label, rate in _fastest_first(found[key].items())
    )
    return table([title, "Median", "Lowest to highest"], rows)


def _fastest_first(rates: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(rates, key=lambda item: -item[1])


def _ratios_table(found: Mapping[str, Any]) -> str:
    comparisons = found["ratios"]
    rows = [
        [f"Over {_SHOWN_AS[peer]}", *(_ratio(found, name, peer) for name in comparisons)]
        for peer in PEERS
        if all(peer in ratios for ratios in comparisons.values())
    ]
    shown = {"transient": "`durable=False`", "durable": "durable", "enqueue": "enqueueing"}
    return table(["Almanac is so many times as fast", *(shown[name] for name in comparisons)], rows)


def _ratio(found: Mapping[str, Any], name: str, peer: str) -> str:
    low, high = found["spread"]["ratios"][name][peer]
    return f"{found['ratios'][name][peer]:,.2f} ({low:,.2f} to {high:,.2f})"


def _waits_table(waits: Mapping[str, Mapping[str, float]]) -> str:
    rows = (
        [_SHOWN_AS[label], f"{wait['p50']:,.1f} ms", f"{wait['p99']:,.1f} ms", f"{wait['samples']}"]
        for label, wait in sorted(waits.items(), key=lambda item: item[1]["p50"])
    )
    return table(["From enqueued to begun, when idle", "Half within", "99 % within", "Samples"], rows)
