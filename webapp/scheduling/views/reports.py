"""What the daily look at the organisation's availability has found."""

from __future__ import annotations

from flask import Blueprint, render_template

from webapp.core import clock
from webapp.identity.access import administrators_only, current_member
from webapp.scheduling import faults_in_words
from webapp.scheduling.service.integrity import latest_report

blueprint = Blueprint("availability_reports", __name__, url_prefix="/app/availability")


@blueprint.get("/report")
@administrators_only
def show() -> str:
    """Show what is wrong, and where to put it right."""
    member = current_member()
    report = latest_report(member.organization_id)
    return render_template(
        "scheduling/host/availability_report.html",
        report=report,
        lines=faults_in_words.lines(report) if report else [],
        zone=clock.find_zone(member.user.timezone),
    )
