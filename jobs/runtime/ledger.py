"""The hot path of durable runs: taking a row, closing it, and both in one statement, on a connection of its own.

Nothing here waits for the disk. Should PostgreSQL crash and forget a claim or a closing, the run is run again, which
every job has to bear; what a job commits itself is written out as ever, and its own claim along with it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.abc import Params
from psycopg.types.json import Jsonb
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from jobs.runtime.current import Claim, Done

# A worker's clock may be so far ahead of the database's.
CLOCK_TOLERANCE = timedelta(seconds=1)

# True in the statement's own transaction alone; asked for where a row was changed, so that nothing else is affected.
QUICK = "set_config('synchronous_commit', 'off', true)"

# Both return the changed setting in the first column; taking returns the claim's fields in the others. A run that this
# very worker is recorded to run may be taken again: the answer to the first time was lost.
_TAKEN = """
    UPDATE job_run
    SET state = 'running', attempt = attempt + 1, lease_until = now() + %(lease)s * interval '1 second',
        worker = %(worker)s, started_at = now(), is_held = false
    WHERE id = %(id)s
"""
_CLAIM = f"""
    RETURNING {QUICK}, id, name, queue, lane, arguments, attempt, failures, worker, run_at, started_at, trace,
              canvas_id, rate_key, slot_key,
              (SELECT job_canvas.state FROM job_canvas WHERE job_canvas.id = job_run.canvas_id) AS canvas_state, step
"""  # noqa: S608  # all of it is written here
TAKE = f"""
    {_TAKEN}
      AND (state = 'waiting' AND slot_key IS NULL
           AND run_at <= now() + interval '{CLOCK_TOLERANCE.total_seconds()} seconds'
           OR state = 'running' AND worker = %(worker)s)
    {_CLAIM}
"""

# Takes a run that is known to wait and to be due, if fewer than so many of its key are running.
TAKE_SLOT = f"""
    {_TAKEN}
      AND (%(limit)s::int IS NULL
           OR %(limit)s > (SELECT count(*) FROM job_run WHERE slot_key = %(key)s AND state = 'running'))
    {_CLAIM}
"""  # noqa: S608  # all of it is written here

CLOSE = f"""
    UPDATE job_run
    SET state = 'succeeded', lease_until = NULL, finished_at = now(), result = %(result)s, error = NULL
    WHERE id = %(done)s AND attempt = %(attempt)s AND worker = %(worker)s AND state = 'running'
    RETURNING {QUICK} AS closed
"""  # noqa: S608  # as above

# Closes one run and takes another.
EXCHANGE = f"""
    WITH closed AS ({CLOSE}), taken AS ({TAKE})
    SELECT closed.closed, taken.* FROM (SELECT) AS always LEFT JOIN closed ON true LEFT JOIN taken ON true
"""  # noqa: S608  # as above


class Ledger:
    """Takes and closes the runs of one worker, each in one statement and one round trip.

    Connects when first used, and again after psycopg.Error was raised: what came of the statement is then unknown,
    and both taking and closing may be repeated.
    """

    def __init__(self, engine: Engine, *, worker: str, lease: float) -> None:
        self._engine = engine
        self.worker = worker
        self._lease = lease
        self._connection: psycopg.Connection[Any] | None = None

    def take(self, run_id: UUID) -> Claim | None:
        """Take a waiting, due run; None when it is not to be had. Raises psycopg.Error."""
        row = self._execute(TAKE, {"id": run_id, "worker": self.worker, "lease": self._lease})
        return Claim(*row[1:]) if row else None

    def close(self, done: Done) -> bool:
        """Close a run that has succeeded; False when it was somebody else's by then. Raises psycopg.Error."""
        return self._execute(CLOSE, self._closing(done)) is not None

    def exchange(self, done: Done, run_id: UUID) -> tuple[bool, Claim | None]:
        """Close one run and take the next, as `close` and `take` do. Raises psycopg.Error."""
        row = self._execute(EXCHANGE, {**self._closing(done), "id": run_id, "lease": self._lease})
        if row is None:  # it is joined to a row that is always there
            raise psycopg.InternalError("the database returned no row where there is always one")
        return row[0] is not None, Claim(*row[2:]) if row[2] else None

    def disconnect(self) -> None:
        """Close the connection; the next statement opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _closing(self, done: Done) -> dict[str, Any]:
        return {
            "done": done.claim.id,
            "attempt": done.claim.attempt,
            "worker": self.worker,
            "result": None if done.result is None else Jsonb(done.result),
        }

    def _execute(self, statement: str, values: Params) -> tuple[Any, ...] | None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            return self._connection.execute(statement, values).fetchone()
        except psycopg.Error:
            self.disconnect()
            raise

    def _connect(self) -> psycopg.Connection[Any]:
        """Open a connection as the pool does, with all its options, but outside of the pool."""
        try:
            pooled = self._engine.raw_connection()
        except DBAPIError as error:
            raise psycopg.OperationalError(str(error.orig)) from error
        connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
        pooled.detach()
        connection.autocommit = True
        return connection
