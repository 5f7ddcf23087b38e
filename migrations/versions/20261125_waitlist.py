"""Times are kept for a guest who fills in the form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_waitlist"
down_revision = "20261125_attendance"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "hold",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("token_digest", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(64), nullable=True),
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
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_hold_token_digest")),
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
