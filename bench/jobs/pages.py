"""In a process of its own: opens every page of the console as a browser does, and says how long each took."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from sqlalchemy import event, text

from bench.jobs.rows import FILL
from webapp import create_app
from webapp.core.db import db, session, transaction
from webapp.identity.service import open_session, register_organization

BASE = "/admin/jobs"
SEARCHES: Mapping[str, dict[str, str]] = {
    "runs": {},
    "runs that are dead": {"state": "dead"},
    "runs that wait": {"state": "queued"},
    "runs of a queue": {"queue": "email"},
    "runs of a job": {"name": "usual.job_3"},
    "runs of a rare job that are cancelled": {"name": "rare.job", "state": "cancelled"},
    "runs by a text in their arguments": {"text": "number 12345"},
    "runs by a text that none has": {"text": "nobody has this"},
    "runs of a day": {"since": "2020-01-01T00:00", "until": "2100-01-01T00:00"},
}
OTHERS = {"overview": "", "dead letters": "/dead", "workers": "/workers", "limits": "/limits", "alerts": "/alerts"}


def main(rows: int, times: int) -> None:
    """Fill the table, open each page so many times, and print the milliseconds and what walked through the table."""
    app = create_app()
    with app.app_context():
        _fill(rows)
        client = _owner(app.test_client())
        addresses = {name: f"{BASE}/runs?{urlencode(search)}" for name, search in SEARCHES.items()}
        addresses |= {name: f"{BASE}{path}" for name, path in OTHERS.items()}
        with transaction():
            halfway = session().scalar(
                text("SELECT id FROM job_run ORDER BY id OFFSET :half LIMIT 1"), {"half": rows // 2}
            )
        addresses |= {"runs, far back": f"{BASE}/runs?before={halfway}", "one run": f"{BASE}/runs/{halfway}"}
        print(json.dumps({name: _measure(client, address, times) for name, address in addresses.items()}))


def _fill(rows: int) -> None:
    with transaction():
        session().execute(text(FILL), {"rows": rows})
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE job_run"))


def _owner(client: FlaskClient) -> FlaskClient:
    with transaction():
        owner = register_organization(
            name="Bench", slug="bench", timezone="UTC", owner_name="B", owner_email="b@example.com", password="x" * 20
        )
        token = open_session(membership=owner, user_agent="", ip_address="")
    with client.session_transaction() as cookie:
        cookie["token"] = token
    return client


def _measure(client: FlaskClient, address: str, times: int) -> dict[str, Any]:
    taken = []
    with _statements() as said:
        _open(client, address)  # which also compiles its template
    for _ in range(times):
        began = time.perf_counter()
        _open(client, address)
        taken.append((time.perf_counter() - began) * 1000)
    return {"ms": taken, "walks": [statement for statement, values in said if _walks(statement, values)]}


def _open(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status}")


@contextmanager
def _statements() -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the table of runs within the block."""
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "job_run" in statement and statement.lstrip().startswith(("SELECT", "WITH")):
            said.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def _walks(statement: str, values: Any) -> bool:
    """True when PostgreSQL would read the whole table for it."""
    with db.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN {statement}", values).scalars().all()
    return any("Seq Scan on job_run" in line for line in plan)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
