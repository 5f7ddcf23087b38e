"""A real Chromium against the real application on loopback.

Skipped where there is no Chromium, unless ALMANAC_BROWSER=required says that there must be one.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.serving import CHROMIUM, SWITCHES, served
from tests.factories import PASSWORD
from webapp.identity.models import Membership

# A page that was refused on purpose says so in the console, too.
_EXPECTED = "Failed to load resource: the server responded with a status of 4"
# A browser that leaves hangs up on what it was loading, and werkzeug's server then leaves the file to the collector.
_LEFT_OPEN = "ignore:.*_io.FileIO.*static:pytest.PytestUnraisableExceptionWarning"

# Whatever changes has changed at once: half the time would go into waiting for colours.
STILL = """
const still = new CSSStyleSheet();
still.replaceSync('*, ::before, ::after { transition: none !important }');
document.adoptedStyleSheets.push(still);
"""

expect.set_options(timeout=20_000)  # beside other tests; a quiet machine needs a tenth of a second


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = CHROMIUM is None and os.environ.get("ALMANAC_BROWSER") != "required"
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.filterwarnings(_LEFT_OPEN))
            if missing:
                item.add_marker(
                    pytest.mark.skip(reason="there is no Chromium here; `make test` installs it where it can")
                )


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    assert CHROMIUM, "ALMANAC_BROWSER=required, but there is no Chromium on PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(SWITCHES))
        yield browser
        browser.close()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The address of the application, served by threads on loopback."""
    with served(app) as address:
        yield address


@pytest.fixture
def trouble() -> Iterator[list[str]]:
    """What scripts and the security policy complained of; there must be nothing."""
    complaints: list[str] = []
    yield complaints
    assert complaints == []


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, site: str, trouble: list[str]) -> Iterator[Visit]:
    """Open an address in a browser of its own: `visit("/book/studio", locale="en-GB", java_script_enabled=False)`."""
    contexts: list[BrowserContext] = []

    def open_page(path: str, **options: Any) -> Page:
        usual = {"locale": "en-GB", "timezone_id": "Europe/Berlin", "reduced_motion": "reduce"}
        context = chromium.new_context(base_url=site, **(usual | options))
        context.add_init_script(STILL)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: _note(message, trouble))
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def _note(message: ConsoleMessage, trouble: list[str]) -> None:
    if message.type in {"error", "warning"} and not message.text.startswith(_EXPECTED):
        trouble.append(f"{message.text} ({message.location.get('url')})")


def sign_in(page: Page, member: Membership) -> None:
    """Sign in on the page that asks for it."""
    page.get_by_label("E-mail address").fill(member.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/app**")
