"""Teams: event types that several hosts share, in turn or all at once, and bookings with more hosts than one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122_teams"
down_revision = "20261122_seats"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event_host",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("priority BETWEEN 1 AND 9", name=op.f("ck_event_host_priority")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_event_host_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["event_type_id"], ["event_type.id"], name=op.f("fk_event_host_event_type_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["host_id"], ["user_account.id"], name=op.f("fk_event_host_host_id")),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.id"], name=op.f("fk_event_host_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_host")),
        sa.UniqueConstraint("event_type_id", "host_id", name=op.f("uq_event_host_event_type_id_host_id")),
    )
    op.create_index(op.f("ix_event_host_host_id"), "event_host", ["host_id"])
    op.create_index(op.f("ix_event_host_schedule_id"), "event_host", ["schedule_id"])
    op.create_table(
        "booking_host",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_booking_host_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name=op.f("fk_booking_host_booking_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["host_id"], ["user_account.id"], name=op.f("fk_booking_host_host_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_host")),
        sa.UniqueConstraint("booking_id", "host_id", name=op.f("uq_booking_host_booking_id_host_id")),
    )
    op.create_index(op.f("ix_booking_host_host_id"), "booking_host", ["host_id"])
    _kinds("one_to_one", "group", "round_robin", "collective")


def downgrade() -> None:
    # Without its team, an event type is its owner's alone.
    op.execute("UPDATE event_type SET kind = 'one_to_one' WHERE kind IN ('round_robin', 'collective')")
    _kinds("one_to_one", "group")
    op.drop_table("booking_host")
    op.drop_table("event_host")


def _kinds(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_event_type_kind"), "event_type")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_event_type_kind"), "event_type", f"kind IN ({listed})")
