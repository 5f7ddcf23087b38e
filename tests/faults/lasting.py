"""Jobs that last until they are told to end, and count in the database how often they came to their end."""

from __future__ import annotations

import os
import time
from pathlib import Path

from sqlalchemy import text

from jobs.runtime import job
from webapp.core.db import session, transaction

END = "LASTING_END"
AT_MOST_SECONDS = 120
POLL_SECONDS = 0.05

TABLES = "CREATE TABLE ended (number int PRIMARY KEY, times int NOT NULL)"
_COUNT = "INSERT INTO ended VALUES (:number, 1) ON CONFLICT (number) DO UPDATE SET times = ended.times + 1"


@job(queue="bookings")
def last(number: int) -> None:
    end, latest = Path(os.environ[END]), time.monotonic() + AT_MOST_SECONDS
    while not end.exists() and time.monotonic() < latest:
        time.sleep(POLL_SECONDS)
    with transaction():
        session().execute(text(_COUNT), {"number": number})


@job(queue="bookings")
def begin(jobs: int) -> None:
    last.enqueue_many([{"number": number} for number in range(jobs)])
