"""Where an organisation's booking pages may be shown."""

from __future__ import annotations

from sqlalchemy import select

from webapp.core.db import session
from webapp.core.words import is_slug
from webapp.identity.models import Organization


def allowed_sites(slug: str) -> list[str]:
    """Return the origins that may show the organisation's booking pages; none when any may, or there is no such one."""
    if not is_slug(slug):
        return []
    return session().scalar(select(Organization.embed_origins).where(Organization.slug == slug)) or []
