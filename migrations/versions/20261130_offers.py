"""An alert tells of offers of the waitlist that nobody has passed on."""

from __future__ import annotations

from alembic import op

revision = "20261130_offers"
down_revision = "20261130_keys"
branch_labels = None
depends_on = None

BEFORE = (
    "slow_job",
    "failures",
    "deep_queue",
    "memory",
    "no_worker",
    "no_scheduler",
    "no_redis",
    "late_confirmations",
    "few_bookings",
    "cache_misses",
)


def upgrade() -> None:
    _allow(*BEFORE, "late_offers")


def downgrade() -> None:
    op.execute("DELETE FROM operations_alert WHERE kind = 'late_offers'")
    _allow(*BEFORE)


def _allow(*kinds: str) -> None:
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(op.f("ck_operations_alert_kind"), "operations_alert", type_="check")
    op.create_check_constraint(op.f("ck_operations_alert_kind"), "operations_alert", f"kind IN ({allowed})")
