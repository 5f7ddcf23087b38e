"""What the programs of the fault matrix load: the application, its jobs, and an address to ask for them."""

from __future__ import annotations

from flask import Blueprint, request

from tests.faults import errands
from webapp.core.db import transaction
from webapp.web.extensions import csrf
from wsgi import app

__all__ = ["app"]

blueprint = Blueprint("errands", __name__)
csrf.exempt(blueprint)


@blueprint.post("/errands")
def ask() -> tuple[str, int]:
    """Enqueue what the query names; 201 once that is committed."""
    with transaction():
        errands.ask(request.args["kind"], request.args["mark"])
    return "", 201


app.register_blueprint(blueprint)
