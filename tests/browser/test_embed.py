"""A page of another origin shows the booking page, and a guest books in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.conftest import Visit
from tests.factories import event_type
from tests.scheduling.helpers import in_days
from webapp.core.db import session, transaction
from webapp.scheduling.models import Booking, EventType
from webapp.scheduling.service.embedding import set_sites

PAGE = """<!doctype html><html lang="en"><title>A shop</title><link rel="icon" href="data:,"><h1>A shop</h1>
<div id="inline" data-almanac="{path}" data-title="Book a talk"></div>
<p><a id="opens" href="{site}/book/{path}" data-almanac="{path}">Book over the page</a></p>
<script>
  window.heard = [];
  document.addEventListener("almanac:booked", (event) => window.heard.push(event.detail));
</script>
<script src="{site}/embed.js" async></script></html>"""


@pytest.fixture
def shop(site: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Somebody else's site, by another name, so that it is another origin and another site; its page can be set."""
    pages: dict[str, str] = {}

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the library's name
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(pages["page"].encode())

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}", pages
    server.shutdown()
    thread.join()
    server.server_close()


def _book_in(frame: FrameLocator, name: str) -> None:
    frame.get_by_role("link", name="10:00").click()
    frame.get_by_label("Your name").fill(name)
    frame.get_by_label("E-mail address").fill("ada@example.com")
    frame.get_by_role("button", name="Book this time").click()
    expect(frame.get_by_role("heading", name="You are booked in")).to_be_visible()


def _open_shop(visit: Visit, site: str, shop: tuple[str, dict[str, str]], kind: EventType) -> Page:
    address, pages = shop
    pages["page"] = PAGE.format(site=site, path=f"{kind.organization.slug}/{kind.slug}?day={in_days(3)}")
    session().rollback()  # nothing stays open while the browser takes its time
    return visit(address, viewport={"width": 900, "height": 700})


def _wait_for_its_height(page: Page) -> None:
    """Until the frame is as high as what is in it, so that what comes below it moves no more."""
    frame = page.frame_locator("#inline iframe")
    expect(frame.get_by_role("heading", level=1)).to_be_visible()
    inside = frame.locator("body").evaluate("(body) => Math.ceil(body.getBoundingClientRect().height)")
    page.wait_for_function(f"document.querySelector('#inline iframe').offsetHeight === {inside}")


def test_a_guest_books_inside_another_sites_page(visit: Visit, site: str, shop: tuple[str, dict[str, str]]) -> None:
    kind = event_type(name="Portrait", slug="portrait")
    with transaction():
        set_sites(organization=kind.organization, sites=[shop[0]])
    page = _open_shop(visit, site, shop, kind)
    frame = page.frame_locator("#inline iframe")
    expect(frame.get_by_role("heading", name="Portrait")).to_be_visible()
    box = page.locator("#inline iframe")
    assert box.get_attribute("title") == "Book a talk"
    _wait_for_its_height(page)
    _book_in(frame, "Ada Inline")
    page.wait_for_function("window.heard.length === 1")
    assert page.evaluate("window.heard[0].eventType") == "portrait"
    assert page.context.cookies(site) == []
    assert session().query(Booking).one().guest_name == "Ada Inline"


def test_a_link_opens_it_over_the_page_and_closes_again(
    visit: Visit, site: str, shop: tuple[str, dict[str, str]]
) -> None:
    kind = event_type()
    page = _open_shop(visit, site, shop, kind)
    page.locator("#opens").press("Enter")
    dialog = page.get_by_role("dialog", name="Book over the page")
    _book_in(dialog.frame_locator("iframe"), "Ada Over")
    page.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
    expect(page.locator("#opens")).to_be_focused()
    assert page.evaluate("window.heard.length") == 1


def test_the_button_that_closes_it_is_named_in_the_language_of_the_frame(
    visit: Visit, site: str, shop: tuple[str, dict[str, str]]
) -> None:
    address, pages = shop
    kind = event_type()
    path = f"{kind.organization.slug}/{kind.slug}"
    pages["page"] = PAGE.format(site=site, path=path).replace('id="opens"', 'id="opens" data-language="de"')
    session().rollback()
    page = visit(address)
    page.locator("#opens").press("Enter")
    page.get_by_role("button", name="Schließen").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_other_windows_are_not_believed(visit: Visit, site: str, shop: tuple[str, dict[str, str]]) -> None:
    page = _open_shop(visit, site, shop, event_type())
    expect(page.frame_locator("#inline iframe").get_by_role("heading", level=1)).to_be_visible()
    page.evaluate("window.postMessage({ almanac: 'booked', booking: {} }, '*')")
    page.evaluate("new Promise((resume) => setTimeout(resume, 50))")
    assert page.evaluate("window.heard.length") == 0


def test_a_site_that_was_not_named_cannot_show_it(
    visit: Visit, site: str, shop: tuple[str, dict[str, str]], trouble: list[str]
) -> None:
    kind = event_type(name="Portrait")
    with transaction():
        set_sites(organization=kind.organization, sites=["https://only.example"])
    page = _open_shop(visit, site, shop, kind)
    page.wait_for_timeout(500)
    assert page.frame_locator("#inline iframe").get_by_role("heading", name="Portrait").count() == 0
    assert any("frame-ancestors" in complaint for complaint in trouble)
    trouble.clear()
