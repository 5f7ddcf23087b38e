"""Every setting of Almanac, read once from the environment (docs/configure.md explains each)."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from email.utils import getaddresses
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet
from limits import parse_many
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis import ConnectionPool, RedisError
from redis.connection import parse_url
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from webapp.core import sentinel
from webapp.core.addresses import ascii_domain, wire_address

QUEUES = ("bookings", "email", "notifications", "maintenance")
LANES = ("high", "default", "low")
# How often each queue is looked at first when all of them have work.
QUEUE_WEIGHTS = {"bookings": 7, "email": 5, "notifications": 5, "maintenance": 1}

# What OWASP asks of Argon2id at the very least.
LEAST_PASSWORD_MEMORY_MB = 19
LEAST_SECRET_CHARACTERS = 32


class Environment(StrEnum):
    """Where the process runs; production refuses what only development may do."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SettingsError(Exception):
    """A setting makes no sense; the message is one sentence naming it."""


def _address(value: str, *schemes: str) -> SplitResult | None:
    """Return the parts of an address with one of these schemes that names a host; None when it is none."""
    with suppress(ValueError):  # its message may hold a piece of a password
        parts = urlsplit(value)
        if parts.scheme in schemes and parts.hostname and _can_be_reached(parts.hostname, parts.port):
            return parts
    return None


def _can_be_reached(host: str | None, port: int | None) -> bool:
    """Tell whether both can be what they say; None is the usual one."""
    return not re.search(r"\s", host or "") and (port is None or 0 < port < 65536)


def _postgres_url(value: str) -> str:
    """Accept the URL as Heroku and most hosts write it; name our driver in it."""
    scheme, _, rest = value.partition("://")
    ours = f"postgresql+psycopg://{rest}"
    with suppress(ArgumentError, ValueError):  # as above
        read = make_url(ours)
        if scheme in {"postgres", "postgresql", "postgresql+psycopg"} and _can_be_reached(read.host, read.port):
            return ours
    raise ValueError("must be a PostgreSQL URL such as postgresql://user:password@host:5432/name")


def _redis_url(value: str) -> str:
    if value.startswith(sentinel.SCHEMES):
        sentinel.parse(value)
        return value
    with suppress(ValueError, TypeError, RedisError):  # as above
        ConnectionPool.from_url(value).make_connection()  # which does not connect yet
        options = _redis_options(value)
        if _can_be_reached(str(options["host"]), int(options["port"])):
            return value
    raise ValueError(
        "must look like redis://user:password@host:6379/0, rediss://…, unix:///run/redis.sock?db=0 or "
        "redis+sentinel://…, with / ? # @ and : in passwords written as %2F %3F %23 %40 and %3A"
    )


def _redis_database(url: str) -> tuple[object, ...]:
    """Return what tells the database of a server from others, however it is written."""
    if url.startswith(sentinel.SCHEMES):
        read = sentinel.parse(url)
        return frozenset(read.sentinels), read.service, read.options.get("db", 0)
    options = _redis_options(url)
    return options.get("path") or (options["host"], options["port"]), options["db"]


def _redis_options(url: str) -> dict[str, Any]:
    usual = {"host": "localhost", "port": 6379, "db": 0}
    return {**usual, **parse_url(url)}  # type: ignore[no-untyped-call]  # redis-py's own, not annotated


def _smtp_url(value: str) -> str:
    parts = _address(value, "smtp", "smtps", "smtp+starttls")
    if parts is None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must look like smtp://host:25, smtp+starttls://user:password@host:587 or smtps://host:465")
    return value


def _mail_from(value: str) -> str:
    try:
        ((_name, address),) = getaddresses([value])
        wire_address(address)
    except ValueError:
        raise ValueError("must be one address, such as Riverside Studio <hello@riverside.example>") from None
    return value


def _secret_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value().strip()) < LEAST_SECRET_CHARACTERS:
        raise ValueError(
            f"it must have at least {LEAST_SECRET_CHARACTERS} characters, as "
            "`python -c 'import secrets; print(secrets.token_hex(32))'` draws them"
        )
    return value


