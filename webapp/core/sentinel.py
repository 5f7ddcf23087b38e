"""A Redis whose primary may change: several Sentinels say which server it is at the moment.

`redis+sentinel://[user:password@]host1:26379,host2:26379,host3:26379/service[/database][?options]`, and with
`rediss+sentinel://` TLS to the Sentinels and to Redis. docs/scale.md says how to set such a set up.
"""

from __future__ import annotations

from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from redis import ConnectionError as NotConnected
from redis import Redis
from redis.connection import Connection, parse_url
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelManagedConnection, SentinelManagedSSLConnection

from webapp.core.addresses import is_host

SCHEMES = ("redis+sentinel://", "rediss+sentinel://")
PORT = 26379

_SHAPE = (
    "must look like redis+sentinel://host1:26379,host2:26379,host3:26379/name/0, where name is what the Sentinels "
    "call the primary, with / ? # @ and : in passwords written as %2F %3F %23 %40 and %3A"
)
_OWN = "sentinel_"
_KNOWN = ("username", "password", "db", "ssl_", "sentinel_username", "sentinel_password")


@dataclass(frozen=True, kw_only=True)
class SentinelSet:
    """Who to ask (host and port of each Sentinel) for the primary of which `service`.

    `options` and `sentinel_options` are what redis-py needs to talk to Redis and to the Sentinels: logins, the
    database, TLS.
    """

    sentinels: tuple[tuple[str, int], ...]
    service: str
    tls: bool
    options: dict[str, Any] = field(repr=False)
    sentinel_options: dict[str, Any] = field(repr=False)


def parse(url: str) -> SentinelSet:
    """Return what the address says; raises ValueError with what is wrong with it, and nothing secret."""
    scheme, _, rest = url.partition("+sentinel://")
    place, _, query = rest.partition("?")
    authority, _, path = place.partition("/")
    login, at, hosts = authority.rpartition("@")
    service, _, database = path.partition("/")
    if not service or not (database or "0").isdecimal():
        raise ValueError(_SHAPE)
    read = _read(f"{scheme}://{login}{at}primary/{database or 0}?{query}")
    secure = {name: value for name, value in read.items() if name.startswith("ssl_")}
    own = {name.removeprefix(_OWN): value for name, value in read.items() if name.startswith(_OWN)}
    return SentinelSet(
        sentinels=tuple(_host_and_port(host) for host in hosts.split(",")),
        service=service,
        tls=scheme == "rediss",
        options={name: value for name, value in read.items() if not name.startswith(_OWN)},
        sentinel_options={**secure, **own},
    )


def _read(ordinary: str) -> dict[str, Any]:
    """Return login, database and options as redis-py reads them in an ordinary address; raises ValueError."""
    try:
        read: dict[str, Any] = parse_url(ordinary)  # type: ignore[no-untyped-call]  # redis-py's own, not annotated
    except ValueError:  # its message may hold a piece of the password
        raise ValueError(_SHAPE) from None
    for name in ("host", "connection_class"):
        read.pop(name, None)
    if not is_database(read["db"]):
        raise ValueError(_SHAPE)
    for name in read:
        if not name.startswith(_KNOWN):
            raise ValueError(f"has an option that Sentinels have no use for: leave {name} out")
    return read


def is_database(number: int) -> bool:
    """Tell whether a server may have a database of this number; most have sixteen."""
    return 0 <= number < 2**31


def _host_and_port(text: str) -> tuple[str, int]:
    with suppress(ValueError):  # as above
        parts = urlsplit(f"//{text}")
        port = PORT if parts.port is None else parts.port
        if is_host(parts.hostname or "") and ("[" in text) == (":" in str(parts.hostname)) and port:
            return str(parts.hostname), port
    raise ValueError(_SHAPE)


def connect(to: SentinelSet, *, limits: dict[str, Any], sentinel_limits: dict[str, Any]) -> Redis:
    """Return a client of whichever server is the primary when it connects; `limits` are redis-py's, for each side.

    A connection stays with its server until it breaks, and Sentinels break all connections to a primary that they put
    down. While there is no primary every command raises redis.ConnectionError, as if Redis were away.
    """
    asking = {"ssl": to.tls, **to.sentinel_options, **sentinel_limits}
    sentinel = _Sentinels(to.sentinels, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]  # as above
    connection_class = _SecurePrimary if to.tls else _Primary
    client = sentinel.master_for(  # type: ignore[no-untyped-call]  # as above
        to.service, connection_class=connection_class, **to.options, **limits
    )
    return cast("Redis", client)


class _Sentinels(Sentinel):
    """redis-py's, for several threads: its own may lose a Sentinel when two of them reorder the list at once."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return host and port of the primary, asking first whoever knew it last; raises MasterNotFoundError."""
        asking = copy(self)
        asking.sentinels = list(self.sentinels)
        try:
            found = Sentinel.discover_master(asking, service_name)  # type: ignore[no-untyped-call]  # as above
        except MasterNotFoundError:  # its message is a page long
            raise MasterNotFoundError(f"no Sentinel knows of a primary called {service_name!r} just now") from None
        self.sentinels = asking.sentinels
        return cast("tuple[str, int]", found)


class _IsPrimary(Connection):
    """A connection that makes sure of being with the primary, for Sentinels may be a few seconds behind.

    A replica would refuse every write from then on without ever closing the connection.
    """

    def on_connect_check_health(self, check_health: bool = True) -> None:
        """Greet the server; raises redis.ConnectionError when it is not a primary."""
        super().on_connect_check_health(check_health=check_health)
        self.send_command("ROLE", check_health=False)  # type: ignore[no-untyped-call]  # as above
        if self.read_response()[0] != b"master":  # type: ignore[no-untyped-call]  # as above
            raise NotConnected(f"{self.host}:{self.port} is not the primary any more, or not yet")


class _Primary(_IsPrimary, SentinelManagedConnection):
    pass


class _SecurePrimary(_IsPrimary, SentinelManagedSSLConnection):
    pass
