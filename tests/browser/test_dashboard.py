"""The dashboard in Chromium: its pages work under their policy, and what jobs carry is shown and never run."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Dialog, Page, expect
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer

from tests.browser.conftest import Visit, sign_in
from tests.factories import member
from tests.operations import work
from tests.operations.conftest import HOSTILE, failed, hostile_worker, redis

__all__ = ["failed", "hostile_worker", "redis"]  # fixtures


@pytest.fixture
def page(visit: Visit, trouble: list[str]) -> Page:
    """A page of an administrator's browser; a dialog that a script opens is trouble."""

    def note_dialog(dialog: Dialog) -> None:
        trouble.append(dialog.message)
        dialog.dismiss()

    page = visit("/sign-in")
    page.on("dialog", note_dialog)
    sign_in(page, member())
    return page


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
