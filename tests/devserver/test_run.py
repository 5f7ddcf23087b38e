"""`make run` as a person meets it: it comes up, says where, keeps its data, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask

from devserver.servers import free_port
from devserver.welcome import screen

ROOT = Path(__file__).resolve().parents[2]
VAR = "the däta of it"
LONGEST_START = 90.0  # beside other tests; `python -m bench start` has the figures of a quiet machine
LONGEST_STOP = 60.0
LONGEST_WAIT_FOR_MAIL = 2.0
GUEST = "grace@example.com"
COMMAND = (sys.executable, "-m", "devserver")
# As people start it; what it runs on is there already.
BY_MAKE = ("make", "run", f"python={sys.executable}", "--old-file=.venv/runtime-installed")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for what is left behind in /proc")


class Run:
    """One copy of Almanac under `python -m devserver`, with its output in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes]
        self.seen: set[int] = set()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def demo(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.folder / VAR / "demo.json").read_text())
        return facts

    def start(self) -> None:
        """Start, and wait for the screen."""
        self.process = self.spawn(self.folder / "log")
        wait_until(lambda: "Almanac is ready" in self.log or self.process.poll() is not None, seconds=LONGEST_START)
        assert self.process.poll() is None, self.log
        self.seen = descendants(self.process.pid)

    def spawn(self, log: Path, command: Sequence[str] = COMMAND, **environment: str) -> subprocess.Popen[bytes]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=kept | {"PORT": str(self.port), "ALMANAC_VAR": str(self.folder / VAR)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def ended(self) -> int:
        """Wait for its end; return its exit code."""
        try:
            return self.process.wait(LONGEST_STOP)
        except subprocess.TimeoutExpired:
            left = "\n".join(f"{pid} {command_line(pid)}" for pid in sorted(descendants(self.process.pid)))
            pytest.fail(f"It does not end. These are left:\n{left}\nIts words:\n{self.log}")

    def assert_all_gone(self) -> None:
        wait_until(lambda: not any(is_alive(pid) for pid in self.seen), seconds=LONGEST_STOP)

    def part(self, command: str) -> int:
        """The process id of the oldest process whose command line holds these words; 0 when there is none just now."""
        lines = {pid: command_line(pid) for pid in descendants(self.process.pid)}
        return min((pid for pid, line in lines.items() if command in line and "devserver" not in line), default=0)

    def status(self, path: str) -> int:
        return self.ask("GET", path)[0]

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        """Send one request; return the status and the content of the answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        status, content = answer.status, answer.read().decode()
        connection.close()
        return status, content

    def mails(self) -> set[Path]:
        return set((self.folder / VAR / "mail").glob("*.eml"))


def wait_until(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s"
        time.sleep(0.05)


def stat_fields(pid: int) -> list[str]:
    """State and parent of a process; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_alive(pid: int) -> bool:
    fields = stat_fields(pid)
    return bool(fields) and fields[0] != "Z"


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants(pid: int) -> set[int]:
    parents = {int(entry.name): stat_fields(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}
    found = {pid}
    while more := {child for child, fields in parents.items() if fields and int(fields[1]) in found} - found:
        found |= more
    return found


@pytest.fixture(scope="module", autouse=True)
def hangups() -> Iterator[None]:
    """A closed terminal is heard of also where tests run under nohup, which would be inherited."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(scope="module")
def run(hangups: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    run = Run(tmp_path_factory.mktemp("run"))
    try:
        run.start()
        yield run
    finally:
        run.process.kill()
        run.process.wait()
    run.assert_all_gone()


@pytest.fixture
def running(run: Run) -> Run:
    """A copy that is up, whatever the test before has done to it."""
    if run.process.poll() is not None:
        run.start()
    return run


def test_it_stops_on_ctrl_c_leaves_nothing_behind_and_comes_back_with_its_data(running: Run) -> None:
    demo = running.demo
    running.process.send_signal(signal.SIGINT)
    assert running.ended() == 0, running.log
    assert "Traceback" not in running.log
    assert "sending SIGKILL" not in running.log
    running.assert_all_gone()

    running.start()
    assert running.demo == demo
    assert demo["email"] in running.log
    assert demo["password"] in running.log
    assert "\x1b" not in running.log
    guest_page = re.search(r"Guest page +(\S+)", running.log)
    assert guest_page
    assert running.status(urlsplit(guest_page[1]).path) == 200
    assert running.status("/readyz") == 200


def test_who_books_moves_and_cancels_has_a_mail_within_two_seconds_and_so_has_the_host(running: Run) -> None:
    event_type = f"/api/v1/public/{running.demo['organization']}/{running.demo['event_types'][0]}"
    first, last = (datetime.now(UTC).date() + timedelta(days=days) for days in (3, 10))
    status, content = running.ask("GET", f"{event_type}/slots?start={first}&end={last}&timezone=Europe/Berlin")
    assert status == 200, content
    start, later = (slot["start"] for slot in json.loads(content)["slots"][:2])
    invitee = {"name": "Grace Hopper", "email": GUEST}
    wish = {"start": start, "timezone": "Europe/Berlin", "invitee": invitee}
    booking = followed_by_mails(running, f"{event_type}/bookings", wish)
    manage = f"/api/v1/public/bookings/{booking['manage_url'].rpartition('/')[2]}"
    followed_by_mails(running, f"{manage}/reschedule", {"start": later})
    followed_by_mails(running, f"{manage}/cancel", {"reason": "A cold"})


def followed_by_mails(running: Run, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send the request; return its answer once the guest and the host have one mail each, which must be soon."""
    before = running.mails()
    status, content = running.ask("POST", path, body)
    assert status in {200, 201}, content
    wait_until(lambda: len(running.mails() - before) >= 2, seconds=LONGEST_WAIT_FOR_MAIL)
    told = sorted(file.name.partition("-")[2] for file in running.mails() - before)
    assert told == sorted([f"{GUEST}.eml", f"{running.demo['email']}.eml"])
    answer: dict[str, Any] = json.loads(content)
    return answer


def test_its_session_cookie_is_not_that_of_a_copy_on_another_port(running: Run) -> None:
    connection = HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.request("GET", "/sign-in")
    assert (connection.getresponse().getheader("Set-Cookie") or "").startswith(f"session_{running.port}=")
    connection.close()


def test_a_second_copy_on_the_same_data_is_refused_in_one_sentence(running: Run) -> None:
    log = running.folder / "second"
    second = running.spawn(log, PORT=str(free_port()))
    assert second.wait(LONGEST_STOP) == 2
    assert re.fullmatch(
        r"Almanac cannot start: it already runs with the data in .*: stop it first, .*\.\n", log.read_text()
    )


def test_a_second_copy_on_the_same_port_is_refused_in_one_sentence(running: Run) -> None:
    log = running.folder / "third"
    third = running.spawn(log, ALMANAC_VAR=str(running.folder / "var3"))
    assert third.wait(LONGEST_STOP) == 2
    assert re.fullmatch(r"Almanac cannot start: Port \d+ is in use: .*\.\n", log.read_text())


def test_a_part_that_dies_is_started_again(running: Run) -> None:
    first = running.part("-m jobs.scheduler")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: running.part("-m jobs.scheduler") not in {0, first}, seconds=LONGEST_START)
    assert "scheduler was ended by SIGKILL and is started again" in running.log
    running.seen |= descendants(running.process.pid)


def test_a_part_that_keeps_dying_stops_all_and_is_named(running: Run) -> None:
    deadline = time.monotonic() + LONGEST_START
    while running.process.poll() is None:
        assert time.monotonic() < deadline, running.log
        if pid := running.part("-m jobs.scheduler"):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: not is_alive(pid), seconds=LONGEST_STOP)  # type: ignore[misc]  # a default binds it
        time.sleep(0.05)
    assert running.process.returncode == 1
    assert "Almanac stopped because its part 'scheduler' ended with exit code 137" in running.log
    running.assert_all_gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_whatever_ends_it_ends_all(running: Run, number: signal.Signals) -> None:
    running.process.send_signal(number)
    assert running.ended() == (-9 if number is signal.SIGKILL else 0)
    running.assert_all_gone()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_it_while_it_starts_ends_all(tmp_path: Path, number: signal.Signals) -> None:
    early = Run(tmp_path)
    early.process = early.spawn(tmp_path / "log")
    wait_until(lambda: early.part("prepare") != 0, seconds=LONGEST_START)
    early.seen = descendants(early.process.pid)
    early.process.send_signal(number)
    assert early.ended() == 0
    early.assert_all_gone()


