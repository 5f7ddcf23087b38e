"""Attendance of bookings, event types that ask for check-in, whom guests bring along, notes, links that expire, and alerts of bookings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_attendance"
down_revision = "20261125_pages"
branch_labels = None
depends_on = None

KINDS = ("slow_job", "failures", "deep_queue", "memory", "no_worker", "no_scheduler", "no_redis")
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
    _add_attendees()
    _add_notes()
    _let_links_expire()
    op.create_index(op.f("ix_booking_created_at"), "booking", ["created_at"])
    _alert_of(*KINDS, "late_confirmations", "few_bookings")


def _add_attendees() -> None:
    op.add_column("event_type", sa.Column("most_attendees", sa.Integer(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_event_type_most_attendees"), "event_type", "most_attendees BETWEEN 0 AND 20")
    op.create_table(
        "booking_attendee",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("removed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_booking_attendee_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name=op.f("fk_booking_attendee_booking_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_attendee")),
    )
    op.create_index(op.f("ix_booking_attendee_booking_id"), "booking_attendee", ["booking_id"])
    op.create_index(
        "uq_booking_attendee_email",
        "booking_attendee",
        ["booking_id", sa.text("lower(email)")],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )


def _add_notes() -> None:
    op.create_table(
        "booking_note",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.String(length=5000), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_booking_note_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name=op.f("fk_booking_note_booking_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["author_id"], ["user_account.id"], name=op.f("fk_booking_note_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_note")),
    )
    op.create_index(op.f("ix_booking_note_author_id"), "booking_note", ["author_id"])
    op.create_index(op.f("ix_booking_note_booking_id_id"), "booking_note", ["booking_id", "id"])


def _let_links_expire() -> None:
    op.alter_column("booking", "manage_digest", nullable=True)
    op.add_column("booking", sa.Column("manage_generation", sa.Integer(), server_default="0", nullable=False))
    op.add_column("booking", sa.Column("manage_expires_at", sa.TIMESTAMP(timezone=True), nullable=True))
    # Links to what is long over have opened it until now, and do for another month.
    op.execute("UPDATE booking SET manage_expires_at = greatest(ends_at, now()) + interval '30 days'")
    op.create_index(
        "ix_booking_link_expiry",
        "booking",
        ["manage_expires_at"],
        postgresql_where=sa.text("manage_digest IS NOT NULL"),
    )


def _alert_of(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_operations_alert_kind"), "operations_alert")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_operations_alert_kind"), "operations_alert", f"kind IN ({listed})")


def downgrade() -> None:
    op.execute("DELETE FROM operations_alert WHERE kind IN ('late_confirmations', 'few_bookings')")
    _alert_of(*KINDS)
    op.drop_index(op.f("ix_booking_created_at"), "booking")
    op.drop_index("ix_booking_link_expiry", "booking")
    op.drop_column("booking", "manage_expires_at")
    op.drop_column("booking", "manage_generation")
    # What has no link gets one that nobody knows. Links of a later generation are not written again.
    op.execute("UPDATE booking SET manage_digest = md5(random()::text) || md5(id::text) WHERE manage_digest IS NULL")
    op.alter_column("booking", "manage_digest", nullable=False)
    op.drop_table("booking_note")
    op.drop_table("booking_attendee")
    op.drop_constraint(op.f("ck_event_type_most_attendees"), "event_type")
    op.drop_column("event_type", "most_attendees")
    op.drop_index("ix_booking_no_show", "booking")
    op.drop_index("ix_booking_unattended", "booking")
    for name in CHECKS:
        op.drop_constraint(op.f(name), "booking")
    for column in ("attendance_by", "attendance_at", "attendance"):
        op.drop_column("booking", column)
    op.drop_column("event_type", "check_in_since")
