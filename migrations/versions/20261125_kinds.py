"""Event types of more kinds: where they take place, and their colour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_kinds"
down_revision = "20261125_availability"
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


def downgrade() -> None:
    # Processes of the release before show the location as it stands, so what was said by the kind alone is written out.
    op.execute("UPDATE event_type SET location = 'By phone: we call you' WHERE location_kind = 'we_call'")
    op.drop_column("event_type", "color")
    op.drop_column("event_type", "location_kind")


def _add_choice(name: str, values: tuple[str, ...], usual: str) -> None:
    op.add_column("event_type", sa.Column(name, sa.String(24), server_default=usual, nullable=False))
    listed = ", ".join(f"'{value}'" for value in values)
    op.create_check_constraint(op.f(f"ck_event_type_{name}"), "event_type", f"{name} IN ({listed})")
