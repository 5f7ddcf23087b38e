"""What a program may ask about itself."""

from __future__ import annotations

from flask import Blueprint

from webapp.identity.access import current_member, current_token, token_required
from webapp.identity.schemas import MeOut
from webapp.web.extensions import csrf
from webapp.web.openapi import endpoint

blueprint = Blueprint("identity_api", __name__, url_prefix="/api/v1")
csrf.exempt(blueprint)


@blueprint.get("/me")
@token_required()
@endpoint(answers=MeOut, tag="Account", needs_token=True)
def me() -> MeOut:
    """Whom the token speaks for: the person, the organisation, the role and what the token may do now."""
    return MeOut.of(token=current_token(), membership=current_member())
