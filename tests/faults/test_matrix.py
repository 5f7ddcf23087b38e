"""Every fault at every point on the way of a job: it is done once, as if nothing had been.

Covered is each cell with an x; those with an X also when slow tests are left out. A dot is where the fault cannot be:
only workers have a supervisor and a cap on memory, and who is frozen to be just beyond a commit cannot grow.

    a child killed
    b parent killed
    c both killed
    d memory cap
    e answer lost
    f Redis restarted
    g Redis emptied
    h PostgreSQL restarted
    i PostgreSQL crashed
    j frozen

                               a b c d e f g h i j
    outbox commit              X . x . x x x x x x
    push                       x . x . x x X x x x
    claim                      X x x x x x x x x x
    start                      x x x x x x X x x x
    middle                     x x X x x x x x x x
    before its own commit      x x x x x x x x x X
    before the job's commit    x x x X x x x x x x
    after the job's commit     x X x . x x x x x x
    finish                     x x x x x x x X x x
    retry                      x x x . x X x x x x
    hand-over                  X x x x x x x x x x
    after the hand-over        x x x . x X x x x x
    tick                       . . x . X x x x x x
    after the tick             . . x . x x X x x x
"""

from __future__ import annotations

from dataclasses import replace
from string import ascii_lowercase

import pytest

from tests.faults.matrix import CLAIMED, FAULTS, POINTS, Scene, is_possible
from tests.faults.yard import Wait, Yard

DONE_SECONDS = 60.0
WIDTH = 30

# Nearly every point and every fault once, where it takes but a moment.
QUICK = {
    ("outbox commit", "child killed"),
    ("push", "Redis emptied"),
    ("claim", "child killed"),
    ("start", "Redis emptied"),
    ("middle", "both killed"),
    ("before its own commit", "frozen"),
    ("before the job's commit", "memory cap"),
    ("after the job's commit", "parent killed"),
    ("finish", "PostgreSQL restarted"),
    ("retry", "Redis restarted"),
    ("hand-over", "child killed"),
    ("after the hand-over", "Redis restarted"),
    ("tick", "answer lost"),
    ("after the tick", "Redis emptied"),
}
CELLS = [(point, fault) for point in POINTS for fault in FAULTS if is_possible(point, fault)]


def marked(point: str, fault: str) -> object:
    marks = () if (point, fault) in QUICK else (pytest.mark.slow,)
    return pytest.param(point, fault, marks=marks, id=f"{point}, {fault}")


@pytest.mark.parametrize(("point", "fault"), [marked(*cell) for cell in CELLS])
def test_the_work_is_done_once(yard: Yard, point: str, fault: str) -> None:
    scene = Scene(yard, POINTS[point])
    try:
        scene.begin()
        scene.arrive()
        FAULTS[fault][1](scene)
        scene.go_on()
        assert_done_once(scene)
    finally:
        scene.end()


def test_what_a_worker_took_without_knowing_is_done_once(yard: Yard) -> None:
    scene = Scene(yard, replace(POINTS["claim"], stop=lambda scene: Wait(yard, "nowhere", scene.mark)))
    lost = yard.to_hosts.lose_answer(CLAIMED)
    scene.begin()
    yard.wait_until(lost.caught.is_set)
    assert_done_once(scene)


def test_the_table_above_says_what_is_covered() -> None:
    assert table() in (__doc__ or "")


def table() -> str:
    """Return the matrix: a row for each point, a column for each fault."""
    letters = dict(zip(FAULTS, ascii_lowercase, strict=False))
    lines = [f"    {letter} {fault}" for fault, letter in letters.items()]
    lines += ["", " ".join(["    ".ljust(WIDTH), *letters.values()])]
    lines += [" ".join([f"    {point}".ljust(WIDTH), *(sign(point, fault) for fault in FAULTS)]) for point in POINTS]
    return "\n".join(lines)


def sign(point: str, fault: str) -> str:
    if not is_possible(point, fault):
        return "."
    return "X" if (point, fault) in QUICK else "x"


def assert_done_once(scene: Scene) -> None:
    scene.yard.wait_until(scene.is_over, seconds=DONE_SECONDS, what=f"It is not done: {scene.runs()}")
    runs, effects = scene.runs(), scene.effects()
    assert set(effects.values()) <= {1}, scene.yard.describe(f"{effects} {runs}")
    assert bool(effects) is bool(runs)
    assert scene.begun() <= scene.point.starts, scene.yard.describe(str(runs))
