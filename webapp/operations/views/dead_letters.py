"""The dead letters: searching them, replaying some or all, discarding."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from jobs import console
from jobs.console import By
from jobs.runtime import dead_letters
from jobs.runtime.dead_letters import DeadLetters
from webapp.core.db import transaction
from webapp.core.logs import without_secrets
from webapp.core.pagination import Cursor
from webapp.core.settings import QUEUES
from webapp.identity.access import current_member
from webapp.operations.access import operators_only
from webapp.operations.models import Via
from webapp.operations.views.frame import change, console_pages, page, read_moment, reader_zone

blueprint = console_pages("jobs_dead", "/dead")

_PER_PAGE = 25
_MOST_TYPED = 200
_FILTERS = ("name", "queue", "text", "since", "until")


@blueprint.get("")
def index() -> str:
    """List the dead letters, those that died last first."""
    wanted, after = _wanted(), _after()
    letters = dead_letters.search(wanted, before=after, limit=_PER_PAGE + 1)
    shown = letters[:_PER_PAGE]
    more = len(letters) > _PER_PAGE
    return page(
        "dead",
        letters=shown,
        total=dead_letters.count(wanted),
        typed=request.args,
        chosen=_chosen(),
        queues=QUEUES,
        is_first=after is None,
        next_cursor=Cursor(*dead_letters.place_of(shown[-1])).encode() if more else None,
        without_secrets=without_secrets,
    )


@blueprint.post("/replay")
@operators_only
def replay() -> ResponseReturnValue:
    """Give the chosen ones another chance."""
    run_ids = _ticked()

    def make(by: By) -> str:
        replayed = len(console.replay_many(run_ids, by=by))
        return str(ngettext("%(num)d job waits again.", "%(num)d jobs wait again.", replayed))

    return change(make, back=_back()) if run_ids else _nothing_ticked()


@blueprint.post("/discard")
@operators_only
def discard() -> ResponseReturnValue:
    """Take the chosen ones from the dead letters for good."""
    run_ids = _ticked()

    def make(by: By) -> str:
        discarded = len(console.discard(run_ids, by=by))
        return str(ngettext("%(num)d job is discarded.", "%(num)d jobs are discarded.", discarded))

    return change(make, back=_back()) if run_ids else _nothing_ticked()


@blueprint.post("/replay-all")
@operators_only
def replay_all() -> ResponseReturnValue:
    """Have a job give all that fit another chance, and show how far it is."""
    with transaction():
        run_id = console.replay_all(_wanted(), by=By(member=current_member(), via=Via.PAGE))
    flash(_("This job replays them one after the other."), "success")
    return redirect(url_for("jobs_runs.show", run_id=run_id), 303)


def _wanted() -> DeadLetters:
    typed, zone = request.values, reader_zone()
    queue = typed.get("queue", "")
    return DeadLetters(
        name=typed.get("name", "").strip()[:_MOST_TYPED].replace("\0", ""),
        queue=queue if queue in QUEUES else "",
        text=typed.get("text", "").strip()[:_MOST_TYPED].replace("\0", ""),
        since=read_moment(typed.get("since", ""), zone),
        until=read_moment(typed.get("until", ""), zone),
    )


def _chosen() -> dict[str, Any]:
    return {name: request.values[name] for name in _FILTERS if request.values.get(name)}


def _after() -> tuple[datetime, UUID] | None:
    try:
        return Cursor.decode(request.args["after"]) if request.args.get("after") else None
    except ValueError:
        return None


def _ticked() -> list[UUID]:
    found = []
    for text in request.form.getlist("run")[:_PER_PAGE]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _back() -> str:
    return url_for("jobs_dead.index", **_chosen())


def _nothing_ticked() -> ResponseReturnValue:
    flash(_("Tick the jobs that you mean first."), "error")
    return redirect(_back(), 303)
