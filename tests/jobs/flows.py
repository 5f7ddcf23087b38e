"""Jobs for canvases: they count in the database what they do, and hand on what they are given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from jobs.runtime import job, progress
from tests.jobs.labour import tell, wait_for_word
from tests.jobs.sample import TWICE, leave_mark, mark_here
from webapp.core.failures import PermanentFailure

# How many processes the worker under test is still to lose.
KILLS = "test:kills"


@job(queue="maintenance")
def number(value: int) -> int:
    leave_mark(f"number {value}")
    return value


@job(queue="maintenance", atomic=True)
def add(value: int, more: int = 1) -> int:
    mark_here(f"add {value} {more}")
    return value + more


@job(queue="maintenance")
def total(values: list[int | None]) -> int:
    leave_mark(f"total {values}")
    return sum(value or 0 for value in values)


@job(queue="maintenance")
def same(value: Any) -> Any:
    leave_mark(f"same {value}")
    return value


@job(queue="maintenance")
def fail(mark: str) -> None:
    leave_mark(f"fail {mark}")
    raise PermanentFailure(mark)


@job(queue="maintenance", retry=TWICE)
def fail_for_now(mark: str) -> None:
    leave_mark(f"fail {mark}")
    raise ValueError(mark)


@job(queue="maintenance")
def undo(what: Any) -> None:
    leave_mark(f"undo {what}")


@job(queue="maintenance")
def keep(value: int) -> int:
    return value


@job(queue="maintenance", keep_result=timedelta(days=2))
def keep_for_days(value: int) -> int:
    return value


@job(queue="maintenance", retry=TWICE)
def go_through(rows: int, fails: bool = False) -> None:
    for row in range(rows):
        progress(row + 1, rows, "counting")
        if fails and row == 2:
            raise ValueError("the third row")


@job(queue="maintenance")
def say_and_wait(done: int, total: int, note: str, mark: str) -> None:
    progress(done, total, note)
    wait_for_word(mark)


@job(queue="maintenance")
def total_only(values: list[int]) -> int:
    return sum(values)


@job(queue="maintenance", atomic=True)
def count_up(value: int, mark: str) -> int:
    mark_here(mark)
    return value + 1


@job(queue="maintenance")
def hold(mark: str) -> str:
    tell("began", mark)
    wait_for_word(mark)
    leave_mark(f"ended {mark}")
    return mark


@job(queue="maintenance", atomic=True)
def hold_atomically(mark: str) -> None:
    mark_here(f"ended {mark}")
    tell("began", mark)
    wait_for_word(mark)


@job(queue="maintenance", durable=False)
def hold_cheaply(mark: str) -> None:
    tell("began", mark)
    wait_for_word(mark)
    tell("ended", mark)


@job(queue="maintenance", retry=TWICE)
def fail_when_stopped(mark: str) -> None:
    tell("began", mark)
    try:
        wait_for_word(mark)
    except BaseException as error:
        raise ValueError("it broke off") from error


@job(queue="maintenance")
def carry_on_regardless(mark: str) -> None:
    tell("began", mark)
    while True:
        try:
            wait_for_word(mark)
        except BaseException:  # noqa: BLE001  # it does what no job should
            tell("shrugged", mark)
