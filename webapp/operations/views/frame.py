"""What the pages of the console share: who may see them, in whose zone, and how a change is made and told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template
from flask.typing import ResponseReturnValue

from jobs.console import By
from jobs.runtime import browse
from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.errors import Conflict, NotFound
from webapp.identity.access import current_member
from webapp.operations import words
from webapp.operations.access import require_overseer
from webapp.operations.models import Via
from webapp.web.languages import told


def console_pages(name: str, path: str = "") -> Blueprint:
    """Return a blueprint for pages under /admin/jobs, for those who may see the background jobs."""
    blueprint = Blueprint(name, f"webapp.operations.views.{name}", url_prefix=f"/admin/jobs{path}")
    blueprint.before_request(_guard)
    return blueprint


def page(template: str, **shown: Any) -> str:
    """Return a page of the console, times in the reader's zone."""
    member = current_member()
    return render_template(
        f"operations/console/{template}.html",
        member=member,
        may_change=member.role.administers,
        zone=reader_zone(),
        now=clock.now(),
        seconds_text=words.seconds_text,
        standing_of=lambda run: browse.standing_of(run, clock.now()),
        **shown,
    )


def reader_zone() -> ZoneInfo:
    """Return the zone that the reader sees times in."""
    return clock.find_zone(current_member().user.timezone)


def change(make: Callable[[By], str], *, back: str) -> ResponseReturnValue:
    """Make a change in a transaction, say what came of it, and lead `back`; `make` returns the sentence to say."""
    try:
        with transaction():
            said = make(By(member=current_member(), via=Via.PAGE))
    except (Conflict, NotFound) as refusal:
        flash(told(refusal), "error")
    else:
        flash(said, "success")
    return redirect(back, 303)


def read_moment(text: str, zone: ZoneInfo) -> datetime | None:
    """Return the instant that a date-and-time field says in `zone`; None when it is empty or was mangled."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone) if text else None
    except ValueError:
        return None


def _guard() -> None:
    require_overseer()
