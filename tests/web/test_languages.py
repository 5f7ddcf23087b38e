"""In which language people get their pages, their mails and what is wrong."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import event_type, member
from tests.scheduling.helpers import address, at, body
from tests.scheduling.pages import Visitor
from webapp.core import languages
from webapp.core.db import session
from webapp.core.languages import checked_tag, customs, tag_of
from webapp.core.words import Said, say
from webapp.scheduling.models import Booking
from webapp.scheduling.views.picker import start_value
from webapp.web.languages import told

GERMAN, BRITISH = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}, {"Accept-Language": "en-GB"}


def test_the_browser_decides_first(app: Flask) -> None:
    place, guest = event_type(), Visitor(app)
    for headers, words, tag in ((GERMAN, "Wählen Sie, was Sie buchen möchten.", "de"), (BRITISH, "Choose what", "en")):
        page = guest.open(f"/book/{place.organization.slug}", headers=headers)
        assert words in page.words
        assert f'<html lang="{tag}" dir="ltr">' in page.answer.text
        assert page.answer.headers["Content-Language"] == tag
        assert "Accept-Language" in page.answer.headers["Vary"]


def test_a_guest_chooses_another_language_and_keeps_it_to_the_mail(app: Flask) -> None:
    kind, guest = event_type(), Visitor(app)
    chosen = guest.open(guest.open(f"/book/{kind.organization.slug}", headers=BRITISH).link("Deutsch"), headers=BRITISH)
    day = at(10)
    page = guest.open(f"{chosen.link(kind.name)}&day={day.date()}&timezone=Europe/Berlin", headers=BRITISH)
    assert "freie Zeiten" in page.words
    form = guest.open(page.link("10:00"), headers=BRITISH)
    done = guest.send(form.form("confirm?language=de"), {"name": "Jörg", "email": "joerg@example.com"})
    assert "Ihr Termin ist gebucht" in guest.follow(done).words
    kept = session().query(Booking).one()
    assert kept.guest_locale == "de"


def test_the_switch_is_left_out_where_a_form_was_just_sent(app: Flask) -> None:
    kind, guest = event_type(), Visitor(app)
    form = guest.open(f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start_value(at(10))}")
    assert form.link("Deutsch")
    assert "Deutsch" not in guest.send(form.form(), {"name": "", "email": "x"}, status=422).words


def test_an_unknown_language_in_the_address_counts_for_nothing(app: Flask) -> None:
    kind = event_type()
    page = Visitor(app).open(f"/book/{kind.organization.slug}?language=tlh", headers=GERMAN)
    assert "Wählen Sie" in page.words
    assert "tlh" not in page.link(kind.name)


def test_a_members_own_setting_counts_more_than_the_browser(app: Flask) -> None:
    visitor = Visitor(app).sign_in(member())
    form = visitor.open("/account").form("/account")
    visitor.send(form, {"locale": "de"})
    assert "Ihre Angaben sind gespeichert." in visitor.open("/account", headers=BRITISH).words
    assert "Heute" in visitor.open("/app", headers=BRITISH).words
    refused = visitor.send(visitor.open("/account").form("/account"), {"locale": "tlh"}, status=422)
    assert "Bitte wählen Sie eine der Sprachen aus der Liste." in refused.words


def test_what_a_service_says_is_translated_where_it_is_shown(app: Flask) -> None:
    kind, guest = event_type(), Visitor(app)
    past = f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start_value(at(10, days=-2))}"
    assert "Diese Zeit ist schon vorbei" in guest.open(past, headers=GERMAN, status=422).words
    form = guest.open(f"/book/{kind.organization.slug}/{kind.slug}/confirm?start={start_value(at(10))}&language=de")
    said = guest.send(form.form(), {"name": "A", "email": "nobody", "phone": "12"}, status=422).words
    assert "Das ist keine E-Mail-Adresse" in said
    assert "Das ist keine Telefonnummer" in said
    assert "Unter dieser Adresse gibt es keine Organisation." in guest.open("/book/x", headers=GERMAN, status=404).words


def test_programs_are_told_in_english_unless_they_ask(client: FlaskClient) -> None:
    kind = event_type()
    wrong = body(at(10, days=-2))
    assert "already passed" in client.post(f"{address(kind)}/bookings", json=wrong).get_json()["title"]
    answer = client.post(f"{address(kind)}/bookings", json=wrong, headers=GERMAN)
    assert answer.get_json()["code"] == "in_the_past"
    assert answer.get_json()["title"] == "Diese Zeit ist schon vorbei; bitte wählen Sie eine spätere."
    assert answer.get_json()["errors"][0]["message"] == answer.get_json()["title"]
    assert answer.headers["Content-Language"] == "de"


@pytest.mark.parametrize(
    ("given", "headers", "kept"),
    [
        ({"locale": "de_at"}, {}, "de-AT"),
        ({"locale": "ja"}, BRITISH, "ja"),
        ({}, GERMAN, "de-DE"),
        ({}, {"Accept-Language": "ko-KR"}, "en-001"),
    ],
)
def test_the_api_keeps_the_guests_language(
    client: FlaskClient, given: dict[str, str], headers: dict[str, str], kept: str
) -> None:
    kind = event_type()
    wanted = body(at(10))
    wanted["invitee"] |= given
    assert client.post(f"{address(kind)}/bookings", json=wanted, headers=headers).status_code == 201
    assert session().query(Booking).one().guest_locale == kept


def test_the_api_refuses_what_is_no_language(client: FlaskClient) -> None:
    kind = event_type()
    wanted = body(at(10))
    wanted["invitee"]["locale"] = "klingon"
    answer = client.post(f"{address(kind)}/bookings", json=wanted)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "invitee.locale")


def test_what_is_said_survives_being_raised() -> None:
    refusal = ValueError(say("At most %(most)d characters.", most=5))
    assert str(refusal) == "At most 5 characters."
    assert isinstance(str(refusal), Said)


def test_values_are_told_in_the_same_language(app: Flask) -> None:
    pattern = "This must be between %(least)d and %(most)d %(unit)s."
    with app.test_request_context(headers=GERMAN):
        assert told(say(pattern, least=1, most=5, unit=say("days"))) == "Das muss zwischen 1 und 5 Tagen liegen."
        assert told("What somebody typed, 100 %") == "What somebody typed, 100 %"


@pytest.mark.parametrize("tag", ["de-AT", "en-GB", "en-US", "de"])
def test_a_tag_finds_its_locale_again(tag: str) -> None:
    assert tag_of(customs(tag)) == tag == checked_tag(tag.lower())


def test_every_language_has_its_words() -> None:
    from webapp.web.languages import catalog

    assert all(catalog(language).gettext("Save") for language in languages.LANGUAGES)
    assert catalog("de").gettext("Save") == "Speichern"
