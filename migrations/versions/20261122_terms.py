"""Further terms of event types: several lengths, limits, an offset, buffers among their own kind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_terms"
down_revision = "20261122_meetings"
branch_labels = None
depends_on = None

CHECKS = {
    "ck_event_type_other_durations": "5 <= ALL (other_durations) AND 1440 >= ALL (other_durations)",
    "ck_event_type_slot_offset": "slot_offset BETWEEN 0 AND 1439",
    "ck_event_type_limits": "limit_per_day >= 1 AND limit_per_week >= 1 AND limit_per_month >= 1",
}


def upgrade() -> None:
    op.add_column(
        "event_type",
        sa.Column("other_durations", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False),
    )
    op.add_column("event_type", sa.Column("slot_offset", sa.Integer(), server_default="0", nullable=False))
    op.add_column("event_type", sa.Column("buffers_among_own", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("event_type", sa.Column("limit_per_day", sa.Integer(), nullable=True))
    op.add_column("event_type", sa.Column("limit_per_week", sa.Integer(), nullable=True))
    op.add_column("event_type", sa.Column("limit_per_month", sa.Integer(), nullable=True))
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(name), "event_type", condition)


def downgrade() -> None:
    for name in CHECKS:
        op.drop_constraint(op.f(name), "event_type")
    for column in ("limit_per_month", "limit_per_week", "limit_per_day", "buffers_among_own", "slot_offset"):
        op.drop_column("event_type", column)
    op.drop_column("event_type", "other_durations")
