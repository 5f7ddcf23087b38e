"""A setting that makes no sense stops the start, with one sentence that names it and tells no password."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.warm import Warm
from webapp.core.settings import Settings, SettingsError, load_settings

PASSWORD = "geheim"
LEAST = {
    "DATABASE_URL": "postgresql://u:p@db.example/almanac",
    "REDIS_URL": "redis://redis.example",
    "CACHE_REDIS_URL": "redis://redis.example/1",
    "SMTP_URL": "smtp://mail.example",
    "SECRET_KEY": "0123456789abcdef" * 2,
    "PUBLIC_URL": "https://book.example.com",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Nothing is set but what has to be."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in LEAST.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


NONSENSE = [
    ("ENVIRONMENT", "staging"),
    ("DATABASE_URL", "mysql://h/x"),
    ("DATABASE_URL", f"postgres://u:{PASSWORD}@h:abc/x"),
    ("DATABASE_URL", f"postgres://u:{PASSWORD}@h:99999/x"),
    ("DATABASE_URL", f"postgres://u:{PASSWORD}@h h/x"),
    *(
        (name, value)
        for name in ("REDIS_URL", "CACHE_REDIS_URL")
        for value in (
            "memcached://h",
            f"redis://:{PASSWORD}@h:abc/0",
            f"redis://:{PASSWORD}@h:99999/0",
            f"redis://:{PASSWORD}@h h/0",
            f"redis://:pa#{PASSWORD}@h/0",
            f"redis://:{PASSWORD}@h/0?no_such_option=1",
            f"rediss://:{PASSWORD}@h/0?ssl_cert_reqs=perhaps",
        )
    ),
    ("CACHE_REDIS_URL", "redis://redis.example:6379/0"),
    ("CACHE_REDIS_URL", "redis://user:other@redis.example"),
    ("SMTP_URL", "http://h"),
    ("SMTP_URL", f"smtp://u:{PASSWORD}@host:abc"),
    ("SMTP_URL", f"smtp://u:{PASSWORD}@host:99999"),
    ("SMTP_URL", f"smtp://u:{PASSWORD}@host:0"),
    ("SMTP_URL", f"smtp://u/:{PASSWORD}@host"),
    ("SMTP_URL", f"smtp://u#:{PASSWORD}@host"),
    ("SMTP_URL", "smtp://a host"),
    ("SMTP_URL", "smtp://[::1"),
    ("MAIL_FROM", "nonsense"),
    ("MAIL_FROM", "Riverside <nonsense>"),
    ("MAIL_FROM", "Studio, Riverside <hello@riverside.example>"),
    ("MAIL_FROM", "one@riverside.example, two@riverside.example"),
    ("SECRET_KEY", "short"),
    ("SECRET_KEY", " " * 40),
    ("PUBLIC_URL", "book.example.com"),
    ("PUBLIC_URL", "https://"),
    ("PUBLIC_URL", "https://book.example.com/path"),
    ("PUBLIC_URL", "https://book.example.com?query=1"),
    ("PUBLIC_URL", "https://book.example.com/#fragment"),
    ("PUBLIC_URL", f"https://user:{PASSWORD}@book.example.com"),
    ("PUBLIC_URL", "https://book.example.com:99999"),
    ("PUBLIC_URL", "https://book.example.com:port"),
    ("PUBLIC_URL", "https://book .example.com"),
    ("PUBLIC_URL", "https://[book.example.com"),
    ("PUBLIC_URL", "https://\N{BLACK SCISSORS}..example.com"),
    ("HOST", "not a host"),
    ("PORT", "http"),
    ("PORT", "65536"),
    ("WEB_CONCURRENCY", "two"),
    ("WEB_CONCURRENCY", "0"),
    ("WEB_THREADS", "many"),
    ("WEB_THREADS", "-1"),
    *(
        (f"RATE_LIMIT_{name}", value)
        for name in ("PUBLIC", "HOLDS", "API", "SIGN_IN")
        for value in ("plenty", "0 per minute", "60 per minute; 0 per day")
    ),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:abc"),
    ("SENTRY_DSN", f"https://{PASSWORD}@sentry.example.com:abc/1"),
]


@pytest.mark.parametrize(("name", "value"), NONSENSE)
def test_a_setting_that_makes_no_sense_stops_the_start_with_one_sentence_naming_it(
    name: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    sentence = str(refused.value)
    assert re.fullmatch(rf"{name} (makes no sense: |must be )[^\n]+\.", sentence)
    assert PASSWORD not in sentence
    assert "validation" not in sentence


@pytest.mark.parametrize("name", LEAST)
@pytest.mark.parametrize("value", [None, ""])
def test_a_setting_that_is_missing_is_named(name: str, value: str | None, environment: pytest.MonkeyPatch) -> None:
    environment.delenv(name)
    if value is not None:
        environment.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name} is not set; "):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://u:p@h:5432/x?sslmode=require"),
        ("DATABASE_URL", "postgresql:///almanac?host=/run/postgresql"),
        ("REDIS_URL", "rediss://:p@h:6380/0?ssl_cert_reqs=none"),
        ("REDIS_URL", "redis://[::1]:6379/0"),
        ("CACHE_REDIS_URL", "unix:///run/redis.sock?db=0"),
        ("SMTP_URL", "smtp+starttls://user%40example.com:p%2Fw@mail.example:587"),
        ("SMTP_URL", "smtp://[::1]:25/"),
        ("MAIL_FROM", "hello@riverside.example"),
        ("MAIL_FROM", '"Studio, Riverside" <hello@riverside.example>'),
        ("MAIL_FROM", "Büro <hallo@büro.example>"),
        ("PUBLIC_URL", "https://büro.example/"),
        ("PUBLIC_URL", "http://[::1]:8000"),
        ("RATE_LIMIT_PUBLIC", "10 per second; 500 per hour"),
        ("HOST", "::1"),
    ],
)
def test_a_setting_that_makes_sense_is_taken(name: str, value: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(name, value)
    assert load_settings()


@pytest.mark.parametrize("value", ["https://book.example.com", "https://book.example.com/", "HTTPS://book.example.com"])
def test_the_public_address_is_kept_in_one_spelling(value: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PUBLIC_URL", value)
    assert load_settings().public_url == "https://book.example.com"


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://book.example.com", "session"),
        ("http://127.0.0.1:8000", "session_8000"),
        ("http://127.0.0.1:8001", "session_8001"),
        ("http://[::1]:8000", "session_8000"),
    ],
)
def test_two_copies_on_two_ports_of_one_host_do_not_sign_each_other_out(
    address: str, name: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("PUBLIC_URL", address)
    assert load_settings().session_cookie == name


@pytest.mark.parametrize("command", [("gunicorn", "wsgi:app"), ("flask", "--app", "wsgi", "prepare"), ("jobs.worker",)])
def test_every_program_says_that_sentence_and_no_more(command: tuple[str, ...], tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "WEB_THREADS": "many"} | LEAST
    log = tmp_path / "log"
    assert Warm(*command, environment=environment, log=log).wait(120) == 2
    assert re.fullmatch(r"Almanac cannot start: WEB_THREADS makes no sense: [^\n]+\.\n", log.read_text())
