"""Where requests are counted for the rate limits: in the cache's Redis, in one exchange for each request."""

from __future__ import annotations

import time

from flask import g
from limits.storage import RedisStorage

# Counts, and says how many milliseconds are left until the window ends.
_COUNT = b"""
local count = redis.call("INCRBY", KEYS[1], ARGV[2])
local left = redis.call("PTTL", KEYS[1])
if left < 0 then
    left = tonumber(ARGV[1]) * 1000
    redis.call("PEXPIRE", KEYS[1], left)
end
return {count, left}
"""


class OneExchange(RedisStorage):
    """Like the storage it extends, which asks twice more for what the headers of an answer say.

    Chosen by the scheme of its address, as `limits` documents for storages of one's own; needs a request.
    """

    STORAGE_SCHEME = ["almanac"]

    def initialize_storage(self, uri: str) -> None:
        """Register the scripts with `uri`'s server."""
        super().initialize_storage(uri)
        self._count = self.get_connection().register_script(_COUNT)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` more in the window of `expiry` seconds under `key`, and return how many there are."""
        count, left = self._count([self.prefixed_key(key)], [expiry, amount])
        _counted()[key] = int(count), time.time() + left / 1000
        return int(count)

    def get(self, key: str) -> int:
        """Return how many were counted under `key` when this request was, or are by now if it was not."""
        known = _counted().get(key)
        return known[0] if known else super().get(key)

    def get_expiry(self, key: str) -> float:
        """Return when the window under `key` ends, in seconds of the epoch."""
        known = _counted().get(key)
        return known[1] if known else super().get_expiry(key)


def _counted() -> dict[str, tuple[int, float]]:
    """Return what this request was told: by key how many there were, and when the window ends."""
    counted: dict[str, tuple[int, float]] = g.setdefault("almanac_counted", {})
    return counted
