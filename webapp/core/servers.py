"""The addresses of other servers, as settings give them: what can be one, found out without asking anybody.

What is raised holds nothing of an address, for any piece of it may be one of a password.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

import psycopg
from psycopg.conninfo import make_conninfo
from redis import ConnectionPool, RedisError
from redis.connection import parse_url
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from webapp.core import sentinel
from webapp.core.addresses import is_host

# What libpq looks at only when it connects.
_CHOICES = {
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "channel_binding": {"disable", "prefer", "require"},
    "gssencmode": {"disable", "prefer", "require"},
    "target_session_attrs": {"any", "read-write", "read-only", "primary", "standby", "prefer-standby"},
    "load_balance_hosts": {"disable", "random"},
}
_NUMBERS = ("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count")
# What an address may ask of redis-py; others of its options change what the application gets to read.
_REDIS_WORDS = ("username", "password", "client_name", "ssl_")
_REDIS_FLAGS = ("socket_keepalive", "retry_on_timeout")
_REDIS_NUMBERS = ("socket_timeout", "socket_connect_timeout", "health_check_interval", "max_connections")
_REDIS_PATH = re.compile(r"/?[0-9]{0,10}/?")
_LONGEST_SECONDS = 86_400


def address(value: str, *schemes: str) -> SplitResult | None:
    """Return the parts of an address with one of these schemes that names a host; None when it is none."""
    with suppress(ValueError):
        parts = urlsplit(value)
        if parts.scheme in schemes and parts.hostname and _is_place(parts):
            return parts
    return None


def _is_place(parts: SplitResult) -> bool:
    """Tell whether host and port can be what they say; without either it is the usual one. May raise ValueError."""
    host = parts.hostname or "localhost"
    return (
        is_host(host)
        and ("[" in parts.netloc) == (":" in host)
        and not parts.netloc.endswith(":")
        and (parts.port is None or parts.port > 0)
    )


def postgres_url(value: str) -> str:
    """Accept the URL as Heroku and most hosts write it; name our driver in it. Raises ValueError."""
    scheme, _, rest = value.partition("://")
    ours = f"postgresql+psycopg://{rest}"
    with suppress(ArgumentError, ValueError, psycopg.Error):
        if scheme in {"postgres", "postgresql", "postgresql+psycopg"} and _can_be_tried(make_url(ours)):
            return ours
    raise ValueError(
        "must be a PostgreSQL URL such as postgresql://user:password@host:5432/name, after a ? nothing but libpq's own "
        "parameters, such as sslmode=require"
    )


def _can_be_tried(url: URL) -> bool:
    """Tell whether libpq would look for a server at all; may raise what it or SQLAlchemy raises."""
    _words, given = url.get_dialect()().create_connect_args(url)
    make_conninfo(**given)
    hosts, ports = (str(given.get(name, "")).split(",") for name in ("host", "port"))
    return (
        bool(given)
        and all(host.startswith(("/", "@")) or is_host(host or "localhost") for host in hosts)
        and all(0 < int(port or 5432) < 65536 for port in ports)
        and all(given.get(name) in {None, *choices} for name, choices in _CHOICES.items())
        and all(re.fullmatch("[0-9]{1,9}", str(given.get(name, 0))) for name in _NUMBERS)
        and all(isinstance(value, str | int) for value in given.values())  # one given twice is a tuple
    )


def redis_url(value: str) -> str:
    """Accept an address of Redis, also one that Sentinels know; raises ValueError."""
    if value.startswith(sentinel.SCHEMES):
        sentinel.parse(value)
        return value
    with suppress(ValueError, TypeError, RedisError):
        ConnectionPool.from_url(value).make_connection()  # which does not connect yet
        if _is_redis(urlsplit(value), _redis_options(value)):
            return value
    raise ValueError(
        "must look like redis://user:password@host:6379/0, rediss://…, unix:///run/redis.sock?db=0 or "
        "redis+sentinel://…, with / ? # @ and : in passwords written as %2F %3F %23 %40 and %3A"
    )


def redis_database(url: str) -> tuple[object, ...]:
    """Return what tells the database of a server from others, however it is written."""
    if url.startswith(sentinel.SCHEMES):
        read = sentinel.parse(url)
        return frozenset(read.sentinels), read.service, read.options.get("db", 0)
    options = _redis_options(url)
    return options.get("path") or (options["host"], options["port"]), options["db"]


def _redis_options(url: str) -> dict[str, Any]:
    usual = {"host": "localhost", "port": 6379, "db": 0}
    return {**usual, **parse_url(url)}  # type: ignore[no-untyped-call]  # redis-py's own, not annotated


def _is_redis(parts: SplitResult, options: dict[str, Any]) -> bool:
    """Tell whether all of it is meant as redis-py reads it: what it cannot read of a path, it leaves out."""
    if parts.scheme == "unix":
        is_somewhere = str(options.get("path", "")).startswith("/")
    else:
        is_somewhere = _is_place(parts) and is_host(options["host"]) and bool(_REDIS_PATH.fullmatch(parts.path))
    asked = parse_qs(parts.query)
    return (
        is_somewhere and sentinel.is_database(options["db"]) and all(_is_for_us(name, options[name]) for name in asked)
    )


def _is_for_us(name: str, value: Any) -> bool:
    if name in _REDIS_NUMBERS:
        return 0 < value <= _LONGEST_SECONDS or (name == "health_check_interval" and value == 0)
    return name == "db" or name in _REDIS_FLAGS or name.startswith(_REDIS_WORDS)


def smtp_url(value: str) -> str:
    """Accept the address of a mail server, with a login or without; raises ValueError."""
    parts = address(value, "smtp", "smtps", "smtp+starttls")
    if parts is None or parts.path.strip("/") or parts.query or parts.fragment or not _has_all_or_no_login(parts):
        raise ValueError("must look like smtp://host:25, smtp+starttls://user:password@host:587 or smtps://host:465")
    return value


def _has_all_or_no_login(parts: SplitResult) -> bool:
    return bool(parts.username) == bool(parts.password)
