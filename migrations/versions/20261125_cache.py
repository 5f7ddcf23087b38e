"""Versions of what decides when a host is free, raised by the database itself; reports on it; alerts about the cache."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_cache"
down_revision = "20261125_availability"
branch_labels = None
depends_on = None

# From Monday to Sunday in UTC, counted from the one that 1970 began in; -1 stands for every week.
WEEK = """
CREATE FUNCTION availability_week(moment timestamptz) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN floor((extract(epoch FROM moment) / 86400 + 3) / 7)::integer
"""

# What each function finds in the transition table `changed`: whose version is raised, and for which weeks. One
# statement raises them in one order, so that no two wait for each other. The sequence is asked while the row is held,
# so that a version only ever grows; and no number comes twice, also where a transaction is rolled back.
RAISED = {
    "of_host_time": """
        SELECT changed.host_id, week
        FROM changed, generate_series(availability_week(apart_from), availability_week(apart_until)) AS week
    """,
    "of_meeting": """
        SELECT host_time.host_id, week
        FROM changed JOIN host_time ON host_time.meeting_id = changed.id,
            generate_series(availability_week(apart_from), availability_week(apart_until)) AS week
    """,
    "of_hold": """
        SELECT host_time.host_id, week
        FROM changed JOIN host_time USING (meeting_id),
            generate_series(availability_week(apart_from), availability_week(apart_until)) AS week
    """,
    "of_blocked_time": """
        SELECT host_id, week
        FROM changed, generate_series(availability_week(starts_at), availability_week(ends_at)) AS week
    """,
    "of_host_id": "SELECT host_id, -1 FROM changed",
    "of_date_override": """
        SELECT changed.schedule_id, week
        FROM changed, generate_series(
            availability_week((day - 1)::timestamp AT TIME ZONE 'UTC'),
            availability_week((day + 3)::timestamp AT TIME ZONE 'UTC')
        ) AS week
    """,
    "of_schedule_id": "SELECT schedule_id, -1 FROM changed",
    "of_event_type_id": "SELECT event_type_id, -1 FROM changed",
    "of_id": "SELECT id, -1 FROM changed",
}
FUNCTION = """
CREATE FUNCTION raise_availability_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO availability_version (subject_id, week, version)
    SELECT subject_id, week, nextval('availability_version_number')
    FROM (SELECT DISTINCT * FROM ({raised}) AS found (subject_id, week) ORDER BY 1, 2) AS raised
    ON CONFLICT (subject_id, week) DO UPDATE SET version = nextval('availability_version_number');
    RETURN NULL;
END $$
"""

TRIGGERS = {
    "host_time": ("of_host_time", "INSERT", "UPDATE", "DELETE"),
    "meeting": ("of_meeting", "UPDATE"),  # its seats; when it comes and goes, so does the time of its hosts
    "hold": ("of_hold", "INSERT", "UPDATE", "DELETE"),  # until when it takes the time of its meeting
    "blocked_time": ("of_blocked_time", "INSERT", "UPDATE", "DELETE"),
    "recurring_block": ("of_host_id", "INSERT", "UPDATE", "DELETE"),
    "out_of_office": ("of_host_id", "INSERT", "UPDATE", "DELETE"),
    "date_override": ("of_date_override", "INSERT", "UPDATE", "DELETE"),
    "weekly_hours": ("of_schedule_id", "INSERT", "UPDATE", "DELETE"),
    "schedule": ("of_id", "UPDATE"),
    "event_host": ("of_event_type_id", "INSERT", "UPDATE", "DELETE"),
    "event_type": ("of_id", "UPDATE"),
}
SEEN = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}
TRIGGER = """
CREATE TRIGGER raise_availability_{event}_{seen} AFTER {event} ON {table}
REFERENCING {seen} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION raise_availability_{function}()
"""

# Who signs in is updated too; only whether somebody is still here concerns what they host.
MEMBER = """
CREATE FUNCTION raise_availability_of_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO availability_version (subject_id, week, version)
    VALUES (NEW.id, -1, nextval('availability_version_number'))
    ON CONFLICT (subject_id, week) DO UPDATE SET version = nextval('availability_version_number');
    RETURN NULL;
END $$
"""
MEMBER_TRIGGER = """
CREATE TRIGGER raise_availability AFTER UPDATE OF is_active ON user_account
FOR EACH ROW WHEN (OLD.is_active IS DISTINCT FROM NEW.is_active) EXECUTE FUNCTION raise_availability_of_member()
"""

ALERTS = (
    "slow_job",
    "failures",
    "deep_queue",
    "memory",
    "no_worker",
    "no_scheduler",
    "no_redis",
    "late_confirmations",
    "few_bookings",
)


def upgrade() -> None:
    op.create_table(
        "availability_version",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject_id", "week", name=op.f("pk_availability_version")),
    )
    op.execute("CREATE SEQUENCE availability_version_number")
    op.execute(WEEK)
    for name, raised in RAISED.items():
        op.execute(FUNCTION.format(name=name, raised=raised))
    for table, (function, *events) in TRIGGERS.items():
        for event in events:
            for seen in SEEN[event]:
                op.execute(TRIGGER.format(table=table, function=function, event=event, seen=seen))
    op.execute(MEMBER)
    op.execute(MEMBER_TRIGGER)
    op.create_table(
        "availability_report",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("taken_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("findings", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organization.id"],
            name=op.f("fk_availability_report_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_availability_report")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_availability_report_organization_id")),
    )
    _allow_alerts(*ALERTS, "cache_misses")


def _allow_alerts(*kinds: str) -> None:
    op.drop_constraint(op.f("ck_operations_alert_kind"), "operations_alert", type_="check")
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_operations_alert_kind"), "operations_alert", f"kind IN ({allowed})")


def downgrade() -> None:
    op.execute("DELETE FROM operations_alert WHERE kind = 'cache_misses'")
    _allow_alerts(*ALERTS)
    op.drop_table("availability_report")
    op.execute("DROP FUNCTION raise_availability_of_member CASCADE")
    for name in RAISED:
        op.execute(f"DROP FUNCTION raise_availability_{name} CASCADE")
    op.execute("DROP FUNCTION availability_week")
    op.execute("DROP SEQUENCE availability_version_number")
    op.drop_table("availability_version")
