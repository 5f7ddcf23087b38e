"""Take the pictures of README and docs anew: `python -m tests.browser.screenshots` (`make screenshots`).

Runs the application over throw-away servers with the demo organisation and some bookings, and looks at it in Chromium.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal

from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import func, select
from sqlalchemy.orm import configure_mappers

from devserver import tether
from devserver.servers import EmbeddedPostgres, EmbeddedRedis, wait_until
from jobs.runtime.models import JobRun, RunState
from tests.browser.serving import CHROMIUM, SWITCHES, served
from tests.conftest import Servers
from tests.factories import booking
from tests.peers.smtp import SmtpPeer
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.scheduling.models import EventType

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
DESK: dict[str, Any] = {"viewport": {"width": 1200, "height": 760}, "device_scale_factor": 1.5}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True}
GUESTS = ("Mara Okafor", "Tom Brandt", "Élise Moreau", "Ken Tanaka", "Priya Raman", "Ines Costa")


def main() -> None:
    """Write every picture; exits 2 where there is no Chromium."""
    if not CHROMIUM:
        sys.exit("There is no Chromium on PATH: install it (Debian: apt-get install chromium) and try again.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _servers(Path(folder)) as servers:
        os.environ.update(servers.environment() | {"LOG_LEVEL": "error"})
        app, sign_in = _application(Path(folder) / "demo.json")
        with served(app) as site, _background(), sync_playwright() as playwright:
            _wait_until_at_rest(app)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
            _take_all(browser, site, sign_in)
            browser.close()


def _take_all(browser: Browser, site: str, sign_in: dict[str, Any]) -> None:
    pages = f"/book/{sign_in['organization']}"
    public = f"{pages}/{sign_in['event_types'][0]}?timezone=Europe/Berlin"
    for name, options in {"booking": DESK, "booking-phone": PHONE, "booking-phone-dark": PHONE}.items():
        page = _open(browser, site, dark=name.endswith("dark"), **options)
        _take(page, public, name)
    _take(_open(browser, site, **DESK), f"{pages}/open-studio?timezone=Europe/Berlin", "group")
    host = _open(browser, site, **DESK)
    host.goto("/sign-in")
    host.get_by_label("E-mail address").fill(sign_in["email"])
    host.get_by_label("Password").fill(sign_in["password"])
    host.get_by_role("button", name="Sign in").click()
    host.wait_for_url("**/app")
    for path, name in (("/app", "dashboard"), ("/app/availability", "availability"), ("/admin/jobs/runs", "jobs")):
        _take(host, path, name)


@contextmanager
def _background() -> Iterator[None]:
    """A worker and a scheduler, as production runs them."""
    with ExitStack() as running:
        for module in ("jobs.worker", "jobs.scheduler"):
            command = tether.command(sys.executable, "-m", module, on_death=signal.SIGKILL)
            process = running.enter_context(subprocess.Popen(command, cwd=ROOT))
            running.callback(process.terminate)
        yield


def _wait_until_at_rest(app: Flask) -> None:
    """Return when the mails of all bookings are out."""
    due = select(func.count()).where(
        JobRun.state.in_([RunState.WAITING, RunState.RUNNING]), JobRun.run_at <= func.now()
    )
    with app.app_context():

        def is_at_rest() -> bool:
            with transaction():
                return not session().scalar(due)

        assert wait_until(is_at_rest, 60), "the jobs are not done within a minute"


def _open(browser: Browser, site: str, *, dark: bool = False, **options: Any) -> Page:
    scheme: Literal["dark", "light"] = "dark" if dark else "light"
    context = browser.new_context(
        base_url=site, color_scheme=scheme, locale="en-GB", timezone_id="Europe/Berlin", **options
    )
    return context.new_page()


def _take(page: Page, path: str, name: str) -> None:
    page.goto(path, wait_until="networkidle")
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"docs/images/{name}.png")  # noqa: T201  # a program's own output


@contextmanager
def _servers(folder: Path) -> Iterator[Servers]:
    with (
        EmbeddedPostgres(folder / "postgres", durable=False) as postgres,
        EmbeddedRedis(folder / "jobs", persistent=False) as jobs_redis,
        EmbeddedRedis(folder / "cache", persistent=False) as cache_redis,
        SmtpPeer() as smtp,
    ):
        yield Servers(postgres, jobs_redis, cache_redis, smtp)


def _application(demo_file: Path) -> tuple[Flask, dict[str, Any]]:
    """Return the application over a fresh demo with bookings, and how to sign in."""
    from webapp import create_app, demo

    app = create_app()
    configure_mappers()
    with app.app_context():
        upgrade()
        demo.seed(demo_file)
        sign_in: dict[str, Any] = json.loads(demo_file.read_text())
        _book(sign_in)
        _fill_a_studio(sign_in)
    return app, sign_in


def _fill_a_studio(sign_in: dict[str, Any]) -> None:
    """Let guests take some of the seats that are for several."""
    from webapp.scheduling.queries import public_event_type
    from webapp.scheduling.service.booking import book
    from webapp.scheduling.service.guests import Guest
    from webapp.scheduling.service.offers import offered_slots

    kind = public_event_type(sign_in["organization"], "open-studio")
    zone = clock.find_zone("Europe/Berlin")
    today = clock.now().astimezone(zone).date()
    first, second, *_ = offered_slots(
        event_type=kind, first=today + timedelta(days=1), last=today + timedelta(days=14), zone=zone
    )
    with transaction():
        for start, number in ((first.start, 8), (second.start, 5)):
            for seat in range(number):
                name = GUESTS[seat % len(GUESTS)]
                guest = Guest(name=name, email=f"guest{seat}@example.com", timezone="Europe/Berlin")
                book(event_type=kind, start=start, guest=guest, answers={})


def _book(sign_in: dict[str, Any]) -> None:
    """Fill today, whatever weekday it is, and the next two weeks of the first event type here and there."""
    from webapp.scheduling.queries import public_event_type
    from webapp.scheduling.service.booking import book
    from webapp.scheduling.service.guests import Guest
    from webapp.scheduling.service.offers import offered_slots

    kind = public_event_type(sign_in["organization"], sign_in["event_types"][0])
    zone = clock.find_zone("Europe/Berlin")
    today = clock.now().astimezone(zone).date()
    for hour, name in ((10, "Nadia Rahimi"), (15, "Leo Fischer")):
        _write_down(kind, datetime.combine(today, time(hour), zone), name)
    offers = offered_slots(event_type=kind, first=today, last=today + timedelta(days=14), zone=zone)
    with transaction():
        for number, offer in enumerate(offers[1::7]):
            name = GUESTS[number % len(GUESTS)]
            guest = Guest(name=name, email=f"guest{number}@example.com", timezone="Europe/Berlin")
            book(event_type=kind, start=offer.start, guest=guest, answers={})


def _write_down(kind: EventType, start: datetime, name: str) -> None:
    """Put a booking into the database as it is, since today may be a day off."""
    booking(of=kind, start=start, minutes=kind.duration, guest_name=name, guest_timezone="Europe/Berlin")


if __name__ == "__main__":
    main()
