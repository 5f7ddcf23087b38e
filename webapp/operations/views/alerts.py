"""What is wrong and what was, and who has changed what."""

from __future__ import annotations

from webapp.operations import alerts, service, words
from webapp.operations.views.frame import console_pages, page

blueprint = console_pages("jobs_alerts")


@blueprint.get("/alerts")
def index() -> str:
    """Show the open alerts and those that are over."""
    return page(
        "alerts",
        open_alerts=alerts.open_alerts(),
        past_alerts=alerts.past_alerts(),
        title_of=words.alert_title,
        facts_of=words.alert_facts,
        advice_of=words.alert_advice,
    )


@blueprint.get("/changes")
def changes() -> str:
    """Show the latest changes that people made."""
    return page("changes", actions=service.actions(limit=200))
