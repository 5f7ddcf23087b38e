from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import func, select

from devserver.servers import free_port
from jobs.mailing import send_mail
from jobs.runtime import execute
from jobs.runtime.models import JobAttempt, RunState
from tests import factories
from tests.conftest import Servers
from tests.jobs import calling
from tests.jobs.calling import ProviderDown
from tests.jobs.workers import ROOT, eventually, row
from tests.notifications.test_mime import mail
from tests.operations.conftest import with_setting
from webapp.core import breakers
from webapp.core.breakers import breaker, breaker_states, close_breaker
from webapp.core.db import session, transaction
from webapp.core.failures import Unavailable
from webapp.core.redis import cache_redis, connect, jobs_redis
from webapp.notifications.errors import MailDeferred, MailRefused, MailServerAway
from webapp.notifications.mail import transport

__all__ = ["with_setting"]

pytestmark = pytest.mark.usefixtures("app")

Change = Callable[[str, str], None]


def call(error: Exception | None = None) -> None:
    with breaker("provider", failures=(ProviderDown,)):
        if error is not None:
            raise error


def fail() -> None:
    with pytest.raises((ProviderDown, Unavailable)):
        call(ProviderDown("nobody there"))


def open_it() -> None:
    for _ in range(breakers.THRESHOLD):
        fail()
    assert state().is_open


def state() -> Any:
    [found] = breaker_states(jobs_redis())
    return found


def wait_for_the_trial() -> None:
    eventually(lambda: state().seconds == 0)


def test_after_some_failures_in_a_row_nobody_gets_through_until_the_provider_has_had_its_rest() -> None:
    for _ in range(breakers.THRESHOLD - 1):
        with pytest.raises(ProviderDown):
            call(ProviderDown("nobody there"))
    with pytest.raises(Unavailable) as opened:
        call(ProviderDown("nobody there"))
    assert isinstance(opened.value.__cause__, ProviderDown)
    with pytest.raises(Unavailable) as refused:
        call(AssertionError("this must not be reached"))
    assert 29 < refused.value.retry_after <= 60
    assert "provider is down" in str(refused.value)


def test_a_success_and_errors_of_other_kinds_end_the_row() -> None:
    for answer in (None, ValueError("the provider said no")):
        for _ in range(breakers.THRESHOLD - 1):
            fail()
        if answer is None:
            call()
        else:
            with pytest.raises(ValueError, match="said no"):
                call(answer)
    fail()
    assert not state().is_open


def test_after_its_rest_one_of_many_tries_and_all_pass_when_it_succeeds(with_setting: Change) -> None:
    with_setting("BREAKER_SECONDS", "0.1")
    open_it()
    wait_for_the_trial()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # the proxy's own way
    barrier = Barrier(8)
    through: list[int] = []
    turned_away: list[float] = []

    def try_it() -> None:
        with app.app_context():
            barrier.wait()
            try:
                with breaker("provider", failures=(ProviderDown,)):
                    through.append(1)
                    eventually(lambda: len(through) + len(turned_away) == 8)
            except Unavailable as unavailable:
                turned_away.append(unavailable.retry_after)

    threads = [Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(through), len(turned_away)) == (1, 7)
    assert max(turned_away) < 1, "nobody waits for as long as a trial might take"
    call()
    assert not state().is_open


def test_each_trial_that_fails_makes_the_rest_twice_as_long_up_to_four_times(with_setting: Change) -> None:
    with_setting("BREAKER_SECONDS", "0.1")
    open_it()
    rests = []
    for _ in range(4):
        rests.append(round(state().seconds, 1))
        wait_for_the_trial()
        with pytest.raises(Unavailable):
            call(ProviderDown("still nobody there"))
    assert rests == [0.1, 0.2, 0.4, 0.4]
    wait_for_the_trial()
    call()
    open_it()
    assert state().seconds <= 0.1, "a success has made it forget"


def test_a_trial_of_which_nothing_is_heard_does_not_block_for_ever(
    with_setting: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_setting("BREAKER_SECONDS", "0.1")
    monkeypatch.setattr(breakers, "TRIAL_SECONDS", 0.3)
    open_it()
    wait_for_the_trial()
    with pytest.raises(KeyboardInterrupt), breaker("provider", failures=(ProviderDown,)):
        raise KeyboardInterrupt
    with pytest.raises(Unavailable):
        call()
    time.sleep(0.3)  # for as long as the trial is believed in
    call()


def test_other_processes_know_of_it() -> None:
    open_it()
    code = (
        "from webapp.core.breakers import breaker\n"
        "from webapp.core.failures import Unavailable\n"
        "try:\n    with breaker('provider', failures=()): print('through')\n"
        "except Unavailable: print('turned away')"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=True
    )
    assert answer.stdout == "turned away\n"


def test_somebody_who_knows_better_closes_it() -> None:
    open_it()
    close_breaker("provider")
    call()


def test_without_redis_everybody_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = connect(f"redis://127.0.0.1:{free_port()}")
    monkeypatch.setattr(breakers, "jobs_redis", lambda: nowhere)
    call()
    for _ in range(breakers.THRESHOLD + 1):
        with pytest.raises(ProviderDown):
            call(ProviderDown("nobody there"))


def test_an_outage_costs_a_job_no_more_than_the_tries_that_found_it_out(with_setting: Change) -> None:
    with_setting("BREAKER_SECONDS", "0.1")
    cache_redis().set(calling.DOWN, "yes")
    run_id = calling.call.enqueue()
    for _ in range(8):
        assert eventually(lambda: execute.run(run_id)) is RunState.WAITING
        seen = row(run_id)
        if seen.failures == breakers.THRESHOLD - 1 and "left alone" in (seen.error or ""):
            eventually(lambda: row(run_id).run_at <= datetime.now(UTC))
    assert row(run_id).failures == breakers.THRESHOLD - 1
    with transaction():
        recorded = session().scalar(select(func.count()).select_from(JobAttempt))
    assert recorded == breakers.THRESHOLD - 1, "being turned away is no attempt"
    cache_redis().delete(calling.DOWN)
    assert eventually(lambda: execute.run(run_id) is RunState.SUCCEEDED)


def test_a_mail_server_that_is_down_is_left_alone_and_a_lone_answer_about_one_recipient_is_no_outage(
    servers: Servers, with_setting: Change
) -> None:
    letter = mail(organization_id=factories.organization().id)
    for _ in range(breakers.THRESHOLD + 1):
        servers.smtp.answers.append("451 4.3.0 Try later")
        with pytest.raises(MailDeferred):
            send_mail(letter)
    assert breaker_states(jobs_redis()) == []
    with_setting("SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    transport._transport.cache_clear()
    for _ in range(breakers.THRESHOLD - 1):
        with pytest.raises(MailServerAway):
            send_mail(letter)
    for _ in range(2):
        with pytest.raises(Unavailable):
            send_mail(letter)
    transport._transport.cache_clear()
    assert breaker_states(jobs_redis())[0].is_open


def test_a_refused_mail_shows_that_the_server_is_there(servers: Servers) -> None:
    letter = mail(organization_id=factories.organization().id)
    jobs_redis().hset("almanac:breaker:smtp", "failures", str(breakers.THRESHOLD - 1))
    servers.smtp.refusals["gus@example.com"] = "550 5.1.1 No such user here"
    with pytest.raises(MailRefused):
        send_mail(letter)
    assert not jobs_redis().exists("almanac:breaker:smtp")


def test_metrics_show_which_breakers_are_open(client: FlaskClient) -> None:
    open_it()
    assert 'almanac_breaker_open{breaker="provider"} 1.0' in client.get("/metrics").text
