"""What is kept of the answers to requests with a key is the id of what was made, without the links it is reached by."""

from __future__ import annotations

from alembic import op

revision = "20261130_keys"
down_revision = "20261125_kinds"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM idempotent_request WHERE created_at < now() - interval '24 hours'")
    op.execute(
        "UPDATE idempotent_request SET answer = jsonb_build_object('id', answer -> 'id')"
        " WHERE answer -> 'id' IS NOT NULL AND answer <> jsonb_build_object('id', answer -> 'id')"
    )


def downgrade() -> None:
    """Leave it so: what was taken out is nowhere to be had again."""
