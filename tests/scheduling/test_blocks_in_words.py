"""How recurring blocks are said, and that what was chosen simply is changed simply."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scheduling.pages import Visitor
from webapp.core.clock import find_zone
from webapp.core.db import session, transaction
from webapp.identity.models import Membership
from webapp.scheduling.models import RecurringBlock
from webapp.scheduling.recurrence import normal_rule
from webapp.scheduling.service.blocks import RecurringDetails, block_recurring
from webapp.scheduling.simple_rules import WEEKDAY_CODES, Repeats, SimpleRule, simple_rule

PAGE = "/app/availability/blocks"
FIRST = date(2026, 12, 8)  # the second Tuesday of its month
ENGLISH, GERMAN = {"Accept-Language": "en-GB"}, {"Accept-Language": "de-DE"}


def blocked(host: Membership, rule: str) -> RecurringBlock:
    zone = "Europe/Berlin"
    details = RecurringDetails(timezone=zone, first_day=FIRST, start_minute=600, end_minute=660, rule=rule)
    with transaction():
        return block_recurring(organization_id=host.organization_id, host_id=host.user_id, details=details)


@pytest.mark.parametrize(
    ("rule", "english", "german"),
    [
        ("FREQ=DAILY", "Every day", "Jeden Tag"),
        ("FREQ=DAILY;INTERVAL=3", "Every 3 days", "Alle 3 Tage"),
        ("FREQ=WEEKLY", "Every week on Tue", "Jede Woche am Di."),
        ("FREQ=WEEKLY;BYDAY=TH,TU", "Every week on Tue and Thu", "Jede Woche am Di. und Do."),
        ("FREQ=WEEKLY;BYDAY=TU;INTERVAL=2", "Every 2 weeks on Tue", "Alle 2 Wochen am Di."),
        ("FREQ=MONTHLY", "Every month on day 8", "Jeden Monat am 8."),
        ("FREQ=MONTHLY;BYDAY=2TU", "Every month on the second Tuesday", "Jeden Monat am zweiten Dienstag"),
        (
            "FREQ=MONTHLY;BYDAY=2TU;INTERVAL=6",
            "Every 6 months on the second Tuesday",
            "Alle 6 Monate am zweiten Dienstag",
        ),
        ("FREQ=YEARLY;INTERVAL=2", "Every 2 years on 8 Dec", "Alle 2 Jahre am 8. Dez."),
        ("FREQ=DAILY;UNTIL=20261224", "Every day, until 24 Dec 2026", "Jeden Tag, bis 24.12.2026"),
    ],
)
def test_a_simple_rule_is_said_in_words(
    visitor: Visitor, host: Membership, rule: str, english: str, german: str
) -> None:
    blocked(host, rule)
    page = visitor.open(PAGE, headers=ENGLISH)
    assert f"{english} 10:00" in page.words
    assert '<code class="rule">' not in page.answer.text
    assert f"{german} 10:00" in visitor.open(PAGE, headers=GERMAN).words


@pytest.mark.parametrize("rule", ["FREQ=DAILY;COUNT=3", "FREQ=MONTHLY;BYDAY=-3TU,2TU", "FREQ=YEARLY;BYMONTH=12"])
def test_a_rule_of_ones_own_stays_as_it_is(visitor: Visitor, host: Membership, rule: str) -> None:
    blocked(host, rule)
    page = visitor.open(PAGE)
    assert f'<code class="rule">{rule}</code>' in page.answer.text
    fields = dict(visitor.open(page.link("Edit")).form().fields)
    assert (fields["repeats"], fields["rule"]) == ("own", rule)


def test_what_was_chosen_simply_opens_simply_and_is_saved_as_it_was(visitor: Visitor, host: Membership) -> None:
    rule = "FREQ=WEEKLY;BYDAY=TU,FR;INTERVAL=2;UNTIL=20270131"
    block = blocked(host, rule)
    form = visitor.open(visitor.open(PAGE).link("Edit")).form()
    chosen = [pair for pair in form.fields if pair[0] in {"repeats", "weekdays", "interval", "until"}]
    simply = [("repeats", "WEEKLY"), ("weekdays", "TU"), ("weekdays", "FR"), ("interval", "2"), ("until", "2027-01-31")]
    assert sorted(chosen) == sorted(simply)
    visitor.send(form)
    session().rollback()
    session().refresh(block)
    assert (block.rule, block.first_day) == (rule, FIRST)


@given(
    repeats=st.sampled_from(Repeats),
    interval=st.integers(1, 1000),
    weekdays=st.lists(st.sampled_from(WEEKDAY_CODES), unique=True),
    first=st.dates(date(2026, 1, 1), date(2030, 12, 31)),
    until=st.none() | st.dates(date(2031, 1, 1), date(2032, 1, 1)),
)
def test_every_simple_rule_is_read_back(
    repeats: Repeats, interval: int, weekdays: list[str], first: date, until: date | None
) -> None:
    days = tuple({*weekdays, WEEKDAY_CODES[first.weekday()]}) if repeats is Repeats.WEEKLY else ()
    said = SimpleRule(repeats=repeats, interval=interval, weekdays=days, until=until)
    kept = normal_rule(said.text(first), first=first, start=600, zone=find_zone("Europe/Berlin"))
    assert simple_rule(kept, first=first) == said
