from __future__ import annotations

from ssl import CERT_NONE

import pytest
from redis.connection import SSLConnection

from webapp.core.redis import connect
from webapp.core.sentinel import SCHEMES, parse
from webapp.core.settings import SettingsError, load_settings


def test_an_address_names_the_sentinels_the_service_and_the_database() -> None:
    read = parse("redis+sentinel://one:26379,two:26380,three/almanac/2")
    assert read.sentinels == (("one", 26379), ("two", 26380), ("three", 26379))
    assert (read.service, read.tls, read.options, read.sentinel_options) == ("almanac", False, {"db": 2}, {})


def test_the_first_database_and_six_numbers_of_an_address_may_do() -> None:
    read = parse("redis+sentinel://[::1]:26380,[::2]/almanac")
    assert read.sentinels == (("::1", 26380), ("::2", 26379))
    assert read.options == {"db": 0}


def test_redis_and_its_sentinels_may_ask_for_logins_of_their_own_over_tls() -> None:
    read = parse("rediss+sentinel://us%40er:p%2Fw@one/almanac/0?ssl_cert_reqs=none&sentinel_password=s%3Aw")
    assert read.tls
    assert read.options == {"username": "us@er", "password": "p/w", "db": 0, "ssl_cert_reqs": "none"}
    assert read.sentinel_options == {"password": "s:w", "ssl_cert_reqs": "none"}
    assert "p/w" not in repr(read)
    assert "s:w" not in repr(read)


def test_with_tls_it_is_spoken_with_redis_and_with_the_sentinels() -> None:
    with connect("rediss+sentinel://one,two/almanac?ssl_cert_reqs=none&ssl_check_hostname=false") as client:
        pool = client.connection_pool
        asked = [sentinel.connection_pool for sentinel in pool.sentinel_manager.sentinels]
        for made in (each.make_connection() for each in (pool, *asked)):
            assert isinstance(made, SSLConnection)
            assert (made.cert_reqs, made.check_hostname) == (CERT_NONE, False)


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "one:26379",
        "one:26379/",
        "/almanac/0",
        "one,,three/almanac",
        "one:port/almanac",
        "one:99999/almanac",
        "one/almanac/first",
        "user:pa/geheim@one/almanac",
        "user:pa#geheim@one/almanac",
        "user:pa?geheim@one/almanac",
        "one/almanac?socket_timeout=5",
    ],
)
@pytest.mark.parametrize("name", ["REDIS_URL", "CACHE_REDIS_URL"])
def test_an_address_that_makes_no_sense_stops_the_start_and_tells_no_password(
    name: str, rest: str, migrated_app: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, SCHEMES[0] + rest)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value).startswith(f"{name} makes no sense: ")
    assert "geheim" not in str(refused.value)
