"""Room for the trace that a job is part of; alerts that nobody is there to work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_runtime"
down_revision = "20261122_teams"
branch_labels = None
depends_on = None

TABLES = ("job_run", "job_canvas")
KINDS = ("slow_job", "failures", "deep_queue", "memory")
ABSENCES = ("no_worker", "no_scheduler", "no_redis")


def _allow(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_operations_alert_kind"), "operations_alert", type_="check")
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_operations_alert_kind"), "operations_alert", f"kind IN ({allowed})")


def upgrade() -> None:
    for table in TABLES:  # a longer text needs no rewrite of the rows
        op.alter_column(table, "trace", type_=sa.String(128), existing_type=sa.String(64), existing_nullable=False)
    _allow(*KINDS, *ABSENCES)


def downgrade() -> None:
    op.execute("DELETE FROM operations_alert WHERE kind IN ('no_worker', 'no_scheduler', 'no_redis')")
    _allow(*KINDS)
    for table in TABLES:
        op.alter_column(
            table,
            "trace",
            type_=sa.String(64),
            existing_type=sa.String(128),
            existing_nullable=False,
            postgresql_using="split_part(trace, ' ', 1)",
        )
