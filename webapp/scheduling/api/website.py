"""Where an organisation's booking pages may be shown, for members' programs."""

from __future__ import annotations

from webapp.core.db import transaction
from webapp.core.errors import Forbidden
from webapp.identity.access import current_member, token_required
from webapp.identity.models import Organization, Scope
from webapp.scheduling.api.blueprints import for_members
from webapp.scheduling.schemas.website import SitesIn, SitesOut
from webapp.scheduling.service.embedding import set_sites
from webapp.web.openapi import endpoint

blueprint = for_members("scheduling_website_api")


@blueprint.get("/organization/sites")
@token_required(Scope.ORGANIZATION_READ)
@endpoint(answers=SitesOut, needs_token=True, tag="Organisation")
def list_sites() -> SitesOut:
    """The sites that may show booking pages in a frame; none means any."""
    return _sites(current_member().organization)


@blueprint.put("/organization/sites")
@token_required(Scope.ORGANIZATION_WRITE)
@endpoint(answers=SitesOut, body=SitesIn, needs_token=True, tag="Organisation")
def replace_sites(body: SitesIn) -> SitesOut:
    """Name the sites that may show booking pages in a frame; none lets any."""
    member = current_member()
    if not member.role.administers:
        raise Forbidden
    with transaction():
        return _sites(set_sites(organization=member.organization, sites=body.sites))


def _sites(organization: Organization) -> SitesOut:
    return SitesOut(sites=list(organization.embed_origins))
