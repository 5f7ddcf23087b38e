"""What holds on every page: it fits a phone, it can be read and turned, and each thing that can be used has a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page

from jobs import console
from jobs.console import By
from jobs.runtime import schedules
from jobs.runtime.models import RunState
from jobs.schedule import SCHEDULE
from tests.browser.conftest import Visit, sign_in
from tests.browser.turned import TURNED
from tests.factories import event_type, member, schedule
from tests.operations.background import failed_attempt, run
from tests.scheduling.helpers import at, booked, in_days
from tests.scheduling.waiting import tokens_of_a_line
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.identity.models import Membership
from webapp.operations.models import Alert, AlertKind
from webapp.scheduling.models import QuestionKind, Schedule, Side
from webapp.scheduling.service.approval import decline
from webapp.scheduling.service.attendees import add_attendees
from webapp.scheduling.service.blocks import BlockDetails, RecurringDetails, block_recurring, block_time
from webapp.scheduling.service.booking import cancel, manage_token
from webapp.scheduling.service.holidays import choose_holidays
from webapp.scheduling.service.links import create_link
from webapp.scheduling.service.notes import add_note
from webapp.scheduling.service.out_of_office import AwayDetails, be_away
from webapp.scheduling.views.picker import start_value

LONG = "Straßenbahnhaltestellenüberdachungsgestaltungsbesprechung"

KINDS_OF_QUESTIONS = [
    {
        "key": kind.value,
        "label": f"{LONG}?",
        "kind": kind.value,
        "required": True,
        "options": [f"{number} {LONG}" for number in range(3)] if kind.has_options else [],
    }
    for kind in QuestionKind
]

# Everything that is wrong with a page, as plain sentences.
CHECKS = """() => {
  const wrong = [];
  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const name = (element) => element.tagName + ' ' + (element.id || element.textContent.trim().slice(0, 30));
  const labelled = (element) => (element.getAttribute('aria-label') || element.textContent.trim()
    || [...(element.labels ?? [])].map((label) => label.textContent.trim()).join(' ')
    || document.getElementById(element.getAttribute('aria-labelledby'))?.textContent);
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) {
    wrong.push('the page is wider than the window: ' + document.documentElement.scrollWidth);
  }
  if (document.querySelectorAll('h1').length !== 1) wrong.push('there is not exactly one h1');
  if (document.querySelectorAll('main').length !== 1) wrong.push('there is not exactly one main');
  if (!document.documentElement.lang) wrong.push('the page does not say its language');
  const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id is there twice');
  for (const element of document.querySelectorAll('a, button, summary, input:not([type=hidden]), select, textarea')) {
    if (element.getAttribute('aria-hidden') === 'true' || !shown(element)) continue;
    if (!labelled(element)) wrong.push(name(element) + ' has no name');
    const { width, height } = element.getBoundingClientRect();
    const inText = element.tagName === 'A' && getComputedStyle(element).display === 'inline';
    if (!inText && (width < 24 || height < 24) && !element.labels?.length && !element.className.includes('visually')) {
      if (!element.classList.contains('skip-link')) wrong.push(name(element) + ` is ${width} x ${height}`);
    }
  }
  for (const element of document.querySelectorAll('[aria-describedby], [aria-labelledby], label[for]')) {
    const named = ['aria-describedby', 'aria-labelledby', 'for'].flatMap((attribute) =>
      (element.getAttribute(attribute) ?? '').split(/\\s+/).filter(Boolean));
    for (const id of named) if (!document.getElementById(id)) wrong.push(name(element) + ' refers to nothing: ' + id);
  }
  for (const dialog of document.querySelectorAll('dialog')) {
    if (!dialog.querySelector('button[type=button][data-close]')) wrong.push(name(dialog) + ' has no way back');
  }
  for (const image of document.querySelectorAll('img:not([alt]), iframe:not([title])')) wrong.push(name(image));
  return [...wrong, ...contrast()];

  function contrast() {
    const channels = (text) => text.match(/[\\d.]+/g).map(Number);
    const luminance = ([red, green, blue]) => [red, green, blue].map((value) => value / 255)
      .map((value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
      .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
    const ground = (element) => {
      for (let at = element; at; at = at.parentElement) {
        const colour = channels(getComputedStyle(at).backgroundColor);
        if (colour.length === 3 || colour[3] === 1) return colour;
      }
      return [255, 255, 255];
    };
    const poor = new Set();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      if (!walker.currentNode.textContent.trim() || !shown(element)) continue;
      if (element.closest('.visually-hidden, option')) continue;
      const style = getComputedStyle(element);
      const [one, other] = [luminance(channels(style.color)), luminance(ground(element))];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (ratio < 4.5) poor.add(`${name(element)} has a contrast of ${ratio.toFixed(2)}`);
    }
    return [...poor];
  }
}"""


def _console() -> list[str]:
    """Every page of the console, with names and errors that are long."""
    with transaction():
        schedules.seed(SCHEDULE)
        session().add(Alert(kind=AlertKind.SLOW_JOB, subject=LONG * 2, value=99, limit_value=30))
    dead = run(RunState.DEAD, name=f"jobs.{LONG}", arguments={"note": LONG * 9}, error=LONG * 9)
    failed_attempt(dead, LONG * 9, traceback=LONG * 9)
    running = run(RunState.RUNNING, progress={"done": 1, "total": 3, "note": LONG * 2})
    with transaction():
        console.revoke_run(running.id, by=By())
    paths = ["", "/runs", "/schedules", f"/schedules/{SCHEDULE[0].entry}", "/dead", "/workers", "/limits", "/alerts"]
    paths += ["/changes", "/unrecorded", f"/runs/{dead.id}", f"/runs/{running.id}", "/runs?text=nothing"]
    return [f"/admin/jobs{path}" for path in paths]


class Absences(NamedTuple):
    """What keeps a host from taking guests, by id."""

    once: UUID
    again: UUID
    away: UUID


def _absences(host: Membership, hours: Schedule) -> Absences:
    """Every kind of absence, with names that are long and over a booking."""
    whose = {"organization_id": host.organization_id, "host_id": host.user_id}
    deputy = member(of=host.organization, name=f"Bo {LONG}")
    zone, day = "America/Argentina/ComodRivadavia", in_days(2)
    with transaction():
        choose_holidays(schedule=hours, country="DE", subdivision="BY")
        again = RecurringDetails(
            timezone=zone, first_day=day, start_minute=1320, end_minute=1560, rule="FREQ=DAILY", title=LONG * 2
        )
        away = AwayDetails(timezone=zone, first_day=day, last_day=day, note=LONG * 3, stand_in_id=deputy.user_id)
        return Absences(
            block_time(**whose, details=BlockDetails.whole_days(day, day, timezone=zone, title=LONG * 2)).id,
            block_recurring(**whose, details=again).id,
            be_away(**whose, details=away).id,
        )


class SiteMap(NamedTuple):
    """A host, and the addresses that guests, the host and whoever looks after the jobs can open."""

    host: Membership
    addresses: dict[str, list[str]]


@pytest.fixture
def site_map(app: Flask) -> SiteMap:
    """Every kind of page, with names longer than is kind: those of guests, of hosts, and the console."""
    host = member(name=f"Ada {LONG}")
    asked = [{"key": "a", "label": f"What about {LONG}?", "required": True, "long": True}]
    hours = schedule(of=host)
    kind = event_type(of=host, on=hours, name=LONG, location=LONG * 2, description=LONG * 3, questions=asked)
    strict = event_type(of=host, on=hours, requires_approval=True, reschedule_notice=None, policy=LONG * 3)
    other = event_type(of=host, on=hours, most_attendees=5, check_in_since=clock.now())
    hidden = event_type(of=host, on=hours, name=LONG, is_secret=True, series_most=9, questions=KINDS_OF_QUESTIONS)
    waited = event_type(of=host, on=hours, name=LONG, waitlist_enabled=True)
    tokens = tokens_of_a_line(waited, at(10, days=3), named=LONG)
    booking, gone = booked(other, at(10)), booked(other, at(12))
    request, refused = booked(strict, at(13)), booked(strict, at(14))
    with transaction():
        add_attendees(booking=booking, emails=[f"{LONG[:50]}@example.com"])
        link = create_link(event_type=hidden, created_by=host.user_id, guest_name=LONG, guest_email="bo@example.org")
        add_note(booking=booking, author=host, text=LONG * 3)
        cancel(booking=gone, by=Side.HOST, reason=LONG * 3)
        decline(booking=refused, reason=LONG * 3)
    absences = _absences(host, hours)
    public, manage = f"/book/{host.organization.slug}", f"/manage/{manage_token(booking)}"
    addresses = {
        "guest": [
            public,
            f"{public}/{kind.slug}?day={in_days(2)}",
            f"{public}/{kind.slug}/confirm?start={start_value(at(15))}",
            f"{public}/{kind.slug}/confirm?start={start_value(at(10))}",
            f"{public}/{waited.slug}?day={in_days(3)}",
            f"{public}/{waited.slug}/waitlist?start={start_value(at(10, days=3))}",
            f"{public}/{waited.slug}/waitlist?day={in_days(3)}",
            *(f"/waitlist/{token}" for token in tokens),
            f"/embed/{host.organization.slug}/{kind.slug}?day={in_days(2)}",
            f"{public.replace('/book', '/embed')}/{other.slug}/booked/{manage_token(booking)}",
            f"{manage}?new=1",
            f"{manage}/reschedule",
            f"{manage}/reschedule?start={start_value(at(16))}",
            f"{manage}/reschedule?start={start_value(at(10))}",  # its own: back to the choice, with a message
            f"{manage}/cancel",
            f"{manage}/attendees",
            f"/manage/{manage_token(gone)}",
            f"{public}/{strict.slug}",
            f"/manage/{manage_token(request)}",
            f"/manage/{manage_token(refused)}",
            f"{public}/{hidden.slug}?link={hidden.secret_code}",
            f"{public}/{hidden.slug}/confirm?start={start_value(at(15))}&link={link.token}",
            "/book/nobody",
            "/sign-in",
        ],
        "host": [
            "/app",
            "/app/calendar",
            f"/app/calendar?view=day&hours=all&day={in_days(2)}",
            f"/app/calendar?view=month&host=all&day={in_days(2)}",
            "/app/bookings?when=all",
            f"/app/bookings/{booking.id}",
            f"/app/bookings/{gone.id}",
            "/app/bookings?when=pending",
            f"/app/bookings/{request.id}",
            f"/app/bookings/{refused.id}",
            f"/app/bookings/{booking.id}/reschedule",
            f"/app/bookings/{booking.id}/reschedule?start={start_value(at(20))}",
            f"/app/bookings/{booking.id}/reschedule?start={start_value(at(13))}",
            "/app/bookings/new",
            f"/app/bookings/new/{kind.id}",
            f"/app/bookings/new/{kind.id}?start={start_value(at(20))}",
            "/app/bookings/waitlist",
            "/app/event-types",
            "/app/website",
            f"/app/event-types/{kind.id}",
            "/app/event-types/new",
            f"/app/event-types/{hidden.id}",
            f"/app/event-types/{hidden.id}/links",
            "/app/availability",
            f"/app/availability/schedules/{kind.schedule_id}",
            "/app/availability/blocks",
            f"/app/availability/blocks/{absences.once}",
            f"/app/availability/blocks/recurring/{absences.again}",
            "/app/availability/days-off",
            f"/app/availability/days-off/{absences.away}",
            f"/app/availability/days-off/holidays/{kind.schedule_id}",
            "/app/availability/bookings",
            "/app/team/availability",
            "/app/availability/report",
            "/account",
            "/account/tokens",
        ],
        "operator": _console(),
    }
    return SiteMap(host, addresses)


# A phone at night, and a desk by day.
LOOKS: tuple[tuple[int, Literal["dark", "light"]], ...] = ((320, "dark"), (1280, "light"))


def looks(page: Page, address: str) -> Iterator[str]:
    """Open the address as the first of `LOOKS` and turn to the others; say each time in words which one it is."""
    for number, (width, scheme) in enumerate(LOOKS):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        if number == 0:
            page.goto(address)
        page.evaluate("() => new Promise(requestAnimationFrame)")
        yield f"at {width} in the {scheme}"


@pytest.mark.parametrize("who", ["guest", "host", "operator"])
def test_pages_fit_can_be_read_and_have_names(visit: Visit, site_map: SiteMap, who: str) -> None:
    page = visit("/sign-in")
    if who != "guest":
        sign_in(page, site_map.host)
    wrong: dict[str, list[str]] = {}
    for address in site_map.addresses[who]:
        for look in looks(page, address):
            if found := page.evaluate(CHECKS):
                wrong[f"{address} {look}"] = found
            if found := page.evaluate(TURNED):
                wrong[f"{address} {look}, from right to left"] = found
    assert wrong == {}
