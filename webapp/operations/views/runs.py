"""The runs: the list with its filters, and all about one."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from jobs import console
from jobs.console import By
from jobs.runtime import Revocation, browse, current, registry, runs
from jobs.runtime.browse import RunFilter, Standing
from jobs.runtime.models import JobRun
from webapp.core.errors import NotFound
from webapp.core.logs import without_secrets
from webapp.core.settings import QUEUES
from webapp.operations import following, live, service
from webapp.operations.access import operators_only
from webapp.operations.views.frame import change, console_pages, page, read_moment, reader_zone
from webapp.web.openapi import json_response

blueprint = console_pages("jobs_runs", "/runs")

_MOST_TYPED = 200


@blueprint.get("")
def index() -> ResponseReturnValue:
    """List runs, newest first; a run's id in the search field leads to the run."""
    wanted = _filter()
    run_id = _id(wanted.text)
    if run_id is not None and browse.find(run_id) is not None:
        return redirect(url_for("jobs_runs.show", run_id=run_id))
    before = _id(request.args.get("before", ""))
    return page(
        "runs",
        wanted=wanted,
        typed=request.args,
        found=browse.page(wanted, before=before),
        is_first=before is None,
        names=sorted({*browse.names(), *(job.name for job in registry.all_jobs())}),
        queues=QUEUES,
        standings=list(Standing),
        shown_arguments=_in_short,
        chosen={name: value for name, value in request.args.items() if value and name != "before"},
        without_secrets=without_secrets,
    )


@blueprint.get("/<uuid:run_id>")
def show(run_id: UUID) -> str:
    """Show one run: what it was given, every attempt, what came of it, and what it is part of."""
    run = following.find(run_id)
    whole = runs.whole(run.canvas_id) if run.canvas_id else None
    after = _id(request.args.get("after", ""))
    steps, next_steps = runs.steps(whole.id, after=after) if whole else ([], None)
    return page(
        "run",
        run=run,
        state=following.state_of(run),
        is_over=run.finished_at is not None,
        attempts=browse.attempts(run_id),
        children=browse.children(run_id),
        parent=browse.find(run.parent_id) if run.parent_id else None,
        canvas=whole,
        steps=steps,
        next_steps=next_steps,
        are_first_steps=after is None,
        arguments=_pretty(browse.shown_arguments(run)),
        result=_pretty(without_secrets(current.unwrap(run.result))) if run.result is not None else None,
        actions=service.actions(subject=str(run_id)),
        without_secrets=without_secrets,
    )


@blueprint.get("/<uuid:run_id>/events")
def events(run_id: UUID) -> Response:
    """Answer where a run stands: as a stream to browsers that follow it, else as JSON."""
    if request.accept_mimetypes.best_match(["application/json", live.MIMETYPE]) == live.MIMETYPE:
        return following.stream(run_id)
    return json_response(following.state_of(following.find(run_id)))


@blueprint.post("/<uuid:run_id>/revoke")
@operators_only
def revoke(run_id: UUID) -> ResponseReturnValue:
    """Have a run not begin, or stop it."""

    def make(by: By) -> str:
        if console.revoke_run(run_id, by=by) is Revocation.STOPPING:
            return str(_("The job was told to stop; it ends within seconds."))
        return str(_("The job is cancelled and will not run."))

    return change(make, back=url_for("jobs_runs.show", run_id=run_id))


@blueprint.post("/<uuid:run_id>/revoke-canvas")
@operators_only
def revoke_canvas(run_id: UUID) -> ResponseReturnValue:
    """Have nothing more of the whole that the run is a step of run."""
    run = following.find(run_id)

    def make(by: By) -> str:
        whole = runs.whole(run.canvas_id) if run.canvas_id else None
        if whole is None:
            raise NotFound(_("This job is not a step of a larger whole."))
        console.revoke_whole(whole.id, by=by)
        return str(
            _(
                "What waited is cancelled, what runs was told to stop, "
                "and only what undoes finished steps may still begin."
            )
        )

    return change(make, back=url_for("jobs_runs.show", run_id=run_id))


@blueprint.post("/<uuid:run_id>/replay")
@operators_only
def replay(run_id: UUID) -> ResponseReturnValue:
    """Give a dead run another chance."""

    def make(by: By) -> str:
        console.replay(run_id, by=by)
        return str(_("The job waits again; its history is kept."))

    return change(make, back=url_for("jobs_runs.show", run_id=run_id))


@blueprint.post("/<uuid:run_id>/discard")
@operators_only
def discard(run_id: UUID) -> ResponseReturnValue:
    """Take a dead run from the dead letters for good."""

    def make(by: By) -> str:
        if not console.discard([run_id], by=by):
            raise NotFound(_("This job is not among the dead letters any more."))
        return str(_("The job is discarded."))

    return change(make, back=url_for("jobs_runs.show", run_id=run_id))


def _filter() -> RunFilter:
    typed, zone = request.args, reader_zone()
    standing, queue = typed.get("state", ""), typed.get("queue", "")
    return RunFilter(
        standing=Standing(standing) if standing in set(Standing) else None,
        name=typed.get("name", "")[:_MOST_TYPED].replace("\0", ""),
        queue=queue if queue in QUEUES else "",
        text=typed.get("text", "").strip()[:_MOST_TYPED].replace("\0", ""),
        since=read_moment(typed.get("since", ""), zone),
        until=read_moment(typed.get("until", ""), zone),
    )


def _id(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def _in_short(run: JobRun) -> str:
    """Return the arguments on one line, cut where it gets long."""
    text = ", ".join(f"{name}: {_plain(value)}" for name, value in browse.shown_arguments(run).items())
    return text if len(text) <= 140 else f"{text[:139]}…"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
