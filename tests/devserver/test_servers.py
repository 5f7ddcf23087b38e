"""The servers that `make run` and the tests bring along: they keep what they must and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from devserver import servers
from devserver.servers import AlreadyRunning, EmbeddedPostgres, EmbeddedRedis, EmbeddedServer, ServerError

DEEP = "a folder with a däfty name/" + "x" * 120  # longer than the name of a Unix socket may be

# Starts both servers in the folder given, says their process ids, and stays until it is killed.
OWNER = """
import signal, sys
from pathlib import Path
from devserver.servers import EmbeddedPostgres, EmbeddedRedis
folder = Path(sys.argv[1])
with EmbeddedPostgres(folder / "postgres") as postgres, EmbeddedRedis(folder / "redis", persistent=True) as jobs:
    print(postgres.pid, jobs.pid, flush=True)
    signal.pause()
"""


def _remember(postgres: EmbeddedPostgres, jobs: EmbeddedRedis) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE note (text text)")
        connection.execute("INSERT INTO note VALUES ('kept')")
    with redis.Redis.from_url(jobs.url) as client:
        client.set("note", "kept")


def _assert_remembered(postgres: EmbeddedPostgres, jobs: EmbeddedRedis) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT text FROM note").fetchall() == [("kept",)]
    with redis.Redis.from_url(jobs.url) as client:
        assert client.get("note") == b"kept"


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # dead, and not yet buried by the machine's init


def _wait_until(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _owner(folder: Path) -> tuple[subprocess.Popen[str], int, int]:
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    postgres_pid, redis_pid = map(int, process.stdout.readline().split())
    return process, postgres_pid, redis_pid


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_both_keep_their_data_over_a_stop_and_a_start_in_a_folder_of_any_name(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / DEEP / "postgres")
    jobs = EmbeddedRedis(tmp_path / DEEP / "redis", persistent=True)
    with postgres, jobs:
        _remember(postgres, jobs)
    with postgres, jobs:
        _assert_remembered(postgres, jobs)


def test_both_keep_their_data_and_their_address_when_they_are_killed(tmp_path: Path) -> None:
    with (
        EmbeddedPostgres(tmp_path / "postgres") as postgres,
        EmbeddedRedis(tmp_path / "redis", persistent=True) as jobs,
    ):
        addresses = postgres.url, jobs.url
        _remember(postgres, jobs)
        for server in (postgres, jobs):
            server.kill()
            server.start()
        assert (postgres.url, jobs.url) == addresses
        _assert_remembered(postgres, jobs)


def test_starting_what_runs_changes_nothing(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path, persistent=False) as cache:
        pid = cache.pid
        cache.start()
        assert cache.pid == pid


def test_jobs_are_never_evicted_and_the_cache_may_be(tmp_path: Path) -> None:
    with (
        EmbeddedRedis(tmp_path / "jobs", persistent=True) as jobs,
        EmbeddedRedis(tmp_path / "cache", persistent=False) as cache,
        redis.Redis.from_url(jobs.url, decode_responses=True) as jobs_client,
        redis.Redis.from_url(cache.url, decode_responses=True) as cache_client,
    ):
        wanted = {"appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction", "save": ""}
        assert {name: jobs_client.config_get(name)[name] for name in wanted} == wanted
        wanted = {"appendonly": "no", "maxmemory": str(64 * 2**20), "maxmemory-policy": "allkeys-lru", "save": ""}
        assert {name: cache_client.config_get(name)[name] for name in wanted} == wanted


def test_the_database_behaves_alike_on_every_machine(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as postgres, psycopg.connect(postgres.url) as connection:
        settings = ("server_encoding", "timezone", "listen_addresses", "fsync")
        found = {name: connection.execute("SELECT current_setting(%s)", [name]).fetchone() for name in settings}
        assert found == {
            "server_encoding": ("UTF8",),
            "timezone": ("UTC",),
            "listen_addresses": ("127.0.0.1",),
            "fsync": ("off",),
        }
        assert connection.execute("SELECT upper('ärger'), 'Z' < 'a'").fetchone() == ("ÄRGER", True)


def test_the_database_wants_its_password(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as postgres:
        password = postgres.url.partition("almanac:")[2].partition("@")[0]
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(postgres.url.replace(password, "wrong"))
        assert (tmp_path / "password").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_a_second_start_while_the_first_runs_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    owner, *_ = _owner(tmp_path)
    try:
        second: EmbeddedServer = EmbeddedPostgres(tmp_path / "postgres")
        if name == "redis":
            second = EmbeddedRedis(tmp_path / "redis", persistent=True)
        with pytest.raises(AlreadyRunning, match=r"^\w+ in .* is already running: stop the other one first\.$"):
            second.start()
    finally:
        _kill(owner)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_the_servers_of_a_killed_owner_go_with_it(tmp_path: Path) -> None:
    owner, *pids = _owner(tmp_path)
    _kill(owner)
    _wait_until(lambda: all(_is_gone(pid) for pid in pids))


def test_a_start_right_after_the_owner_was_killed_waits_for_its_servers(tmp_path: Path) -> None:
    owner, *_ = _owner(tmp_path)
    _kill(owner)
    with (
        EmbeddedPostgres(tmp_path / "postgres") as postgres,
        EmbeddedRedis(tmp_path / "redis", persistent=True) as jobs,
    ):
        _remember(postgres, jobs)


def test_what_a_killed_owner_left_frozen_is_ended_by_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "ENDING_SECONDS", 0.1)
    monkeypatch.setattr(servers, "STOP_SECONDS", 1.0)
    owner, *pids = _owner(tmp_path)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    _kill(owner)
    with (
        EmbeddedPostgres(tmp_path / "postgres") as postgres,
        EmbeddedRedis(tmp_path / "redis", persistent=True) as jobs,
    ):
        _remember(postgres, jobs)


def test_all_killed_at_once_starts_again(tmp_path: Path) -> None:
    owner, *pids = _owner(tmp_path)
    for pid in (*pids, owner.pid):
        os.kill(pid, signal.SIGKILL)
    owner.communicate()
    with (
        EmbeddedPostgres(tmp_path / "postgres") as postgres,
        EmbeddedRedis(tmp_path / "redis", persistent=True) as jobs,
    ):
        _remember(postgres, jobs)


def test_a_recorded_process_id_that_now_is_somebody_else_harms_nobody(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    with postgres:
        pid_file = postgres.data / "postmaster.pid"
        record = pid_file.read_text()
        postgres.kill()
    pid_file.write_text(record.replace(record.split("\n", 1)[0], str(os.getpid()), 1))
    with postgres:
        assert postgres.pid != os.getpid()


def test_an_interrupted_first_start_is_made_good(tmp_path: Path) -> None:
    unfinished = tmp_path / "data.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path, durable=False) as postgres, psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_broken_data_are_named_with_the_reason_and_the_log(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, durable=False) as postgres:
        pass
    (postgres.data / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(ServerError, match=r"^PostgreSQL did not start: .*server\.log\)\.$"):
        postgres.start()
    with pytest.raises(ServerError, match="start it first"):
        assert postgres.pid
