"""Jobs that are given a secret and treat it as badly as they can."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from jobs.runtime import RetryPolicy, Secret, group, job, progress
from tests.jobs.sample import leave_mark
from webapp.core.crypto import digest
from webapp.core.logs import get_logger

log = get_logger(__name__)


@job(queue="maintenance")
def sign_in_elsewhere(token: Secret[str], user: str = "ada", spare: Secret[str] | None = None) -> dict[str, Any]:
    """Leaves proof that it could read the secret, and tells it to whoever listens."""
    leave_mark(digest(token.reveal()))
    progress(1, 2, f"signing in with {token.reveal()}")
    log.warning("signing in", body=f"with {token.reveal()!r}", nested={"list": [token.reveal()]}, shown=token)
    address = f"https://x.test/?t={quote(token.reveal())}"
    return {"answer": [f"welcome, {token.reveal()}"], "url": address, "count": 12345}


@job(queue="maintenance", retry=RetryPolicy("once", (0,)))
def fail_to_sign_in(token: Secret[str]) -> None:
    try:
        raise KeyError(token.reveal())
    except KeyError as error:
        raise ValueError(f"the other side refused {token.reveal()!r}") from error


@job(queue="maintenance", durable=False)
def fail_cheaply(token: Secret[str]) -> None:
    log.warning("about to fail", body=token.reveal())
    raise ValueError(f"the other side refused {token.reveal()}")


@job(queue="maintenance", durable=False)
def tell_cheaply(token: Secret[str]) -> list[Any]:
    return [token.reveal(), 12345]


@job(queue="maintenance", atomic=True)
def hand_on(token: Secret[str]) -> None:
    group(sign_in_elsewhere.s(token, spare=token), fail_to_sign_in.s(token)).enqueue()


@job(queue="maintenance")
def use_many(tokens: list[Secret[str]], pins: dict[str, Secret[int]]) -> None:
    for token in tokens:
        leave_mark(digest(token.reveal()))
    leave_mark(str(sum(pin.reveal() for pin in pins.values())))
