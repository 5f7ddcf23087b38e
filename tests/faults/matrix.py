"""The two sides of the fault matrix: the points at which work can be stopped, and what can happen to it there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from redis import Redis

from tests.faults.harness import LEASE_SECONDS, Program
from tests.faults.yard import Asked, Gate, Held, Stop, Wait, Yard
from tests.peers.cutting_proxy import CuttingProxy

CREATED = 201
FROZEN_SECONDS = 1.5 * LEASE_SECONDS
CLAIMED = b"tests.faults.errands.errand"

_RUNS = """
SELECT id::text, name, state, attempt, interruptions, error FROM job_run
WHERE arguments ->> 'mark' IN (%(mark)s, %(mark)s || ' second') ORDER BY id
"""
_EFFECTS = "SELECT mark, times FROM effect WHERE split_part(mark, ' ', 1) = %(mark)s"
_SCHEDULE = """
INSERT INTO job_schedule (id, name, job, cron, timezone, arguments, default_cron, default_timezone, default_arguments,
                          is_enabled, is_edited, is_listed, ticked_until)
VALUES (gen_random_uuid(), %(mark)s, 'tests.faults.errands.errand', '0 0 1 1 *', 'UTC', %(arguments)s::jsonb,
        '0 0 1 1 *', 'UTC', %(arguments)s::jsonb, true, false, true, now() - interval '2 years') RETURNING id
"""
# A scheduler that starts takes what the code's table does not have out of the rows.
_KEEP_SCHEDULE = "UPDATE job_schedule SET is_listed = true WHERE name = %(mark)s AND NOT is_listed RETURNING id"
_UNSCHEDULE = "DELETE FROM job_schedule WHERE name = %(mark)s RETURNING id"


class By(StrEnum):
    """Which program is at work at a point."""

    WEB = "web"
    HOST = "host"
    SCHEDULER = "scheduler"


@dataclass(frozen=True, kw_only=True)
class Point:
    """Where work of `kind` is stopped, in the hands of `by`.

    At a gate it is about to commit, and being killed undoes it; `beyond` it the commit is done, but who has asked for
    it was frozen before it could hear. `starts` says how often the work is begun at most, whatever happens here.
    """

    kind: str
    by: By
    stop: Callable[[Scene], Stop]
    beyond: bool = False
    starts: int = 2


class Scene:
    """One errand that is stopped at a point."""

    def __init__(self, yard: Yard, point: Point) -> None:
        self.yard = yard
        self.point = point
        self.mark = yard.new_mark()
        self.stop = point.stop(self)
        self.asked: Asked | None = None

    @cached_property
    def actor(self) -> Program:
        """The program that has the errand in hand at the point."""
        if self.point.by is By.WEB:
            return self.yard.web
        return self.yard.schedulers[0] if self.point.by is By.SCHEDULER else self.yard.worker_of(self.mark)

    @property
    def proxy(self) -> CuttingProxy:
        """Between Redis and the program that is at work."""
        proxies = {By.WEB: self.yard.to_web, By.HOST: self.yard.to_hosts, By.SCHEDULER: self.yard.to_schedulers}
        return proxies[self.point.by]

    def begin(self) -> None:
        """Ask for the errand."""
        if self.point.by is By.SCHEDULER:
            self.yard.rows(_SCHEDULE, mark=self.mark, arguments=f'{{"mark": "{self.mark}"}}')
        else:
            self.asked = self.yard.ask(self.point.kind, self.mark)

    def arrive(self) -> None:
        """Return once the errand is at the point."""
        self.yard.wait_until(self._is_reached, what="Nobody comes to the point.")
        actor = self.actor
        if self.point.beyond:
            actor.freeze()
            self.stop.open()
            self.yard.wait_until(lambda: not self.stop.is_reached(), what="It is not committed.")

    def _is_reached(self) -> bool:
        if self.point.by is By.SCHEDULER:  # in a new yard it may be starting still
            self.yard.rows(_KEEP_SCHEDULE, mark=self.mark)
        return self.stop.is_reached()

    def go_on(self) -> None:
        """Open the way, and have everything run again."""
        self.stop.open()
        self.yard.mend()

    def undo(self) -> None:
        """After a kill: what was not committed yet never will be."""
        if isinstance(self.stop, Gate) and not self.point.beyond:
            self.stop.turn_away()

    def runs(self) -> list[dict[str, Any]]:
        return self.yard.rows(_RUNS, mark=self.mark)

    def effects(self) -> dict[str, int]:
        return {row["mark"]: row["times"] for row in self.yard.rows(_EFFECTS, mark=self.mark)}

    def latest_run(self) -> bytes:
        """The id of the run that was written last."""
        return str(self.runs()[-1]["id"]).encode()

    def begun(self) -> int:
        """How often the work was begun."""
        diary = self.yard.way("begun", self.mark)
        return len(diary.read_text().splitlines()) if diary.exists() else 0

    def is_over(self) -> bool:
        """True when all that was committed is done."""
        self.yard.rows(_KEEP_SCHEDULE, mark=self.mark)
        runs = self.runs()
        return {run["state"] for run in runs} <= {"succeeded"} and len(runs) >= self._awaited()

    def end(self) -> None:
        """Leave nothing behind."""
        self.go_on()
        self.yard.rows(_UNSCHEDULE, mark=self.mark)

    def _awaited(self) -> int:
        if self.asked and self.asked.wait() != CREATED:
            return 0
        return 2 if self.point.kind == "two steps" else 1


class _AtFinish:
    """Stops what a worker has done on its way to Redis, where the worker says it again after a while."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._before = Wait(scene.yard, "middle", scene.mark)
        self._held: Held | None = None

    def is_reached(self) -> bool:
        # Who has taken it can be found out no longer once it has been said.
        if self._held is None and self._before.is_reached() and self._scene.actor.is_running:
            self._held = Held(self._scene.yard.to_hosts.hold(b'["' + self._scene.latest_run() + b'"'))
            self._before.open()
        return self._held is not None and self._held.is_reached()

    def open(self) -> None:
        self._before.open()
        if self._held is not None:
            self._held.open()


