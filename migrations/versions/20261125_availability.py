"""Availability: several schedules for each host, hours that last past midnight."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_availability"
down_revision = "20261122_teams"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("schedule", sa.Column("is_default", sa.Boolean(), server_default="false", nullable=False))
    op.execute(
        "UPDATE schedule SET is_default = true WHERE id IN"
        " (SELECT DISTINCT ON (organization_id, host_id) id FROM schedule ORDER BY organization_id, host_id, id)"
    )
    op.create_index(
        "uq_schedule_default",
        *("schedule", ["organization_id", "host_id"]),
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    _ranges("0 <= start_minute AND start_minute < 1440 AND start_minute < end_minute AND end_minute <= 2880")


def _ranges(condition: str) -> None:
    closed = f"(start_minute = 0 AND end_minute = 0) OR ({condition})"
    for table, holds in (("weekly_hours", condition), ("date_override", closed)):
        op.drop_constraint(op.f(f"ck_{table}_range"), table)
        op.create_check_constraint(op.f(f"ck_{table}_range"), table, holds)


def downgrade() -> None:
    op.execute("UPDATE weekly_hours SET end_minute = 1440 WHERE end_minute > 1440")
    op.execute("UPDATE date_override SET end_minute = 1440 WHERE end_minute > 1440")
    _ranges("0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440")
    op.drop_index("uq_schedule_default", table_name="schedule")
    op.drop_column("schedule", "is_default")
