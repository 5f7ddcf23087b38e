"""The languages of people: of a member's pages and mails, and of the mails about a booking."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_pages"
down_revision = "20261125_runtime"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("user_account", sa.Column("locale", sa.String(35), server_default="", nullable=False))
    op.add_column("booking", sa.Column("guest_locale", sa.String(35), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("booking", "guest_locale")
    op.drop_column("user_account", "locale")
