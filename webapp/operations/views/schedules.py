"""The periodic jobs: the table, and each entry with what can be changed of it."""

from __future__ import annotations

import json
from datetime import datetime

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from jobs import console
from jobs.console import By
from jobs.runtime import Cron, schedules
from jobs.runtime.models import JobSchedule
from webapp.core import clock
from webapp.core.db import transaction
from webapp.core.errors import Conflict
from webapp.core.validation import InvalidInput
from webapp.identity.access import current_member
from webapp.operations import service
from webapp.operations.access import operators_only
from webapp.operations.forms import ScheduleForm
from webapp.operations.models import Via
from webapp.operations.views.frame import change, console_pages, page
from webapp.web.languages import told

blueprint = console_pages("jobs_schedules", "/schedules")

_NEXT_TICKS = 5


@blueprint.get("")
def index() -> str:
    """List the periodic jobs and when each runs next."""
    rows = schedules.all_schedules()
    return page("schedules", rows=[(row, schedules.next_tick(row)) for row in rows])


@blueprint.get("/<name>")
def show(name: str) -> str:
    """Show one periodic job, with the form to change it."""
    row = schedules.get(name)
    return _entry_page(row, ScheduleForm.of(row))


@blueprint.post("/<name>")
@operators_only
def edit(name: str) -> ResponseReturnValue:
    """Change when a periodic job runs, or with what."""
    row, form = schedules.get(name), ScheduleForm(request.form)
    form.offer_zones(row.timezone)
    if not form.validate():
        return _entry_page(row, form), 422
    try:
        with transaction():
            console.edit_schedule(
                name,
                by=By(member=current_member(), via=Via.PAGE),
                cron=form.cron.data,
                timezone=form.timezone.data,
                arguments=json.loads(form.arguments.data or "{}"),
            )
    except InvalidInput as refused:
        return _entry_page(schedules.get(name), form, errors=form.show(refused.errors)), refused.status
    except Conflict as refused:
        flash(told(refused), "error")
    else:
        flash(_("Saved. It counts from now on, and a new release will not change it."), "success")
    return redirect(url_for("jobs_schedules.show", name=name), 303)


@blueprint.post("/<name>/<any(reset, pause, resume):what>")
@operators_only
def switch(name: str, what: str) -> ResponseReturnValue:
    """Reset, pause or resume a periodic job."""
    done = {
        "reset": (console.reset_schedule, _("It is again as the code says.")),
        "pause": (console.pause_schedule, _("It is paused and does not run until it is resumed.")),
        "resume": (console.resume_schedule, _("It runs again from now on.")),
    }
    act, said = done[what]

    def make(by: By) -> str:
        act(name, by=by)
        return str(said)

    return change(make, back=url_for("jobs_schedules.show", name=name))


@blueprint.post("/<name>/run")
@operators_only
def run(name: str) -> ResponseReturnValue:
    """Run a periodic job once now."""

    def make(by: By) -> str:
        console.run_schedule(name, by=by)
        return str(_("It runs as soon as a worker is free; see its history."))

    return change(make, back=url_for("jobs_schedules.show", name=name))


def _entry_page(row: JobSchedule, form: ScheduleForm, *, errors: list[str] | None = None) -> str:
    return page(
        "schedule",
        row=row,
        form=form,
        errors=errors or [],
        next_ticks=_next_ticks(row),
        history=schedules.history(name=row.name),
        actions=service.actions(subject=row.name, limit=20),
        default_arguments=json.dumps(row.default_arguments, indent=2, ensure_ascii=False),
    )


def _next_ticks(row: JobSchedule) -> list[datetime]:
    if schedules.next_tick(row) is None:
        return []
    cron, moment = Cron(row.cron, row.timezone), clock.now()
    ticks: list[datetime] = []
    while len(ticks) < _NEXT_TICKS:
        following = cron.next_after(moment)
        if following is None:
            break
        ticks.append(following)
        moment = following
    return ticks
