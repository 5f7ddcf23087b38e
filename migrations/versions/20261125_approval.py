"""Approval: bookings that wait for a host's yes, until when guests may change one, and what became of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_approval"
down_revision = "20261125_attendance"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event_type", sa.Column("requires_approval", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("event_type", sa.Column("cancel_notice", sa.Integer(), server_default="0", nullable=True))
    op.add_column("event_type", sa.Column("reschedule_notice", sa.Integer(), server_default="0", nullable=True))
    op.add_column("event_type", sa.Column("policy", sa.Text(), server_default="", nullable=False))
    op.create_check_constraint(
        op.f("ck_event_type_change_notices"),
        "event_type",
        "cancel_notice BETWEEN 0 AND 525600 AND reschedule_notice BETWEEN 0 AND 525600",
    )
    op.add_column("booking", sa.Column("was_confirmed", sa.Boolean(), server_default="true", nullable=False))
    op.add_column("booking", sa.Column("declined_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("booking", sa.Column("declined_by", sa.String(length=24), nullable=True))
    op.add_column("booking", sa.Column("decline_reason", sa.String(length=500), server_default="", nullable=False))
    op.create_check_constraint(op.f("ck_booking_declined_by"), "booking", "declined_by IN ('guest', 'host')")
    op.create_check_constraint(op.f("ck_booking_was_confirmed"), "booking", "status <> 'confirmed' OR was_confirmed")
    _statuses("pending", "confirmed", "declined", "cancelled")
    op.create_check_constraint(
        op.f("ck_booking_declined"), "booking", "(status = 'declined') = (declined_at IS NOT NULL)"
    )
    _without_meeting("cancelled", "declined")
    op.create_index(
        "ix_booking_pending",
        "booking",
        ["organization_id", "starts_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )


def downgrade() -> None:
    op.drop_index("ix_booking_pending", table_name="booking")
    op.drop_constraint(op.f("ck_booking_declined"), "booking")
    # Without approval, a request is a booking, and what was declined was cancelled by the host.
    op.execute("UPDATE booking SET status = 'confirmed', was_confirmed = true WHERE status = 'pending'")
    op.execute(
        "UPDATE booking SET status = 'cancelled', cancelled_at = declined_at, cancelled_by = 'host',"
        " cancel_reason = decline_reason WHERE status = 'declined'"
    )
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks to come cannot be altered
    _without_meeting("cancelled")
    _statuses("confirmed", "cancelled")
    op.drop_constraint(op.f("ck_booking_was_confirmed"), "booking")
    op.drop_constraint(op.f("ck_booking_declined_by"), "booking")
    for column in ("decline_reason", "declined_by", "declined_at", "was_confirmed"):
        op.drop_column("booking", column)
    op.drop_constraint(op.f("ck_event_type_change_notices"), "event_type")
    for column in ("policy", "reschedule_notice", "cancel_notice", "requires_approval"):
        op.drop_column("event_type", column)


def _statuses(*statuses: str) -> None:
    op.drop_constraint(op.f("ck_booking_status"), "booking")
    op.create_check_constraint(op.f("ck_booking_status"), "booking", f"status IN ({_listed(statuses)})")


def _without_meeting(*statuses: str) -> None:
    op.drop_constraint(op.f("ck_booking_meeting"), "booking")
    op.create_check_constraint(
        op.f("ck_booking_meeting"), "booking", f"(status IN ({_listed(statuses)})) = (meeting_id IS NULL)"
    )


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
