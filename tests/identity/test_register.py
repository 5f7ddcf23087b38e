"""Opening an organisation with its first owner."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from webapp.core.db import session, transaction
from webapp.core.errors import DomainError
from webapp.identity import service
from webapp.identity.models import Membership, Organization, Role, User

GOOD = {
    "name": "Studio Nord",
    "slug": "studio-nord",
    "timezone": "Europe/Oslo",
    "owner_name": "Ada Lovelace",
    "owner_email": "Ada@Example.com",
    "password": "twelve chars",
}


def register(**changes: Any) -> Membership:
    with transaction():
        return service.register_organization(**GOOD | changes)


def test_an_organisation_opens_with_its_owner(app: Flask) -> None:
    owner = register()
    session().expire_all()
    assert owner.role is Role.OWNER
    assert (owner.organization.slug, owner.organization.timezone) == ("studio-nord", "Europe/Oslo")
    assert (owner.user.email, owner.user.timezone) == ("ada@example.com", "Europe/Oslo")
    assert owner.user.password_hash.startswith("$argon2id$")
    assert service.authenticate(email="ADA@example.com", password="twelve chars") == owner


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "invalid_name"),
        ("name", "x" * 121, "invalid_name"),
        ("name", "a\0b", "invalid_name"),
        ("slug", "", "invalid_slug"),
        ("slug", "Studio", "invalid_slug"),
        ("slug", "-studio", "invalid_slug"),
        ("slug", "studio--nord", "invalid_slug"),
        ("slug", "studio\n", "invalid_slug"),
        ("slug", "x" * 61, "invalid_slug"),
        ("slug", "bookings", "slug_reserved"),
        ("slug", "waitlist", "slug_reserved"),
        ("timezone", "Mars/Olympus", "unknown_zone"),
        ("timezone", "", "unknown_zone"),
        ("timezone", "../etc", "unknown_zone"),
        ("owner_name", "  ", "invalid_name"),
        ("owner_email", "ada", "invalid_email"),
        ("owner_email", "ada@", "invalid_email"),
        ("owner_email", "a\0@example.com", "invalid_email"),
        ("owner_email", "x" * 300 + "@example.com", "invalid_email"),
        ("password", "elevenchars", "unfit_password"),
        ("password", "x" * 257, "unfit_password"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(app: Flask, field: str, value: str, code: str) -> None:
    with pytest.raises(DomainError) as refusal:
        register(**{field: value})
    assert (refusal.value.field, refusal.value.code) == (field, code)
    for table in (Organization, User, Membership):
        assert session().scalar(select(func.count()).select_from(table)) == 0


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"owner_email": "other@example.com"}, "slug", "slug_taken"),
        ({"slug": "other", "owner_email": "ADA@example.com"}, "owner_email", "email_taken"),
    ],
)
def test_what_is_taken_is_refused_by_name(app: Flask, changes: dict[str, str], field: str, code: str) -> None:
    register()
    with pytest.raises(DomainError) as refusal:
        register(**changes)
    assert (refusal.value.field, refusal.value.code, refusal.value.status) == (field, code, 409)
    assert session().scalar(select(func.count()).select_from(Organization)) == 1


@pytest.mark.parametrize("begin", ["/api/v1/public/", "/book/", "/embed/"])
def test_no_address_of_ours_can_be_taken_for_an_organisation_s(app: Flask, begin: str) -> None:
    paths = [
        rule.rule.removeprefix(begin).split("/") for rule in app.url_map.iter_rules() if rule.rule.startswith(begin)
    ]
    assert paths
    fixed = {path[0] for path in paths if not path[0].startswith("<")}
    assert fixed <= service.RESERVED_SLUGS
    # Nor for one of its event types', whose slugs are free.
    assert all(second.startswith("<") for first, *rest in paths if first not in fixed for second in rest[:1])