def _gate(place: str) -> Callable[[Scene], Stop]:
    return lambda scene: Gate(scene.yard, place, scene.mark)


def _wait(place: str) -> Callable[[Scene], Stop]:
    return lambda scene: Wait(scene.yard, place, scene.mark)


POINTS = {
    "outbox commit": Point(kind="errand", by=By.WEB, stop=_gate("told"), starts=1),
    "push": Point(kind="errand", by=By.WEB, stop=_gate("told"), beyond=True, starts=1),
    "claim": Point(kind="errand", by=By.HOST, stop=_gate("taken")),
    "start": Point(kind="errand", by=By.HOST, stop=_wait("start")),
    "middle": Point(kind="errand", by=By.HOST, stop=_wait("middle")),
    "before its own commit": Point(kind="own commit", by=By.HOST, stop=_wait("middle")),
    "before the job's commit": Point(kind="errand", by=By.HOST, stop=_gate("ended")),
    "after the job's commit": Point(kind="errand", by=By.HOST, stop=_gate("ended"), beyond=True, starts=1),
    "finish": Point(kind="errand", by=By.HOST, stop=_AtFinish, starts=1),
    "retry": Point(kind="second try", by=By.HOST, stop=_gate("put back"), beyond=True, starts=3),
    "hand-over": Point(kind="two steps", by=By.HOST, stop=_gate("ended")),
    "after the hand-over": Point(kind="two steps", by=By.HOST, stop=_gate("ended"), beyond=True, starts=1),
    "tick": Point(kind="errand", by=By.SCHEDULER, stop=_gate("ticked"), starts=1),
    "after the tick": Point(kind="errand", by=By.SCHEDULER, stop=_gate("ticked"), beyond=True, starts=1),
}


def _kill_child(scene: Scene) -> None:
    scene.actor.kill_children()
    scene.undo()


def _kill_parent(scene: Scene) -> None:
    scene.actor.kill_parent()
    scene.undo()


def _kill_both(scene: Scene) -> None:
    scene.actor.kill()
    scene.undo()


def _grow(scene: Scene) -> None:
    children = scene.actor.children()
    for child in children:
        scene.yard.way("grows", str(child)).touch()
    scene.yard.wait_until(lambda: not set(children) & set(scene.actor.children()), what="It may grow.")
    scene.undo()


def _lose_answer(scene: Scene) -> None:
    """Cut the connections where no answer is awaited; else have the answer to the next word about the run get lost."""
    if not scene.point.beyond and not isinstance(scene.stop, _AtFinish):
        scene.proxy.cut_all()
        return
    lost = scene.proxy.lose_answer_to(scene.latest_run())
    scene.stop.open()
    if scene.point.beyond:
        scene.actor.thaw()
    scene.yard.wait_until(lost.caught.is_set, what="No answer was lost.")


def _restart_redis(scene: Scene) -> None:
    scene.yard.jobs_redis.stop()
    scene.yard.jobs_redis.start()


def _empty_redis(scene: Scene) -> None:
    with Redis.from_url(scene.yard.jobs_redis.url) as redis:
        redis.flushall()


def _restart_postgres(scene: Scene) -> None:
    scene.yard.postgres.stop()
    scene.yard.postgres.start()


def _crash_postgres(scene: Scene) -> None:
    scene.yard.postgres.kill()
    scene.yard.postgres.start()


def _freeze(scene: Scene) -> None:
    """Stop everything of the program for longer than its lease, which others may use to take over."""
    scene.actor.freeze()
    scene.stop.open()
    thaw_at = time.monotonic() + FROZEN_SECONDS
    if scene.point.by is By.SCHEDULER:
        with scene.yard.another_scheduler():
            scene.yard.wait_until(scene.is_over)
    scene.yard.wait_until(lambda: time.monotonic() > thaw_at)


# What can happen, and to whom: a web server stands for whoever enqueues.
EVERYBODY = frozenset(By)
FAULTS: dict[str, tuple[frozenset[By], Callable[[Scene], None]]] = {
    "child killed": (frozenset({By.WEB, By.HOST}), _kill_child),
    "parent killed": (frozenset({By.HOST}), _kill_parent),
    "both killed": (EVERYBODY, _kill_both),
    "memory cap": (frozenset({By.HOST}), _grow),
    "answer lost": (EVERYBODY, _lose_answer),
    "Redis restarted": (EVERYBODY, _restart_redis),
    "Redis emptied": (EVERYBODY, _empty_redis),
    "PostgreSQL restarted": (EVERYBODY, _restart_postgres),
    "PostgreSQL crashed": (EVERYBODY, _crash_postgres),
    "frozen": (EVERYBODY, _freeze),
}


def is_possible(point: str, fault: str) -> bool:
    """True when the fault can happen there: who is frozen beyond a point cannot grow."""
    return POINTS[point].by in FAULTS[fault][0] and not (fault == "memory cap" and POINTS[point].beyond)
