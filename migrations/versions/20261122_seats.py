"""Groups: event types of a kind, with seats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122_seats"
down_revision = "20261122_terms"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event_type", sa.Column("kind", sa.String(length=24), server_default="one_to_one", nullable=False))
    op.add_column("event_type", sa.Column("seats", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint(op.f("ck_event_type_kind"), "event_type", "kind IN ('one_to_one', 'group')")
    op.create_check_constraint(
        op.f("ck_event_type_seats"), "event_type", "seats BETWEEN 1 AND 1000 AND (kind = 'group') = (seats > 1)"
    )
    op.create_check_constraint(
        op.f("ck_event_type_group"), "event_type", "kind <> 'group' OR cardinality(other_durations) = 0"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_event_type_group"), "event_type")
    op.drop_constraint(op.f("ck_event_type_seats"), "event_type")
    op.drop_constraint(op.f("ck_event_type_kind"), "event_type")
    op.drop_column("event_type", "seats")
    op.drop_column("event_type", "kind")
