"""The one place where a query is held to an organisation, and how a row is read that is about to be changed."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload
from sqlalchemy.orm.interfaces import ORMOption

from webapp.core.db import Base, session
from webapp.core.errors import NotFound

T = TypeVar("T", bound=Base)


def scoped(kind: type[T], organization_id: UUID) -> Select[T]:
    """Return a query for the rows of `kind` that belong to the organisation, and no others."""
    return select(kind).filter_by(organization_id=organization_id)


def find_scoped(kind: type[T], *, organization_id: UUID, id: UUID, options: tuple[ORMOption, ...] = ()) -> T:  # noqa: A002  # it is the column's name
    """Return the organisation's row of `kind` with this `id`; raises NotFound, also for another organisation's."""
    found = session().scalars(scoped(kind, organization_id).filter_by(id=id).options(*options)).one_or_none()
    if found is None:
        raise NotFound
    return found


def read_locked(row: Base, *related: str) -> None:
    """Read a row again, and what is `related` to it, and have others who would change it wait until the commit.

    Whoever only refers to it does not wait. What was changed before is written first. Raises NotFound when it is gone.
    """
    session().flush()
    kind = type(row)
    statement = select(kind).where(kind.id == row.id).with_for_update(key_share=True, of=kind)
    eager = [selectinload(getattr(kind, name)) for name in related]
    # Over what is known of the rows, of the related ones as well.
    found = session().scalars(statement.options(*eager), execution_options={"populate_existing": True})
    if found.unique().one_or_none() is None:
        raise NotFound