def test_what_make_has_started_ends_with_make(tmp_path: Path) -> None:
    made = Run(tmp_path)
    made.process = made.spawn(tmp_path / "log", BY_MAKE)
    wait_until((tmp_path / VAR / "run.lock").exists, seconds=LONGEST_START)
    made.seen = descendants(made.process.pid)
    assert any("-m devserver" in command_line(pid) for pid in made.seen), made.log
    made.process.kill()
    made.process.wait()
    made.assert_all_gone()


def test_a_setting_that_makes_no_sense_stops_the_start(tmp_path: Path) -> None:
    wrong = Run(tmp_path)
    process = wrong.spawn(tmp_path / "log", WEB_CONCURRENCY="two")
    assert process.wait(LONGEST_START) == 2
    assert wrong.log.splitlines()[-1].startswith("Almanac cannot start: WEB_CONCURRENCY makes no sense: ")


def test_each_address_on_the_screen_is_a_page_of_ours(app: Flask, tmp_path: Path) -> None:
    demo = tmp_path / "demo.json"
    demo.write_text('{"organization": "acme", "event_types": ["intro"], "email": "a@b.example", "password": "pw"}')
    text = screen(url="http://almanac.test", mail=True, demo=demo)
    paths = re.findall(r"http://almanac\.test(/\S*)", text)
    adapter = app.url_map.bind("almanac.test")
    assert [adapter.match(path) for path in paths]
    assert len(paths) == 7
