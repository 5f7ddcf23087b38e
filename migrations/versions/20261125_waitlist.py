"""Times are kept for a guest who fills in the form, and guests wait for times that are taken."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_waitlist"
down_revision = "20261125_embedding"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("event_type", sa.Column("waitlist_enabled", sa.Boolean(), server_default="false", nullable=False))
    _create_waitlist_entry()
    _create_hold()


def _create_waitlist_entry() -> None:
    statuses = ("waiting", "offered", "booked", "refused", "lapsed", "left", "removed", "passed")
    in_line = sa.text("status IN ('waiting', 'offered')")
    op.create_table(
        "waitlist_entry",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                *statuses, name=op.f("ck_waitlist_entry_status"), native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("wanted_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("wanted_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("guest_name", sa.String(120), nullable=False),
        sa.Column("guest_email", sa.String(254), nullable=False),
        sa.Column("guest_phone", sa.String(20), nullable=True),
        sa.Column("guest_timezone", sa.String(64), nullable=False),
        sa.Column("guest_locale", sa.String(35), server_default="", nullable=False),
        sa.Column(
            "answers",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("offered_start", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("offer_expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("wanted_from < wanted_until", name=op.f("ck_waitlist_entry_wanted")),
        sa.CheckConstraint(
            "status <> 'offered' OR (offered_start IS NOT NULL AND offer_expires_at IS NOT NULL)",
            name=op.f("ck_waitlist_entry_offer"),
        ),
        sa.CheckConstraint("(status = 'booked') = (booking_id IS NOT NULL)", name=op.f("ck_waitlist_entry_booking")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_waitlist_entry_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["event_type_id"], ["event_type.id"], name=op.f("fk_waitlist_entry_event_type_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name=op.f("fk_waitlist_entry_booking_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waitlist_entry")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_waitlist_entry_token_digest")),
    )
    op.create_index(op.f("ix_waitlist_entry_organization_id"), "waitlist_entry", ["organization_id"])
    op.create_index(op.f("ix_waitlist_entry_booking_id"), "waitlist_entry", ["booking_id"])
    op.create_index("ix_waitlist_entry_in_line", "waitlist_entry", ["event_type_id", "id"], postgresql_where=in_line)
    op.create_index(
        "uq_waitlist_entry_in_line",
        "waitlist_entry",
        ["event_type_id", sa.text("lower(guest_email)"), "wanted_from", "wanted_until"],
        unique=True,
        postgresql_where=in_line,
    )


def _create_hold() -> None:
    op.create_table(
        "hold",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(64), nullable=True),
        sa.Column("waitlist_entry_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_hold_times")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_hold_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["event_type_id"], ["event_type.id"], name=op.f("fk_hold_event_type_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_hold_meeting_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["waitlist_entry_id"],
            ["waitlist_entry.id"],
            name=op.f("fk_hold_waitlist_entry_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_hold_token_digest")),
        sa.UniqueConstraint("waitlist_entry_id", name=op.f("uq_hold_waitlist_entry_id")),
    )
    op.create_index(op.f("ix_hold_event_type_id"), "hold", ["event_type_id"])
    op.create_index(op.f("ix_hold_meeting_id"), "hold", ["meeting_id"])
    op.create_index(op.f("ix_hold_expires_at"), "hold", ["expires_at"])
    op.create_index(op.f("ix_hold_holder_expires_at"), "hold", ["holder", "expires_at"])


def downgrade() -> None:
    """What was held and not booked is free again: the seats of holds are given up, and meetings of nothing else go."""
    op.execute(
        "DELETE FROM meeting USING (SELECT meeting_id, count(*) AS seats FROM hold GROUP BY meeting_id) AS held"
        " WHERE held.meeting_id = meeting.id AND held.seats = meeting.seats_taken"
    )
    op.execute(
        "UPDATE meeting SET seats_taken = seats_taken - held.seats"
        " FROM (SELECT meeting_id, count(*) AS seats FROM hold GROUP BY meeting_id) AS held"
        " WHERE held.meeting_id = meeting.id"
    )
    op.drop_table("hold")
    op.drop_table("waitlist_entry")
    op.drop_column("event_type", "waitlist_enabled")
