"""Every setting of Almanac, read once from the environment (docs/configure.md explains each)."""

from __future__ import annotations

import re
import sys
import unicodedata
from contextlib import suppress
from email.utils import getaddresses
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from limits import parse_many
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from webapp.core.addresses import ascii_domain, is_host, wire_address
from webapp.core.servers import address, postgres_url, redis_database, redis_url, smtp_url
from webapp.core.words import LONGEST_SLUG, is_slug, is_text

QUEUES = ("bookings", "email", "notifications", "maintenance")
LANES = ("high", "default", "low")
# How often each queue is looked at first when all of them have work.
QUEUE_WEIGHTS = {"bookings": 7, "email": 5, "notifications": 5, "maintenance": 1}

# What OWASP asks of Argon2id at the very least.
LEAST_PASSWORD_MEMORY_MB = 19
LEAST_SECRET_CHARACTERS = 32
# As much as no installation has, and every column and counter can hold.
MOST = 1_000_000_000
MOST_MEMORY_MB = 4 * 1024 * 1024
LONGEST_LIMIT = 366 * 86_400
# These may be written on several lines, and a key is as good with any character that is one.
_MAY_HOLD_CONTROLS = ("secret_key", "encryption_keys", "job_routes")


class Environment(StrEnum):
    """Where the process runs; production refuses what only development may do."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SettingsError(Exception):
    """A setting makes no sense; the message is one sentence naming it."""


def _mail_from(value: str) -> str:
    try:
        ((_name, sender),) = getaddresses([value])
        wire_address(sender)
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
    parts = address(value, "http", "https")
    if parts is None or parts.path.strip("/") or re.search("[?#@]", value):
        raise ValueError("must be the address people type and no more, such as https://book.example.com")
    return f"{parts.scheme}://{parts.netloc}"


def _host(value: str) -> str:
    if not is_host(value):
        raise ValueError("must be an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them")
    return value


def _collector_url(value: str) -> str:
    if address(value, "http", "https") is None:
        raise ValueError("must be where an OpenTelemetry collector takes OTLP over HTTP, such as http://localhost:4318")
    return value.rstrip("/")


def _sentry_dsn(value: SecretStr) -> SecretStr:
    parts = address(value.get_secret_value(), "http", "https")
    if parts is None or not (parts.username and re.fullmatch("/(.*/)?[0-9]+", parts.path)):
        raise ValueError("must be a project's DSN as Sentry shows it, such as https://key@sentry.example.com/1")
    return value


def _rate_limit(value: str) -> str:
    with suppress(ValueError):
        if re.search(r"(/|per)\s*0+\s*[a-z]", value, re.IGNORECASE):  # which `limits` takes for one
            raise ValueError
        if all(0 < limit.amount < 10**9 and 0 < limit.get_expiry() <= LONGEST_LIMIT for limit in parse_many(value)):
            return value
    raise ValueError(
        "must look like '60 per minute' or '10 per second; 500 per hour', let at least one pass, and be for a year at "
        "most"
    )


def split_keys(value: str) -> list[str]:
    """Return the keys in ENCRYPTION_KEYS."""
    return [key.strip() for key in value.split(",") if key.strip()]


def _encryption_keys(value: SecretStr) -> SecretStr:
    keys = split_keys(value.get_secret_value())
    try:
        for key in keys:
            Fernet(key)
    except ValueError:
        keys = []
    if not keys:
        raise ValueError(
            "each key is 32 bytes in URL-safe base64, as `python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'` draws one"
        )
    return value


def _metrics_token(value: SecretStr) -> SecretStr:
    if not re.fullmatch("[!-~]([ -~]*[!-~])?", value.get_secret_value()):
        raise ValueError("must be what a header can carry: letters of ASCII, digits and signs, no blanks at its ends")
    return value


def _organization(value: str) -> str:
    if not is_slug(value):
        raise ValueError(
            "must be an organisation's name in addresses: lower-case letters, digits and single hyphens, "
            f"{LONGEST_SLUG} at most"
        )
    return value


def _folder(value: Path) -> Path:
    with suppress(OSError):
        if next(place for place in (value, *value.absolute().parents) if place.exists()).is_dir():
            return value
    raise ValueError("must be a folder, or where one can be made")


_ROUTE = re.compile(r"\s*(?P<pattern>([\w.*?-]|\[[\w.-]+\])+)\s*=\s*(?P<queue>\w+)(?::(?P<lane>\w+))?\s*")


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

    model_config = SettingsConfigDict(
        env_ignore_empty=True, extra="ignore", frozen=True, enable_decoding=False, allow_inf_nan=False
    )

    environment: Environment = Environment.PRODUCTION
    database_url: Annotated[str, AfterValidator(postgres_url)]
    database_pool_size: int = Field(5, ge=1, le=200)
    redis_url: Annotated[str, AfterValidator(redis_url)]
    cache_redis_url: Annotated[str, AfterValidator(redis_url)]
    smtp_url: Annotated[str, AfterValidator(smtp_url)]
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
    worker_max_jobs: int = Field(10_000, ge=1, le=MOST)
    worker_max_memory_mb: int = Field(150, ge=32, le=MOST_MEMORY_MB)
    worker_hard_memory_mb: int = Field(400, ge=48, le=MOST_MEMORY_MB)

    operator_organization: Annotated[str, AfterValidator(_organization)] | None = None
    live_streams: int = Field(1, ge=0, le=64)
    alert_job_seconds: float = Field(30, ge=1, le=3600)
    alert_failure_percent: float = Field(20, ge=1, le=100)
    alert_queue_depth: int = Field(1000, ge=1, le=MOST)
    alert_confirmation_minutes: float = Field(10, ge=1, le=1440)
    alert_late_confirmations: int = Field(0, ge=0, le=MOST)
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
    metrics_token: Annotated[SecretStr, AfterValidator(_metrics_token)] | None = None
    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(_collector_url)] | None = None
    otel_service_name: str = Field("almanac", min_length=1)
    sentry_dsn: Annotated[SecretStr, AfterValidator(_sentry_dsn)] | None = None
    sentry_release: str | None = None
    mail_catcher_dir: Annotated[Path, AfterValidator(_folder)] | None = None

    @field_validator("*", mode="before")
    @classmethod
    def _text_alone(cls, value: object, about: ValidationInfo) -> object:
        """Refuse what the environment holds as bytes that are no text, and what would end a line elsewhere.

        A line end behind it is no part of it: that is how secrets are kept that somebody has made with `echo`.
        """
        if not isinstance(value, str):
            return value
        if not is_text(value):
            raise ValueError("must be text in UTF-8")
        if about.field_name in _MAY_HOLD_CONTROLS:
            return value
        word = value.rstrip("\r\n")
        if any(unicodedata.category(letter) == "Cc" for letter in word):
            raise ValueError("must be without control characters, such as line ends")
        return word

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
        if redis_database(self.redis_url) == redis_database(self.cache_redis_url):
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
