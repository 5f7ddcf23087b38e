"""Approval: bookings that wait for a host's yes, until when guests may change one, and what became of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

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

    _create_booking_change()
    _begin_history()


def _create_booking_change() -> None:
    op.create_table(
        "booking_change",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("booking_id", sa.Uuid(), nullable=False),
        sa.Column("happened_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=60), nullable=False),
        sa.Column("actor", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("actor IN ('guest', 'member', 'system')", name=op.f("ck_booking_change_actor")),
        sa.CheckConstraint("(actor = 'member') = (user_id IS NOT NULL)", name=op.f("ck_booking_change_member")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_booking_change_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name=op.f("fk_booking_change_booking_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_booking_change_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_change")),
    )
    op.create_index(
        op.f("ix_booking_change_booking_id_happened_at_id"), "booking_change", ["booking_id", "happened_at", "id"]
    )


def _begin_history() -> None:
    """Write down how every booking stands, so that what happens to it from now on can be told apart from it."""
    columns = [
        *("status", "starts_at", "ends_at", "guest_name", "guest_email", "guest_phone", "guest_timezone"),
        *("guest_locale", "answers", "cancelled_at", "cancelled_by", "cancel_reason"),
        *("attendance", "attendance_at", "attendance_by"),
    ]
    values = {name: f"to_jsonb({name})" for name in columns}
    for moment, fraction in (("starts_at", ""), ("ends_at", ""), ("cancelled_at", ".US"), ("attendance_at", ".US")):
        written = f"""'YYYY-MM-DD"T"HH24\\:MI\\:SS{fraction}"+00\\:00"'"""
        values[moment] = f"to_jsonb(to_char({moment} AT TIME ZONE 'UTC', {written}))"
    values["hosts"] = (
        "to_jsonb(ARRAY[booking.host_id]"
        " || ARRAY(SELECT further.host_id FROM booking_host AS further WHERE further.booking_id = booking.id"
        " ORDER BY further.id))"
    )
    values["attendees"] = (
        "to_jsonb(ARRAY(SELECT email FROM booking_attendee AS attendee WHERE attendee.booking_id = booking.id"
        " AND attendee.removed_at IS NULL ORDER BY attendee.id))"
    )
    pairs = ", ".join(f"('{name}', {value})" for name, value in values.items())
    op.execute(
        "INSERT INTO booking_change (id, organization_id, booking_id, happened_at, what, actor, details)"  # noqa: S608  # names of this function alone
        " SELECT gen_random_uuid(), organization_id, id, now(), 'recorded', 'system',"
        " (SELECT jsonb_object_agg(name, jsonb_build_object('old', NULL, 'new', value))"
        f" FROM (VALUES {pairs}) AS told (name, value)"
        " WHERE value NOT IN ('null', '\"\"', '{}', '[]'))"
        " FROM booking"
    )


def downgrade() -> None:
    op.drop_table("booking_change")
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
