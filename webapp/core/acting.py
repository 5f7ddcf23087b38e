"""Who does what is being done at the moment: a guest by their link, a member, or the system by itself.

The edge says so (a request is a guest's until a member has signed in to it, by session or by token), and whoever writes
down what happened asks here. Jobs and commands are the system's own doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What kind of somebody acts."""

    GUEST = "guest"
    MEMBER = "member"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts; a member has a `user_id`, nobody else has."""

    kind: ActorKind
    user_id: UUID | None = None


GUEST = Actor(ActorKind.GUEST)
SYSTEM = Actor(ActorKind.SYSTEM)

_current: ContextVar[Actor] = ContextVar("almanac_actor", default=SYSTEM)


def current_actor() -> Actor:
    """Return who acts."""
    return _current.get()


def act_as(actor: Actor) -> None:
    """Say who acts from here on, in the surrounding `acting_as` block."""
    _current.set(actor)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Say who acts in the block, whatever is said in it about that."""
    token = _current.set(actor)
    try:
        yield
    finally:
        _current.reset(token)
