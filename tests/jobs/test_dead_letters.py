from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, insert, select, update

from jobs import operations
from jobs.runtime import carrier, dead_letters, execute, reconcile
from jobs.runtime.dead_letters import DeadLetters
from jobs.runtime.models import JobAttempt, JobRun, RunState
from tests.jobs import sample
from tests.jobs.workers import row
from webapp.core.db import session, transaction, uuid7
from webapp.core.errors import Conflict, NotFound
from webapp.core.redis import jobs_redis

pytestmark = pytest.mark.usefixtures("effects")


def letter(message: str = "no such customer", *, unique_key: str | None = None) -> UUID:
    run_id = sample.refuse.once(unique_key, message) if unique_key else sample.refuse.enqueue(message)
    assert execute.run(run_id) is RunState.DEAD
    return run_id


def shown() -> list[str]:
    members: Any = jobs_redis().lrange(f"rq:queue:{carrier.DEAD_LETTER}", 0, -1)
    return [member.decode() for member in members]


def found(**wanted: Any) -> list[UUID]:
    with transaction():
        return [run.id for run in dead_letters.search(DeadLetters(**wanted))]


def attempts(run_id: UUID) -> int:
    with transaction():
        return session().scalar(select(func.count()).where(JobAttempt.run_id == run_id)) or 0


def test_dead_letters_are_found_by_name_queue_error_and_time_the_latest_first() -> None:
    first, second = letter("no such customer"), letter("100% wrong")
    assert found() == [second, first]
    assert found(text="SUCH customer") == [first]
    assert found(text="100%") == [second]
    assert found(text="0_ wrong") == [], "signs are taken as they are"
    assert found(name="sample.ref") == [second, first]
    assert found(name="bookings") == []
    assert found(queue="maintenance", text="wrong") == [second]
    assert found(queue="email") == []
    now = datetime.now(UTC)
    assert found(since=now - timedelta(minutes=1), until=now + timedelta(minutes=1)) == [second, first]
    assert found(until=now - timedelta(minutes=1)) == []


def test_pages_follow_each_other_without_a_gap() -> None:
    letters = [letter(str(number)) for number in range(5)]
    with transaction():
        first_page = dead_letters.search(DeadLetters(), limit=2)
        rest = dead_letters.search(DeadLetters(), before=dead_letters.place_of(first_page[-1]))
        assert dead_letters.count(DeadLetters()) == 5
    assert [run.id for run in first_page + rest] == letters[::-1]


def test_a_replayed_letter_is_tried_as_if_new_and_keeps_its_history() -> None:
    run_id = letter()
    assert shown() == [str(run_id)]
    with transaction():
        dead_letters.replay(run_id)
    assert (row(run_id).state, row(run_id).failures, row(run_id).finished_at) == (RunState.WAITING, 0, None)
    assert shown() == []
    assert not carrier.lost_ids(jobs_redis(), {run_id: "maintenance"})
    status: Any = jobs_redis().hget(f"rq:job:{run_id}", "status")
    assert status == b"queued"
    assert execute.run(run_id) is RunState.DEAD
    assert attempts(run_id) == 2
    assert row(run_id).attempt == 2
    assert shown() == [str(run_id)]


def test_what_is_not_dead_cannot_be_replayed() -> None:
    for run_id in (sample.mark.enqueue("alive"), uuid4()):
        with pytest.raises(NotFound), transaction():
            dead_letters.replay(run_id)


def test_a_letter_whose_key_is_in_use_again_stays_dead() -> None:
    old = letter(unique_key="key")
    sample.refuse.once("key", "the next one")
    with pytest.raises(Conflict, match="same key"), transaction():
        dead_letters.replay(old)
    with transaction():
        assert dead_letters.replay_many([old]) == []
    assert row(old).state is RunState.DEAD


def test_of_several_letters_with_one_key_the_newest_is_replayed() -> None:
    letters = [letter(unique_key="key") for _ in range(3)]
    other = letter()
    with transaction():
        assert set(dead_letters.replay_many([*letters, other])) == {letters[-1], other}
    states = [row(run_id).state for run_id in [*letters, other]]
    assert states == [RunState.DEAD, RunState.DEAD, RunState.WAITING, RunState.WAITING]


def test_a_discarded_letter_is_gone_from_the_letters_and_says_who_did_it() -> None:
    run_id, kept = letter(), letter()
    with transaction():
        assert dead_letters.discard([run_id], by="ada@example.com") == [run_id]
        assert dead_letters.discard([run_id], by="bob@example.com") == []
    assert found() == [kept]
    assert shown() == [str(kept)]
    assert (row(run_id).state, row(run_id).revoked_by) == (RunState.CANCELLED, "ada@example.com")
    assert attempts(run_id) == 1
    with pytest.raises(NotFound), transaction():
        dead_letters.replay(run_id)


def test_all_that_fit_are_replayed_by_a_job_however_many_and_the_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "REPLAY_BATCH", 10)
    now = datetime.now(UTC)
    usual = {
        "name": sample.refuse.name,
        "queue": "maintenance",
        "lane": "default",
        "arguments": {"message": "x"},
        "state": RunState.DEAD,
        "run_at": now,
        "finished_at": now - timedelta(minutes=1),
    }
    with transaction():
        session().execute(insert(JobRun), [{**usual, "id": uuid7(), "error": "Timeout"} for _ in range(35)])
        session().execute(insert(JobRun), [{**usual, "id": uuid7(), "error": "Refused"} for _ in range(3)])
    run_id = operations.replay_dead_letters.enqueue(text="timeout")
    assert execute.run(run_id) is RunState.SUCCEEDED
    assert row(run_id).result == {"replayed": 35}
    assert (row(run_id).progress or {})["done"] == (row(run_id).progress or {})["total"] == 35
    with transaction():
        assert dead_letters.count(DeadLetters()) == 3


def test_redis_shows_letters_for_a_day_and_ten_thousand_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "DEAD_LETTER_LIMIT", 3)
    letters = [str(letter(str(number))) for number in range(5)]
    redis = jobs_redis()
    redis.set(carrier.MEMORY_KEY, carrier.server_id(redis))
    assert shown() == letters[2:]
    assert [redis.exists(f"rq:job:{run_id}") for run_id in letters] == [0, 0, 1, 1, 1]
    redis.delete(f"rq:job:{letters[2]}")  # as a day later
    reconcile.Reconciler(redis).run()
    assert shown() == letters[3:]
    assert len(found()) == 5, "the database has them for longer"


def test_a_redis_that_was_emptied_shows_the_letters_of_the_last_day_again() -> None:
    old, first, second = (letter(str(number)) for number in range(3))
    with transaction():
        two_days_ago = datetime.now(UTC) - timedelta(days=2)
        session().execute(update(JobRun).where(JobRun.id == old).values(finished_at=two_days_ago))
    redis = jobs_redis()
    redis.flushall()
    reconcile.Reconciler(redis).run()
    assert shown() == [str(first), str(second)]
    ttl: Any = redis.ttl(f"rq:job:{first}")
    assert carrier.DEAD_LETTER_SECONDS - 60 < ttl <= carrier.DEAD_LETTER_SECONDS
