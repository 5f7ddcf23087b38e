"""What changes whenever something does that decides when somebody is free."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, Uuid

from webapp.core.db import metadata

# The rows whose week is this one concern every week.
EVERY_WEEK = -1

# How many times over, so to say, a subject has changed: a host, by what takes their time, a schedule, by its hours and
# dates, or an event type. Triggers raise a version in the very transaction of the change, whoever makes it
# (migrations/versions/20261125_cache.py). A host is one person in every organisation, so no row is of one.
availability_version = Table(
    "availability_version",
    metadata,
    Column("subject_id", Uuid(), primary_key=True),
    Column("week", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)
