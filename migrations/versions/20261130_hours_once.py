"""A schedule has the hours that begin on one weekday at one minute once: two saves at once kept them twice.

The constraint is checked at the commit, since the rows that replace others are written before those go, by the release
before this one as well.
"""

from __future__ import annotations

from alembic import op

revision = "20261130_hours_once"
down_revision = "20261130_offers"
branch_labels = None
depends_on = None

NAME = "uq_weekly_hours_schedule_id_weekday_start_minute"


def upgrade() -> None:
    # At once what the constraint needs: a lock that is raised later waits for who has read and waits to write.
    op.execute("LOCK TABLE weekly_hours IN ACCESS EXCLUSIVE MODE")
    # Guests were offered what any of the rows says, which is what the one that ends last says alone.
    op.execute(
        "DELETE FROM weekly_hours USING weekly_hours AS other"
        " WHERE other.schedule_id = weekly_hours.schedule_id AND other.weekday = weekly_hours.weekday"
        " AND other.start_minute = weekly_hours.start_minute"
        " AND (other.end_minute, other.id) > (weekly_hours.end_minute, weekly_hours.id)"
    )
    op.create_unique_constraint(
        op.f(NAME),
        "weekly_hours",
        ["schedule_id", "weekday", "start_minute"],
        deferrable=True,
        initially="DEFERRED",
    )


def downgrade() -> None:
    op.drop_constraint(op.f(NAME), "weekly_hours", type_="unique")
