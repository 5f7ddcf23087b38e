"""What `make run` puts into an empty database, and what `var/demo.json` says of it, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.scheduling.helpers import in_days
from webapp import demo
from webapp.cli import prepare
from webapp.core.db import session
from webapp.core.settings import settings
from webapp.identity import service as identity
from webapp.identity.models import User
from webapp.scheduling.models import EventKind, EventType, LocationKind

EVERY_DAY_OF_WORK = {0, 1, 2, 3, 4}


@pytest.fixture
def file(app: Flask, tmp_path: Path) -> Path:
    """The facts of a demo that has just been made."""
    file = tmp_path / "demo.json"
    demo.seed(file)
    return file


def facts(file: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(file.read_text())
    return read


def test_the_first_thing_to_book_is_half_an_hour_with_one_host_on_any_weekday(file: Path) -> None:
    slugs = facts(file)["event_types"]
    offers = {offer.slug: offer for offer in session().scalars(select(EventType))}
    first = offers[slugs[0]]
    assert (first.duration, first.kind) == (30, EventKind.ONE_TO_ONE)
    assert {hours.weekday for hours in first.schedule.hours} == EVERY_DAY_OF_WORK
    assert len(slugs) >= 3
    assert sorted(slugs) == sorted(offers)
    assert len({offer.host_id for offer in offers.values()}) >= 2


def test_who_is_promised_a_call_is_asked_for_a_number_which_the_first_thing_to_book_does_without(
    file: Path, client: FlaskClient
) -> None:
    slugs = facts(file)["event_types"]
    offers = {offer.slug: offer for offer in session().scalars(select(EventType))}
    assert [offer.slug for offer in offers.values() if "we call" in offer.location.lower()] == []
    assert offers["advice"].location_kind is LocationKind.WE_CALL
    address, days = f"/api/v1/public/{demo.SLUG}/{slugs[0]}", (in_days(1), in_days(7))
    free = client.get(f"{address}/slots?start={days[0]}&end={days[1]}&timezone=UTC").get_json()["slots"]
    guest = {"name": "Mara Okafor", "email": "mara@example.org"}
    wanted = {"start": free[0]["start"], "timezone": "UTC", "invitee": guest}
    assert client.post(f"{address}/bookings", json=wanted).status_code == 201


def test_the_sign_in_and_the_token_work_and_are_for_the_owner_of_the_file_alone(
    file: Path, client: FlaskClient
) -> None:
    told = facts(file)
    assert set(told) == {"url", "email", "password", "organization", "event_types", "api_token"}
    assert told["url"] == settings().public_url
    person = session().scalars(select(User).where(User.email == told["email"])).one()
    assert identity.verify_password(told["password"], password_hash=person.password_hash)
    answer = client.get("/api/v1/me", headers={"Authorization": f"Bearer {told['api_token']}"})
    assert (answer.status_code, told["email"] in answer.text) == (200, True)
    assert client.get(f"/api/v1/public/{told['organization']}/{told['event_types'][0]}").status_code == 200
    assert file.stat().st_mode & 0o077 == 0


def test_a_start_at_another_address_is_told_and_changes_nothing_else(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = facts(file)
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:8001")
    settings.cache_clear()
    demo.seed(file)
    monkeypatch.undo()
    settings.cache_clear()
    assert facts(file) == before | {"url": "http://127.0.0.1:8001"}
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "/", "/proc/no/such/place", "x" * 300, "taken"])
def test_a_file_that_the_facts_cannot_be_written_to_is_refused_in_a_sentence(name: str, file: Path, app: Flask) -> None:
    (file.parent / "taken").write_text("nothing of ours")
    where = str(file.parent / name) if name else name
    result = app.test_cli_runner().invoke(prepare, ["--demo", where])
    assert (result.exit_code, "--demo" in result.stderr.splitlines()[-1]) == (2, True)
