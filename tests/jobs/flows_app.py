"""What a worker under test loads: the application, the jobs of the canvas tests, and death at any statement.

While `test:kills` in Redis is above zero, a process may end before any statement that it sends to the database in the
name of a run, be it in the work, in the closing or in the hand-over; each run suffers that once at most.
"""

from __future__ import annotations

import os
import random
import signal
from typing import Any

from sqlalchemy import Engine, event

from jobs.runtime import current
from tests.jobs import flows
from webapp.core.redis import jobs_redis
from wsgi import app

__all__ = ["app", "flows"]

VICTIMS = "test:victims"
ONE_STATEMENT_IN = 12


@event.listens_for(Engine, "before_cursor_execute")
@event.listens_for(Engine, "commit")
def _die(*_: Any) -> None:
    run_id = current.run_id()
    if run_id is None or random.randrange(ONE_STATEMENT_IN):
        return
    redis = jobs_redis()
    if redis.sadd(VICTIMS, str(run_id)) and int(redis.decr(flows.KILLS)) >= 0:  # type: ignore[arg-type]  # the asynchronous client's type
        os.kill(os.getpid(), signal.SIGKILL)
