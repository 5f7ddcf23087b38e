"""The dashboard in Chromium: its pages work under their policy, and what jobs carry is shown and never run."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Dialog, Page, expect, sync_playwright
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from werkzeug.serving import make_server

from tests.browser.serving import CHROMIUM
from tests.operations import work
from tests.operations.conftest import HOSTILE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None and os.environ.get("ALMANAC_BROWSER") != "required",
        reason="there is no Chromium here; `make test` installs it where it can",
    ),
]


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The application, served on loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(site: str, administrator: FlaskClient) -> Iterator[Page]:
    """A page of an administrator's browser; fails the test when a script is refused, fails or says something."""
    cookie = administrator.get_cookie("session")
    assert cookie
    trouble: list[str] = []

    def note_dialog(dialog: Dialog) -> None:
        trouble.append(dialog.message)
        dialog.dismiss()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context()
        context.add_cookies([{"name": "session", "value": cookie.value, "url": site}])
        page = context.new_page()
        page.on("console", lambda message: trouble.extend([message.text] if message.type == "error" else []))
        page.on("pageerror", lambda error: trouble.extend([str(error)]))
        page.on("dialog", note_dialog)
        yield page
        browser.close()
    assert trouble == []


def dashboard(site: str, path: str) -> str:
    return f"{site}/admin/rq/{path}"


def test_queues_are_listed_with_their_counts(page: Page, site: str, failed: Job) -> None:
    page.goto(dashboard(site, ""))
    row = page.locator("table#queues tr[data-role=queue]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("bookings")


def test_a_job_full_of_markup_is_text_in_the_list(page: Page, site: str, failed: Job) -> None:
    page.goto(dashboard(site, "0/view/jobs/bookings/failed/8/asc/1"))
    expect(page.locator("table#jobs .description")).to_have_text(HOSTILE)
    expect(page.locator("table#jobs pre.exc_info")).to_contain_text(HOSTILE)
    assert page.locator("table#jobs img").count() == 0


def test_a_job_full_of_markup_is_text_on_its_page(page: Page, site: str, failed: Job) -> None:
    page.goto(dashboard(site, f"0/view/job/{failed.id}"))
    expect(page.locator("#job-data .description-scroll")).to_have_text(HOSTILE)
    expect(page.locator("#job-data pre.exc_info")).to_contain_text(HOSTILE)
    assert page.locator("#job-data img").count() == 0


@pytest.mark.usefixtures("hostile_worker")
def test_a_worker_full_of_markup_is_text_in_the_list(page: Page, site: str, failed: Job) -> None:
    page.goto(dashboard(site, "0/view/workers"))
    row = page.locator("table#workers tr[data-role=worker]")
    expect(row).to_contain_text(HOSTILE)
    expect(row).to_contain_text("tests.operations.work.fail")
    assert page.locator("table#workers img").count() == 0


def test_a_result_full_of_markup_is_text(page: Page, site: str, redis: Redis) -> None:
    job = Queue("bookings", connection=redis, serializer=JSONSerializer, is_async=False).enqueue(work.echo, HOSTILE)
    page.goto(dashboard(site, f"0/view/job/{job.id}"))
    expect(page.locator("#job-data")).to_contain_text("onerror=alert(1)")
    assert page.locator("#job-data img").count() == 0


def test_nothing_that_changes_something_is_offered(page: Page, site: str, failed: Job) -> None:
    offered: list[Any] = []
    for path in (
        "0/view/jobs/bookings/failed/8/asc/1",
        "0/view/jobs/bookings/queued/8/asc/1",
        f"0/view/job/{failed.id}",
    ):
        page.goto(dashboard(site, path))
        page.wait_for_load_state("networkidle")
        offered += page.get_by_text("Requeue").or_(page.get_by_text("Delete")).or_(page.get_by_text("Empty")).all()
        offered += page.get_by_text("Compact", exact=True).all()
    assert [each.inner_text() for each in offered if each.is_visible()] == []
