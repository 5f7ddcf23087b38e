"""The links by which guests reach their bookings without an account.

A link's token is derived from the installation's secret, the booking and a generation, so every mail can write it while
the database keeps no more than its digest. A new generation is a new token, and the end of the one before. It lives for
MANAGE_LINK_DAYS after the meeting; whoever gives a booking its time gives it a link that lasts so long.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from webapp.core import clock, crypto
from webapp.core.db import session
from webapp.core.events import publish
from webapp.core.scope import read_locked
from webapp.core.settings import settings
from webapp.scheduling.events import BookingLinkRevoked
from webapp.scheduling.models import Booking, BookingStatus


def manage_token(booking: Booking) -> str:
    """Return the token that lets its guest see, move and cancel the booking; the same for all of a generation."""
    generation = (str(booking.manage_generation),) if booking.manage_generation else ()  # the first was not numbered
    return crypto.derive_token("manage", str(booking.id), *generation)


def manage_url(booking: Booking) -> str:
    """Return the address at which its guest sees, moves and cancels the booking."""
    return f"{settings().public_url}/manage/{manage_token(booking)}"


def give_link(*, booking: Booking) -> None:
    """Have the link of the present generation open the booking until MANAGE_LINK_DAYS after its end."""
    booking.manage_digest = crypto.digest(manage_token(booking))
    booking.manage_expires_at = booking.ends_at + _life()


def revoke_link(*, booking: Booking) -> None:
    """Have every link that was sent open nothing any more, and publish BookingLinkRevoked.

    A booking to come gets a new one, which the next mail carries. Until then nobody knows it but who repeats the very
    request that booked it, with its key: others of its series, whose links stay as they are, do not lead to it
    (`has_first_link`).
    """
    read_locked(booking)
    booking.manage_generation += 1
    booking.manage_digest = booking.manage_expires_at = None
    if _is_to_come(booking):
        give_link(booking=booking)
    publish(BookingLinkRevoked(booking_id=booking.id))


def has_link(booking: Booking) -> bool:
    """True while a link opens the booking."""
    expires_at = booking.manage_expires_at
    return booking.manage_digest is not None and (expires_at is None or expires_at > clock.now())


def has_first_link(booking: Booking) -> bool:
    """True while the link that it was booked with opens the booking, which others of its series may hand on.

    A later one is only for whom it is sent to, since the first may have been revoked because others had it.
    """
    return booking.manage_generation == 0


def needs_link(booking: Booking) -> bool:
    """True when the booking is to come and its link has died, so that a mail would carry one that opens nothing."""
    return _is_to_come(booking) and not has_link(booking)


def renew_link(*, booking: Booking) -> None:
    """Give a booking that needs one a new link; one that was given one meanwhile keeps it."""
    read_locked(booking)
    if needs_link(booking):
        booking.manage_generation += 1
        give_link(booking=booking)


def remove_expired_links(*, limit: int) -> int:
    """Take their links from up to `limit` bookings that are over and whose links have expired; return how many."""
    expired = (
        select(Booking.id)
        .where(
            Booking.manage_digest.is_not(None),
            Booking.manage_expires_at <= clock.now(),
            Booking.ends_at <= clock.now(),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    removed = session().execute(
        update(Booking)
        .where(Booking.id.in_(expired))
        .values(manage_digest=None, manage_expires_at=None, manage_generation=Booking.manage_generation + 1)
        .returning(Booking.id),
        execution_options={"synchronize_session": False},
    )
    return len(removed.all())


def renew_expired_links(*, limit: int) -> int:
    """Give up to `limit` bookings to come whose links have expired new ones; return how many."""
    statement = (
        select(Booking)
        .where(
            Booking.manage_digest.is_not(None),
            Booking.manage_expires_at <= clock.now(),
            Booking.ends_at > clock.now(),
            Booking.status.in_((BookingStatus.CONFIRMED, BookingStatus.PENDING)),
        )
        .limit(limit)
    )
    found = session().scalars(statement).all()
    for booking in found:
        renew_link(booking=booking)
    return len(found)


def date_undated_links() -> None:
    """Have links expire that a process of an older release gave while this one was being rolled out."""
    undated = (Booking.manage_digest.is_not(None), Booking.manage_expires_at.is_(None))
    statement = update(Booking).where(*undated).values(manage_expires_at=Booking.ends_at + _life())
    session().execute(statement, execution_options={"synchronize_session": False})


def _is_to_come(booking: Booking) -> bool:
    return booking.stands and booking.ends_at > clock.now()


def _life() -> timedelta:
    return timedelta(days=settings().manage_link_days)
