"""Which sites may show an organisation's booking pages in a frame; none named means any."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_embedding"
down_revision = "20261125_approval"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "organization",
        sa.Column("embed_origins", postgresql.ARRAY(sa.String(255)), server_default="{}", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("organization", "embed_origins")
