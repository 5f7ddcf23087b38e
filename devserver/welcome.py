"""What `make run` says when Almanac is ready."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from devserver.environment import Place

READY_SECONDS = 90.0
_POLL_SECONDS = 0.1


def introduction(*, here: Place, environment: Mapping[str, str], demo: Path) -> str:
    """Wait until everything is up; return the screen to print, or one line when that takes too long."""
    if not _is_ready(here):
        return f"Almanac is not ready after {READY_SECONDS:.0f} s: {here.url}/readyz says what is missing."
    return screen(url=environment["PUBLIC_URL"], mail="MAIL_CATCHER_DIR" in environment, demo=demo)


def screen(*, url: str, mail: bool, demo: Path) -> str:
    """Return the addresses, the demo sign-in and what to try first; without a demo, the addresses alone."""
    facts = json.loads(demo.read_text()) if demo.exists() else None
    guest_page = f"{url}/book/{facts['organization']}/{facts['event_types'][0]}" if facts else ""
    addresses = {
        "Site": f"{url}/",
        "Guest page": guest_page,
        "Dashboard": f"{url}/app",
        "Mail": f"{url}/dev/mail" if mail else "",
        "API": f"{url}/api/v1/openapi.json",
        "Jobs": f"{url}/admin/jobs",
        "Queues": f"{url}/admin/rq/",
    }
    lines = [f"  {name:<12}{address}" for name, address in addresses.items() if address]
    if facts:
        lines += [
            "",
            f"  Sign in as  {facts['email']}",
            f"  Password    {facts['password']}",
            "",
            *_first_steps(mail=mail),
        ]
    rule = "=" * 72
    return "\n".join(["", rule, "  Almanac is ready.  Stop it with Ctrl-C.", "", *lines, rule, ""])


def _first_steps(*, mail: bool) -> list[str]:
    steps = ["Open the guest page and book a time.", "Sign in: the booking is on the dashboard."]
    if mail:
        steps.insert(1, "Look at the mail page: the guest and the host have been told.")
    return ["  Try first:", *(f"  {number}. {step}" for number, step in enumerate(steps, start=1))]


def _is_ready(here: Place) -> bool:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if _readyz(here) == 200:
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _readyz(here: Place) -> int:
    """The status of /readyz, asked directly whatever proxy the environment names; 0 when nothing answers."""
    connection = HTTPConnection(here.address, here.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()
