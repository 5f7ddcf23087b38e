"""Spans and error reports, as a collector gets them; and what they cost whoever works when it gets none."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.runtime import Secret, chain, execute
from jobs.runtime.models import JobRun
from tests.factories import event_type
from tests.jobs import labour, sample, secretive
from tests.jobs.workers import ROOT, Worker, row
from tests.peers.collector import Collector
from tests.scheduling.helpers import address, at, body
from webapp.core import error_reports, tracing
from webapp.core.anonymous import anonymous
from webapp.core.db import session, transaction
from webapp.core.logs import get_logger
from webapp.core.settings import SettingsError, load_settings, settings

Switch = Callable[[str], None]

log = get_logger(__name__)


def begin_anew() -> None:
    """Read the settings again, as a process does that has just begun."""
    for kept in (settings, tracing._spans, error_reports._reporter):
        kept.cache_clear()
    error_reports.report_errors(settings())


@pytest.fixture
def switched_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Switch]:
    """Has this process, and those that it starts, send spans and errors to the address with that host and port."""

    def switch(where: str) -> None:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{where}")
        monkeypatch.setenv("SENTRY_DSN", f"http://key@{where}/1")
        begin_anew()

    yield switch
    monkeypatch.undo()
    begin_anew()


@pytest.fixture
def collector(switched_on: Switch) -> Iterator[Collector]:
    with Collector() as peer:
        switched_on(peer.address)
        yield peer
        flush()


def flush() -> None:
    tracing.flush()
    error_reports.flush()


def waiting() -> list[JobRun]:
    with transaction():
        return list(session().scalars(select(JobRun).where(JobRun.state == "waiting").order_by(JobRun.id)))


def test_a_booking_and_all_that_follows_from_it_are_one_trace(collector: Collector, client: FlaskClient) -> None:
    kind = event_type()
    answer = client.post(f"{address(kind)}/bookings", json=body(at(10)), headers={"X-Request-ID": "from-the-proxy-1"})
    assert answer.status_code == 201
    (confirmation,) = waiting()
    execute.run(confirmation.id)
    for run in waiting():
        execute.run(run.id)
    flush()
    request = collector.span("POST /api/v1/public/<org>/<event_type>/bookings")
    assert (request.kind, request.parent, request.is_error, request.service) == ("server", "", False, "almanac")
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["request_id"] == confirmation.request_id == "from-the-proxy-1"
    enqueued = collector.span("enqueue bookings.process_booking_confirmation")
    assert (enqueued.kind, enqueued.parent) == ("producer", request.id)
    job = collector.span("run bookings.process_booking_confirmation")
    assert (job.kind, job.parent) == ("consumer", enqueued.id)
    assert job.attributes == {
        "job.name": "bookings.process_booking_confirmation",
        "job.id": str(confirmation.id),
        "job.attempt": 1,
        "messaging.destination.name": "bookings",
    }
    mailing = collector.span("run bookings.send_booking_confirmation_to_invitee")
    assert mailing.parent == collector.span("enqueue bookings.send_booking_confirmation_to_invitee").id
    assert mailing.id in {span.parent for span in collector.named("send mail")}
    assert {span.trace for span in collector.spans} == {request.trace}
    assert "ada@example.com" not in repr(collector.bodies)


def test_every_attempt_is_a_span_of_its_own_and_says_how_it_failed(collector: Collector, effects: Flask) -> None:
    run_id = secretive.fail_to_sign_in.enqueue(Secret("geheim-geheim"))
    for _attempt in range(2):
        execute.run(run_id)
    flush()
    first, second = collector.named("run tests.jobs.secretive.fail_to_sign_in")
    assert [span.attributes["job.attempt"] for span in (first, second)] == [1, 2]
    assert (first.trace, first.parent) == (second.trace, second.parent)
    assert first.is_error
    assert first.attributes["error.type"] == "ValueError"
    assert "the other side refused" in first.events[0]["exception.message"]
    assert "in fail_to_sign_in" in first.events[0]["exception.stacktrace"]
    retried, dead = collector.errors
    assert (retried["level"], dead["level"]) == ("warning", "error")
    assert dead["logentry"]["message"] == "job is dead"
    assert dead["tags"] == {
        "job": "tests.jobs.secretive.fail_to_sign_in",
        "job_id": str(run_id),
        "attempt": "2",
        "trace_id": second.trace,
    }
    assert dead["exception"]["values"][-1]["type"] == "ValueError"
    assert "geheim" not in repr(collector.bodies)


def test_steps_of_a_canvas_are_of_the_trace_that_it_was_begun_in(collector: Collector, effects: Flask) -> None:
    chain(sample.mark.s("one"), sample.mark.s("two")).start()
    for _step in range(2):
        execute.run(waiting()[0].id)
    flush()
    begun = collector.span("start chain")
    steps = collector.named("run tests.jobs.sample.mark")
    assert [(span.trace, span.parent) for span in steps] == [(begun.trace, begun.id)] * 2


def test_jobs_that_no_request_has_caused_are_traces_of_their_own(collector: Collector, effects: Flask) -> None:
    for run_id in (sample.mark.enqueue("one"), sample.mark.enqueue("two")):
        assert row(run_id).request_id == ""
        execute.run(run_id)
    flush()
    one, two = collector.named("run tests.jobs.sample.mark")
    assert one.trace != two.trace


def test_being_put_off_is_no_error(collector: Collector, effects: Flask) -> None:
    execute.run(sample.ask_to_wait.enqueue(seconds=30, how="postponed"))
    flush()
    assert not collector.span("run tests.jobs.sample.ask_to_wait").is_error
    assert collector.errors == []


def test_probes_and_static_files_are_no_spans(collector: Collector, client: FlaskClient) -> None:
    for path in ("/healthz", "/metrics", "/static/css/base.css", "/no/such/page"):
        client.get(path).close()
    flush()
    assert [span.name for span in collector.spans] == ["GET unmatched"]


@pytest.mark.parametrize("proxies", ["0", "1"])
def test_a_trace_begun_before_us_is_gone_on_with_behind_a_proxy_of_ours_alone(
    collector: Collector, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, proxies: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", proxies)
    settings.cache_clear()
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    client.get("/no/such/page", headers={"traceparent": f"00-{trace}-{parent}-01"})
    flush()
    (span,) = collector.spans
    assert ((span.trace, span.parent) == (trace, parent)) == (proxies == "1")


def test_who_samples_none_gets_none_not_even_of_jobs(
    collector: Collector, effects: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    execute.run(sample.mark.enqueue("job"))
    flush()
    assert collector.spans == []


def test_every_way_to_log_an_error_is_reported_without_local_variables(collector: Collector, app: Flask) -> None:
    password, person = uuid4().hex, f"{uuid4().hex}@example.com"  # in local variables; the source around is shown
    try:
        raise ValueError(f"redis://:{password}@host refused {person}")
    except ValueError as error:
        log.exception("in so many words", token=password)
        log.error("handed over", exc_info=error)
        logging.getLogger("a.library").exception("by a library")
        log.info("not an error", exc_info=error)
    log.error("without an exception")
    flush()
    said = {(error["logentry"]["message"], error["logger"]) for error in collector.errors}
    assert said == {("in so many words", __name__), ("handed over", __name__), ("by a library", "a.library")}
    assert password not in repr(collector.bodies)
    assert person not in repr(collector.bodies)
    frames = collector.errors[0]["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames
    assert all("vars" not in frame for frame in frames)
    assert not {"user", "request", "breadcrumbs"} & {name for name, value in collector.errors[0].items() if value}


def test_an_error_of_a_request_is_reported_with_its_route_and_without_its_body(
    collector: Collector, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(client.application.view_functions, "scheduling_guests_api.create_booking", lambda **_: 1 / 0)
    monkeypatch.setitem(client.application.config, "PROPAGATE_EXCEPTIONS", False)
    kind, password = event_type(), uuid4().hex  # the source of this very line is in the report
    assert client.post(f"{address(kind)}/bookings?key={password}", json=body(at(10))).status_code == 500
    flush()
    (error,) = collector.errors
    assert error["exception"]["values"][0]["type"] == "ZeroDivisionError"
    assert error["tags"]["route"] == error["transaction"] == "/api/v1/public/<org>/<event_type>/bookings"
    assert error["tags"]["request_id"]
    span = collector.span("POST /api/v1/public/<org>/<event_type>/bookings")
    assert span.is_error
    assert span.attributes["error.type"] == "ZeroDivisionError"
    for private in (password, body(at(10))["invitee"]["email"], body(at(10))["start"]):
        assert private not in repr(collector.bodies)


def test_a_worker_sends_what_it_has_before_it_ends(collector: Collector, effects: Flask, tmp_path: Path) -> None:
    stuck = labour.ignore_limits.enqueue("stuck")  # first, so that whoever is killed for it has done nothing else
    labour.work.enqueue("done")
    labour.fail_cheaply.enqueue("failed")
    with Worker(tmp_path, "--burst", processes=2) as worker:
        assert worker.ended() == 0
    flush()
    done = collector.span("run tests.jobs.labour.work")
    assert done.parent == collector.span("enqueue tests.jobs.labour.work").id
    assert collector.span("run tests.jobs.labour.fail_cheaply").is_error
    reported = {(error["tags"].get("job"), error["exception"]["values"][0]["type"]) for error in collector.errors}
    assert reported == {
        ("tests.jobs.labour.fail_cheaply", "ValueError"),
        ("tests.jobs.labour.ignore_limits", "HardTimeLimit"),  # by whoever buried the worker that was killed for it
    }
    assert row(stuck).attempt == 1


def test_a_collector_that_hangs_or_is_away_neither_slows_nor_fails_a_job(
    switched_on: Switch, effects: Flask, tmp_path: Path
) -> None:
    with Collector() as peer, socket.socket() as unheard:
        peer.released.clear()
        unheard.bind(("127.0.0.1", 0))  # and does not listen: whoever connects is refused
        for where in (peer.address, f"127.0.0.1:{unheard.getsockname()[1]}"):
            switched_on(where)
            began = time.monotonic()
            for number in range(50):
                assert execute.run(sample.fail.enqueue(f"{where} {number}")) == "waiting"
            # Half a second on an idle machine; each wait for the collector would be ten.
            assert time.monotonic() - began < 25
            began = time.monotonic()
            flush()
            assert time.monotonic() - began < 5 * tracing.FLUSH_SECONDS
        switched_on(peer.address)
        labour.work.enqueue("done")
        with Worker(tmp_path, "--burst") as worker:
            assert worker.ended() == 0
        assert peer.requests > 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "grpc://collector:4317"),
        ("SENTRY_DSN", "https://sentry.example.com/1"),
        ("SENTRY_DSN", "https://key@sentry.example.com"),
    ],
)
def test_an_address_that_makes_no_sense_stops_the_start(
    name: str, value: str, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name} makes no sense"):
        load_settings()


def test_without_the_settings_none_of_it_is_even_imported(app: Flask) -> None:
    # redis-py itself imports OpenTelemetry's core where it is installed.
    program = (
        "import sys, wsgi; "
        "sys.exit(any(name in sys.modules for name in ('sentry_sdk', 'opentelemetry.exporter', 'webapp.core.otlp')))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("550 <ada@example.com> unknown", "550 <[address]> unknown"),
        ("call +49 30 1234567 now", "call [number] now"),
        ("duplicate key\nDETAIL:  Key (name)=(Ada) exists.\nmore", "duplicate key\nDETAIL: [row]\nmore"),
        ("smtp://user:geheim@host", "smtp://user:[hidden]@host"),
        ("2 + 3 is 5 @ noon", "2 + 3 is 5 @ noon"),
    ],
)
def test_texts_leave_without_people_and_secrets(said: str, told: str) -> None:
    assert anonymous(said) == told
