"""Under gunicorn, as in production: every line is JSON, and the counts of all its processes come together."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from redis import Redis

from jobs.runtime.models import RunState
from tests.operations.background import BASE, run, token
from tests.operations.conftest import ROOT, eventually
from tests.warm import Warm
from webapp.core import measures
from webapp.identity.models import Scope
from webapp.operations import live

_FORM = b"application/x-www-form-urlencoded"


@dataclass
class Gunicorn:
    """A gunicorn on a port of its own choice, whose lines go to a file."""

    process: Warm
    output: Path

    def port(self) -> int:
        said = self.output.read_text() if self.output.exists() else ""
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", said)
        return int(found[1]) if found else 0

    def get(self, path: str) -> int:
        try:
            request = Request(f"http://127.0.0.1:{self.port()}{path}", headers={"X-Request-ID": "from-the-test"})
            with urlopen(request, timeout=10) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code


@pytest.fixture
def options() -> list[str]:
    """What is said on gunicorn's command line beside what is said for all tests."""
    return []


@pytest.fixture
def gunicorn(redis: Redis, tmp_path: Path, options: list[str]) -> Iterator[Gunicorn]:
    output = tmp_path / "lines"
    environment = os.environ | {"LOG_FORMAT": "json", "LOG_LEVEL": "info"}
    environment |= {"ENVIRONMENT": "production", "PASSWORD_MEMORY_MB": "64"}
    command = ("gunicorn", "wsgi:app", "--bind", "127.0.0.1:0", "--workers", "2", *options)
    process = Warm(*command, environment=environment, log=output)
    running = Gunicorn(process, output)
    try:
        eventually(running.port)
        yield running
    finally:
        process.terminate()
        process.wait()


def test_every_line_is_json_and_requests_have_theirs(gunicorn: Gunicorn) -> None:
    eventually(lambda: gunicorn.get("/healthz") == 200)
    assert gunicorn.get("/no/such/page?token=s3cr3tToken99") == 404
    assert gunicorn.get("/manage/s3cr3tToken99") == 404
    gunicorn.process.terminate()
    gunicorn.process.wait()
    text = gunicorn.output.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"gunicorn.error", "webapp.web.requests"} <= {line["logger"] for line in lines}
    answered = [line for line in lines if line["event"] == "request"]
    assert [line["status"] for line in answered] == [404, 404]
    assert {line["request_id"] for line in answered} == {"from-the-test"}
    assert "s3cr3tToken99" not in text


@pytest.mark.parametrize("body", [b"zz\r\n{}\r\n0\r\n\r\n", b"-1\r\n{}\r\n0\r\n\r\n"])
def test_a_body_that_is_not_as_its_headers_say_is_the_callers_mistake(gunicorn: Gunicorn, body: bytes) -> None:
    eventually(lambda: gunicorn.get("/healthz") == 200)
    for path, kind in (("/api/v1/public/a/b/bookings", b"application/json"), ("/sign-in", _FORM)):
        head = b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: %b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
        with socket.create_connection(("127.0.0.1", gunicorn.port()), timeout=10) as connection:
            connection.sendall(head % (path.encode(), kind) + b"\r\n" + body)
            assert connection.makefile("rb").readline().split()[1] == b"400", path


def test_who_follows_a_job_live_is_let_go_when_it_stops(gunicorn: Gunicorn) -> None:
    eventually(lambda: gunicorn.get("/healthz") == 200)
    path = f"{BASE}/task/{run(RunState.RUNNING).id}/events"
    streaming = token(Scope.JOBS_READ) | {"Accept": live.MIMETYPE}
    with urlopen(Request(f"http://127.0.0.1:{gunicorn.port()}{path}", headers=streaming), timeout=10) as stream:
        assert [stream.readline() for _ in range(3)] == [b"retry: 1000\n", b"\n", b"event: state\n"]
        gunicorn.process.terminate()
        asked_at = time.monotonic()
        stream.read()  # to its proper end: one that breaks off raises
    assert time.monotonic() - asked_at < 10  # of the twenty seconds that the server would wait


def test_the_counts_of_all_web_processes_come_together(gunicorn: Gunicorn, redis: Redis) -> None:
    eventually(lambda: gunicorn.get("/healthz") == 200)
    for _ in range(39):
        gunicorn.get("/healthz")
    gunicorn.process.terminate()
    gunicorn.process.wait()
    counted = {series.values: value for series, value in measures.read_all() if series.name == "http_requests"}
    assert counted[("GET", "/healthz", "200")] == 40


class TestStoppedAtBirth:
    @pytest.fixture
    def options(self, tmp_path: Path) -> list[str]:
        """Our configuration, with workers that are slow to listen."""
        slow = tmp_path / "slow.conf.py"
        ours = (ROOT / "gunicorn.conf.py").read_text()
        # One second is long enough for the test to see the worker and stop the server before the worker listens.
        slow.write_text(f"{ours}\n\nimport time\n\n\ndef post_fork(_server, _worker):\n    time.sleep(1)\n")
        return ["--config", str(slow)]

    def test_a_worker_that_is_told_to_stop_before_it_listens_hears_it_then(self, gunicorn: Gunicorn) -> None:
        eventually(lambda: gunicorn.get("/healthz") == 200)
        gunicorn.process.send_signal(signal.SIGTTIN)  # one worker more
        eventually(lambda: gunicorn.output.read_text().count("Booting worker") == 3)
        gunicorn.process.terminate()
        assert gunicorn.process.wait(10) == 0  # and not after the twenty seconds
