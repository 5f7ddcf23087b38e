"""Alembic's environment: our metadata, the application's engine, one transaction for each migration."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from alembic import context
from flask import current_app
from sqlalchemy import Engine

from webapp.core.db import metadata

ROOT = Path(__file__).resolve().parent.parent

for file in [*ROOT.glob("webapp/*/models.py"), *ROOT.glob("jobs/*/models.py")]:
    import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))

engine: Engine = current_app.extensions["migrate"].db.engine

with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
