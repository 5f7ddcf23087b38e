from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select, update

from jobs.runtime import InvalidArguments, RetryPolicy, cancel, carrier, execute, job, reconcile, store
from jobs.runtime.models import JobAttempt, JobRun, Outcome, RunState
from jobs.runtime.policies import POLICIES, LeaseLost
from tests.jobs import flows, sample
from webapp.core.db import session, transaction
from webapp.core.redis import jobs_redis

pytestmark = pytest.mark.usefixtures("effects")


def work() -> None:
    """Let a stock RQ worker do whatever stands in the queues."""
    redis = jobs_redis()
    queues = [Queue(name, connection=redis, serializer=JSONSerializer) for name in carrier.queue_names()]
    SimpleWorker(queues, connection=redis, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")


def row(run_id: UUID) -> JobRun:
    with transaction():
        found = store.find(run_id)
    assert found is not None
    return found


def attempts(run_id: UUID) -> list[JobAttempt]:
    with transaction():
        return list(session().scalars(select(JobAttempt).filter_by(run_id=run_id).order_by(JobAttempt.attempt)))


def make_due(run_id: UUID) -> None:
    with transaction():
        session().execute(update(JobRun).where(JobRun.id == run_id).values(run_at=datetime.now(UTC)))


def test_a_job_runs_once_and_keeps_its_result() -> None:
    run_id = sample.mark.enqueue("a", times=2)
    work()
    assert sample.marks() == {"a": 2}
    done = row(run_id)
    assert (done.state, done.result, done.attempt, done.failures) == (RunState.SUCCEEDED, {"times": 2}, 1, 0)
    assert done.finished_at is not None


def test_a_rolled_back_transaction_leaves_no_job() -> None:
    def change_of_mind() -> None:
        with transaction():
            sample.mark.enqueue("a")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        change_of_mind()
    work()
    assert sample.marks() == {}
    assert _named(sample.mark.name) == []


def test_a_job_that_is_pushed_three_times_runs_once() -> None:
    run_id = sample.mark.enqueue("a")
    pushed = carrier.Carried(
        id=run_id,
        path=sample.mark.path,
        queue="maintenance",
        lane="default",
        arguments={"name": "a", "times": 1},
        run_at=datetime.now(UTC),
        time_limit=60,
    )
    for _ in range(2):
        carrier.push(jobs_redis(), [pushed], force=True)
    work()
    assert sample.marks() == {"a": 1}


def test_arguments_arrive_in_the_types_that_the_signature_names() -> None:
    sample.typed.enqueue(uuid4(), datetime(2026, 1, 1, tzinfo=UTC), count=3, note="é")
    work()
    assert sample.marks() == {"UUID datetime é 3": 1}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"when": None}, "when: input should be a valid datetime"),
        ({"booking_id": "x"}, "booking_id: input should be a valid uuid"),
        ({"when": "soon"}, "when: "),
        ({"other": 1}, "unexpected keyword argument 'other'"),
        ({"note": "a\0b"}, "NUL"),
        ({"note": "\ud83d"}, "halves of surrogate pairs"),
        ({"note": "\N{GRINNING FACE} a\ud83db"}, "halves of surrogate pairs"),
        ({"note": "x" * 70_000}, "65536 allowed"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_when_enqueued(arguments: dict[str, Any], complaint: str) -> None:
    usual: dict[str, Any] = {"booking_id": uuid4(), "when": datetime.now(UTC)}
    with pytest.raises(InvalidArguments, match=r"tests\.jobs\.sample\.typed") as refused:
        sample.typed.enqueue(**usual | arguments)
    assert complaint in str(refused.value)
    with transaction():
        assert session().scalars(select(JobRun)).all() == []


def test_a_number_that_is_none_is_refused_when_enqueued() -> None:
    with pytest.raises(InvalidArguments, match=r"ask_to_wait: .*float"):
        sample.ask_to_wait.enqueue(float("nan"), "later")


@pytest.mark.parametrize("value", [{"\ud800": 1}, ["\0"], {"a": [{"b\0": 1}]}])
def test_what_the_database_cannot_keep_is_refused_wherever_it_stands(value: Any) -> None:
    with pytest.raises(InvalidArguments, match="text may not contain"):
        flows.same.enqueue(value)


def test_text_about_characters_is_as_good_as_any_other() -> None:
    about = "\\u0000 is NUL, and \\ud800 half a pair"
    run_id = flows.same.enqueue(about)
    assert execute.run(run_id) is RunState.SUCCEEDED
    assert row(run_id).result == {"value": about}


@pytest.mark.parametrize("code", [0, 0xD800, 0xDFFF])
def test_a_result_that_the_database_cannot_keep_is_the_jobs_failure(code: int) -> None:
    run_id = sample.spell.enqueue([65, code])
    assert execute.run(run_id) is RunState.WAITING
    assert "result cannot be kept: text may not contain" in (row(run_id).error or "")


@pytest.mark.parametrize("code", [0, 0xD800, 0xDFFF])
def test_an_error_that_the_database_cannot_keep_is_kept_as_far_as_it_can_be(code: int) -> None:
    run_id = sample.spell.enqueue([65, code], fails=True)
    assert execute.run(run_id) is RunState.WAITING
    assert row(run_id).error == "ValueError: A\ufffd"
    assert (row(run_id).progress or {})["note"] == "A\ufffd"


def test_a_job_that_fails_is_tried_again_by_its_policy_and_then_dies_with_every_error_kept() -> None:
    run_id = sample.fail.enqueue("broken")
    work()
    for failures in (1, 2):
        waiting = row(run_id)
        assert (waiting.state, waiting.failures) == (RunState.WAITING, failures)
        assert jobs_redis().zscore(carrier.SCHEDULED_KEY, str(run_id)) == pytest.approx(waiting.run_at.timestamp())
        make_due(run_id)
        execute.run(run_id)
    dead = row(run_id)
    assert (dead.state, dead.attempt) == (RunState.DEAD, 3)
    assert dead.error == "ValueError: broken"
    assert sample.marks() == {"broken": 3}
    assert [(kept.outcome, kept.error) for kept in attempts(run_id)] == [(Outcome.FAILED, "broken")] * 3
    assert "leave_mark(message)" not in attempts(run_id)[0].traceback
    assert "raise ValueError(message)" in attempts(run_id)[0].traceback


def test_a_dead_job_is_shown_on_the_dead_letter_queue_for_a_day() -> None:
    run_id = sample.refuse.enqueue("never")
    assert execute.run(run_id) is RunState.DEAD
    redis = jobs_redis()
    letters = Queue(carrier.DEAD_LETTER, connection=redis, serializer=JSONSerializer)
    assert letters.job_ids == [str(run_id)]
    assert letters.jobs[0].kwargs == {"message": "never"}
    assert 0 < redis.ttl(f"rq:job:{run_id}") <= carrier.DEAD_LETTER_SECONDS  # type: ignore[operator]  # the asynchronous client's type


def test_a_permanent_failure_is_not_tried_again() -> None:
    run_id = sample.refuse.enqueue("never")
    work()
    assert (row(run_id).state, row(run_id).attempt) == (RunState.DEAD, 1)


@pytest.mark.parametrize(
    ("declared", "dead"),
    [
        (sample.give_up_when_broken, {"broken", "absent"}),
        (sample.retry_when_away, {"broken", "value"}),
    ],
)
def test_which_errors_are_tried_again_is_the_jobs_own_choice(declared: Any, dead: set[str]) -> None:
    ways = ["broken", "absent", "away", "value", "temporary", "unavailable", "later", "postponed"]
    ended = {how: execute.run(declared.enqueue(how)) for how in ways}
    assert {how for how, state in ended.items() if state is RunState.DEAD} == dead
    assert set(ended.values()) == {RunState.DEAD, RunState.WAITING}


def test_what_is_given_up_on_is_a_dead_letter_with_its_error() -> None:
    run_id = sample.give_up_when_broken.enqueue("absent")
    execute.run(run_id)
    assert (row(run_id).attempt, row(run_id).error) == (1, "Absent: absent")
    assert [kept.outcome for kept in attempts(run_id)] == [Outcome.FAILED]
    assert Queue(carrier.DEAD_LETTER, connection=jobs_redis(), serializer=JSONSerializer).job_ids == [str(run_id)]


@pytest.mark.parametrize("no_class", ["ValueError", ValueError("x"), int])
def test_a_policy_for_what_is_no_error_is_refused(no_class: Any) -> None:
    with pytest.raises(ValueError, match="classes of errors"):
        RetryPolicy("odd", (), give_up_on=(no_class,))
    with pytest.raises(ValueError, match="classes of errors"):
        job(queue="maintenance", retry_on=(no_class,))


@pytest.mark.parametrize(("how", "failures"), [("temporary", 1), ("later", 1), ("postponed", 0)])
def test_a_job_waits_as_long_as_it_was_asked_to(how: str, failures: int) -> None:
    run_id = sample.ask_to_wait.enqueue(500, how)
    work()
    waiting = row(run_id)
    assert (waiting.state, waiting.failures) == (RunState.WAITING, failures)
    assert waiting.run_at - datetime.now(UTC) == pytest.approx(timedelta(seconds=500), abs=timedelta(seconds=5))


@pytest.mark.parametrize("seconds", [1e12, 1e300])
def test_a_job_that_was_asked_to_wait_for_ages_waits_for_ten_years(seconds: float) -> None:
    run_id = sample.ask_to_wait.enqueue(seconds, "postponed")
    work()
    assert row(run_id).state is RunState.WAITING
    assert 9 < (row(run_id).run_at - datetime.now(UTC)).days / 365 < 11


def test_an_atomic_job_enqueues_what_follows_once_even_when_it_runs_again() -> None:
    run_id = sample.mark_many.enqueue(["a", "b"])
    with transaction():
        claim = store.take(run_id, worker="one", lease=60)
    assert claim is not None
    with transaction():
        session().execute(update(JobRun).where(JobRun.id == run_id).values(lease_until=datetime.now(UTC)))
    reconcile.free_interrupted()
    work()
    assert sample.marks() == {"a": 1, "b": 1}
    assert {child.parent_id for child in _named("tests.jobs.sample.mark")} == {run_id}


def _named(name: str) -> list[JobRun]:
    with transaction():
        return list(session().scalars(select(JobRun).filter_by(name=name)))


def test_a_worker_that_lost_its_lease_can_neither_commit_nor_close() -> None:
    run_id = sample.mark.enqueue("late")
    with transaction():
        stale = store.take(run_id, worker="frozen", lease=60)
    assert stale is not None
    with transaction():
        session().execute(update(JobRun).where(JobRun.id == run_id).values(lease_until=datetime.now(UTC)))
    reconcile.free_interrupted()
    with pytest.raises(LeaseLost), execute._holding(stale):
        sample.leave_mark("late")
    with pytest.raises(LeaseLost), transaction():
        store.close(stale, state=RunState.SUCCEEDED)
    assert sample.marks() == {}
    assert execute.run(run_id) is RunState.SUCCEEDED
    assert sample.marks() == {"late": 1}


def test_an_interruption_costs_no_attempt_and_the_third_is_a_poison_pill() -> None:
    run_id = sample.mark.enqueue("pill")
    for interruptions in (1, 2, 3):
        with transaction():
            assert store.take(run_id, worker="doomed", lease=60) is not None
            session().execute(update(JobRun).where(JobRun.id == run_id).values(lease_until=datetime.now(UTC)))
        assert reconcile.free_interrupted() == 1
        now = row(run_id)
        assert (now.interruptions, now.failures) == (interruptions, 0)
    assert now.state is RunState.DEAD
    assert [kept.outcome for kept in attempts(run_id)] == [Outcome.INTERRUPTED] * 3


def test_a_job_that_the_database_gave_up_waiting_for_was_interrupted_and_has_not_failed() -> None:
    run_id = sample.lie_idle.enqueue()
    execute.run(run_id)
    assert (row(run_id).state, row(run_id).failures) == (RunState.RUNNING, 0)
    with transaction():
        session().execute(update(JobRun).values(lease_until=datetime.now(UTC)))
    assert reconcile.free_interrupted() == 1
    assert execute.run(run_id) is RunState.SUCCEEDED
    assert (row(run_id).interruptions, row(run_id).failures) == (1, 0)
    assert sample.marks() == {"idle": 1}


def test_a_key_keeps_a_job_from_waiting_twice_and_is_free_again_afterwards() -> None:
    first = sample.mark.once("key", "once")
    assert sample.mark.once("key", "once") == first
    work()
    assert sample.marks() == {"once": 1}
    assert sample.mark.once("key", "once") != first


def test_a_delayed_job_waits_in_the_schedulers_set_and_can_be_taken_back() -> None:
    run_id = sample.mark.once_at(datetime.now(UTC) + timedelta(hours=1), "key", "later")
    redis = jobs_redis()
    assert redis.zscore(carrier.SCHEDULED_KEY, str(run_id))
    assert execute.run(run_id) is None, "nobody runs it before its time"
    with transaction():
        assert cancel(sample.mark, unique_key="key") == run_id
    assert redis.zscore(carrier.SCHEDULED_KEY, str(run_id)) is None
    assert row(run_id).state is RunState.CANCELLED
    make_due(run_id)
    assert execute.run(run_id) is None


def test_the_soft_limit_stops_a_job_that_swallows_every_exception() -> None:
    run_id = sample.dawdle.enqueue()
    assert execute.run(run_id) is RunState.WAITING
    assert attempts(run_id)[0].error_type == "SoftTimeLimit"


def test_work_that_is_cheap_to_lose_runs_without_a_row() -> None:
    sample.mark_cheaply.enqueue("cheap")
    work()
    assert sample.marks() == {"cheap": 1}
    with transaction():
        assert session().scalars(select(JobRun)).all() == []


def test_work_without_a_row_cannot_wait_for_its_time() -> None:
    later = timedelta(hours=1)
    with pytest.raises(ValueError, match=r"mark_cheaply is declared durable=False: .* no row to wait in"):
        sample.mark_cheaply.after(later, "cheap")
    for when in (datetime.now(UTC) + later, datetime.now(UTC) - later):
        with pytest.raises(ValueError, match="no row to wait in"):
            sample.mark_cheaply.at(when, "cheap")
    assert jobs_redis().zcard(carrier.SCHEDULED_KEY) == 0


def test_redis_sees_json_and_no_arguments_in_the_description() -> None:
    run_id = sample.mark.enqueue("visible")
    redis: Redis = jobs_redis()
    fetched = Queue("maintenance", connection=redis, serializer=JSONSerializer).fetch_job(str(run_id))
    assert fetched is not None
    assert (fetched.func_name, fetched.kwargs) == ("tests.jobs.sample.mark", {"name": "visible", "times": 1})
    assert fetched.description == "tests.jobs.sample.mark"
    stored = zlib.decompress(cast("bytes", redis.hget(f"rq:job:{run_id}", "data")))
    assert json.loads(stored)[0] == "tests.jobs.sample.mark"


def test_the_named_policies_are_those_of_the_catalogue() -> None:
    delays = {name: list(policy.delays) for name, policy in POLICIES.items() if name != "webhook"}
    assert delays == {
        "default": [60, 120, 240],
        "calendar": [60, 300, 900],
        "notification": [30, 60, 300],
        "never": [],
    }
    webhook = POLICIES["webhook"].delays
    assert webhook[:5] == (0, 30, 60, 120, 240)
    assert 12 * 3600 < sum(webhook) <= 24 * 3600
    jittered = {POLICIES["default"].delay_after(2) for _ in range(200)}
    assert min(filter(None, jittered)) >= 108
    assert max(filter(None, jittered)) <= 132
    assert len(jittered) > 100
    assert POLICIES["default"].delay_after(4) is None
