"""Availability: several schedules for each host, hours past midnight, blocks, holidays, absences, bookings kept."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_availability"
down_revision = "20261125_waitlist"
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
    _ranges("0 <= start_minute AND start_minute < 1440 AND start_minute < end_minute AND end_minute <= 2880")
    op.add_column("schedule", sa.Column("holiday_country", sa.String(length=2), nullable=True))
    op.add_column("schedule", sa.Column("holiday_subdivision", sa.String(length=60), nullable=True))
    op.add_column(
        "schedule",
        sa.Column("worked_holidays", postgresql.ARRAY(sa.String(length=200)), server_default="{}", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_schedule_holidays"), "schedule", "holiday_country IS NOT NULL OR holiday_subdivision IS NULL"
    )
    _create_blocked_time()
    _create_recurring_block()
    _create_out_of_office()
    op.add_column("booking", sa.Column("kept_start", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("booking", sa.Column("move_asked_at", sa.TIMESTAMP(timezone=True), nullable=True))


def _owned(table: str) -> tuple[sa.Column[Any] | sa.Constraint, ...]:
    """Return what a table has whose rows are one host's in one organisation."""
    return (
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f(f"fk_{table}_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["host_id"], ["user_account.id"], name=op.f(f"fk_{table}_host_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _create_blocked_time() -> None:
    op.create_table(
        "blocked_time",
        *_owned("blocked_time"),
        sa.Column("title", sa.String(length=120), server_default="", nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("all_day", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("starts_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_blocked_time_times")),
    )
    op.create_index(op.f("ix_blocked_time_organization_id"), "blocked_time", ["organization_id"])
    op.create_index(op.f("ix_blocked_time_host_id_ends_at"), "blocked_time", ["host_id", "ends_at"])


def _create_recurring_block() -> None:
    op.create_table(
        "recurring_block",
        *_owned("recurring_block"),
        sa.Column("title", sa.String(length=120), server_default="", nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=500), nullable=False),
        sa.Column("except_days", postgresql.ARRAY(sa.Date()), server_default="{}", nullable=False),
        sa.CheckConstraint(
            "0 <= start_minute AND start_minute < 1440 AND start_minute < end_minute AND end_minute <= 2880",
            name=op.f("ck_recurring_block_range"),
        ),
    )
    op.create_index(op.f("ix_recurring_block_organization_id"), "recurring_block", ["organization_id"])
    op.create_index(op.f("ix_recurring_block_host_id"), "recurring_block", ["host_id"])


def _create_out_of_office() -> None:
    op.create_table(
        "out_of_office",
        *_owned("out_of_office"),
        sa.Column("stand_in_id", sa.Uuid(), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=500), server_default="", nullable=False),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_out_of_office_days")),
        sa.CheckConstraint("stand_in_id <> host_id", name=op.f("ck_out_of_office_stand_in")),
        sa.ForeignKeyConstraint(
            ["stand_in_id"], ["user_account.id"], name=op.f("fk_out_of_office_stand_in_id"), ondelete="SET NULL"
        ),
        postgresql.ExcludeConstraint(
            (sa.text("uuidrange(host_id, host_id, '[]')"), "&&"),
            (sa.text("uuidrange(organization_id, organization_id, '[]')"), "&&"),
            (sa.text("daterange(first_day, last_day, '[]')"), "&&"),
            using="gist",
            name="ex_out_of_office_overlap",
        ),
    )
    op.create_index(op.f("ix_out_of_office_host_id_last_day"), "out_of_office", ["host_id", "last_day"])
    op.create_index(op.f("ix_out_of_office_stand_in_id"), "out_of_office", ["stand_in_id"])


def _ranges(condition: str) -> None:
    closed = f"(start_minute = 0 AND end_minute = 0) OR ({condition})"
    for table, holds in (("weekly_hours", condition), ("date_override", closed)):
        op.drop_constraint(op.f(f"ck_{table}_range"), table)
        op.create_check_constraint(op.f(f"ck_{table}_range"), table, holds)


def downgrade() -> None:
    for column in ("move_asked_at", "kept_start"):
        op.drop_column("booking", column)
    for table in ("out_of_office", "recurring_block", "blocked_time"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_schedule_holidays"), "schedule")
    for column in ("worked_holidays", "holiday_subdivision", "holiday_country"):
        op.drop_column("schedule", column)
    op.execute("UPDATE weekly_hours SET end_minute = 1440 WHERE end_minute > 1440")
    op.execute("UPDATE date_override SET end_minute = 1440 WHERE end_minute > 1440")
    _ranges("0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440")
    op.drop_index("uq_schedule_default", table_name="schedule")
    op.drop_column("schedule", "is_default")
