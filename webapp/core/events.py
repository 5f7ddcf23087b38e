"""Domain events: how a service says what happened without knowing who cares.

A service publishes inside the caller's transaction; each subscriber runs at once, in that same transaction, and so
either everything that follows from the fact is written with it or the fact itself is not. Jobs subscribe with
`@job(on=...)`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar


@dataclass(frozen=True, kw_only=True, slots=True)
class DomainEvent:
    """A fact of the business, in the past tense, carrying ids and plain values only."""


E = TypeVar("E", bound=DomainEvent)

_subscribers: dict[type[DomainEvent], list[Callable[..., None]]] = defaultdict(list)


def subscribe(kind: type[E], subscriber: Callable[[E], None]) -> None:
    """Call `subscriber` with each event of this `kind` or of a more special one, in the publisher's transaction."""
    _subscribers[kind].append(subscriber)


def publish(event: DomainEvent) -> None:
    """Hand `event` to its subscribers; what they raise undoes the caller's transaction."""
    for kind in type(event).__mro__:
        for subscriber in _subscribers.get(kind, ()):
            subscriber(event)
