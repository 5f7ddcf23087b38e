"""Attendance of bookings, and event types that ask for check-in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_attendance"
down_revision = "20261125_pages"
branch_labels = None
depends_on = None

CHECKS = {
    "ck_booking_attendance": "attendance IN ('unknown', 'attended', 'no_show')",
    "ck_booking_attendance_by": "attendance_by IN ('guest', 'host', 'system')",
    "ck_booking_attendance_said": "(attendance_by IS NULL) = (attendance_at IS NULL)",
    "ck_booking_attendance_known": "attendance = 'unknown' OR attendance_by IS NOT NULL",
}


def upgrade() -> None:
    op.add_column("event_type", sa.Column("check_in_since", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("booking", sa.Column("attendance", sa.String(length=24), server_default="unknown", nullable=False))
    op.add_column("booking", sa.Column("attendance_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("booking", sa.Column("attendance_by", sa.String(length=24), nullable=True))
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(name), "booking", condition)
    op.create_index(
        "ix_booking_unattended",
        "booking",
        ["event_type_id", "ends_at"],
        postgresql_where=sa.text("status = 'confirmed' AND attendance_by IS NULL"),
    )
    op.create_index(
        "ix_booking_no_show",
        "booking",
        ["organization_id", "starts_at", "id"],
        postgresql_where=sa.text("attendance = 'no_show'"),
    )


def downgrade() -> None:
    op.drop_index("ix_booking_no_show", "booking")
    op.drop_index("ix_booking_unattended", "booking")
    for name in CHECKS:
        op.drop_constraint(op.f(name), "booking")
    for column in ("attendance_by", "attendance_at", "attendance"):
        op.drop_column("booking", column)
    op.drop_column("event_type", "check_in_since")
