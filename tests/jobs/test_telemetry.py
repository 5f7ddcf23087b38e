from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from jobs.runtime import Secret, execute
from jobs.runtime.models import JobRun
from tests.factories import event_type
from tests.jobs import labour, sample, secretive
from tests.jobs.workers import ROOT, Worker
from tests.peers.collector import Collector
from tests.scheduling.helpers import address, at, body
from webapp.core import error_reports, tracing
from webapp.core.db import session, transaction
from webapp.core.logs import bind_request, get_logger
from webapp.core.settings import SettingsError, load_settings, settings

PACKAGES = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": ("http://localhost:4318", "opentelemetry.exporter"),
    "SENTRY_DSN": ("https://key@sentry.example.com/1", "sentry_sdk"),
}

log = get_logger(__name__)


@pytest.fixture
def collector(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Where this process, and those that it starts, send spans and errors."""
    with Collector() as peer:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", peer.endpoint)
        monkeypatch.setenv("SENTRY_DSN", peer.dsn)
        begin_anew()
        yield peer
        flush()
        monkeypatch.undo()
        begin_anew()


def begin_anew() -> None:
    """Read the settings again, as a process does that has just begun."""
    for kept in (settings, tracing._spans, error_reports._client):
        kept.cache_clear()
    error_reports.report_errors(settings())


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
    assert request.attributes["http.response.status_code"] == 201
    assert request.attributes["request_id"] == "from-the-proxy-1"
    assert (request.parent, request.is_error, request.service) == ("", False, "almanac")
    job = collector.span("bookings.process_booking_confirmation")
    assert job.attributes == {"job.id": str(confirmation.id), "job.attempt": 1, "job.queue": "bookings"}
    collector.span("bookings.send_booking_confirmation_to_invitee")
    jobs = [span for span in collector.spans if span != request]
    assert {(span.trace, span.parent) for span in jobs} == {(request.trace, request.id)}


def test_jobs_that_no_request_has_caused_are_traces_of_their_own(collector: Collector, effects: Flask) -> None:
    for run_id in (sample.mark.enqueue("one"), sample.mark.enqueue("two")):
        execute.run(run_id)
    flush()
    one, two = collector.spans
    assert one.trace != two.trace
    assert one.parent == two.parent == ""


def test_what_has_failed_says_so_and_tells_no_secret(collector: Collector, app: Flask) -> None:
    run_id = secretive.fail_to_sign_in.enqueue(Secret("geheim-geheim"))
    for _attempt in range(2):
        execute.run(run_id)
    flush()
    first, second = collector.spans
    assert first.is_error
    assert second.is_error
    assert first.attributes["error.type"] == "ValueError"
    assert "the other side refused" in first.message
    (error,) = collector.errors  # the second time it was given up
    assert error["tags"]["job"] == "tests.jobs.secretive.fail_to_sign_in"
    assert error["tags"]["job_id"] == str(run_id)
    assert error["exception"]["values"][-1]["type"] == "ValueError"
    assert error["logentry"]["message"] == "job is dead"
    assert "geheim" not in repr(collector.spans) + repr(collector.errors)


def test_probes_and_static_files_are_no_spans(collector: Collector, client: FlaskClient) -> None:
    for path in ("/healthz", "/metrics", "/static/css/base.css", "/no/such/page"):
        client.get(path).close()
    flush()
    assert [span.name for span in collector.spans] == ["GET unmatched"]


def test_who_samples_none_gets_none_not_even_of_jobs(
    collector: Collector, client: FlaskClient, effects: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    client.get("/no/such/page")
    with bind_request(request_id="a-request-like-any-other"):
        run_id = sample.mark.enqueue("job")
    execute.run(run_id)
    flush()
    assert collector.spans == []


def test_every_way_to_log_an_error_is_reported_without_local_variables(collector: Collector, app: Flask) -> None:
    password = uuid4().hex  # in a local variable; the source around it is shown
    try:
        raise ValueError(f"redis://:{password}@host")
    except ValueError as error:
        log.exception("in so many words", token=password)
        log.error("handed over", exc_info=error)
        logging.getLogger("a.library").exception("by a library")
        log.warning("not an error", exc_info=error)
    log.error("without an exception")
    flush()
    said = {(error["logentry"]["message"], error["logger"]) for error in collector.errors}
    assert said == {("in so many words", __name__), ("handed over", __name__), ("by a library", "a.library")}
    assert password not in repr(collector.errors)
    frames = collector.errors[0]["exception"]["values"][0]["stacktrace"]["frames"]
    assert all("vars" not in frame for frame in frames)


def test_an_error_of_a_request_is_reported_with_its_route(
    collector: Collector, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(client.application.view_functions, "operations.healthz", lambda: 1 / 0)
    monkeypatch.setitem(client.application.config, "PROPAGATE_EXCEPTIONS", False)
    assert client.get("/healthz").status_code == 500
    flush()
    (error,) = collector.errors
    assert error["exception"]["values"][0]["type"] == "ZeroDivisionError"
    assert error["tags"]["route"] == "/healthz"
    assert error["tags"]["request_id"]


def test_a_worker_sends_what_it_has_before_it_ends(collector: Collector, effects: Flask, tmp_path: Path) -> None:
    labour.work.enqueue("done")
    labour.fail_cheaply.enqueue("geheim")
    with Worker(tmp_path, "--burst") as worker:
        assert worker.ended() == 0
    assert {span.name for span in collector.spans} == {"tests.jobs.labour.work", "tests.jobs.labour.fail_cheaply"}
    (error,) = collector.errors
    assert error["exception"]["values"][0]["type"] == "ValueError"


@pytest.mark.parametrize("name", PACKAGES)
def test_a_setting_whose_packages_are_missing_stops_the_start_and_names_what_to_install(
    name: str, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    value, package = PACKAGES[name]
    monkeypatch.setenv(name, value)
    load_settings()
    for loaded in [loaded for loaded in sys.modules if loaded.startswith(package)]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setattr(sys, "meta_path", [Lacking(package), *sys.meta_path])
    with pytest.raises(SettingsError, match=f"{name} needs packages .* requirements-telemetry.txt"):
        load_settings()


class Lacking:
    """Makes Python believe that a package is not installed."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, *_arguments: object) -> None:
        if name.startswith(self._package):
            raise ModuleNotFoundError(name)


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


def test_without_the_settings_none_of_it_is_even_imported() -> None:
    program = "import sys, wsgi; sys.exit(any(name in sys.modules for name in ('sentry_sdk', 'webapp.core.otlp')))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
