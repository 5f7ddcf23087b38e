"""Booking pages in a frame on somebody else's site: who may show them, and that they need no cookies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member, organization
from tests.scheduling.helpers import at, bearer, refused
from tests.scheduling.pages import Visitor
from webapp.core.db import session, transaction
from webapp.identity.models import Role, Scope
from webapp.scheduling.models import Booking, EventType
from webapp.scheduling.service.embedding import set_sites, site_origin
from webapp.scheduling.views.picker import start_value

SITE = "https://www.example.com"
SITES = "/api/v1/organization/sites"


def frame_of(kind: EventType, rest: str = "") -> str:
    return f"/embed/{kind.organization.slug}/{kind.slug}{rest}"


def ancestors(policy: str) -> str:
    return next(part for part in policy.split(";") if "frame-ancestors" in part).split("frame-ancestors ")[1].strip()


def test_a_guest_books_in_the_frame_without_any_cookie(app: Flask) -> None:
    kind, guest = event_type(), Visitor(app)
    page = guest.open(f"{frame_of(kind)}?site={SITE}&timezone=Europe/Berlin&day={at(10).date()}")
    assert 'class="embedded"' in page.answer.text
    form = guest.open(page.link("10:00"))
    assert "csrf_token" not in form.answer.text
    done = guest.send(form.form(), {"name": "Ada", "email": "ada@example.com"})
    told = guest.follow(done)
    assert done.answer.location.startswith(frame_of(kind, "/booked/"))
    assert f'data-booked="{kind.slug}"' in told.answer.text
    assert f'data-site="{SITE}"' in told.answer.text
    assert told.link("Move or cancel it").startswith("/manage/")
    assert session().query(Booking).one().guest_name == "Ada"
    for answer in (page, form, done, told):
        assert "Set-Cookie" not in answer.answer.headers


def test_a_request_that_waits_for_approval_says_so(app: Flask) -> None:
    kind, guest = event_type(requires_approval=True), Visitor(app)
    form = guest.open(frame_of(kind, f"/confirm?start={start_value(at(10))}")).form()
    told = guest.follow(guest.send(form, {"name": "Ada", "email": "ada@example.com"}))
    assert "Your request is on its way" in told.words
    assert 'data-status="pending"' in told.answer.text
    assert "Add it to your calendar" not in told.words


def test_the_same_form_sent_twice_from_a_frame_books_once(app: Flask) -> None:
    kind, guest = event_type(), Visitor(app)
    form = guest.open(frame_of(kind, f"/confirm?start={start_value(at(10))}")).form()
    both = [guest.send(form, {"name": "Ada", "email": "ada@example.com"}).answer.location for _ in range(2)]
    assert both[0] == both[1]
    assert session().query(Booking).count() == 1


def test_any_site_may_show_it_until_some_are_named(app: Flask) -> None:
    kind, guest = event_type(), Visitor(app)
    free = guest.open(frame_of(kind)).answer
    assert ancestors(free.headers["Content-Security-Policy"]) == "'self' *"
    assert "X-Frame-Options" not in free.headers
    with transaction():
        set_sites(organization=kind.organization, sites=["WWW.example.com/", "http://localhost:3000"])
    named = guest.open(frame_of(kind)).answer
    assert ancestors(named.headers["Content-Security-Policy"]) == f"'self' {SITE} http://localhost:3000"


def test_everything_else_stays_out_of_frames(app: Flask) -> None:
    kind, guest = event_type(), Visitor(app)
    addresses = [f"/book/{kind.organization.slug}/{kind.slug}", f"/book/{kind.organization.slug}", "/sign-in"]
    for address in [*addresses, f"{addresses[0]}/confirm?start={start_value(at(10))}"]:
        headers = guest.open(address).answer.headers
        assert ancestors(headers["Content-Security-Policy"]) == "'none'"
        assert headers["X-Frame-Options"] == "DENY"


def test_an_address_without_anything_says_so_in_the_frame(app: Flask) -> None:
    place = organization()
    page = Visitor(app).open(f"/embed/{place.slug}/nothing", status=404)
    assert "There is nothing to book at this address." in page.words
    assert ancestors(page.answer.headers["Content-Security-Policy"]) == "'self' *"


def test_what_is_no_origin_is_told_nothing(app: Flask) -> None:
    page = Visitor(app).open(f"{frame_of(event_type())}?site=javascript:alert(1)")
    assert 'data-site=""' in page.answer.text
    assert not any("javascript" in href for href, _words in page.links if "day=" in href or "start=" in href)


def test_the_script_is_small_and_for_everybody(client: FlaskClient) -> None:
    answer = client.get("/embed.js")
    assert answer.mimetype == "text/javascript"
    assert len(answer.data) < 4096
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    answer.close()


def test_a_booking_of_another_event_type_is_not_shown_there(app: Flask) -> None:
    Visitor(app).open(frame_of(event_type(), "/booked/no-such-token"), status=404)


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("example.com", "https://example.com"),
        (" https://Example.com:8443/ ", "https://example.com:8443"),
        ("https://*.example.com", "https://*.example.com"),
        ("münchen.example", "https://xn--mnchen-3ya.example"),
    ],
)
def test_a_site_is_understood_as_people_write_it(app: Flask, written: str, origin: str) -> None:
    assert site_origin(written) == origin


@pytest.mark.parametrize(
    "written",
    [
        "",
        "*",
        "https://",
        "ftp://example.com",
        "https://a.example/path",
        "a.example; script-src *",
        "a b",
        "x@y.example",
    ],
)
def test_what_is_no_site_is_refused(app: Flask, written: str) -> None:
    with pytest.raises(ValueError, match="is not a site"):
        site_origin(written)


def test_the_host_finds_what_to_copy(app: Flask) -> None:
    host = member()
    kind = event_type(of=host, name='Tea & "talk"')
    words = Visitor(app).sign_in(host).open("/app/website").words
    address = f"{host.organization.slug}/{kind.slug}"
    assert f'<div data-almanac="{address}" data-title="Tea &amp; &quot;talk&quot;"></div>' in words
    assert '<script src="http://almanac.test/embed.js" async></script>' in words
    assert f"http://almanac.test/book/{address}" in words


def test_what_is_copied_of_a_secret_event_type_opens_it(app: Flask) -> None:
    host, guest = member(), Visitor(app)
    kind = event_type(of=host, is_secret=True)
    page = Visitor(app).sign_in(host).open("/app/website")
    frame, button = re.findall(r'data-almanac="(.*?)"', page.words)
    links = re.findall(r'http://almanac\.test/book/([^\s"]+)', page.words)
    assert {frame, button} == {*links}
    assert "secret link" in page.words
    guest.open(frame_of(kind), status=404)
    assert kind.name in guest.open(f"/book/{frame}").words
    form = guest.open(f"/embed/{frame}&day={at(10).date()}&timezone=Europe/Berlin")
    done = guest.send(guest.open(form.link("10:00")).form(), {"name": "Ada", "email": "ada@example.com"})
    assert f'data-booked="{kind.slug}"' in guest.follow(done).answer.text


def test_an_administrator_names_the_sites(app: Flask) -> None:
    owner = member()
    visitor = Visitor(app).sign_in(owner)
    form = visitor.open("/app/website").form("/app/website")
    assert "is not a site" in visitor.send(form, {"sites": f"{SITE}\nnot a site"}, status=422).words
    visitor.send(form, {"sites": f"{SITE}\n\n{SITE}"})
    session().refresh(owner.organization)
    assert owner.organization.embed_origins == [SITE]


def test_members_copy_and_do_not_decide(app: Flask) -> None:
    other = member(role=Role.MEMBER)
    visitor = Visitor(app).sign_in(other)
    assert "Which sites" not in visitor.open("/app/website").words
    token = visitor.open("/app/website").form("/sign-out")
    token.action = "/app/website"
    visitor.send(token, {"sites": SITE}, status=403)


def test_strangers_are_sent_to_sign_in(client: FlaskClient) -> None:
    assert client.get("/app/website").location == "/sign-in?next=/app/website"


def test_programs_read_and_name_the_sites(client: FlaskClient) -> None:
    owner = member()
    both = bearer(owner, Scope.ORGANIZATION_READ, Scope.ORGANIZATION_WRITE)
    assert client.put(SITES, json={"sites": ["www.example.com"]}, headers=both).get_json() == {"sites": [SITE]}
    assert client.get(SITES, headers=both).get_json() == {"sites": [SITE]}
    refused(client.put(SITES, json={"sites": ["no site"]}, headers=both), 422, "invalid", "sites")
    refused(client.put(SITES, json={"sites": "x"}, headers=both), 422, "invalid", "sites")
    reader = bearer(owner, Scope.ORGANIZATION_READ)
    refused(client.put(SITES, json={"sites": []}, headers=reader), 403, "insufficient_scope")
    assert client.get(SITES).status_code == 401
    assert client.get(SITES, headers=bearer(member(), Scope.ORGANIZATION_READ)).get_json() == {"sites": []}


def test_scripts_of_the_frame_and_its_maker_speak_the_same_words() -> None:
    scripts = Path(__file__).resolve().parents[2] / "webapp" / "static" / "js"
    maker, frame = ((scripts / name).read_text() for name in ("embed.js", "frame.js"))
    for word in ('"size"', '"booked"'):
        assert word in maker
        assert word in frame
