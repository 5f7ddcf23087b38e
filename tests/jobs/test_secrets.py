from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from flask.testing import FlaskClient
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import text

from devserver.servers import HOST, free_port
from jobs.cli import jobs as commands
from jobs.runtime import Cron, Every, InvalidArguments, Secret, carrier, execute
from jobs.runtime.models import JobRun, RunState
from jobs.runtime.secret import holds_secret
from tests import factories
from tests.jobs import sample, secretive
from tests.jobs.workers import ROOT, Worker, eventually, row
from tests.operations.conftest import browser_of, with_setting
from tests.warm import Warm
from webapp.core import crypto, hidden
from webapp.core.db import metadata, session, transaction
from webapp.core.redis import cache_redis, jobs_redis
from webapp.core.settings import SettingsError, load_settings

__all__ = ["with_setting"]

pytestmark = pytest.mark.usefixtures("effects")

# With what JSON, Python and addresses write differently.
CANARY = 'canary-"7f3a\\é/ x+y'
WAYS = {
    CANARY,
    json.dumps(CANARY)[1:-1],
    repr(CANARY)[1:-1],
    "canary-%227f3a",
    "canary-",
}


def everything_in_redis() -> Iterator[str]:
    """All keys of both servers with all that they hold, unpacked."""
    read: dict[Any, Callable[[Any, bytes], Any]] = {
        b"string": lambda redis, key: [redis.get(key)],
        b"hash": lambda redis, key: [part for pair in redis.hgetall(key).items() for part in pair],
        b"list": lambda redis, key: redis.lrange(key, 0, -1),
        b"set": lambda redis, key: redis.smembers(key),
        b"zset": lambda redis, key: redis.zrange(key, 0, -1),
        b"stream": lambda redis, key: [part for _, fields in redis.xrange(key) for part in fields.values()],
    }
    for redis in (jobs_redis(), cache_redis()):
        for key in redis.scan_iter():
            yield key.decode()
            for part in read[redis.type(key)](redis, key):
                yield unpacked(part)


def unpacked(part: bytes) -> str:
    try:
        return zlib.decompress(part).decode()
    except zlib.error:
        return part.decode(errors="replace")


def everything_in_the_database() -> Iterator[str]:
    with transaction():
        for table in metadata.sorted_tables:
            yield from session().scalars(text(f'SELECT to_jsonb(t)::text FROM "{table.name}" t'))


def assert_nowhere(texts: Iterator[str] | list[str], where: str) -> None:
    found = [shown for shown in texts if any(way in shown for way in WAYS)]
    assert not found, f"{where} shows the secret: {found[0][:2000]}"


def stock_worker() -> None:
    queues = [Queue(name, connection=jobs_redis(), serializer=JSONSerializer) for name in carrier.queue_names()]
    SimpleWorker(queues, connection=jobs_redis(), serializer=JSONSerializer).work(burst=True, logging_level="DEBUG")


def assert_it_did_its_work() -> None:
    assert sample.marks()[crypto.digest(CANARY)] == 2
    with transaction():
        states = {run.name.rpartition(".")[2]: run.state for run in session().query(JobRun)}
    assert states == {
        "sign_in_elsewhere": RunState.SUCCEEDED,
        "fail_to_sign_in": RunState.DEAD,
        "hand_on": RunState.SUCCEEDED,
    }


def enqueue_the_canary() -> None:
    secret = Secret(CANARY)
    secretive.sign_in_elsewhere.enqueue(secret)
    secretive.fail_to_sign_in.enqueue(secret)
    secretive.hand_on.enqueue(secret)
    secretive.fail_cheaply.enqueue(secret)


def both_have_failed_for_good() -> bool:
    with transaction():
        session().execute(text("UPDATE job_run SET run_at = now() WHERE state = 'waiting'"))
        waiting = session().execute(text("SELECT id FROM job_run WHERE state = 'waiting' AND failures > 0")).scalars()
        ids = list(waiting)
    for run_id in ids:
        execute.run(run_id)
    with transaction():
        done: int | None = session().scalar(text("SELECT count(*) FROM job_run WHERE state IN ('succeeded', 'dead')"))
    return done == 5


