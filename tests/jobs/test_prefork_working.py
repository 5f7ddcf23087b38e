"""The worker at work, as we and RQ's own tools see it."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from rq import Queue, SimpleWorker
from rq.job import Job, JobStatus
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from sqlalchemy import text

from jobs.runtime import carrier
from jobs.runtime.models import RunState
from jobs.worker import main as worker_command
from tests.jobs import labour, sample, workers
from tests.jobs.workers import Worker, eventually, go, process_of, row, times
from webapp.core.db import db, session, transaction
from webapp.core.redis import jobs_redis
from webapp.core.settings import settings

pytestmark = pytest.mark.usefixtures("effects")


def rq(*arguments: str) -> str:
    """What RQ's own command says."""
    program = Path(sys.executable).with_name("rq")
    url = settings().redis_url
    done = subprocess.run([program, *arguments, "--url", url], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_kind_of_job_runs_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    durable = [labour.work.enqueue(f"durable-{n}") for n in range(40)]
    atomic = labour.work_atomically.enqueue("atomic")
    for n in range(40):
        labour.work_cheaply.enqueue(f"cheap-{n}")
    queue = Queue("bookings", connection=jobs_redis(), serializer=JSONSerializer)
    foreign = queue.enqueue("tests.operations.work.echo", "hello")
    with Worker(tmp_path, "--burst", processes=2) as worker:
        assert worker.ended() == 0, worker.log
    assert sorted(mark for _, mark, _ in workers.told()) == sorted(
        [f"durable-{n}" for n in range(40)] + [f"cheap-{n}" for n in range(40)]
    )
    assert {row(run_id).state for run_id in (*durable, atomic)} == {RunState.SUCCEEDED}
    assert row(durable[3]).result == {"value": "durable-3"}
    assert sample.marks() == {"atomic": 1}
    assert foreign.get_status() is JobStatus.FINISHED
    assert foreign.return_value() == "hello"
    assert workers.leftovers() == set()
    remaining = {key.decode() for key in jobs_redis().scan_iter("rq:job:*")}
    assert remaining == {f"rq:job:{foreign.id}"}


def test_a_failed_job_without_a_row_stands_among_rqs_failed_ones(tmp_path: Path) -> None:
    run_id = labour.fail_cheaply.enqueue("broken")
    with Worker(tmp_path, "--burst") as worker:
        assert worker.ended() == 0, worker.log
    registry = FailedJobRegistry("bookings", connection=jobs_redis(), serializer=JSONSerializer)
    assert registry.get_job_ids(cleanup=False) == [str(run_id)]
    job = Job.fetch(str(run_id), connection=jobs_redis(), serializer=JSONSerializer)
    result = job.latest_result()
    assert result is not None
    assert "ValueError: broken" in str(result.exc_string)


def test_a_job_that_tries_to_end_its_process_has_failed(tmp_path: Path) -> None:
    run_id = labour.leave.enqueue("leave")
    with Worker(tmp_path, "--burst") as worker:
        assert worker.ended() == 0, worker.log
    left = row(run_id)
    assert (left.state, left.failures, left.error) == (RunState.WAITING, 1, "SystemExit: 3")


def test_rq_info_and_rqs_books_show_the_children_and_what_they_do(tmp_path: Path) -> None:
    with Worker(tmp_path, processes=2) as worker:
        run_id = labour.hold.enqueue("visible")
        pid = process_of("began", "visible")
        busy = eventually(lambda: [record for record in worker.records() if record.state == "busy"])
        assert [(record.pid, record.job_ids) for record in busy] == [(pid, (str(run_id),))]
        told = rq("info", "--raw")
        assert "queue bookings 0, 1 executing" in told
        assert f"{busy[0].name} (" in told
        assert "idle" in told
        job = Job.fetch(str(run_id), connection=jobs_redis(), serializer=JSONSerializer)
        assert (job.get_status(), job.worker_name) == (JobStatus.STARTED, busy[0].name)
        assert [execution.worker_name for execution in job.get_executions()] == [busy[0].name]
        assert row(run_id).worker == busy[0].name
        go("visible")
        eventually(lambda: row(run_id).state is RunState.SUCCEEDED)
        eventually(lambda: sum(record.succeeded for record in worker.records()) == 1)


def test_a_stock_rq_worker_works_beside_it(tmp_path: Path) -> None:
    with Worker(tmp_path, "--queues", "email"):
        labour.work.enqueue("stock")
        redis = jobs_redis()
        queues = [Queue(name, connection=redis, serializer=JSONSerializer) for name in ("bookings", "email")]
        SimpleWorker(queues, connection=redis, serializer=JSONSerializer).work(burst=True, logging_level="WARNING")
        assert workers.told() == [("did", "stock", os.getpid())]


def test_suspended_workers_take_nothing(tmp_path: Path) -> None:
    with Worker(tmp_path):
        rq("suspend")
        run_id = labour.work.enqueue("later")
        time.sleep(1.5)  # longer than it takes to look: that nothing happens cannot be waited for
        assert row(run_id).state is RunState.WAITING
        rq("resume")
        process_of("did", "later")


def waits_for(number: int) -> list[float]:
    """Enqueue so many jobs, each when the one before is done; return for each the seconds until it was."""
    labour.work.enqueue("warm-up")
    process_of("did", "warm-up")
    waits = []
    for n in range(number):
        began = time.perf_counter()
        labour.work.enqueue(f"quick-{n}")
        while times("did", f"quick-{n}") == 0:
            time.sleep(0.0005)
        waits.append(time.perf_counter() - began)
    return waits


def test_an_idle_worker_begins_a_job_within_milliseconds(tmp_path: Path) -> None:
    with Worker(tmp_path):
        waits = waits_for(20)
        assert statistics.median(waits) < 0.25, waits


def test_workers_for_other_queues_do_not_keep_a_job_from_its_own_waiting_worker(tmp_path: Path) -> None:
    with Worker(tmp_path, "--queues", "bookings"), Worker(tmp_path, "--queues", "email", processes=3) as others:
        eventually(lambda: len(others.records()) == 4)
        waits = waits_for(12)
        assert statistics.median(waits) < 0.25, waits


def test_a_worker_for_a_queue_works_on_all_its_lanes(tmp_path: Path) -> None:
    for lane in ("high", "low"):
        redis_queue = Queue(f"email:{lane}", connection=jobs_redis(), serializer=JSONSerializer)
        redis_queue.enqueue("tests.operations.work.echo", lane)
    labour.work.enqueue("of another queue")
    with Worker(tmp_path, "--burst", "--queues", "email:high") as worker:
        assert worker.ended() == 0, worker.log
    assert [len(workers.queued(f"email:{lane}")) for lane in ("high", "low")] == [0, 1]
    with Worker(tmp_path, "--burst", "--queues", "email") as worker:
        assert worker.ended() == 0, worker.log
    assert workers.queued("email:low") == []
    assert len(workers.queued("bookings")) == 1


def test_a_worker_for_a_queue_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        worker_command(["--queues", "email,nonsense"])
    assert refused.value.code == 2
    assert "there is no queue 'nonsense'; choose from bookings, email" in capsys.readouterr().err


def test_what_others_put_on_a_queue_without_ringing_is_seen_within_a_second_or_two(tmp_path: Path) -> None:
    with Worker(tmp_path):
        queue = Queue("email", connection=jobs_redis(), serializer=JSONSerializer)
        job = queue.enqueue("tests.operations.work.echo", "hello")
        eventually(lambda: job.get_status() is JobStatus.FINISHED, seconds=20)


def test_jobs_without_a_row_cause_no_traffic_to_the_database(tmp_path: Path) -> None:
    with Worker(tmp_path):
        for n in range(20):
            labour.work_cheaply.enqueue(f"cheap-{n}")
        process_of("did", "cheap-19")
        db.engine.dispose()  # earlier tests have left connections in this process's pool
        eventually(lambda: others_connected() == 0)  # and programs that PostgreSQL is about to see the end of


def others_connected() -> int:
    """How many sessions of ours there are at the database beside this one."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'almanac' AND pid <> pg_backend_pid()"
    with transaction():
        return session().scalar(text(others)) or 0


def test_a_child_is_replaced_when_it_has_done_its_share(tmp_path: Path) -> None:
    for n in range(10):
        labour.work.enqueue(f"share-{n}")
    with Worker(tmp_path, WORKER_MAX_JOBS="4"):
        eventually(lambda: len(workers.told()) == 10)
        pids = [pid for *_, pid in workers.told()]
    assert [pids.count(pid) for pid in dict.fromkeys(pids)] == [4, 4, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_parent_has_no_connection_and_no_thread_and_a_child_little_memory_of_its_own(tmp_path: Path) -> None:
    from jobs.runtime.prefork.system import own_megabytes

    with Worker(tmp_path, processes=2) as worker:
        for n in range(50):
            labour.hold.enqueue(f"m-{n}")
            go(f"m-{n}")
        eventually(lambda: times("ended", "m-49"))
        files = [os.fspath(link.readlink()) for link in Path(f"/proc/{worker.pid}/fd").iterdir()]
        assert not [name for name in files if name.startswith("socket:")]
        assert len(list(Path(f"/proc/{worker.pid}/task").iterdir())) == 1, "nor any thread"
        assert all(0 < own_megabytes(pid) < 40 for pid in worker.children())


def test_the_hash_of_a_job_is_what_rq_itself_would_write() -> None:
    run = carrier.Carried(
        id=uuid4(),
        path="tests.jobs.labour.work",
        queue="email",
        lane="high",
        arguments={"mark": "é"},
        run_at=datetime.now(UTC),
        time_limit=77,
    )
    job = Job.create(
        run.path,
        kwargs=run.arguments,
        id=str(run.id),
        connection=jobs_redis(),
        origin="email:high",
        description=run.path,
        timeout=77,
        result_ttl=0,
        failure_ttl=carrier.DEAD_LETTER_SECONDS,
        status=JobStatus.QUEUED,
        serializer=JSONSerializer,
    )
    job.enqueued_at = datetime.now(UTC)
    theirs = job.to_dict()
    carrier.push(jobs_redis(), [run])
    ours: Any = jobs_redis().hgetall(f"rq:job:{run.id}")
    own = {key.decode(): value for key, value in ours.items()}
    assert own.keys() == theirs.keys()
    varying = {"created_at", "enqueued_at", "data"}
    assert {k: v.decode() for k, v in own.items() if k not in varying} == {
        k: str(v.value if isinstance(v, JobStatus) else v) for k, v in theirs.items() if k not in varying
    }
    read = Job.fetch(str(run.id), connection=jobs_redis(), serializer=JSONSerializer)
    assert (read.func_name, read.args, read.kwargs) == (run.path, [], {"mark": "é"})
    assert read.enqueued_at is not None
