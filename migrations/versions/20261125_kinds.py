"""Event types of more kinds: where they take place, their colour, secret ones, links that book once, and series."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_kinds"
down_revision = "20261125_cache"
branch_labels = None
depends_on = None

PLACES = ("in_person", "we_call", "you_call", "link", "other")
COLORS = ("green", "blue", "purple", "pink", "red", "orange", "yellow", "grey")


def upgrade() -> None:
    _add_choice("location_kind", PLACES, "other")
    _add_choice("color", COLORS, "green")
    op.execute(
        "UPDATE event_type SET location_kind = 'link' WHERE location ~ '^https?://[^[:space:]/?#@:]+[^[:space:]]*$'"
    )
    op.add_column("event_type", sa.Column("is_secret", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("event_type", sa.Column("link_version", sa.Integer(), server_default="1", nullable=False))
    _create_links()
    _create_series()
    _add_choice("all_day_events", ("block", "ignore"), "block")


def downgrade() -> None:
    op.drop_column("event_type", "all_day_events")
    op.drop_constraint(op.f("ck_event_type_series_most"), "event_type")
    op.drop_column("event_type", "series_most")
    op.drop_column("booking", "series_id")  # each is a booking of its own without it
    op.drop_table("booking_series")
    op.drop_table("booking_link")
    # What only its link opened is not to be open to all.
    op.execute("UPDATE event_type SET is_active = false WHERE is_secret")
    op.drop_column("event_type", "link_version")
    op.drop_column("event_type", "is_secret")
    # Processes of the release before show the location as it stands, so what was said by the kind alone is written out.
    op.execute("UPDATE event_type SET location = 'By phone: we call you' WHERE location_kind = 'we_call'")
    op.drop_column("event_type", "color")
    op.drop_column("event_type", "location_kind")


def _create_links() -> None:
    op.create_table(
        "booking_link",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("guest_name", sa.String(120), server_default="", nullable=False),
        sa.Column("guest_email", sa.String(254), server_default="", nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("used_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("booking_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_booking_link_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["event_type_id"], ["event_type.id"], name=op.f("fk_booking_link_event_type_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["created_by"], ["user_account.id"], name=op.f("fk_booking_link_created_by")),
        sa.ForeignKeyConstraint(
            ["booking_id"], ["booking.id"], name=op.f("fk_booking_link_booking_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_link")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_booking_link_token_digest")),
    )
    op.create_index(op.f("ix_booking_link_event_type_id"), "booking_link", ["event_type_id"])


def _create_series() -> None:
    op.create_table(
        "booking_series",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("frequency", sa.String(24), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "frequency IN ('weekly', 'every_two_weeks', 'monthly')", name=op.f("ck_booking_series_frequency")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_booking_series_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["event_type_id"], ["event_type.id"], name=op.f("fk_booking_series_event_type_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking_series")),
    )
    op.create_index(op.f("ix_booking_series_event_type_id"), "booking_series", ["event_type_id"])
    op.add_column("booking", sa.Column("series_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_booking_series_id"), "booking", "booking_series", ["series_id"], ["id"])
    op.create_index(op.f("ix_booking_series_id"), "booking", ["series_id"])
    op.add_column("event_type", sa.Column("series_most", sa.Integer(), server_default="1", nullable=False))
    op.create_check_constraint(op.f("ck_event_type_series_most"), "event_type", "series_most BETWEEN 1 AND 52")


def _add_choice(name: str, values: tuple[str, ...], usual: str) -> None:
    op.add_column("event_type", sa.Column(name, sa.String(24), server_default=usual, nullable=False))
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(f"ck_event_type_{name}"), "event_type", f"{name} IN ({listed})")
