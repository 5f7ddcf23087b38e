"""What a job may be limited by: so many starts in a period, so many runs at once, for the job or for each key."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

# The name of an argument, or a function that takes some of the arguments by their names.
Key = str | Callable[..., object]

_RATE = re.compile(r"(?P<count>[1-9]\d*)/(?P<times>[1-9]\d*)?(?P<unit>[smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST_KEY = 200


@dataclass(frozen=True)
class Rate:
    """At most `count` starts in any `seconds`."""

    count: int = 100
    seconds: int = 60

    @classmethod
    def read(cls, text: str | bool) -> Rate | None:
        """Read `100/m`, `5/10s`, `1000/h` or `2/d`; True is 100 a minute, False none. Raises ValueError."""
        if isinstance(text, bool):
            return cls() if text else None
        match = _RATE.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no rate: write a number and a period, such as '100/m' or '5/10s'")
        return cls(int(match["count"]), int(match["times"] or 1) * _SECONDS[match["unit"]])

    def __str__(self) -> str:
        return f"{self.count} in {self.seconds} s"


class LimitKeys(NamedTuple):
    """Under which keys a run counts: for the rate, and for the slots of concurrency."""

    rate: str | None = None
    slot: str | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one job; without a key a limit is the job's own, with one each value has its own limit."""

    rate: Rate | None = None
    rate_key: Key | None = None
    concurrency: int | None = None
    concurrency_key: Key | None = None

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        if (self.rate_key and not self.rate) or (self.concurrency_key and not self.concurrency):
            raise ValueError("a key without its limit limits nothing: give rate or concurrency as well")

    def __bool__(self) -> bool:
        return self.rate is not None or self.concurrency is not None

    def check(self, parameters: Mapping[str, inspect.Parameter]) -> None:
        """Raise ValueError when a key asks for an argument that the job does not have."""
        for key in (self.rate_key, self.concurrency_key):
            unknown = sorted(set(_wanted(key) if key else ()) - set(parameters))
            if unknown:
                raise ValueError(f"the key of a limit asks for {', '.join(unknown)}, which the job does not take")

    def keys(self, job: str, values: Mapping[str, Any]) -> LimitKeys:
        """Return under which keys a run of `job` with these arguments counts.

        One whose argument is not known yet, the result of another step, counts for the job as a whole.
        """
        return LimitKeys(
            rate=_named(job, self.rate_key, values) if self.rate else None,
            slot=_named(job, self.concurrency_key, values) if self.concurrency else None,
        )


def own_key(job: str, value: object) -> str:
    """Return the key by which `job` knows this value: another job's is another, and none is too long to be kept."""
    name = f"{job}:{value}"
    if len(name) <= _LONGEST_KEY:
        return name
    return f"{job}:{hashlib.sha256(name.encode()).hexdigest()}"


def _wanted(key: Key) -> list[str]:
    return [key] if isinstance(key, str) else list(inspect.signature(key).parameters)


def _named(job: str, key: Key | None, values: Mapping[str, Any]) -> str:
    if key is None or not set(_wanted(key)) <= set(values):
        return job
    wanted = {name: values[name] for name in _wanted(key)}
    return own_key(job, wanted[key] if isinstance(key, str) else key(**wanted))
