"""Runs, programs and browsers for the tests of the console, the API of the jobs and the alerts."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from jobs.runtime.models import JobAttempt, JobRun, Outcome, RunState
from tests import factories
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.identity.models import Membership, Scope
from webapp.identity.service import create_api_token

BASE = "/api/v1/tasks"
_OVER = {RunState.SUCCEEDED, RunState.DEAD, RunState.CANCELLED}


def run(state: RunState = RunState.WAITING, **changes: Any) -> JobRun:
    """A row as the runtime would have left it."""
    now = clock.now()
    values: dict[str, Any] = {
        "name": "operations.check_system_health",
        "queue": "maintenance",
        "lane": "default",
        "arguments": {},
        "state": state,
        "run_at": now - timedelta(minutes=1),
    }
    if state is not RunState.WAITING:
        values |= {"attempt": 1, "worker": "host.1.abcd", "started_at": now - timedelta(seconds=2)}
    if state is RunState.RUNNING:
        values["lease_until"] = now + timedelta(minutes=1)
    if state in _OVER:
        values["finished_at"] = now
    made = JobRun(**(values | changes))
    with transaction():
        session().add(made)
    return made


def failed_attempt(of: JobRun, error: str = "ValueError: no", **changes: Any) -> None:
    values: dict[str, Any] = {
        "attempt": 1,
        "outcome": Outcome.FAILED,
        "worker": "host.1.abcd",
        "started_at": clock.now() - timedelta(seconds=3),
        "error_type": "ValueError",
        "error": error,
    }
    with transaction():
        session().add(JobAttempt(run_id=of.id, **(values | changes)))


def again(run_id: UUID) -> JobRun:
    """The run as the database has it now."""
    session().rollback()
    return session().get_one(JobRun, run_id, populate_existing=True)


def later(**span: float) -> datetime:
    return clock.now() + timedelta(**span)


def token(*scopes: Scope, of: Membership | None = None) -> dict[str, str]:
    """The header of a program that may do so much."""
    holder = of or factories.member()
    with transaction():
        _row, secret = create_api_token(membership=holder, name="Test", scopes=scopes)
    return {"Authorization": f"Bearer {secret}"}


def refused(answer: TestResponse, status: int, code: str) -> None:
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), answer.text
    assert answer.get_json()["code"] == code


def get(client: FlaskClient, path: str, headers: dict[str, str]) -> Any:
    answer = client.get(f"{BASE}{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def listed(links: list[tuple[str, str]]) -> list[str]:
    """The runs that a page of the console links to, in its order."""
    found = (re.fullmatch(r"/admin/jobs/runs/([0-9a-f-]{36})", href) for href, _words in links)
    return [match[1] for match in found if match]
