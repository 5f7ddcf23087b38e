"""Meetings have the hosts' time, and bookings are places in them; the time of each host is guarded by the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_meetings"
down_revision = "20261122_foundation"
branch_labels = None
depends_on = None

HOST = "uuidrange(host_id, host_id, '[]')"
EVENT_TYPE = "uuidrange(event_type_id, event_type_id, '[]')"


def upgrade() -> None:
    _create_meeting()
    _create_host_time()
    op.add_column("booking", sa.Column("meeting_id", sa.Uuid(), nullable=True))
    _fill()
    op.create_foreign_key(
        op.f("fk_booking_meeting_id"),
        *("booking", "meeting", ["meeting_id"], ["id"]),
        deferrable=True,
        initially="DEFERRED",
    )
    op.create_index(op.f("ix_booking_meeting_id"), "booking", ["meeting_id"])
    op.create_check_constraint(op.f("ck_booking_meeting"), "booking", "(status = 'cancelled') = (meeting_id IS NULL)")
    op.drop_index("ix_booking_host_confirmed", table_name="booking")
    op.drop_constraint("ex_booking_host_overlap", "booking")
    op.drop_constraint(op.f("ck_booking_blocked"), "booking")
    op.drop_column("booking", "blocked_from")
    op.drop_column("booking", "blocked_until")


def _create_meeting() -> None:
    op.create_table(
        "meeting",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("starts_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("seats", sa.Integer(), server_default="1", nullable=False),
        sa.Column("seats_taken", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_meeting_times")),
        sa.CheckConstraint("1 <= seats_taken AND seats_taken <= seats", name=op.f("ck_meeting_seats")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_meeting_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["event_type_id"], ["event_type.id"], name=op.f("fk_meeting_event_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting")),
    )
    op.create_index(op.f("ix_meeting_event_type_id_starts_at"), "meeting", ["event_type_id", "starts_at"])


def _create_host_time() -> None:
    op.create_table(
        "host_time",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Uuid(), nullable=False),
        sa.Column("blocked_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("apart_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("apart_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("blocked_from < blocked_until", name=op.f("ck_host_time_blocked")),
        sa.CheckConstraint(
            "apart_from <= blocked_from AND blocked_until <= apart_until", name=op.f("ck_host_time_apart")
        ),
        postgresql.ExcludeConstraint(
            (sa.text(HOST), "&&"),
            (sa.text("tstzrange(blocked_from, blocked_until)"), "&&"),
            using="gist",
            name="ex_host_time_overlap",
        ),
        postgresql.ExcludeConstraint(
            (sa.text(HOST), "&&"),
            (sa.text(EVENT_TYPE), "&&"),
            (sa.text("tstzrange(apart_from, apart_until)"), "&&"),
            using="gist",
            name="ex_host_time_apart",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_host_time_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meeting.id"], name=op.f("fk_host_time_meeting_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["event_type_id"], ["event_type.id"], name=op.f("fk_host_time_event_type_id")),
        sa.ForeignKeyConstraint(["host_id"], ["user_account.id"], name=op.f("fk_host_time_host_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host_time")),
    )
    op.create_index(op.f("ix_host_time_host_id_apart_until"), "host_time", ["host_id", "apart_until"])
    op.create_index(op.f("ix_host_time_meeting_id"), "host_time", ["meeting_id"])


def _fill() -> None:
    """Give every booking that stands a meeting of its own; they share their id, as they had one row before."""
    op.execute(
        "INSERT INTO meeting (id, organization_id, event_type_id, starts_at, ends_at)"
        " SELECT id, organization_id, event_type_id, starts_at, ends_at FROM booking WHERE status = 'confirmed'"
    )
    op.execute(
        "INSERT INTO host_time (id, organization_id, meeting_id, event_type_id, host_id,"
        " blocked_from, blocked_until, apart_from, apart_until)"
        " SELECT id, organization_id, id, event_type_id, host_id,"
        " blocked_from, blocked_until, blocked_from, blocked_until FROM booking WHERE status = 'confirmed'"
    )
    op.execute("UPDATE booking SET meeting_id = id WHERE status = 'confirmed'")


def downgrade() -> None:
    op.add_column("booking", sa.Column("blocked_from", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("booking", sa.Column("blocked_until", sa.TIMESTAMP(timezone=True), nullable=True))
    op.execute("UPDATE booking SET blocked_from = starts_at, blocked_until = ends_at")
    op.execute(
        "UPDATE booking SET blocked_from = host_time.blocked_from, blocked_until = host_time.blocked_until"
        " FROM host_time WHERE host_time.meeting_id = booking.meeting_id AND host_time.host_id = booking.host_id"
    )
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks to come cannot be altered
    op.alter_column("booking", "blocked_from", nullable=False)
    op.alter_column("booking", "blocked_until", nullable=False)
    op.create_check_constraint(
        op.f("ck_booking_blocked"), "booking", "blocked_from <= starts_at AND ends_at <= blocked_until"
    )
    op.execute(
        "ALTER TABLE booking ADD CONSTRAINT ex_booking_host_overlap EXCLUDE USING gist"
        f" ({HOST} WITH &&, tstzrange(blocked_from, blocked_until) WITH &&) WHERE (status = 'confirmed')"
    )
    op.create_index(
        "ix_booking_host_confirmed",
        "booking",
        ["host_id", "blocked_until"],
        postgresql_where=sa.text("status = 'confirmed'"),
    )
    op.drop_constraint(op.f("ck_booking_meeting"), "booking")
    op.drop_column("booking", "meeting_id")
    op.drop_table("host_time")
    op.drop_table("meeting")