def _public_url(value: str) -> str:
    parts = _address(value, "http", "https")
    if parts is None or parts.path.strip("/") or re.search("[?#@]", value) or not _is_domain(parts.hostname or ""):
        raise ValueError("must be the address people type and no more, such as https://book.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def _is_domain(host: str) -> bool:
    """Tell whether a host can be part of the names that must be ours, those of meetings and mails."""
    try:
        return bool(ascii_domain(host))
    except ValueError:
        return False


def _host(value: str) -> str:
    if not _can_be_reached(value, None):
        raise ValueError("must be an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them")
    return value


def _collector_url(value: str) -> str:
    if _address(value, "http", "https") is None:
        raise ValueError("must be where an OpenTelemetry collector takes OTLP over HTTP, such as http://localhost:4318")
    return value.rstrip("/")


def _sentry_dsn(value: SecretStr) -> SecretStr:
    parts = _address(value.get_secret_value(), "http", "https")
    if parts is None or not (parts.username and parts.path.strip("/")):
        raise ValueError("must be a project's DSN as Sentry shows it, such as https://key@sentry.example.com/1")
    return value


def _rate_limit(value: str) -> str:
    with suppress(ValueError):
        if all(limit.amount for limit in parse_many(value)):
            return value
    raise ValueError("must look like '60 per minute' or '10 per second; 500 per hour', and let at least one pass")


def split_keys(value: str) -> list[str]:
    """Return the keys in ENCRYPTION_KEYS."""
    return [key.strip() for key in value.split(",") if key.strip()]


def _encryption_keys(value: SecretStr) -> SecretStr:
    try:
        for key in split_keys(value.get_secret_value()):
            Fernet(key)
    except ValueError:
        raise ValueError(
            "each key is 32 bytes in URL-safe base64, as `python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'` draws one"
        ) from None
    return value


_ROUTE = re.compile(r"\s*(?P<pattern>[\w.*?\[\]-]+)\s*=\s*(?P<queue>\w+)(?::(?P<lane>\w+))?\s*")


def _job_routes(value: object) -> object:
    """Parse `pattern = queue[:lane]` entries separated by commas or line ends into (pattern, queue, lane)."""
    if not isinstance(value, str):
        return value
    routes = []
    for entry in filter(None, (part.strip() for part in re.split(r"[,\n]", value))):
        match = _ROUTE.fullmatch(entry)
        if match is None or match["queue"] not in QUEUES or (match["lane"] or "default") not in LANES:
            raise ValueError(
                f"cannot read {entry!r}: write 'pattern = queue[:lane]' with a queue of {', '.join(QUEUES)} "
                f"and a lane of {', '.join(LANES)}"
            )
        routes.append((match["pattern"], match["queue"], match["lane"] or "default"))
    return tuple(routes)


class Settings(BaseSettings):
    """The environment, checked. One instance per process, from `settings()`."""

    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True, enable_decoding=False)

    environment: Environment = Environment.PRODUCTION
    database_url: Annotated[str, AfterValidator(_postgres_url)]
    database_pool_size: int = Field(5, ge=1, le=200)
    redis_url: Annotated[str, AfterValidator(_redis_url)]
    cache_redis_url: Annotated[str, AfterValidator(_redis_url)]
    smtp_url: Annotated[str, AfterValidator(_smtp_url)]
    mail_from: Annotated[str, AfterValidator(_mail_from)] = "Almanac <almanac@localhost>"
    secret_key: Annotated[SecretStr, AfterValidator(_secret_key)]
    encryption_keys: Annotated[SecretStr, AfterValidator(_encryption_keys)] | None = None
    public_url: Annotated[str, AfterValidator(_public_url)]
    host: Annotated[str, AfterValidator(_host)] = "0.0.0.0"  # noqa: S104  a container's own network
    port: int = Field(8000, ge=1, le=65535)
    web_concurrency: int = Field(2, ge=1, le=256)
    web_threads: int = Field(4, ge=1, le=256)
    trusted_proxies: int = Field(0, ge=0, le=5)
    session_days: int = Field(14, ge=1, le=365)
    password_memory_mb: int = Field(64, ge=1, le=4096)
    max_body_kilobytes: int = Field(256, ge=16, le=65536)

    rate_limit_public: Annotated[str, AfterValidator(_rate_limit)] = "60 per minute"
    rate_limit_holds: Annotated[str, AfterValidator(_rate_limit)] = "30 per minute"
    rate_limit_api: Annotated[str, AfterValidator(_rate_limit)] = "300 per minute"
    rate_limit_sign_in: Annotated[str, AfterValidator(_rate_limit)] = "10 per minute"

    job_routes: Annotated[tuple[tuple[str, str, str], ...], BeforeValidator(_job_routes)] = ()
    lease_seconds: float = Field(12, ge=2, le=300)
    reconcile_seconds: float = Field(2, ge=0.2, le=60)
    scheduler_seconds: float = Field(0.5, ge=0.05, le=10)
    job_retention_days: int = Field(7, ge=1, le=365)

    breaker_seconds: float = Field(30, ge=0.1, le=3600)

    worker_processes: int = Field(2, ge=1, le=128)
    worker_grace_seconds: float = Field(20, ge=0, le=3600)
    worker_max_jobs: int = Field(10_000, ge=1)
    worker_max_memory_mb: int = Field(150, ge=32)
    worker_hard_memory_mb: int = Field(400, ge=48)

    operator_organization: str | None = None
    live_streams: int = Field(1, ge=0, le=64)
    alert_job_seconds: float = Field(30, ge=1, le=3600)
    alert_failure_percent: float = Field(20, ge=1, le=100)
    alert_queue_depth: int = Field(1000, ge=1)
    alert_confirmation_minutes: float = Field(10, ge=1, le=1440)
    alert_late_confirmations: int = Field(0, ge=0)
    alert_booking_drop_percent: float = Field(80, ge=1, le=100)
    alert_memory_percent: float = Field(80, ge=10, le=100)
    alert_cache_miss_percent: float = Field(50, ge=1, le=100)
    alert_check_seconds: float = Field(45, ge=0.2, le=3600)
    alert_absence_seconds: float = Field(30, ge=0.2, le=3600)

    manage_link_days: int = Field(30, ge=1, le=3650)
    no_show_grace_minutes: int = Field(15, ge=0, le=10_080)
    availability_cache_hours: int = Field(24, ge=1, le=24 * 31)
    availability_days_ahead: int = Field(35, ge=1, le=366)

    reminder_hours: int = Field(24, ge=1, le=24 * 14)
    hold_minutes: float = Field(5, ge=0.05, le=60)
    holds_per_address: int = Field(5, ge=1, le=1000)
    waitlist_offer_minutes: float = Field(120, ge=0.02, le=2880)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"
    metrics_token: SecretStr | None = None
    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(_collector_url)] | None = None
    otel_service_name: str = Field("almanac", min_length=1)
    sentry_dsn: Annotated[SecretStr, AfterValidator(_sentry_dsn)] | None = None
    sentry_release: str | None = None
    mail_catcher_dir: Path | None = None

    @model_validator(mode="after")
    def _nothing_for_development_in_production(self) -> Settings:
        if self.environment is Environment.PRODUCTION and self.mail_catcher_dir is not None:
            raise ValueError("MAIL_CATCHER_DIR shows everybody's mail and is for development only: unset it")
        return self

    @model_validator(mode="after")
    def _passwords_are_dear_to_guess(self) -> Settings:
        if self.environment is Environment.PRODUCTION and self.password_memory_mb < LEAST_PASSWORD_MEMORY_MB:
            raise ValueError(f"PASSWORD_MEMORY_MB must be at least {LEAST_PASSWORD_MEMORY_MB} in production")
        return self

    @model_validator(mode="after")
    def _jobs_are_not_kept_with_what_may_be_forgotten(self) -> Settings:
        if _redis_database(self.redis_url) == _redis_database(self.cache_redis_url):
            raise ValueError(
                "CACHE_REDIS_URL must be another server than REDIS_URL, or at least another of its databases"
            )
        return self

    @model_validator(mode="after")
    def _memory_limits_in_order(self) -> Settings:
        if self.worker_hard_memory_mb <= self.worker_max_memory_mb:
            raise ValueError("WORKER_HARD_MEMORY_MB must be more than WORKER_MAX_MEMORY_MB")
        return self

    @property
    def public_host(self) -> str:
        """The host of PUBLIC_URL in ASCII, for names that must be ours: calendar UIDs, Message-IDs, EHLO."""
        return ascii_domain(urlsplit(self.public_url).hostname or "localhost")

    @property
    def session_cookie(self) -> str:
        """The name of the session's cookie: browsers keep cookies by host, so on each port of one it is another."""
        port = urlsplit(self.public_url).port
        return f"session_{port}" if port else "session"

    @property
    def is_development(self) -> bool:
        """True where the mail page and other comforts of development may show themselves."""
        return self.environment is Environment.DEVELOPMENT


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises SettingsError with one sentence that names the first setting that is missing or makes no sense.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return this process's settings; raises SettingsError as `load_settings` does."""
    return load_settings()


def settings_or_exit() -> Settings:
    """Return this process's settings; where they make no sense, say so and end the process (exit code 2)."""
    try:
        return settings()
    except SettingsError as error:
        print(f"Almanac cannot start: {error}", file=sys.stderr)  # noqa: T201  # there is no logger yet
        sys.exit(2)


def _sentence(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    if not problem["loc"]:
        return f"{problem['msg'].removeprefix('Value error, ')}."
    name = str(problem["loc"][0]).upper()
    if problem["type"] == "missing":
        return f"{name} is not set; docs/configure.md says what it is for."
    return f"{name} makes no sense: {problem['msg'].removeprefix('Value error, ')}."
