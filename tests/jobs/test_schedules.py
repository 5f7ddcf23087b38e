from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask, current_app
from sqlalchemy import func, insert, select, update

from jobs.runtime import Cron, Every, carrier, execute, schedules
from jobs.runtime.models import JobRun, JobSchedule, JobTick, RunState
from jobs.runtime.scheduler import Scheduler
from tests.jobs import sample
from webapp.core.db import session, transaction, uuid7
from webapp.core.errors import Conflict, NotFound
from webapp.core.redis import jobs_redis
from webapp.core.validation import InvalidInput

NOON = datetime(2026, 1, 5, 12, 0, 30, tzinfo=UTC)
DAILY = Every(sample.mark, Cron("0 9 * * *", "Europe/Berlin"), {"name": "daily"}, name="daily")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Africa/Casablanca")


@pytest.fixture(autouse=True)
def _effects(effects: Flask) -> None:
    """Marks are counted in a table."""


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def scheduler(*entries: Every) -> Scheduler:
    return Scheduler(connection=jobs_redis(), entries=entries)


def deploy(*entries: Every) -> None:
    with transaction():
        schedules.seed(entries)


def entry(name: str = "daily") -> JobSchedule:
    with transaction():
        return schedules.get(name)


def edit(name: str = "daily", **changes: Any) -> JobSchedule:
    with transaction():
        return schedules.edit(name=name, **changes)


def test_a_deploy_brings_new_entries_and_changes_those_that_nobody_has_edited() -> None:
    deploy(DAILY)
    deploy(Every(sample.mark, Cron("0 8 * * *", "Asia/Tokyo"), {"name": "earlier"}, name="daily"))
    now = entry()
    assert (now.cron, now.timezone, now.arguments) == ("0 8 * * *", "Asia/Tokyo", {"name": "earlier", "times": 1})
    assert (now.is_edited, now.is_enabled, now.is_listed) == (False, True, True)


def test_a_deploy_never_overwrites_what_somebody_has_edited_and_a_reset_returns_to_the_newest_default() -> None:
    deploy(DAILY)
    assert edit(cron="30  7 * * 1-5").is_edited
    deploy(Every(sample.mark, Cron("0 8 * * *"), {"name": "daily"}, name="daily"))
    assert (entry().cron, entry().timezone) == ("30 7 * * 1-5", "Europe/Berlin")
    with transaction():
        schedules.reset(name="daily")
    assert (entry().cron, entry().timezone, entry().is_edited) == ("0 8 * * *", "UTC", False)


def test_an_edit_back_to_the_default_follows_the_code_again() -> None:
    deploy(DAILY)
    edit(cron="0 7 * * *")
    assert not edit(cron="0 9 * * *").is_edited


def test_an_entry_that_the_code_no_longer_has_stops_and_comes_back_as_it_was(
    clock: time_machine.Traveller,
) -> None:
    minutely = Every(sample.mark, Cron("* * * * *"), {"name": "m"}, name="minutely")
    deploy(minutely)
    edit("minutely", cron="*/2 * * * *")
    deploy()
    clock.shift(timedelta(minutes=5))
    assert scheduler().tick() == 0
    assert schedules.next_tick(entry("minutely")) is None
    deploy(minutely)
    assert scheduler(minutely).tick() == 0, "what it missed meanwhile is not made up for"
    clock.shift(timedelta(minutes=2))
    assert scheduler(minutely).tick() == 1
    assert entry("minutely").cron == "*/2 * * * *"


def test_a_paused_entry_does_not_run_and_makes_up_for_nothing_when_it_goes_on(clock: time_machine.Traveller) -> None:
    leader = scheduler(Every(sample.mark, Cron("* * * * *"), {"name": "m"}, name="minutely"))
    leader.tick()
    with transaction():
        schedules.pause(name="minutely")
    clock.shift(timedelta(minutes=10))
    assert leader.tick() == 0
    deploy(Every(sample.mark, Cron("* * * * *"), {"name": "m"}, name="minutely"))
    assert not entry("minutely").is_enabled, "a deploy does not wake it"
    with transaction():
        schedules.resume(name="minutely")
    assert leader.tick() == 0
    clock.shift(timedelta(minutes=1))
    assert leader.tick() == 1


def test_an_edit_counts_from_now_and_the_running_scheduler_sees_it(clock: time_machine.Traveller) -> None:
    leader = scheduler(DAILY)
    leader.tick()
    edit(cron="0 12 * * *", timezone="UTC")
    assert leader.tick() == 0, "noon of today was over when it was edited"
    assert schedules.next_tick(entry()) == datetime(2026, 1, 6, 12, tzinfo=UTC)
    clock.shift(timedelta(days=1))
    assert leader.tick() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cron": "61 * * * *"}, "cron"),
        ({"cron": "0 0 31 2 *"}, "cron"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"arguments": {"nom": 1}}, "arguments"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    deploy(DAILY)
    with pytest.raises(InvalidInput) as refused:
        edit(**change)
    assert [fault["field"] for fault in refused.value.faults] == [field]
    assert not entry().is_edited


def test_what_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(NotFound):
        edit("nobody", cron="* * * * *")


def test_run_now_runs_beside_the_schedule_and_says_who_asked(clock: time_machine.Traveller) -> None:
    deploy(DAILY)
    with transaction():
        run_id = schedules.run_now(name="daily", by="ada@example.com")
    clock.shift(timedelta(seconds=1))
    with transaction():
        assert schedules.run_now(name="daily", by="bob@example.com") == run_id, "it waits already"
    assert execute.run(run_id) is RunState.SUCCEEDED
    clock.shift(timedelta(days=1))
    assert scheduler(DAILY).tick() == 1
    with transaction():
        clocked, second, first = schedules.history(name="daily")
    assert (first.asked_by, second.asked_by, clocked.asked_by) == ("ada@example.com", "bob@example.com", None)
    assert (first.run_id, first.state) == (run_id, RunState.SUCCEEDED)
    assert (clocked.due_at, clocked.state) == (datetime(2026, 1, 6, 8, tzinfo=UTC), RunState.WAITING)


