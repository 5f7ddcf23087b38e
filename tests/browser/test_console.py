"""The console in a browser: a job is followed live, and what changes anything is asked first."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from jobs.runtime.models import JobRun, RunState
from tests.browser.conftest import Visit, sign_in
from tests.factories import member
from tests.operations.background import again, run
from webapp.core import clock
from webapp.core.db import session, transaction
from webapp.core.settings import settings

RUNS = "/admin/jobs/runs"


def changed(one: JobRun, **values: object) -> None:
    with transaction():
        session().execute(update(JobRun).where(JobRun.id == one.id).values(**values))


def signed_in(visit: Visit, path: str) -> Page:
    page = visit("/sign-in")
    sign_in(page, member())
    page.goto(path)
    return page


@pytest.mark.parametrize("streams", ["1", "0"])
def test_progress_moves_and_the_end_is_shown_with_or_without_a_stream(
    visit: Visit, streams: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "LIVE_STREAMS", streams)
    settings.cache_clear()
    one = run(RunState.RUNNING, progress={"done": 1, "total": 4, "note": "rows"})
    page = signed_in(visit, f"{RUNS}/{one.id}")
    expect(page.get_by_text("1 / 4")).to_be_visible()
    changed(one, progress={"done": 3, "total": 4, "note": "rows"})
    expect(page.get_by_text("3 / 4")).to_be_visible()
    changed(one, state=RunState.SUCCEEDED, lease_until=None, finished_at=clock.now())
    expect(page.get_by_text("Succeeded").first).to_be_visible()
    monkeypatch.undo()
    settings.cache_clear()


def test_a_job_is_revoked_after_a_question(visit: Visit) -> None:
    one = run()
    page = signed_in(visit, f"{RUNS}/{one.id}")
    page.get_by_text("Revoke", exact=True).click()
    page.get_by_role("button", name="Leave it").click()
    assert again(one.id).state is RunState.WAITING
    page.get_by_text("Revoke", exact=True).click()
    page.get_by_role("button", name="Revoke it").click()
    expect(page.get_by_text("will not run")).to_be_visible()
    assert again(one.id).state is RunState.CANCELLED


def test_the_ticked_dead_letters_are_replayed_after_a_question(visit: Visit) -> None:
    one, other = (run(RunState.DEAD, error="ValueError: no") for _ in range(2))
    page = signed_in(visit, "/admin/jobs/dead")
    page.locator(f"#run-{one.id}").check()
    page.get_by_text("Replay the ticked ones").click()
    page.get_by_role("button", name="Replay them").click()
    expect(page.get_by_text("1 job waits again.")).to_be_visible()
    assert [again(each.id).state for each in (one, other)] == [RunState.WAITING, RunState.DEAD]
