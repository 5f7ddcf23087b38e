"""Room for the trace that a job is part of, beside the id of the request that it goes back to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_runtime"
down_revision = "20261122_teams"
branch_labels = None
depends_on = None

TABLES = ("job_run", "job_canvas")


def upgrade() -> None:
    for table in TABLES:  # a longer text needs no rewrite of the rows
        op.alter_column(table, "trace", type_=sa.String(128), existing_type=sa.String(64), existing_nullable=False)


def downgrade() -> None:
    for table in TABLES:
        op.alter_column(
            table,
            "trace",
            type_=sa.String(64),
            existing_type=sa.String(128),
            existing_nullable=False,
            postgresql_using="split_part(trace, ' ', 1)",
        )
