"""/healthz says the process lives, /readyz says whether all it needs does, each within a second or so."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, create_engine

from devserver.servers import free_port
from tests.conftest import Servers
from tests.operations.conftest import eventually, our_process, rq_worker
from webapp.core.db import db
from webapp.core.redis import connect
from webapp.operations.health import check_health
from webapp.operations.queries import SCHEDULER_LEADER_KEY, live_workers


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def nowhere() -> int:
    """A port where nobody listens."""
    return free_port()


def test_alive_whatever_else_is_down(client: FlaskClient, servers: Servers) -> None:
    servers.jobs_redis.stop()
    servers.cache_redis.stop()
    try:
        answer = client.get("/healthz")
    finally:
        servers.jobs_redis.start()
        servers.cache_redis.start()
    assert (answer.status_code, answer.json) == (200, {"status": "alive"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_not_ready_without_worker_and_scheduler_and_says_so(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["missing"] == ["worker", "scheduler"]
    assert answer.json["checks"]["database"] == answer.json["checks"]["redis"] == "ok"
    assert "python -m jobs.worker" in answer.json["checks"]["worker"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_ready_once_a_worker_and_a_scheduler_of_ours_run(client: FlaskClient) -> None:
    with our_process("jobs.worker"), our_process("jobs.scheduler"):
        answer = eventually(lambda: (found := client.get("/readyz")).status_code == 200 and found)
    assert answer.json == {
        "status": "ready",
        "checks": {"database": "ok", "redis": "ok", "worker": "ok", "scheduler": "ok"},
    }


def test_a_worker_that_took_its_leave_or_ran_out_is_not_alive(redis: Redis, servers: Servers) -> None:
    with rq_worker(servers.jobs_redis.url, "bookings") as process:
        # Registered comes first, then ready for signals, then idle.
        [worker] = eventually(lambda: [each for each in live_workers(redis=redis) if each.state == "idle"])
        process.terminate()
        process.wait()
    assert redis.exists(f"rq:worker:{worker.name}")  # RQ keeps its record for a minute
    assert live_workers(redis=redis) == []
    redis.sadd("rq:workers", "rq:worker:killed")  # what SIGKILL leaves behind once the record has run out
    assert live_workers(redis=redis) == []


def test_a_scheduler_whose_lease_ran_out_is_missing(client: FlaskClient, redis: Redis) -> None:
    redis.set(SCHEDULER_LEADER_KEY, "host:1", px=50)
    eventually(lambda: not redis.exists(SCHEDULER_LEADER_KEY))
    answer = client.get("/readyz")
    assert answer.json is not None
    assert "scheduler" in answer.json["missing"]


def test_redis_away_is_named_and_what_depends_on_it(client: FlaskClient, servers: Servers) -> None:
    servers.jobs_redis.stop()
    try:
        answer = client.get("/readyz")
    finally:
        servers.jobs_redis.start()
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["missing"] == ["redis", "worker", "scheduler"]
    assert answer.json["checks"]["redis"] == "cannot be reached"


def test_database_away_is_named_and_nothing_of_its_address(app: object, redis: Redis, nowhere: int) -> None:
    engine = create_engine(f"postgresql+psycopg://almanac:secret@127.0.0.1:{nowhere}/almanac")
    health = check_health(engine=engine, redis=redis)
    engine.dispose()
    assert health.checks["database"] == "cannot be reached"


def test_servers_that_hang_cost_one_second_and_one_thread_each(app: object, black_hole: int) -> None:
    engine = create_engine(
        f"postgresql+psycopg://almanac:secret@127.0.0.1:{black_hole}/almanac", connect_args={"connect_timeout": 4}
    )
    silent = connect(f"redis://127.0.0.1:{black_hole}/0", timeout=4)
    before = threading.active_count()
    began = time.monotonic()
    for _ in range(2):
        health = check_health(engine=engine, redis=silent)
        assert set(health.checks.values()) == {"no answer within 1 s"}
    took = time.monotonic() - began
    assert 2.0 <= took < 4.0
    assert threading.active_count() - before <= 4
    eventually(lambda: threading.active_count() <= before)
    engine.dispose()
    silent.close()


def test_a_full_connection_pool_is_not_ready(app: object, redis: Redis, servers: Servers) -> None:
    address = db.engine.url.render_as_string(hide_password=False)
    engine: Engine = create_engine(address, pool_size=1, max_overflow=0, pool_timeout=2)
    with engine.connect():
        assert check_health(engine=engine, redis=redis).checks["database"] == "no answer within 1 s"
    assert eventually(lambda: check_health(engine=engine, redis=redis).checks["database"] == "ok")
    engine.dispose()


def test_only_get_is_answered(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        answer = client.put(path)
        assert answer.status_code == 405
        assert answer.content_type == "application/problem+json"
