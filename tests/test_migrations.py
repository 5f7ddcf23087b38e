"""The migrations over data of every kind: each goes back and forth, and the first tables keep all that was in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask_migrate import downgrade, upgrade
from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError

from jobs.runtime.models import RunState
from tests.factories import member, schedule
from tests.operations.background import again, run
from tests.scheduling.helpers import at, booked
from tests.scheduling.test_groups import group
from tests.scheduling.test_hold_a_time import held
from tests.scheduling.test_teams import in_turn, people, together
from tests.scheduling.waiting import bookable, cancelled, joined
from webapp.core.db import db, metadata, session, transaction
from webapp.core.models import IdempotentRequest
from webapp.scheduling.models import Schedule, WeeklyHours

FIRST = "20261122_foundation"
FIRST_WITH_GROUPS = "20261122_meetings"
KEPT = ("organization", "user_account", "membership", "schedule", "event_type", "booking", "job_run")


@pytest.fixture
def migrating(app: Flask) -> Iterator[Flask]:
    """The application, whose connections are made anew after each change: they remember what tables were like."""
    yield app
    session().rollback()
    db.engine.dispose()
    upgrade()


def revisions() -> list[str]:
    """From the newest to the oldest."""
    scripts = ScriptDirectory.from_config(current_app.extensions["migrate"].migrate.get_config())
    return [script.revision for script in scripts.walk_revisions()]


def counts() -> dict[str, int]:
    try:
        return {name: session().scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in KEPT}
    finally:
        session().rollback()
        db.engine.dispose()


def differences() -> list[object]:
    """What the models say and the tables do not, or the other way round, but for tables that tests have made."""

    def is_ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in metadata.tables

    with db.engine.connect() as connection:
        options = {"compare_type": True, "include_name": is_ours}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def fill() -> None:
    """Meetings by one host, in turn and together, one of them called off, and somebody who is offered its time."""
    for kind in (bookable(), in_turn(people(2)), together(people(2))):
        booked(kind)
    full = bookable()
    taken = booked(full)
    joined(full, "Bea"), joined(full, "Cy")
    cancelled(taken)
    session().commit()


def fill_with_groups() -> None:
    """Besides, several guests at one time, and others who hold a place among them and a time of their own."""
    fill()
    several = group(3, waitlist_enabled=True)
    booked(several), booked(several)
    held(several), held(several, at(11))
    session().commit()


def test_the_tables_are_what_the_models_say(app: Flask) -> None:
    assert differences() == []


@pytest.mark.parametrize(("filled", "oldest"), [(fill, FIRST), (fill_with_groups, FIRST_WITH_GROUPS)])
def test_migrations_go_back_and_forth_with_data_in_the_tables(
    migrating: Flask, filled: Callable[[], None], oldest: str
) -> None:
    filled()
    before = counts()
    assert min(before.values()) > 0, before
    newest, *older = revisions()
    older = older[: older.index(oldest) + 1]
    for revision in older:
        downgrade(revision=revision)
        assert counts() == before, f"back to {revision}"
    for revision in [*reversed(older), newest]:
        upgrade(revision=revision)
        assert counts() == before, f"up to {revision}"
    assert differences() == []


def test_a_run_due_when_nobody_can_read_it_is_dead_after_the_upgrade(migrating: Flask) -> None:
    waiting, over, fine = (run().id for _ in range(3))
    downgrade(revision="20261130_offers")
    with transaction():
        change = text("UPDATE job_run SET run_at = '0001-01-01T00:00:00+12:00' WHERE id = ANY(:ids)")
        session().execute(change, {"ids": [waiting, over]})
        end = text("UPDATE job_run SET state = 'cancelled', finished_at = now() WHERE id = :id")
        session().execute(end, {"id": over})
    db.engine.dispose()
    upgrade()
    assert [again(each).state for each in (waiting, over, fine)] == [
        RunState.DEAD,
        RunState.CANCELLED,
        RunState.WAITING,
    ]
    assert "nobody can read" in (again(waiting).error or "")


def test_links_in_answers_that_were_kept_whole_are_taken_out_and_old_answers_go(migrating: Flask) -> None:
    answers = {"whole": {"id": "1", "manage_url": "x"}, "old": {"id": "2"}, "hold": {"expires_at": "soon"}}
    downgrade(revision="20261125_kinds")
    with transaction():
        for key, answer in answers.items():
            session().add(IdempotentRequest(scope="test", key=key, body_digest="0" * 64, answer=answer))
        session().execute(text("UPDATE idempotent_request SET created_at = '2026-01-01' WHERE key = 'old'"))
    upgrade(revision="20261130_keys")
    kept = session().execute(text("SELECT key, answer FROM idempotent_request")).all()
    assert {row.key: row.answer for row in kept} == {"whole": {"id": "1"}, "hold": {"expires_at": "soon"}}


def test_hours_that_two_saves_left_twice_are_there_once_and_the_release_before_still_saves(migrating: Flask) -> None:
    place = schedule(of=member())
    downgrade(revision="20261130_offers")
    twice = [(0, 540, 720), (0, 540, 720), (0, 540, 780), (0, 600, 800), (1, 540, 720)]
    with transaction():
        session().execute(delete(WeeklyHours))
        session().add_all(_hours(place, *row) for row in twice)
    upgrade(revision="20261130_hours_once")
    with transaction():
        kept = session().scalars(select(WeeklyHours).order_by(WeeklyHours.weekday, WeeklyHours.end_minute)).all()
        assert [(row.weekday, row.start_minute, row.end_minute) for row in kept] == [*twice[2:]]
        session().add(_hours(place, *twice[4]))
        session().flush()
        session().delete(kept[-1])  # in the order in which rows that replace others have always been written
    with pytest.raises(IntegrityError), transaction():
        session().add(_hours(place, *twice[4]))


def _hours(place: Schedule, weekday: int, start: int, end: int) -> WeeklyHours:
    return WeeklyHours(schedule_id=place.id, weekday=weekday, start_minute=start, end_minute=end)
