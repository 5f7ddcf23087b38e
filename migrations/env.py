"""Alembic's environment: our metadata, the application's engine, one transaction for each migration."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from alembic import context
from flask import current_app
from sqlalchemy import Engine, text

from webapp.core.db import metadata

ROOT = Path(__file__).resolve().parent.parent

for file in [*ROOT.glob("webapp/*/models.py"), *ROOT.glob("jobs/*/models.py")]:
    import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))

engine: Engine = current_app.extensions["migrate"].db.engine

# Any number; several machines may start a release at once, and only one of them migrates at a time.
LOCK = 20261122

with engine.connect() as connection:
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        transaction_per_migration=True,
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": LOCK})
        connection.commit()
