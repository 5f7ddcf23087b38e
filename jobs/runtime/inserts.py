"""How runs are written: a single one, many of one job, or those of a group, always in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from jobs.runtime.carrier import Carried
from jobs.runtime.limits import LimitKeys
from webapp.core.db import session

_INSERT = """
    INSERT INTO job_run (state, unique_key, parent_id, id, name, queue, lane, arguments, run_at, trace,
                         rate_key, slot_key)
"""
_INSERT_ONE = f"""
    {_INSERT}
    VALUES ('waiting', %(unique_key)s, %(parent)s, %(id)s, %(name)s, %(queue)s, %(lane)s, %(arguments)s, %(run_at)s,
            %(trace)s, %(rate_key)s, %(slot_key)s)
"""
_INSERT_MANY = f"""
    {_INSERT}
    SELECT 'waiting', NULL, %(parent)s, new.*
    FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(queues)s::text[], %(lanes)s::text[], %(arguments)s::jsonb[],
                %(run_ats)s::timestamptz[], %(traces)s::text[], %(rate_keys)s::text[], %(slot_keys)s::text[]) AS new
"""  # noqa: S608  # all of it is written here
# Touching the live row locks it, so that it is still what it was when the caller commits.
_OR_TOUCH = """
    ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND state IN ('waiting', 'running')
    DO UPDATE SET unique_key = job_run.unique_key
"""


class NewRun(NamedTuple):
    """A run that is to be written: what Redis needs to know of it, its job, from where it is traced, and what counts it
    for its limits.
    """

    carried: Carried
    name: str
    trace: str
    limit_keys: LimitKeys


def insert_one(run: NewRun, *, unique_key: str | None, parent: UUID | None) -> UUID:
    """Write a waiting run in the caller's transaction; return its id.

    With a `unique_key`, that of the live run with the same key, if there is one.
    """
    carried, keys = run.carried, run.limit_keys
    values = {
        "unique_key": unique_key,
        "parent": parent,
        "id": carried.id,
        "name": run.name,
        "queue": carried.queue,
        "lane": carried.lane,
        "arguments": Jsonb(carried.arguments),
        "run_at": carried.run_at,
        "trace": run.trace,
        "rate_key": keys.rate,
        "slot_key": keys.slot,
    }
    connection = session().connection()
    if unique_key is None:  # the driver itself, here and below, for this is done thousands of times
        connection.exec_driver_sql(_INSERT_ONE, values)
        return carried.id
    written: UUID = connection.exec_driver_sql(f"{_INSERT_ONE} {_OR_TOUCH} RETURNING id", values).scalar_one()
    return written


def insert_many(runs: Sequence[NewRun], *, parent: UUID | None) -> list[UUID]:
    """Write waiting runs, of one job or of several, in the caller's transaction; return their ids."""
    values = {
        "parent": parent,
        "ids": [run.carried.id for run in runs],
        "names": [run.name for run in runs],
        "queues": [run.carried.queue for run in runs],
        "lanes": [run.carried.lane for run in runs],
        "arguments": [Jsonb(run.carried.arguments) for run in runs],
        "run_ats": [run.carried.run_at for run in runs],
        "traces": [run.trace for run in runs],
        "rate_keys": [run.limit_keys.rate for run in runs],
        "slot_keys": [run.limit_keys.slot for run in runs],
    }
    session().connection().exec_driver_sql(_INSERT_MANY, values)
    return [run.carried.id for run in runs]