def test_an_entry_whose_arguments_no_longer_fit_says_so_in_its_history_and_holds_up_no_other(
    clock: time_machine.Traveller,
) -> None:
    good = Every(sample.mark, Cron("* * * * *"), {"name": "good"}, name="z-good")
    leader = scheduler(Every(sample.mark, Cron("* * * * *"), {"name": "bad"}, name="a-bad"), good)
    leader.tick()
    with transaction():
        session().execute(update(JobSchedule).where(JobSchedule.name == "a-bad").values(arguments={"nom": "x"}))
    clock.shift(timedelta(minutes=1))
    assert leader.tick() == 1
    with transaction():
        [tick] = schedules.history(name="a-bad")
    assert tick.run_id is None
    assert "name: field required" in (tick.problem or "")
    with pytest.raises(Conflict, match="cannot run"), transaction():
        schedules.run_now(name="a-bad", by="ada@example.com")


def test_the_job_of_another_release_is_left_to_its_own_scheduler(clock: time_machine.Traveller) -> None:
    leader = scheduler(DAILY)
    leader.tick()
    with transaction():
        session().execute(update(JobSchedule).values(job="later.release", cron="* * * * *"))
    before = entry().ticked_until
    clock.shift(timedelta(minutes=1))
    assert leader.tick() == 0
    assert entry().ticked_until == before
    with pytest.raises(Conflict, match="no longer there"):
        edit(cron="0 1 * * *")


def test_two_schedulers_that_start_together_make_one_table() -> None:
    app, barrier = _application(), Barrier(2)

    def start() -> None:
        with app.app_context():
            barrier.wait()
            scheduler(DAILY, Every(sample.mark, Cron("* * * * *"), {"name": "m"}, name="minutely")).tick()

    _together(start)
    with transaction():
        assert [row.name for row in schedules.all_schedules()] == ["daily", "minutely"]


def test_ten_thousand_due_jobs_are_moved_by_two_schedulers_each_once() -> None:
    due_at = datetime.now(UTC) - timedelta(seconds=2)
    rows = [
        {
            "id": uuid7(),
            "name": sample.mark.name,
            "queue": "maintenance",
            "lane": "default",
            "arguments": {"name": "x", "times": 1},
            "state": RunState.WAITING,
            "run_at": due_at,
        }
        for _ in range(10_000)
    ]
    with transaction():
        session().execute(insert(JobRun), rows)
    redis = jobs_redis()
    redis.zadd(carrier.SCHEDULED_KEY, {str(row["id"]): due_at.timestamp() for row in rows})
    app, barrier, moved = _application(), Barrier(3), []

    def move() -> None:
        with app.app_context():
            mover = scheduler()
            barrier.wait()
            if mover.acquire_lock():
                moved.append(mover.enqueue_jobs())

    threads = [Thread(target=move) for _ in range(2)]
    for thread in threads:
        thread.start()
    barrier.wait()
    for thread in threads:
        thread.join()
    assert redis.llen("rq:queue:maintenance") == len(rows)
    assert moved == [len(rows)]
    assert len(set(redis.lrange("rq:queue:maintenance", 0, -1))) == len(rows)  # type: ignore[arg-type]  # the asynchronous client's type


@pytest.mark.parametrize("zone", ZONES)
def test_ten_years_of_a_place_bring_each_tick_once_and_none_out_of_place(zone: str) -> None:
    """The scheduler's own arithmetic, as it looks every now and then, against a plain reading of the calendar."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    end = datetime(2034, 1, 1, tzinfo=UTC)
    for hour, minute in ((0, 15), (2, 30), (1, 45), (9, 0)):
        row = JobSchedule(cron=f"{minute} {hour} * * *", timezone=zone, ticked_until=start)
        found, now = [], start
        while now < end:
            now += timedelta(hours=7, minutes=43)
            due_at = schedules.due_tick(row, now)
            if due_at is not None:
                found.append(due_at)
                row.ticked_until = due_at
            assert schedules.due_tick(row, now) is None
        expected = [_first_instant(zone, start + timedelta(days=day), hour, minute) for day in range(-1, 3656)]
        assert found == [tick for tick in expected if start < tick <= now]


def test_the_history_is_kept_for_each_entry() -> None:
    with transaction():
        session().add(JobTick(name="daily", scheduled_for=NOON, problem="x"))
        session().add(JobTick(name="other", scheduled_for=NOON))
        assert session().scalar(select(func.count()).select_from(JobTick)) == 2
        assert [tick.problem for tick in schedules.history(name="daily")] == ["x"]


def _first_instant(zone: str, day: datetime, hour: int, minute: int) -> datetime:
    """Return the first instant of a date at which the place's clock shows that time or a later one."""
    place = ZoneInfo(zone)
    shown = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001  # what a clock on the wall shows
    offsets = {(shown + timedelta(days=shift)).replace(tzinfo=place).utcoffset() for shift in (-1, 1)}
    if len(offsets) == 1:
        return shown.replace(tzinfo=place).astimezone(UTC)
    instant = (shown - timedelta(hours=20)).replace(tzinfo=UTC)
    while instant.astimezone(place).replace(tzinfo=None) < shown:
        instant += timedelta(minutes=1)
    return instant


def _application() -> Flask:
    return current_app._get_current_object()  # type: ignore[attr-defined, no-any-return]  # the proxy's own way


def _together(work: Callable[[], None]) -> None:
    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
