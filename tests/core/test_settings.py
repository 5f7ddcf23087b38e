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


# A byte that is no text, as Python takes it from the environment.
RAW = "\udcff"
# What is neither the name of a host nor an address of one.
NO_HOSTS = (
    "256.256.256.256",
    "999.1.1.1",
    "1.2.3",
    "-h",
    "h-",
    "a..b",
    ".h",
    "x,y",
    "<script>",
    'x"y',
    "x\\y",
    "h%41",
    "x" * 64,
    "x." * 130 + "y",
    "[::1",
    "[::g]",
    "[v1.h]",
    "[127.0.0.1]",
)
# Several hosts, and brackets that SQLAlchemy takes away.
MAY_BE = {"DATABASE_URL": ("x,y", "[v1.h]", "[127.0.0.1]"), "REDIS_URL": ("x,y",)}
UNLIMITED = (
    "5 per 0 minute",
    "5 per 99999999999 years",
    "5 per 2 years",
    f"{'9' * 26} per minute",
    f"{'9' * 5000} per day",
)
TEXTS = [name.upper() for name, field in Settings.model_fields.items() if field.annotation not in {int, float}]

NONSENSE = [
    *((name, value) for name in TEXTS for value in (RAW * 34, f"https://{RAW}")),
    *((name, "https://h\nh") for name in TEXTS if name != "SECRET_KEY"),
    ("METRICS_TOKEN", "a\nb"),
    ("METRICS_TOKEN", " "),
    ("METRICS_TOKEN", "geheim\N{LATIN SMALL LETTER E WITH ACUTE}"),
    ("SENTRY_RELEASE", "a\tb"),
    ("OTEL_SERVICE_NAME", "a\x7f"),
    *(("HOST", value) for value in (*NO_HOSTS, "0.0.0.0:80", "http://x", "-1", "[::1]", "*", "unix:/run/almanac")),
    *(
        (name, before + host + after)
        for name, before, after in (
            ("DATABASE_URL", f"postgres://u:{PASSWORD}@", "/x"),
            ("DATABASE_URL", f"postgres://u:{PASSWORD}@", ":5432/x"),
            ("REDIS_URL", f"redis://u:{PASSWORD}@", "/0"),
            ("CACHE_REDIS_URL", f"rediss://u:{PASSWORD}@", ":6379/0"),
            ("REDIS_URL", f"redis+sentinel://u:{PASSWORD}@one,", ":26379/almanac/0"),
            ("SMTP_URL", f"smtp://u:{PASSWORD}@", ":25"),
            ("PUBLIC_URL", "http://", ""),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://", ":4318"),
            ("SENTRY_DSN", f"https://{PASSWORD}@", "/1"),
        )
        for host in NO_HOSTS
        if host not in MAY_BE.get(name, ())
    ),
    *(("DATABASE_URL", value) for value in ("postgres://", "postgresql://", "postgresql:///", "postgres:h/x")),
    *(
        ("DATABASE_URL", f"postgresql://u:{PASSWORD}@127.0.0.1/x?{parameter}")
        for parameter in (
            "sslmode=nonsense",
            "sslmode=require&sslmode=disable",
            "foo=bar",
            "pgbouncer=true",
            "prepare_threshold=0",
            "connect_timeout=soon",
            "connect_timeout=nan",
            "target_session_attrs=disable",
            "host=a..b",
            "host=one,two&port=1,2,3",
            "host=one&port=0",
            "port=http",
        )
    ),
    *(
        (name, f"redis://u:{PASSWORD}@h{rest}")
        for name in ("REDIS_URL", "CACHE_REDIS_URL")
        for rest in (
            *("/-1", "/abc", "/1.5", "/1/2", "/0x1", "/1%2F2", f"/{2**31}", "/9" + "9" * 5000),
            *(":0", ":0/0", ":6379:1", "?db=-1", "?db=abc", "/0?decode_responses=1", "/0?encoding=ascii"),
            *("/0?host=other", "/0?retry=1", "/0?protocol=3", "/0?credential_provider=a"),
            *("/0?socket_timeout=nan", "/0?socket_timeout=0", "/0?socket_timeout=1e300", "/0?max_connections=0"),
        )
    ),
    *(("REDIS_URL", value) for value in ("unix://", "unix://?db=1", "unix:///run/redis.sock?db=-1")),
    *(
        ("REDIS_URL", f"redis+sentinel://{PASSWORD}:{PASSWORD}@{rest}")
        for rest in ("h:0/almanac", "h/almanac/-1", "h/almanac/1.5", "h/almanac?db=-1", f"h/almanac/{2**31}")
    ),
    *(("SMTP_URL", f"smtp://{login}@h") for login in (PASSWORD, f"{PASSWORD}:", f":{PASSWORD}")),
    ("SMTP_URL", "smtp://h:"),
    ("MAIL_FROM", "Riverside\r\nBcc: x@example.com <hello@riverside.example>"),
    ("MAIL_FROM", f"Riverside{RAW} <hello@riverside.example>"),
    ("PUBLIC_URL", "http://x:"),
    ("PUBLIC_URL", "http://::1"),
    *(("OPERATOR_ORGANIZATION", value) for value in ("Bad Name!", " ", "-a", "a--b", "a_b", "a" * 61)),
    *(("MAIL_CATCHER_DIR", value) for value in (__file__, f"{__file__}/mail", "x" * 5000)),
    ("SENTRY_DSN", f"https://{PASSWORD}@127.0.0.1/abc"),
    ("SENTRY_DSN", f"https://{PASSWORD}@127.0.0.1/1/"),
    ("SENTRY_DSN", f"https://{PASSWORD}@127.0.0.1/"),
    *(("ENCRYPTION_KEYS", value) for value in (",", " ", f"{PASSWORD},")),
    *(("JOB_ROUTES", f"{pattern}=email") for pattern in ("[", "a[b", "[]", "a]", "[[a]")),
    *(
        (name.upper(), value)
        for name, field in Settings.model_fields.items()
        if field.annotation in {int, float}
        for value in ("nan", "inf", "9" * 26)
    ),
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
        for value in ("plenty", "0 per minute", "60 per minute; 0 per day", *UNLIMITED)
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
        ("DATABASE_URL", "postgresql://postgres:@/db?host=/tmp/a%20place"),
        ("DATABASE_URL", "postgresql:///almanac"),
        ("DATABASE_URL", "postgresql://ours"),
        ("DATABASE_URL", "postgresql+psycopg://u:p%2Fw@[::1]:5432/x"),
        (
            "DATABASE_URL",
            "postgres://u:p@my_postgres/x?connect_timeout=3&application_name=almanac&channel_binding=require",
        ),
        ("DATABASE_URL", "postgres://u:p@/x?host=one,two&port=5432,5433&target_session_attrs=read-write"),
        ("DATABASE_URL", "postgres://u:p@/x?host=one:5432&host=two:5433"),
        ("DATABASE_URL", "postgres://u:p@h/x?options=-csearch_path%3Dalmanac&sslmode=verify-full&sslrootcert=system"),
        ("DATABASE_URL", "postgres://u:p@b\N{LATIN SMALL LETTER U WITH DIAERESIS}ro.example./x"),
        ("DATABASE_URL", "postgres://u:p@ec2-1-2-3-4.eu-west-1.compute.amazonaws.com:5432/x"),
        ("REDIS_URL", "rediss://:p@h:6380/0?ssl_cert_reqs=none"),
        ("REDIS_URL", "redis://[::1]:6379/0"),
        ("REDIS_URL", "redis://my_redis:6379/0"),
        ("REDIS_URL", "redis://h/99"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://localhost?db=3"),
        ("REDIS_URL", "redis://h/0?socket_timeout=5&health_check_interval=0&client_name=almanac&max_connections=50"),
        ("REDIS_URL", "redis+sentinel://my_sentinel:26379,[::1]/almanac/1"),
        ("CACHE_REDIS_URL", "unix:///run/redis.sock?db=0"),
        ("CACHE_REDIS_URL", "unix://:p@/run/redis.sock?db=1"),
        ("SMTP_URL", "smtp+starttls://user%40example.com:p%2Fw@mail.example:587"),
        ("SMTP_URL", "smtp://[::1]:25/"),
        ("SMTP_URL", "smtp://mail_catcher:1025"),
        ("SMTP_URL", "smtp://xn--bro-hoa.example"),
        ("MAIL_FROM", "hello@riverside.example"),
        ("MAIL_FROM", '"Studio, Riverside" <hello@riverside.example>'),
        ("MAIL_FROM", "Büro <hallo@büro.example>"),
        ("PUBLIC_URL", "https://büro.example/"),
        ("PUBLIC_URL", "http://[::1]:8000"),
        ("PUBLIC_URL", "http://127.0.0.1:8000"),
        ("PUBLIC_URL", "http://localhost"),
        ("PUBLIC_URL", "https://XN--BRO-HOA.example"),
        ("PUBLIC_URL", "https://3com.example"),
        ("RATE_LIMIT_PUBLIC", "10 per second; 500 per hour"),
        ("RATE_LIMIT_API", "1 per year"),
        ("HOST", "::1"),
        ("HOST", "fe80::1%eth0"),
        ("HOST", "localhost"),
        ("PORT", "8000\n"),
        ("SECRET_KEY", f"{LEAST['SECRET_KEY']}\x01\n"),
        ("METRICS_TOKEN", "two words, ~!"),
        ("OPERATOR_ORGANIZATION", "studio-nord"),
        ("ENCRYPTION_KEYS", f"{'A' * 43}=,\n{'B' * 42}A=\n"),
        ("JOB_ROUTES", "bookings.[a-m]* = email:high,\n *.cleanup_* = maintenance:low"),
        ("SENTRY_DSN", "https://k@sentry.example.com/behind/a/path/12"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel_collector:4318"),
        ("WORKER_HARD_MEMORY_MB", "65536"),
    ],
)
def test_a_setting_that_makes_sense_is_taken(name: str, value: str, environment: pytest.MonkeyPatch) -> None:
    environment.setenv(name, value)
    assert load_settings()


def test_a_line_end_behind_a_setting_is_no_part_of_it(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("PUBLIC_URL", "https://book.example.com\n")
    environment.setenv("REDIS_URL", "redis://cache.example.com:6379/1\r\n")
    found = load_settings()
    assert (found.public_url, found.redis_url) == ("https://book.example.com", "redis://cache.example.com:6379/1")


@pytest.mark.parametrize("folder", ["", "mail", "a/b/mail"])
def test_the_folder_of_the_mail_catcher_may_be_there_or_not(
    folder: str, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("ENVIRONMENT", "development")
    environment.setenv("MAIL_CATCHER_DIR", str(tmp_path / folder))
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
