"""Availability: several schedules for each host, one of them the default."""

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


def downgrade() -> None:
    op.drop_index("uq_schedule_default", table_name="schedule")
    op.drop_column("schedule", "is_default")
