"""A Redis with a replica and three Sentinels, which put the replica in a lost primary's place."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis, RedisError

from devserver import tether
from devserver.servers import HOST, EmbeddedRedis, EmbeddedServer, redis_program
from devserver.servers import wait_until as poll
from tests.faults.fleet import Fleet
from tests.faults.harness import Installation

SERVICE = "almanac"
RULES = {"down-after-milliseconds": 1000, "failover-timeout": 3000}
PATIENCE_SECONDS = 30


class Replica(EmbeddedRedis):
    """A Redis that follows another, from its start until Sentinels tell it otherwise."""

    def __init__(self, folder: Path, *, of: EmbeddedRedis) -> None:
        super().__init__(folder, persistent=True)
        self._leader = of

    def _command(self) -> list[str]:
        return [*super()._command(), "--replicaof", HOST, str(self._leader.port)]


class Sentinel(EmbeddedRedis):
    """One of those that watch over a Redis; two of them must agree that it is gone."""

    _stop_signal = signal.SIGKILL  # it has written down already what it would save

    def __init__(self, folder: Path, *, over: EmbeddedRedis) -> None:
        super().__init__(folder, persistent=False)
        self._over = over
        self._file = self.folder / "sentinel.conf"

    def _prepare(self) -> None:
        super()._prepare()
        if self._file.exists():  # what it has learned since is written there
            return
        rules = [f"sentinel monitor {SERVICE} {HOST} {self._over.port} 2"]
        rules += [f"sentinel {name} {SERVICE} {value}" for name, value in RULES.items()]
        self._file.write_text("\n".join([*rules, ""]))

    def _command(self) -> list[str]:
        own = ("--port", str(self.port), "--bind", HOST, "--dir", str(self.folder), "--pidfile", str(self._pid_file))
        return tether.command(redis_program(), str(self._file), "--sentinel", *own, on_death=self._stop_signal)


class Guard:
    """The replica of one Redis, `first`, and three Sentinels over both."""

    def __init__(self, folder: Path, first: EmbeddedRedis) -> None:
        self.first = first
        self.replica = Replica(folder / "replica", of=first)
        self.sentinels = [Sentinel(folder / f"sentinel-{number}", over=first) for number in range(3)]

    @property
    def servers(self) -> tuple[EmbeddedServer, ...]:
        return self.replica, *self.sentinels

    def url(self, database: int) -> str:
        """The address that names the Sentinels."""
        hosts = ",".join(f"{HOST}:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{hosts}/{SERVICE}/{database}"

    @property
    def primary(self) -> EmbeddedRedis:
        """Whichever of the two the first Sentinel takes for the primary."""
        with Redis.from_url(self.sentinels[0].url) as redis:
            _host, port = redis.sentinel_get_master_addr_by_name(SERVICE)
        return self.first if int(port) == self.first.port else self.replica

    @property
    def follower(self) -> EmbeddedRedis:
        """The other one."""
        return self.first if self.primary is self.replica else self.replica

    def wait_until_complete(self) -> None:
        """Return when the Sentinels know each other and both servers, and the one follows the other."""
        assert poll(self._is_complete, PATIENCE_SECONDS), "the Sentinels or the replica are not ready"

    def kill_primary(self) -> EmbeddedRedis:
        """Kill the primary, and return the other when it has taken over."""
        lost, heir = self.primary, self.follower
        lost.kill()
        assert poll(lambda: self.primary is heir and _role(heir) == "master", PATIENCE_SECONDS), "nobody took over"
        return heir

    @contextmanager
    def replication_cut(self) -> Iterator[None]:
        """Within the block nothing that is written to the primary reaches the replica."""
        cut_off = self.follower
        with Redis.from_url(cut_off.url) as redis:
            redis.config_set("masteruser", "nobody")
            redis.config_set("masterauth", "wrong")  # which the primary refuses, though it asks for none
            redis.client_kill_filter(_type="master")
            assert poll(lambda: not _is_linked(cut_off), PATIENCE_SECONDS), "the replica still follows"
            yield
            redis.config_set("masterauth", "")

    def _is_complete(self) -> bool:
        return all(map(_knows_all, self.sentinels)) and _is_linked(self.follower)


class GuardedInstallation(Installation):
    """An installation both of whose Redis addresses name Sentinels; `jobs_redis` is the primary to begin with."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.guard = Guard(folder, self.jobs_redis)

    @property
    def servers(self) -> tuple[EmbeddedServer, ...]:
        return *super().servers, *self.guard.servers

    def _settings(self) -> dict[str, str]:
        return super()._settings() | _addresses(self.guard)


class GuardedFleet(Fleet):
    """A fleet on a Redis with Sentinels."""

    def __init__(self, folder: Path, *, app: str, tables: str, **settings: str) -> None:
        super().__init__(folder, app=app, tables=tables, **settings)
        self.guard = Guard(folder, self.jobs_redis)

    @property
    def servers(self) -> tuple[EmbeddedServer, ...]:
        return *super().servers, *self.guard.servers

    def _environment(self) -> dict[str, str]:
        return super()._environment() | _addresses(self.guard)


def _addresses(guard: Guard) -> dict[str, str]:
    return {"REDIS_URL": guard.url(0), "CACHE_REDIS_URL": guard.url(1)}


def _knows_all(sentinel: Sentinel) -> bool:
    with Redis.from_url(sentinel.url) as redis:
        state = redis.sentinel_master(SERVICE)
    return bool(state["num-other-sentinels"] == 2 and state["num-slaves"] == 1)


def _role(server: EmbeddedRedis) -> str:
    return str(_replication(server).get("role"))


def _is_linked(server: EmbeddedRedis) -> bool:
    return bool(_replication(server).get("master_link_status") == "up")


def _replication(server: EmbeddedRedis) -> dict[str, str]:
    try:
        with Redis.from_url(server.url) as redis:
            about: dict[str, str] = redis.info("replication")
            return about
    except RedisError:  # it is down
        return {}
