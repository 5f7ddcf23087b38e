"""schemathesis over the whole description, against the application itself: it finds nothing.

Every operation is asked with all kinds of input that fit its description and that do not, with a token and without,
about things that exist and others; each answer has to be one that the description tells of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import Context
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from jobs.runtime.models import RunState
from tests.factories import event_type, member
from tests.operations.background import run
from tests.scheduling.helpers import at, bearer, booked, in_days
from tests.scheduling.waiting import joined
from webapp.core import clock
from webapp.core.db import transaction
from webapp.identity.models import Scope
from webapp.scheduling.service.attendees import add_attendees
from webapp.scheduling.service.blocks import BlockDetails, block_time
from webapp.scheduling.service.booking import manage_token
from webapp.scheduling.service.links import create_link
from webapp.scheduling.service.notes import add_note
from webapp.scheduling.service.out_of_office import AwayDetails, be_away
from webapp.web.openapi import document

load_all_checks()

# Held to here is what the description says. Left out is what it does not: input that does not fit it may still be
# taken (a field that nobody knows, a number written as text in an address), and what fits may be refused by a rule.
SAID = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "missing_required_header",
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class World(NamedTuple):
    """What exists, by the names that paths have for it, and a token that may do everything."""

    things: dict[str, str]
    headers: dict[str, str]


@pytest.fixture
def world(app: Flask) -> World:
    host = member()
    kind = event_type(of=host, series_most=4, most_attendees=2, waitlist_enabled=True)
    booking = booked(kind, at(10))
    with transaction():
        note = add_note(booking=booking, author=host, text="Tea, no milk")
        add_attendees(booking=booking, emails=["bo@example.org"])
        link = create_link(event_type=kind, created_by=host.user_id, expires_at=clock.now() + timedelta(days=1))
        whose = {"organization_id": host.organization_id, "host_id": host.user_id}
        day, zone = clock.now().date() + timedelta(days=20), "Europe/Berlin"
        block = block_time(**whose, details=BlockDetails.whole_days(day, day, timezone=zone))
        absence = be_away(**whose, details=AwayDetails(timezone=zone, first_day=day, last_day=day))
    things = {
        "org": host.organization.slug,
        "event_type": kind.slug,
        "event_type_id": str(kind.id),
        "booking_id": str(booking.id),
        "link_id": str(link.id),
        "note_id": str(note.id),
        "attendee_id": str(booking.attendees[0].id),
        "token": manage_token(booking),
        "schedule_id": str(kind.schedule_id),
        "block_id": str(block.id),
        "absence_id": str(absence.id),
        "entry_id": str(joined(kind, "Bo").id),
        "day": in_days(30).isoformat(),
        "task_id": str(run(RunState.DEAD).id),
    }
    return World(things, bearer(host, *Scope))


def described(app: Flask) -> Any:
    """The description, bound to the application, each of whose requests has a database session of its own."""

    def isolated(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return Context().run(app, environ, start_response)

    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", isolated)


def operations(app: Flask) -> Iterator[tuple[str, str, dict[str, Any]]]:
    with app.test_request_context():
        for path, methods in document()["paths"].items():
            for method, operation in methods.items():
                yield path, method.upper(), operation


def _modes(operation: Any) -> list[GenerationMode]:
    """Input that fits, and, where there is anything that could not, input that does not."""
    can_be_wrong = bool(operation.body) or bool(operation.query)
    return [GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if can_be_wrong else [])]


def _ask_everything(app: Flask, world: World, *, examples: int) -> set[int]:
    """Return every status that was answered."""
    seen: set[int] = set()
    checks = [CHECKS.get_one(name) for name in SAID]
    for found in described(app).get_all_operations():
        operation = found.ok()
        for mode in _modes(operation):

            @settings(
                max_examples=examples,
                deadline=None,
                phases=[Phase.generate],
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans(), known=st.booleans())
            def ask(case: Any, real: bool, known: bool) -> None:
                if real:
                    case.path_parameters = {
                        name: world.things.get(name, value) for name, value in (case.path_parameters or {}).items()
                    }
                response = case.call(headers=world.headers if known else None)
                case.validate_response(response, checks=checks)
                seen.add(response.status_code)

            ask()
    return seen


def test_schemathesis_finds_nothing(app: Flask, world: World) -> None:
    assert {200, 401, 404, 422} <= _ask_everything(app, world, examples=4)


@pytest.mark.slow
def test_schemathesis_finds_nothing_in_a_long_search(app: Flask, world: World) -> None:
    assert {200, 201, 401, 404, 409, 422} <= _ask_everything(app, world, examples=100)


def test_no_endpoint_takes_another_method_than_described(app: Flask, world: World) -> None:
    client = app.test_client(use_cookies=False)
    taken: dict[str, set[str]] = {}
    for path, method, _ in operations(app):
        taken.setdefault(path.format(**world.things), set()).add(method)
    for path, methods in taken.items():
        for method in set(METHODS) - methods:
            answer = client.open(path, method=method, headers=world.headers)
            assert (answer.status_code, answer.get_json()["code"]) == (405, "method_not_allowed"), (method, path)
            assert methods <= set(answer.headers["Allow"].split(", ")), (method, path)


def test_every_endpoint_with_a_body_takes_json_alone(app: Flask, world: World) -> None:
    client = app.test_client(use_cookies=False)
    for path, method, operation in operations(app):
        if "requestBody" not in operation:
            continue
        address = path.format(**world.things)
        for kind, sent, status in (("text/plain", b"{}", 415), ("", b"{}", 415), ("application/json", b"{", 400)):
            answer = client.open(address, method=method, data=sent, content_type=kind, headers=world.headers)
            assert answer.status_code == status, (method, path, kind, answer.text)


def test_a_field_that_nobody_knows_is_refused_by_name_where_a_token_is_asked_for(app: Flask, world: World) -> None:
    client = app.test_client(use_cookies=False)
    for path, method, operation in operations(app):
        if "requestBody" not in operation:
            continue
        answer = client.open(path.format(**world.things), method=method, json={"colour": "?"}, headers=world.headers)
        named = [fault["field"] for fault in answer.get_json().get("errors", [])]
        assert ("colour" in named) == bool(operation.get("security")), (method, path, answer.text)


def test_every_endpoint_that_asks_for_a_token_refuses_to_do_without(app: Flask, world: World) -> None:
    client = app.test_client(use_cookies=False)
    for path, method, operation in operations(app):
        if not operation.get("security"):
            continue
        for headers in ({}, {"Authorization": "Bearer alm_wrong"}, {"Authorization": "Basic YTpi"}):
            answer = client.open(path.format(**world.things), method=method, headers=headers)
            assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated"), (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer "), (method, path)
