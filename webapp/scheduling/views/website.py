"""How a host gets the booking pages onto their own website: what to copy, and which sites may show it."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.db import transaction
from webapp.core.languages import SOURCE_LANGUAGE
from webapp.core.settings import settings
from webapp.core.validation import InvalidInput
from webapp.identity.access import administrators_only, current_member, signed_in
from webapp.scheduling import queries
from webapp.scheduling.forms import show_errors
from webapp.scheduling.forms.website import SitesForm
from webapp.scheduling.models import EventType
from webapp.scheduling.service.embedding import set_sites
from webapp.scheduling.service.links import page_url
from webapp.scheduling.views.host import visible_host
from webapp.web.languages import page_language

blueprint = Blueprint("website", __name__, url_prefix="/app/website")


@blueprint.get("")
@signed_in
def show() -> str:
    """Show what to copy for each event type that guests can book."""
    return _page(SitesForm(data={"sites": "\n".join(current_member().organization.embed_origins)}))


@blueprint.post("")
@administrators_only
def save_sites() -> ResponseReturnValue:
    """Name the sites that may show booking pages."""
    form = SitesForm(request.form)
    try:
        with transaction():
            set_sites(organization=current_member().organization, sites=form.lines())
    except InvalidInput as invalid:
        return _page(form, errors=show_errors(form, invalid.errors)), 422
    flash(_("Saved. It counts at once."), "success")
    return redirect(url_for("website.show"), 303)


def _page(form: SitesForm, errors: list[str] | None = None) -> str:
    member = current_member()
    event_types = queries.event_types(organization_id=member.organization_id, host_id=visible_host(member))
    return render_template(
        "scheduling/host/website.html",
        member=member,
        form=form,
        errors=errors or [],
        offered=[(event_type, _copies(event_type)) for event_type in event_types if event_type.is_active],
    )


class Copies(NamedTuple):
    """What is copied into a website: HTML for a frame in its place, HTML for a button that opens it, the address."""

    frame: str
    button: str
    link: str


def _copies(event_type: EventType) -> Copies:
    link = page_url(event_type)  # of a secret one with its code, which the frame needs as much
    script = f'<script src="{settings().public_url}{url_for("embed.script")}" async></script>'
    page = f'data-almanac="{link.partition("/book/")[2]}"'
    if page_language() != SOURCE_LANGUAGE:
        close = escape(_("Close"))
        page += f' data-language="{page_language()}" data-close="{close}"'
    name = escape(event_type.name)
    return Copies(
        frame=f'<div {page} data-title="{name}"></div>\n{script}',
        button=f'<a href="{link}" {page}>{name}</a>\n{script}',
        link=link,
    )
