"""The database: typed base class, session, and the transaction that the edge owns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import uuid_utils.compat
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import TIMESTAMP, Enum, MetaData, Row, Select, Uuid, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

db = SQLAlchemy(metadata=metadata, session_options={"expire_on_commit": False})

T = TypeVar("T")
Hook = Callable[[], None]
Guard = Callable[[Session], None]

_IN_BLOCK = "almanac.in_transaction"
_AFTER_COMMIT = "almanac.after_commit"
_GATHERED = "almanac.gathered"
_guards: list[Guard] = []


def uuid7() -> UUID:
    """Return a new UUID version 7: unique, and in the order of creation."""
    return uuid_utils.compat.uuid7()


class Base(DeclarativeBase):
    """Every table: a UUIDv7 `id`, drawn when the object is made so that events can name it at once."""

    metadata = metadata
    type_annotation_map = {
        datetime: TIMESTAMP(timezone=True),
        UUID: Uuid(),
        dict[str, Any]: JSONB(none_as_null=True),
        list[dict[str, Any]]: JSONB(),
    }

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)


@event.listens_for(Base, "init", propagate=True)
def _draw_id(target: Base, _args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if "id" in type(target).__mapper__.columns and "id" not in kwargs:
        kwargs["id"] = uuid7()


E = TypeVar("E", bound=StrEnum)


def enum_column(kind: type[E], *, name: str) -> Enum:
    """Return a column type that stores `kind` by value as text, held to its values by a named check."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=24,
        values_callable=lambda members: [member.value for member in members],
    )


def session() -> Session:
    """Return the session of the current application context."""
    return db.session()


def read_alone(statement: Select[Any], values: Mapping[str, Any]) -> Row[Any] | None:
    """Return the first row of `statement`, as of what is committed, on a connection of its own; None without a row.

    No transaction is begun and ended around it, so it takes one exchange with the database where the session takes
    three: for the few reads that are done hundreds of times a second.
    """
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return connection.execute(statement, values).first()


@contextmanager
def reading() -> Iterator[None]:
    """Read in the block what is committed at each statement, without a transaction begun and ended around them.

    What the session was in the midst of stays as it is, and the block is then part of that. Nothing may be written.
    """
    current = session()
    if current.in_transaction():
        yield
        return
    current.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    try:
        yield
    finally:
        current.commit()


def passes_by_itself(error: BaseException) -> bool:
    """True for what a busy or restarting database says, so that the same again may well succeed in a moment.

    These are a lost connection (SQLSTATE class 08), a server that stops (57P), a lost race for a lock (55P03, 40P01,
    40001) and a pool without a free connection.
    """
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    state = _sqlstate(error)
    if state is None:
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return state.startswith(("08", "57P")) or state in {"55P03", "40P01", "40001"}


def lay_idle(error: BaseException) -> bool:
    """True when the database ended the session because its transaction had waited for its program for too long.

    That is SQLSTATE 25P03. The program was frozen then, or did something else meanwhile.
    """
    return isinstance(error, DBAPIError) and _sqlstate(error) == "25P03"


def _sqlstate(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def in_transaction() -> bool:
    """True inside a `transaction()` block of the current application context."""
    return bool(session().info.get(_IN_BLOCK))


@contextmanager
def transaction() -> Iterator[Session]:
    """Commit what the block did, or nothing of it.

    The edge (a view, a command, a job) owns the transaction; services only work inside it, so blocks do not nest:
    raises RuntimeError when they would. What `after_commit` was given runs once the commit is done.
    """
    current = session()
    if current.info.get(_IN_BLOCK):
        raise RuntimeError("transaction() blocks do not nest: the edge opens one, services work inside it")
    current.info[_IN_BLOCK] = True
    current.info[_AFTER_COMMIT] = []
    current.info[_GATHERED] = {}
    try:
        yield current
        current.flush()
        for guard in _guards:
            guard(current)
        current.commit()
        hooks = current.info[_AFTER_COMMIT]
    except BaseException:
        current.rollback()
        raise
    finally:
        current.info.pop(_IN_BLOCK, None)
        current.info.pop(_AFTER_COMMIT, None)
        current.info.pop(_GATHERED, None)
    for hook in hooks:
        hook()


def after_commit(hook: Hook) -> None:
    """Run `hook` once the surrounding `transaction()` has committed; raises RuntimeError outside one."""
    hooks = session().info.get(_AFTER_COMMIT)
    if hooks is None:
        raise RuntimeError("after_commit() needs a surrounding transaction()")
    hooks.append(hook)


def gather_for_commit(then: Callable[[list[T]], None], *items: T) -> None:
    """Have `then` called once with all that it was given in the surrounding `transaction()`, when that has committed.

    Raises RuntimeError outside one.
    """
    gathered: dict[Callable[[list[T]], None], list[T]] = session().info.get(_GATHERED, {})
    if then not in gathered:
        together = gathered[then] = []
        after_commit(lambda: then(together))
    gathered[then].extend(items)


@contextmanager
def savepoint() -> Iterator[None]:
    """Do what the block does, or nothing of it when it raises: nor what it asked to be done after the commit.

    The transaction goes on either way, for whoever catches what was raised.
    """
    hooks: list[Hook] = session().info.get(_AFTER_COMMIT, [])
    gathered: dict[Any, list[Any]] = session().info.get(_GATHERED, {})
    before = len(hooks), {then: len(items) for then, items in gathered.items()}
    try:
        with session().begin_nested():
            yield
    except BaseException:
        del hooks[before[0] :]
        for then, items in list(gathered.items()):
            if then in before[1]:
                del items[before[1][then] :]
            else:
                del gathered[then]  # the hook that it had is gone
        raise


def guard_commits(guard: Guard) -> None:
    """Have `guard` called with the session before each commit of `transaction()`; it raises to refuse the commit."""
    if guard not in _guards:
        _guards.append(guard)
