"""The foundation: accounts, scheduling, deliveries and the rows of background work."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_foundation"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A range over uuid, so that one exclusion constraint can hold host and time without btree_gist.
    op.execute("CREATE TYPE uuidrange AS RANGE (subtype = uuid)")
    op.create_table(
        "idempotent_request",
        sa.Column("scope", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "answer",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotent_request")),
        sa.UniqueConstraint("scope", "key", name=op.f("uq_idempotent_request_scope_key")),
    )
    op.create_index(op.f("ix_idempotent_request_created_at"), "idempotent_request", ["created_at"], unique=False)
    op.create_table(
        "job_canvas",
        sa.Column(
            "kind",
            sa.Enum(
                "chain",
                "group",
                "chord",
                "compensation",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "on_failure",
            sa.Enum(
                "stop",
                "continue",
                "compensate",
                name="on_failure",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "running",
                "stopping",
                "compensating",
                "succeeded",
                "failed",
                "compensated",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("root_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("started_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_by", sa.String(length=200), nullable=True),
        sa.Column("trace", sa.String(length=64), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("started", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(state IN ('running', 'stopping', 'compensating')) = (finished_at IS NULL)",
            name=op.f("ck_job_canvas_finished"),
        ),
        sa.CheckConstraint(
            "done + failed + cancelled <= total AND started <= total", name=op.f("ck_job_canvas_counts")
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["job_canvas.id"], name=op.f("fk_job_canvas_parent_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["root_id"], ["job_canvas.id"], name=op.f("fk_job_canvas_root_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_canvas")),
    )
    op.create_index(
        "ix_job_canvas_ended",
        "job_canvas",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NULL"),
    )
    op.create_index(
        op.f("ix_job_canvas_parent_id_position"),
        "job_canvas",
        ["parent_id", "position"],
        unique=False,
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_job_canvas_root_id"), "job_canvas", ["root_id"], unique=False)
    op.create_table(
        "job_schedule",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("job", sa.String(length=120), nullable=False),
        sa.Column("cron", sa.String(length=200), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("arguments", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("default_cron", sa.String(length=200), nullable=False),
        sa.Column("default_timezone", sa.String(length=64), nullable=False),
        sa.Column("default_arguments", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_edited", sa.Boolean(), nullable=False),
        sa.Column("is_listed", sa.Boolean(), nullable=False),
        sa.Column("ticked_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_schedule")),
        sa.UniqueConstraint("name", name=op.f("uq_job_schedule_name")),
    )
    op.create_table(
        "job_tick",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("scheduled_for", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by", sa.String(length=200), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_tick")),
        sa.UniqueConstraint("name", "scheduled_for", name=op.f("uq_job_tick_name_scheduled_for")),
    )
    op.create_index(op.f("ix_job_tick_created_at"), "job_tick", ["created_at"], unique=False)
    op.create_table(
        "operations_alert",
        sa.Column(
            "kind",
            sa.Enum(
                "slow_job",
                "failures",
                "deep_queue",
                "memory",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("limit_value", sa.Double(), nullable=False),
        sa.Column("raised_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("recovered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations_alert")),
    )
    op.create_index(op.f("ix_operations_alert_raised_at"), "operations_alert", ["raised_at"], unique=False)
    op.create_index(
        "uq_operations_alert_open",
        "operations_alert",
        ["kind", "subject"],
        unique=True,
        postgresql_where=sa.text("recovered_at IS NULL"),
    )
    op.create_table(
        "operations_sample",
        sa.Column("taken_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("numbers", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations_sample")),
        sa.UniqueConstraint("taken_at", name=op.f("uq_operations_sample_taken_at")),
    )
    op.create_table(
        "organization",
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_organization_slug")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("slug", name=op.f("uq_organization_slug")),
    )
    op.create_table(
        "user_account",
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_user_account_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    op.create_table(
        "api_token",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(length=40)), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_api_token_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_api_token_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_api_token_token_digest")),
    )
    op.create_index(
        op.f("ix_api_token_user_id_organization_id"), "api_token", ["user_id", "organization_id"], unique=False
    )
    op.create_table(
        "delivery",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=200), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("email", name="channel", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("template", sa.String(length=80), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "status",
            sa.Enum("sending", "sent", "failed", name="status", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("message_id", sa.String(length=255), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_delivery_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_delivery_idempotency_key")),
    )
    op.create_index(
        op.f("ix_delivery_organization_id_created_at"), "delivery", ["organization_id", "created_at"], unique=False
    )
    op.create_table(
        "job_run",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("queue", sa.String(length=40), nullable=False),
        sa.Column("lane", sa.String(length=10), nullable=False),
        sa.Column("arguments", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "succeeded",
                "dead",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("run_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("interruptions", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("worker", sa.String(length=120), nullable=True),
        sa.Column("unique_key", sa.String(length=200), nullable=True),
        sa.Column("rate_key", sa.String(length=200), nullable=True),
        sa.Column("slot_key", sa.String(length=200), nullable=True),
        sa.Column("is_held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("canvas_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("step", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("revoked_by", sa.String(length=200), nullable=True),
        sa.Column("trace", sa.String(length=64), server_default="", nullable=False),
        sa.Column("progress", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("result", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f("ck_job_run_lease")),
        sa.CheckConstraint(
            "(state IN ('succeeded', 'dead', 'cancelled')) = (finished_at IS NOT NULL)",
            name=op.f("ck_job_run_finished"),
        ),
        sa.ForeignKeyConstraint(
            ["canvas_id"], ["job_canvas.id"], name=op.f("fk_job_run_canvas_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_run")),
    )
    op.create_index(
        "ix_job_run_by_name",
        "job_run",
        ["name", "state", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'running'"),
    )
    op.create_index(
        "ix_job_run_by_queue",
        "job_run",
        ["queue", "state", "id"],
        unique=False,
        postgresql_where=sa.text("state <> 'running'"),
    )
    op.create_index(
        "ix_job_run_canvas",
        "job_run",
        ["canvas_id", "position"],
        unique=False,
        postgresql_where=sa.text("canvas_id IS NOT NULL"),
    )
    op.create_index(
        "ix_job_run_dead", "job_run", ["finished_at", "id"], unique=False, postgresql_where=sa.text("state = 'dead'")
    )
    op.create_index(
        "ix_job_run_due", "job_run", ["run_at", "id"], unique=False, postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index(
        "ix_job_run_finished",
        "job_run",
        ["finished_at"],
        unique=False,
        postgresql_where=sa.text("finished_at IS NOT NULL"),
    )
    op.create_index("ix_job_run_held", "job_run", ["slot_key", "id"], unique=False, postgresql_where=sa.text("is_held"))
    op.create_index(
        "ix_job_run_lease", "job_run", ["lease_until"], unique=False, postgresql_where=sa.text("state = 'running'")
    )
    op.create_index(
        "ix_job_run_parent", "job_run", ["parent_id"], unique=False, postgresql_where=sa.text("parent_id IS NOT NULL")
    )
    op.create_index(
        "ix_job_run_rate",
        "job_run",
        ["rate_key", "started_at"],
        unique=False,
        postgresql_where=sa.text("rate_key IS NOT NULL"),
    )
    op.create_index(
        "ix_job_run_result", "job_run", ["finished_at"], unique=False, postgresql_where=sa.text("result IS NOT NULL")
    )
    op.create_index(
        "ix_job_run_slot",
        "job_run",
        ["slot_key"],
        unique=False,
        postgresql_where=sa.text("state = 'running' AND slot_key IS NOT NULL"),
    )
    op.create_index(
        "ix_job_run_unique_key_done",
        "job_run",
        ["unique_key", "finished_at"],
        unique=False,
        postgresql_where=sa.text("unique_key IS NOT NULL AND state = 'succeeded'"),
    )
    op.create_index(
        "uq_job_run_unique_key",
        "job_run",
        ["unique_key"],
        unique=True,
        postgresql_where=sa.text("unique_key IS NOT NULL AND state IN ('waiting', 'running')"),
    )
    op.create_table(
        "membership",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "owner", "admin", "member", "auditor", name="role", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_membership_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_membership_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("organization_id", "user_id", name=op.f("uq_membership_organization_id_user_id")),
    )
    op.create_index(op.f("ix_membership_user_id"), "membership", ["user_id"], unique=False)
    op.create_table(
        "operations_action",
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.String(length=254), nullable=False),
        sa.Column(
            "via",
            sa.Enum("page", "api", "command", name="via", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column(
            "action",
            sa.Enum(
                "revoke",
                "enqueue",
                "replay",
                "replay_all",
                "discard",
                "edit_schedule",
                "reset_schedule",
                "pause_schedule",
                "resume_schedule",
                "run_schedule",
                "close_breaker",
                name="action",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column(
            "details",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_operations_action_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations_action")),
    )
    op.create_index(op.f("ix_operations_action_created_at"), "operations_action", ["created_at"], unique=False)
    op.create_index(op.f("ix_operations_action_subject"), "operations_action", ["subject"], unique=False)
    op.create_table(
        "schedule",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["user_account.id"], name=op.f("fk_schedule_host_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_schedule_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
    )
    op.create_index(op.f("ix_schedule_host_id"), "schedule", ["host_id"], unique=False)
    op.create_table(
        "user_session",
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("user_agent", sa.String(length=255), server_default="", nullable=False),
        sa.Column("ip_address", sa.String(length=45), server_default="", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_user_session_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_user_session_token_digest")),
    )
    op.create_index(op.f("ix_user_session_expires_at"), "user_session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_user_session_user_id"), "user_session", ["user_id"], unique=False)
    op.create_table(
        "date_override",
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "(start_minute = 0 AND end_minute = 0) OR (0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440)",
            name=op.f("ck_date_override_range"),
        ),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_date_override_schedule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_date_override")),
        sa.UniqueConstraint(
            "schedule_id", "day", "start_minute", name=op.f("uq_date_override_schedule_id_day_start_minute")
        ),
    )
    op.create_table(
        "event_type",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Uuid(), nullable=False),
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("duration", sa.Integer(), nullable=False),
        sa.Column("slot_interval", sa.Integer(), nullable=False),
        sa.Column("buffer_before", sa.Integer(), server_default="0", nullable=False),
        sa.Column("buffer_after", sa.Integer(), server_default="0", nullable=False),
        sa.Column("minimum_notice", sa.Integer(), server_default="60", nullable=False),
        sa.Column("horizon_days", sa.Integer(), server_default="60", nullable=False),
        sa.Column("location", sa.String(length=255), server_default="", nullable=False),
        sa.Column(
            "questions", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name=op.f("ck_event_type_slug")),
        sa.CheckConstraint(
            "buffer_before BETWEEN 0 AND 720 AND buffer_after BETWEEN 0 AND 720", name=op.f("ck_event_type_buffers")
        ),
        sa.CheckConstraint("duration BETWEEN 5 AND 1440", name=op.f("ck_event_type_duration")),
        sa.CheckConstraint("horizon_days BETWEEN 1 AND 730", name=op.f("ck_event_type_horizon_days")),
        sa.CheckConstraint("minimum_notice BETWEEN 0 AND 525600", name=op.f("ck_event_type_minimum_notice")),
        sa.CheckConstraint("slot_interval BETWEEN 5 AND 1440", name=op.f("ck_event_type_slot_interval")),
        sa.ForeignKeyConstraint(["host_id"], ["user_account.id"], name=op.f("fk_event_type_host_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_event_type_organization_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedule.id"], name=op.f("fk_event_type_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_type")),
        sa.UniqueConstraint("organization_id", "slug", name=op.f("uq_event_type_organization_id_slug")),
    )
    op.create_index(op.f("ix_event_type_host_id"), "event_type", ["host_id"], unique=False)
    op.create_index(op.f("ix_event_type_schedule_id"), "event_type", ["schedule_id"], unique=False)
    op.create_table(
        "job_attempt",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "failed",
                "interrupted",
                "postponed",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("worker", sa.String(length=120), nullable=True),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("error_type", sa.String(length=200), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("traceback", sa.Text(), server_default="", nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["job_run.id"], name=op.f("fk_job_attempt_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_attempt")),
    )
    op.create_index(op.f("ix_job_attempt_run_id_attempt"), "job_attempt", ["run_id", "attempt"], unique=False)
    op.create_table(
        "weekly_hours",
        sa.Column("schedule_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("end_minute", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "0 <= start_minute AND start_minute < end_minute AND end_minute <= 1440", name=op.f("ck_weekly_hours_range")
        ),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_weekly_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedule.id"], name=op.f("fk_weekly_hours_schedule_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekly_hours")),
    )
    op.create_index(op.f("ix_weekly_hours_schedule_id"), "weekly_hours", ["schedule_id"], unique=False)
    op.create_table(
        "booking",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("event_type_id", sa.Uuid(), nullable=False),
        sa.Column("host_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("confirmed", "cancelled", name="status", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("starts_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("blocked_from", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("guest_name", sa.String(length=120), nullable=False),
        sa.Column("guest_email", sa.String(length=254), nullable=False),
        sa.Column("guest_phone", sa.String(length=20), nullable=True),
        sa.Column("guest_timezone", sa.String(length=64), nullable=False),
        sa.Column(
            "answers",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("manage_digest", sa.String(length=64), nullable=False),
        sa.Column("cancelled_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column(
            "cancelled_by",
            sa.Enum("guest", "host", name="cancelled_by", native_enum=False, create_constraint=True, length=24),
            nullable=True,
        ),
        sa.Column("cancel_reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("uuidrange(host_id, host_id, '[]')"), "&&"),
            (sa.text("tstzrange(blocked_from, blocked_until)"), "&&"),
            where=sa.text("status = 'confirmed'"),
            using="gist",
            name="ex_booking_host_overlap",
        ),
        sa.CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name=op.f("ck_booking_cancelled")),
        sa.CheckConstraint("blocked_from <= starts_at AND ends_at <= blocked_until", name=op.f("ck_booking_blocked")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_booking_times")),
        sa.ForeignKeyConstraint(["event_type_id"], ["event_type.id"], name=op.f("fk_booking_event_type_id")),
        sa.ForeignKeyConstraint(["host_id"], ["user_account.id"], name=op.f("fk_booking_host_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name=op.f("fk_booking_organization_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_booking")),
        sa.UniqueConstraint("manage_digest", name=op.f("uq_booking_manage_digest")),
    )
    op.create_index(op.f("ix_booking_event_type_id"), "booking", ["event_type_id"], unique=False)
    op.create_index(
        "ix_booking_host_confirmed",
        "booking",
        ["host_id", "blocked_until"],
        unique=False,
        postgresql_where=sa.text("status = 'confirmed'"),
    )
    op.create_index(op.f("ix_booking_host_id_starts_at_id"), "booking", ["host_id", "starts_at", "id"], unique=False)
    op.create_index(
        op.f("ix_booking_organization_id_starts_at_id"), "booking", ["organization_id", "starts_at", "id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_booking_organization_id_starts_at_id"), table_name="booking")
    op.drop_index(op.f("ix_booking_host_id_starts_at_id"), table_name="booking")
    op.drop_index("ix_booking_host_confirmed", table_name="booking", postgresql_where=sa.text("status = 'confirmed'"))
    op.drop_index(op.f("ix_booking_event_type_id"), table_name="booking")
    op.drop_table("booking")
    op.drop_index(op.f("ix_weekly_hours_schedule_id"), table_name="weekly_hours")
    op.drop_table("weekly_hours")
    op.drop_index(op.f("ix_job_attempt_run_id_attempt"), table_name="job_attempt")
    op.drop_table("job_attempt")
    op.drop_index(op.f("ix_event_type_schedule_id"), table_name="event_type")
    op.drop_index(op.f("ix_event_type_host_id"), table_name="event_type")
    op.drop_table("event_type")
    op.drop_table("date_override")
    op.drop_index(op.f("ix_user_session_user_id"), table_name="user_session")
    op.drop_index(op.f("ix_user_session_expires_at"), table_name="user_session")
    op.drop_table("user_session")
    op.drop_index(op.f("ix_schedule_host_id"), table_name="schedule")
    op.drop_table("schedule")
    op.drop_index(op.f("ix_operations_action_subject"), table_name="operations_action")
    op.drop_index(op.f("ix_operations_action_created_at"), table_name="operations_action")
    op.drop_table("operations_action")
    op.drop_index(op.f("ix_membership_user_id"), table_name="membership")
    op.drop_table("membership")
    op.drop_index(
        "uq_job_run_unique_key",
        table_name="job_run",
        postgresql_where=sa.text("unique_key IS NOT NULL AND state IN ('waiting', 'running')"),
    )
    op.drop_index(
        "ix_job_run_unique_key_done",
        table_name="job_run",
        postgresql_where=sa.text("unique_key IS NOT NULL AND state = 'succeeded'"),
    )
    op.drop_index(
        "ix_job_run_slot", table_name="job_run", postgresql_where=sa.text("state = 'running' AND slot_key IS NOT NULL")
    )
    op.drop_index("ix_job_run_result", table_name="job_run", postgresql_where=sa.text("result IS NOT NULL"))
    op.drop_index("ix_job_run_rate", table_name="job_run", postgresql_where=sa.text("rate_key IS NOT NULL"))
    op.drop_index("ix_job_run_parent", table_name="job_run", postgresql_where=sa.text("parent_id IS NOT NULL"))
    op.drop_index("ix_job_run_lease", table_name="job_run", postgresql_where=sa.text("state = 'running'"))
    op.drop_index("ix_job_run_held", table_name="job_run", postgresql_where=sa.text("is_held"))
    op.drop_index("ix_job_run_finished", table_name="job_run", postgresql_where=sa.text("finished_at IS NOT NULL"))
    op.drop_index("ix_job_run_due", table_name="job_run", postgresql_where=sa.text("state = 'waiting'"))
    op.drop_index("ix_job_run_dead", table_name="job_run", postgresql_where=sa.text("state = 'dead'"))
    op.drop_index("ix_job_run_canvas", table_name="job_run", postgresql_where=sa.text("canvas_id IS NOT NULL"))
    op.drop_index("ix_job_run_by_queue", table_name="job_run", postgresql_where=sa.text("state <> 'running'"))
    op.drop_index("ix_job_run_by_name", table_name="job_run", postgresql_where=sa.text("state <> 'running'"))
    op.drop_table("job_run")
    op.drop_index(op.f("ix_delivery_organization_id_created_at"), table_name="delivery")
    op.drop_table("delivery")
    op.drop_index(op.f("ix_api_token_user_id_organization_id"), table_name="api_token")
    op.drop_table("api_token")
    op.drop_table("user_account")
    op.drop_table("organization")
    op.drop_table("operations_sample")
    op.drop_index(
        "uq_operations_alert_open", table_name="operations_alert", postgresql_where=sa.text("recovered_at IS NULL")
    )
    op.drop_index(op.f("ix_operations_alert_raised_at"), table_name="operations_alert")
    op.drop_table("operations_alert")
    op.drop_index(op.f("ix_job_tick_created_at"), table_name="job_tick")
    op.drop_table("job_tick")
    op.drop_table("job_schedule")
    op.drop_index(op.f("ix_job_canvas_root_id"), table_name="job_canvas")
    op.drop_index(
        op.f("ix_job_canvas_parent_id_position"),
        table_name="job_canvas",
        postgresql_where=sa.text("parent_id IS NOT NULL"),
    )
    op.drop_index("ix_job_canvas_ended", table_name="job_canvas", postgresql_where=sa.text("parent_id IS NULL"))
    op.drop_table("job_canvas")
    op.drop_index(op.f("ix_idempotent_request_created_at"), table_name="idempotent_request")
    op.drop_table("idempotent_request")
    op.execute("DROP TYPE uuidrange")
