"""Every line is one JSON object, says whom it belongs to and gives no secret away."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from tests.operations.conftest import ROOT
from webapp.core.hidden import HIDDEN
from webapp.core.logs import bind_job, bind_request, bind_user, current_trace, get_logger, hide_secrets

log = get_logger("tests.somewhere")


def test_a_line_is_one_json_object_with_time_level_event_and_logger(lines: Any) -> None:
    log.info("mail sent", delivery="d1", tries=2, text="two\nlines")
    [line] = lines()
    assert list(line)[:4] == ["timestamp", "level", "event", "logger"]
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["event"], line["logger"]) == ("info", "mail sent", "tests.somewhere")
    assert (line["delivery"], line["tries"], line["text"]) == ("d1", 2, "two\nlines")


def test_lines_of_libraries_take_the_same_form_and_context(lines: Any) -> None:
    with bind_request(request_id="request-1"):
        logging.getLogger("sqlalchemy.pool").warning("connection %s lost", 7)
    [line] = lines()
    assert (line["event"], line["logger"], line["request_id"]) == ("connection 7 lost", "sqlalchemy.pool", "request-1")


def test_a_job_is_on_all_its_lines_and_on_none_afterwards(lines: Any) -> None:
    run = uuid4()
    with bind_job(run_id=run, name="bookings.confirm", attempt=2, trace="request-1"):
        assert current_trace() == "request-1"
        log.info("inside")
    log.info("outside")
    inside, outside = lines()
    assert (inside["job_id"], inside["job"], inside["attempt"]) == (str(run), "bookings.confirm", 2)
    assert inside["request_id"] == "request-1"
    assert not {"job_id", "job", "attempt", "request_id"} & set(outside)
    assert current_trace() == ""


def test_what_a_request_binds_does_not_reach_the_next_one(lines: Any) -> None:
    with bind_request(request_id="first-request"):
        bind_user(user_id=uuid4(), organization_id=uuid4())
        log.info("first")
    with bind_request(request_id="second-request"):
        log.info("second")
    first, second = lines()
    assert {"user_id", "organization_id"} <= set(first)
    assert not {"user_id", "organization_id"} & set(second)


def test_the_level_setting_leaves_out_what_is_below(lines: Any) -> None:
    log.debug("too much")
    logging.getLogger("library").debug("far too much")
    assert lines() == []


def test_an_exception_keeps_its_trace_without_local_variables(lines: Any) -> None:
    password = "-".join(["hunter", "2"])
    try:
        raise ValueError("refused")
    except ValueError:
        log.exception("sign-in failed")
    [line] = lines()
    assert "ValueError: refused" in line["exception"]
    assert password not in json.dumps(line)


@pytest.mark.parametrize(
    "secret",
    [
        "postgresql://almanac:{}@db.internal:5432/almanac",
        "redis://:{}@cache/0",
        "Authorization: Bearer {}",
        "Basic {}=",
        "alm_{}",
        "GET /manage/{}/cancel answered 500",
        "/api/v1/public/bookings/{}",
        "https://example.com/hook?token={}&x=1",
    ],
)
def test_secrets_in_texts_are_hidden(lines: Any, secret: str) -> None:
    value = "s3cr3tValue99"
    logging.getLogger("library").error("it said: %s", secret.format(value))
    log.info("nested", details={"list": [secret.format(value)]})
    written = json.dumps(lines())
    assert value not in written
    assert written.count(HIDDEN) == 2


@pytest.mark.parametrize("name", ["password", "smtp_password", "api_key", "Authorization", "secret_key", "csrf_token"])
def test_fields_with_a_telling_name_are_hidden(lines: Any, name: str) -> None:
    log.info("settings", **{name: "value"})
    log.info("settings", headers={name: "value"})
    flat, nested = lines()
    assert flat[name] == HIDDEN
    assert nested["headers"][name] == HIDDEN


def test_an_ordinary_line_stays_as_it_is() -> None:
    line = {"event": "the key is under the mat", "n": 1, "none": None, "route": "/app/bookings/<uuid:booking_id>"}
    assert hide_secrets(None, "info", {**line}) == line


def run(program: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DATABASE_URL": "postgres://h/d",
        "REDIS_URL": "redis://h",
        "CACHE_REDIS_URL": "redis://h/1",
        "SMTP_URL": "smtp://h",
        "SECRET_KEY": "x" * 32,
        "PUBLIC_URL": "http://h",
        "LOG_FORMAT": "json",
    }
    setting_up = (
        "from webapp.core.logs import configure_logging; from webapp.core.settings import load_settings;"
        "configure_logging(load_settings());"
    )
    return subprocess.run(
        [sys.executable, "-c", setting_up + program],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_process_that_ends_by_an_error_says_so_in_one_line() -> None:
    ended = run("raise ValueError('redis://:geheim@host')")
    [line] = ended.stderr.splitlines()
    assert json.loads(line)["level"] == "critical"
    assert "geheim" not in line
    assert ended.returncode == 1


def test_python_warnings_are_lines_too_and_nothing_goes_to_standard_output() -> None:
    ended = run("import warnings; warnings.warn('old habit')")
    [line] = ended.stderr.splitlines()
    assert "old habit" in json.loads(line)["event"]
    assert json.loads(line)["logger"] == "py.warnings"
    assert ended.stdout == ""
