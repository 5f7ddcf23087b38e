"""A contender at work: its workers and its producer, and the marks that its jobs leave."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from bench.installation import Installation
from bench.jobs.body import STAMP_BYTES
from bench.jobs.contenders import PEERS, Contender
from bench.report import BenchError

_LOOK_SECONDS = 0.002
_STUCK_SECONDS = 60.0


class Team:
    """A contender with its workers and, as a process of its own whose connections stay warm, its producer."""

    def __init__(self, contender: Contender, installation: Installation) -> None:
        self.contender = contender
        self._installation = installation
        folder = installation.folder
        self._tally, self._stamps = folder / f"{contender.name}.tally", folder / f"{contender.name}.stamps"
        self._asked_for = 0
        self.environment = environment = self._environment()
        python = str(contender.python)
        self.workers = [
            installation.program(f"{contender.name}-worker-{number}", python, *command, environment=environment)
            for number, command in enumerate(contender.workers)
        ]
        self._producer = installation.program(
            f"{contender.name}-producer",
            *(python, "-m", "bench.jobs.producer", contender.module),
            environment=environment,
        )

    def start(self) -> None:
        """Start its programs; they may still be loading when this returns, and the first job waits for them."""
        self.start_producer()
        for worker in self.workers:
            worker.start()

    def start_producer(self) -> None:
        """Start only the program that enqueues."""
        for marks in (self._tally, self._stamps):
            marks.touch()
        self._producer.start(talking=True)

    def send(self, label: str, count: int) -> float:
        """Enqueue `count` jobs of the kind `label` that no tally will be kept of; return the seconds it took."""
        return float(self._ask(f"fill {label} {count}"))

    def fill(self, label: str, count: int) -> float:
        """Enqueue `count` no-ops of the kind `label` while no worker runs; return the seconds it took."""
        self.hold()
        seconds = self.send(label, count)
        self._asked_for += count
        return seconds

    def drain(self) -> float:
        """Let the workers run until all that was enqueued has been done; return the seconds it took.

        Raises BenchError when nothing happens for a minute.
        """
        began = last_change = time.monotonic()
        done = self._done()
        self.release()
        while done < self._asked_for:
            time.sleep(_LOOK_SECONDS)  # a file's size cannot be waited for
            before, done = done, self._done()
            now = time.monotonic()
            if done != before:
                last_change = now
            elif now - last_change > _STUCK_SECONDS:
                raise BenchError(self._describe(f"{self._asked_for - done} of its jobs are not done after a minute"))
        return time.monotonic() - began

    def surplus(self) -> int:
        """Return how many more no-ops were done than were asked for: jobs that ran twice."""
        return self._done() - self._asked_for

    def time_one(self, label: str) -> float:
        """Enqueue one job while the workers are idle; return the milliseconds until its first line."""
        count = self._stamp_count()
        moment = int(self._ask(f"stamp {label}"))
        return (self.wait_for_stamps(count + 1)[count] - moment) / 1e6

    def wait_for_stamps(self, count: int) -> list[int]:
        """Return the moments, in nanoseconds, at which jobs began, as soon as there are `count` of them."""
        deadline = time.monotonic() + _STUCK_SECONDS
        while self._stamp_count() < count:
            if time.monotonic() > deadline:
                raise BenchError(self._describe("a job has not begun after a minute"))
            time.sleep(_LOOK_SECONDS)
        written = self._stamps.read_bytes()
        return [
            int.from_bytes(written[at : at + STAMP_BYTES], "little")
            for at in range(0, len(written) - STAMP_BYTES + 1, STAMP_BYTES)
        ]

    def hold(self) -> None:
        """Have the workers stand still where they are."""
        for worker in self.workers:
            worker.hold()

    def release(self) -> None:
        """Let the workers run."""
        for worker in self.workers:
            worker.release()

    def _environment(self) -> Mapping[str, str]:
        almanac = self._installation.environment()
        peers = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._installation.folder),
            "BENCH_REDIS_URL": f"{self._installation.redis.url.rpartition('/')[0]}/{self.contender.database}",
            **self.contender.settings,
        }
        marks = {"BENCH_TALLY": str(self._tally), "BENCH_STAMPS": str(self._stamps)}
        return (peers if self.contender.name in PEERS else almanac) | marks

    def _ask(self, request: str) -> str:
        pipe_in, pipe_out = self._producer.process.stdin, self._producer.process.stdout
        answer = ""
        if pipe_in is not None and pipe_out is not None:
            with suppress(BrokenPipeError):
                print(request, file=pipe_in, flush=True)
                answer = pipe_out.readline().strip()
        if not answer:
            raise BenchError(self._describe("its producer has ended"))
        return answer

    def _done(self) -> int:
        return _size(self._tally)

    def _stamp_count(self) -> int:
        return _size(self._stamps) // STAMP_BYTES

    def _describe(self, what: str) -> str:
        words = "\n".join(f"--- {each.name}:\n{each.last_words()}" for each in (*self.workers, self._producer))
        return f"{self.contender.name}: {what}.\n{words}"


def _size(path: Path) -> int:
    return path.stat().st_size