@pytest.mark.parametrize("kind", ["ours", "stock"])
def test_a_secret_is_found_nowhere_however_badly_jobs_treat_it(
    kind: str, tmp_path: Path, client: FlaskClient, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    enqueue_the_canary()
    assert_nowhere(everything_in_redis(), "Redis, before anybody ran")
    if kind == "ours":
        settings = {"FLASK_APP": "tests.jobs.secretive_app:app", "LOG_LEVEL": "debug", "LOG_FORMAT": "json"}
        with Worker(tmp_path, processes=2, **settings) as worker:
            eventually(both_have_failed_for_good)
            eventually(lambda: "about to fail" in worker.log and jobs_redis().llen("rq:queue:maintenance") == 0)
        assert_nowhere([worker.log], "the worker's log")
        assert "the other side refused [hidden]" in worker.log
    else:
        stock_worker()
        eventually(both_have_failed_for_good)
        stock_worker()
    assert_nowhere(list(capfd.readouterr()), "standard error")
    assert_nowhere(everything_in_redis(), "Redis")
    assert_nowhere(everything_in_the_database(), "the database")
    assert_it_did_its_work()
    assert_nowhere([client.get("/metrics").text], "/metrics")
    administrator = browser_of(client.application, factories.member())
    for page in ("", "0/view/jobs", "0/data/jobs/maintenance/failed/50/asc/1.json", "0/data/queues.json"):
        assert_nowhere([administrator.get(f"/admin/rq/{page}").text], page)
    assert_no_page_of_the_console_shows_it(administrator)


def assert_no_page_of_the_console_shows_it(administrator: FlaskClient) -> None:
    """Lists, searches, and the pages of runs that have succeeded and that have failed, with and without a row."""
    with transaction():
        runs = {run.id: run.state for run in session().query(JobRun)}
        letters = {run_id for run_id, state in runs.items() if state is RunState.DEAD}

    def read(path: str) -> str:
        answer = administrator.get(f"/admin/jobs{path}")
        assert answer.status_code == 200, path
        assert_nowhere([answer.text], path)
        return answer.text

    for path in ("", "/runs", "/runs?text=token", "/runs?state=dead", "/workers", "/limits", "/alerts", "/changes"):
        read(path)
    for path in ("/dead", "/dead?text=refused", "/dead?name=sign_in"):
        assert all(str(run_id) in read(path) for run_id in letters)
    for run_id in runs:
        shown = read(f"/runs/{run_id}")
        assert "[hidden]" in shown
        assert ("Traceback" in shown) is (run_id in letters)
        read(f"/runs/{run_id}/events")
    assert "refused [hidden]" in read("/unrecorded")
    for path in ("/runs?text=canary", "/dead?text=canary"):
        assert not any(str(run_id) in administrator.get(f"/admin/jobs{path}").text for run_id in runs)


def test_a_result_that_tells_the_secret_keeps_the_rest() -> None:
    run_id = secretive.sign_in_elsewhere.enqueue(Secret(CANARY))
    execute.run(run_id)
    result = row(run_id).result or {}
    assert result["answer"] == ["welcome, [hidden]"]
    assert result["count"] == 12345
    assert (row(run_id).progress or {})["note"] == "signing in with [hidden]"


def test_secrets_may_stand_in_lists_and_be_of_other_types() -> None:
    run_id = secretive.use_many.enqueue([Secret("first one"), Secret("second one")], {"a": Secret(40), "b": Secret(2)})
    assert execute.run(run_id) is RunState.SUCCEEDED
    assert sample.marks() == {crypto.digest("first one"): 1, crypto.digest("second one"): 1, "42": 1}
    assert "one" not in json.dumps(row(run_id).arguments)


def test_a_secret_shows_itself_to_nobody_by_accident() -> None:
    secret = Secret(CANARY)
    assert f"{secret} {secret!r} {[secret]}" == "[hidden] [hidden] [[hidden]]"
    assert secret.reveal() == CANARY
    assert secret == Secret(CANARY)
    assert secret != Secret("another")
    assert hash(secret) == hash(Secret(CANARY))


def test_a_secret_that_does_not_fit_is_refused_without_being_told() -> None:
    with pytest.raises(InvalidArguments) as refused:
        secretive.use_many.enqueue(["fine"], {"pin": Secret(CANARY)})  # type: ignore[list-item, arg-type]  # on purpose
    assert_nowhere([str(refused.value), repr(refused.value.__cause__)], "the refusal")


def test_a_schedule_takes_no_secret() -> None:
    with pytest.raises(ValueError, match="cannot be an argument of a schedule"):
        Every(secretive.sign_in_elsewhere, Cron("* * * * *"), {"token": CANARY})


def test_keys_are_changed_by_putting_a_new_one_in_front(with_setting: Callable[[str, str], None]) -> None:
    by_default = crypto.encrypt("one")
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    with_setting("ENCRYPTION_KEYS", old)
    by_old = crypto.encrypt("two")
    with_setting("ENCRYPTION_KEYS", f"{new}, {old}")
    by_new = crypto.renew(by_old)
    assert [crypto.decrypt(kept) for kept in (by_default, by_old, by_new)] == ["one", "two", "two"]
    with_setting("ENCRYPTION_KEYS", new)
    assert crypto.decrypt(by_new) == "two"
    with pytest.raises(ValueError, match="not in ENCRYPTION_KEYS"):
        crypto.decrypt(by_old)


def test_a_run_whose_key_is_gone_says_so(with_setting: Callable[[str, str], None]) -> None:
    with_setting("ENCRYPTION_KEYS", Fernet.generate_key().decode())
    run_id = secretive.sign_in_elsewhere.enqueue(Secret(CANARY))
    with_setting("ENCRYPTION_KEYS", Fernet.generate_key().decode())
    execute.run(run_id)
    assert "stored arguments no longer fit" in (row(run_id).error or "")


def test_a_key_that_is_none_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", "short")
    with pytest.raises(SettingsError, match="ENCRYPTION_KEYS makes no sense: each key is 32 bytes"):
        load_settings()


def test_outside_of_a_job_nothing_is_kept_in_mind() -> None:
    code = "from webapp.core import hidden; hidden.keep('a secret'); print(hidden.hide('a secret'))"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout == "a secret\n"


def test_the_next_job_forgets_and_short_secrets_do_not_riddle_the_log() -> None:
    hidden.begin()
    hidden.keep("abc")
    hidden.keep("first secret")
    assert hidden.hide("abc first secret") == "abc [hidden]"
    hidden.begin()
    assert hidden.hide("first secret") == "first secret"


def test_the_encrypted_form_is_told_from_other_objects() -> None:
    sealed = secretive.sign_in_elsewhere.check_named({"token": CANARY})
    assert holds_secret(sealed)
    assert holds_secret({"deep": [sealed]})
    assert not holds_secret({"token": CANARY, "more": [1, None, {"$secret": 1, "x": 2}]})


def test_the_command_line_shows_no_secret(client: FlaskClient) -> None:
    arguments = json.dumps({"token": CANARY})
    shown = client.application.test_cli_runner().invoke(
        commands, ["run", "tests.jobs.secretive.sign_in_elsewhere", "--args", arguments]
    )
    assert shown.exit_code == 0, shown.output
    assert_nowhere([shown.output], "the command's output")


class Bomb:
    """A pickle that leaves a file behind when it is read."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[str, ...]]:
        return os.mkdir, (self._path,)


def put_pickled(job_id: str, crater: Path, **more: Any) -> None:
    """Keep a job that RQ's default would read as a pickle."""
    data = zlib.compress(pickle.dumps(("os.getcwd", None, (Bomb(str(crater)),), {})))
    fields = {"data": data, "status": "queued", "origin": "maintenance", "description": "os.getcwd", "timeout": 60}
    jobs_redis().hset(f"rq:job:{job_id}", mapping=fields | more)


def plant(crater: Path) -> None:
    """Put such a job into a queue."""
    put_pickled("pickled", crater)
    jobs_redis().sadd("rq:queues", "rq:queue:maintenance")
    jobs_redis().rpush("rq:queue:maintenance", "pickled")


def hooked(notes: Path, *arguments: str, **settings: str) -> Warm:
    """A program of ours that writes down what it reads as a pickle."""
    environment = {**os.environ, "PICKLE_NOTES": str(notes), "FLASK_APP": "tests.jobs.secretive_app:app"}
    return Warm("tests.jobs.hooked", *arguments, environment=environment | settings)


def test_a_pickle_that_is_read_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(pickle.dumps(Bomb(str(tmp_path / "crater"))))
    assert hooked(tmp_path / "notes", "pickle", str(tmp_path / "bomb")).wait(60) == 0
    assert (tmp_path / "crater").exists()
    assert "mkdir" in (tmp_path / "notes").read_text()


def test_no_worker_ever_reads_a_pickle(tmp_path: Path) -> None:
    notes, crater = tmp_path / "notes", tmp_path / "crater"
    plant(crater)
    done = [sample.mark.enqueue("a"), sample.mark_cheaply.enqueue("b"), secretive.hand_on.enqueue(Secret(CANARY))]
    failed = sample.refuse.enqueue("no")
    assert hooked(notes, "jobs.worker", "--burst", "--processes", "1").wait(60) == 0
    assert sample.marks()["a"] == sample.marks()["b"] == 1
    assert (row(done[0]).state, row(failed).state) == (RunState.SUCCEEDED, RunState.DEAD)
    assert jobs_redis().llen("rq:queue:maintenance") == 0, "the pickle was taken from the queue, too"
    assert not crater.exists()
    assert not notes.exists()


def test_no_page_ever_reads_a_pickle(client: FlaskClient, tmp_path: Path) -> None:
    notes, crater = tmp_path / "notes", tmp_path / "crater"
    plant(crater)
    cookie = browser_of(client.application, factories.member()).get_cookie("session")
    assert cookie is not None
    port = free_port()

    def status(path: str) -> int:
        connection = HTTPConnection(HOST, port, timeout=20)
        with closing(connection), suppress(OSError, HTTPException):
            connection.request("GET", path, headers={"Cookie": f"session={cookie.value}"})
            return connection.getresponse().status
        return 0

    web = hooked(notes, "gunicorn", "wsgi:app", "--workers", "1", HOST=HOST, PORT=str(port))
    try:
        eventually(lambda: status("/healthz") == 200)
        for page in ("/", "/0/view/jobs", "/0/data/queues.json", "/0/data/jobs/maintenance/queued/8/asc/1.json"):
            assert status(f"/admin/rq{page}") == 200, page
        for page in ("/0/view/job/pickled", "/0/data/job/pickled.json"):
            assert status(f"/admin/rq{page}") in {200, 404}, page
        for page in ("", "/runs", "/unrecorded", "/dead", "/workers"):
            assert status(f"/admin/jobs{page}") == 200, page
    finally:
        web.terminate()
        web.wait(30)
    assert not crater.exists()
    assert not notes.exists()


def test_the_scheduler_reads_no_pickle_either(tmp_path: Path) -> None:
    """One is due, one stands in a queue, and one was given up, which is where RQ's own classes come in."""
    notes, crater = tmp_path / "notes", tmp_path / "crater"
    redis, long_ago = jobs_redis(), time.time() - 3600
    due, queued, vanished = (str(uuid4()) for _ in range(3))
    put_pickled(due, crater)
    put_pickled(queued, crater)
    put_pickled(vanished, crater, status="started", worker_name="gone", interruptions=2)
    redis.zadd(carrier.SCHEDULED_KEY, {due: long_ago})
    redis.rpush("rq:queue:maintenance", queued)
    redis.zadd("rq:wip:maintenance", {f"{vanished}:{'0' * 32}": long_ago})
    redis.sadd("rq:worker:gone:executions", f"{vanished}:{'0' * 32}")
    ours = sample.mark.after(timedelta(seconds=1), "ours")
    scheduler = hooked(notes, "jobs.scheduler")
    try:
        eventually(lambda: not carrier.lost_ids(redis, {ours: "maintenance"}))
        eventually(lambda: not redis.zcard("rq:wip:maintenance"))
        eventually(lambda: not redis.zscore(carrier.SCHEDULED_KEY, due))
        assert scheduler.poll() is None
    finally:
        scheduler.terminate()
        scheduler.wait(30)
    assert not crater.exists()
    assert not notes.exists() or notes.read_text() == ""
