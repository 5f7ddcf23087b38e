from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Barrier, Thread

import pytest
from redis import ConnectionError as NotConnected
from redis import Redis

from devserver.servers import HOST, EmbeddedRedis
from devserver.servers import wait_until as poll
from tests.faults.sentinels import PATIENCE_SECONDS, SERVICE, Guard, Sentinel
from webapp.core.redis import connect


@contextmanager
def started(folder: Path) -> Iterator[Guard]:
    """A primary with its replica and Sentinels."""
    with ExitStack() as stack:
        guard = Guard(folder, stack.enter_context(EmbeddedRedis(folder / "primary", persistent=True)))
        for server in guard.servers:
            stack.enter_context(server)
        guard.wait_until_complete()
        yield guard


@pytest.fixture(scope="module")
def _started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    with started(tmp_path_factory.mktemp("guarded")) as guard:
        yield guard


@pytest.fixture
def guard(_started: Guard) -> Iterator[Guard]:
    """Shared by tests that may kill Sentinels, and nothing else."""
    yield _started
    for sentinel in _started.sentinels:
        sentinel.start()


def test_a_client_finds_the_primary_by_any_sentinel_that_answers(guard: Guard) -> None:
    for sentinel in guard.sentinels[:2]:
        sentinel.kill()
    with connect(guard.url(3)) as client, Redis(port=guard.first.port, db=3) as direct:
        client.set("found", "yes")
        assert direct.get("found") == b"yes"


def _counts(client: Redis) -> bool:
    """Count one more try; False while there is no primary."""
    with suppress(NotConnected):
        client.incr("tries")
        return True
    return False


@pytest.mark.slow
def test_a_client_goes_to_the_new_primary_by_itself(tmp_path: Path) -> None:
    with started(tmp_path) as guard, connect(guard.url(0)) as client:
        client.incr("tries")
        guard.first.kill()
        with pytest.raises(NotConnected):
            client.incr("tries")
        heir = guard.kill_primary()
        assert poll(partial(_counts, client), PATIENCE_SECONDS)  # the Sentinels may not be on good terms with it yet
        with Redis(port=heir.port) as direct:
            assert direct.get("tries") == b"2"


def test_sentinels_that_are_behind_lead_nobody_to_a_replica(guard: Guard, tmp_path: Path) -> None:
    with (
        Sentinel(tmp_path / "behind", over=guard.replica) as behind,
        connect(f"redis+sentinel://{HOST}:{behind.port}/{SERVICE}/0") as client,
        pytest.raises(NotConnected, match="is not the primary"),
    ):
        client.get("anything")


def test_without_any_sentinel_redis_is_away(guard: Guard) -> None:
    for sentinel in guard.sentinels:
        sentinel.kill()
    with connect(guard.url(0)) as client, pytest.raises(NotConnected, match="no Sentinel knows"):
        client.ping()


def test_redis_and_sentinels_are_told_a_password_each(tmp_path: Path) -> None:
    with started(tmp_path) as guard:
        with Redis(port=guard.first.port) as redis:
            redis.config_set("requirepass", "for/redis")
        for sentinel in guard.sentinels:
            with Redis(port=sentinel.port) as redis:
                redis.execute_command("SENTINEL", "SET", SERVICE, "auth-pass", "for/redis")
                redis.execute_command("ACL", "SETUSER", "default", "resetpass", ">for:sentinels")
        address = guard.url(0).replace("://", "://:for%2Fredis@")
        with connect(f"{address}?sentinel_password=for%3Asentinels") as client:
            assert client.ping()


def test_many_threads_that_look_for_the_primary_at_once_forget_no_sentinel(guard: Guard) -> None:
    guard.sentinels[0].kill()
    with connect(guard.url(0)) as client:
        sentinel = client.connection_pool.sentinel_manager
        together = Barrier(8)

        def look() -> None:
            together.wait()
            for _ in range(20):
                sentinel.discover_master(SERVICE)

        threads = [Thread(target=look) for _ in range(together.parties)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ports = {known.connection_pool.connection_kwargs["port"] for known in sentinel.sentinels}
        assert ports == {known.port for known in guard.sentinels}
