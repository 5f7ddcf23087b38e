"""A run is due at a time that every part can read: in other years a row would stop whoever comes upon it."""

from __future__ import annotations

from alembic import op

revision = "20261130_due"
down_revision = "20261130_hours_once"
branch_labels = None
depends_on = None

NAME = "ck_job_run_run_at"
POSSIBLE = "run_at >= '1971-01-01T00:00:00Z' AND run_at < '2200-01-01T00:00:00Z'"


def upgrade() -> None:
    """Each step by itself, so that runs go on meanwhile: to look through the table locks nobody out."""
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE job_run DROP CONSTRAINT IF EXISTS {NAME}")  # of an upgrade that was cut off
        op.execute(f"ALTER TABLE job_run ADD CONSTRAINT {NAME} CHECK ({POSSIBLE}) NOT VALID")
        op.execute(
            "UPDATE job_run SET state = 'dead', run_at = now(), finished_at = now(), lease_until = NULL,"  # noqa: S608  # all of it is written here
            " error = 'it was to run at a time that nobody can read: ' || run_at"
            f" WHERE state IN ('waiting', 'running') AND NOT ({POSSIBLE})"
        )
        op.execute(f"UPDATE job_run SET run_at = created_at WHERE NOT ({POSSIBLE})")  # noqa: S608  # as above
        op.execute(f"ALTER TABLE job_run VALIDATE CONSTRAINT {NAME}")


def downgrade() -> None:
    op.drop_constraint(op.f(NAME), "job_run", type_="check")
