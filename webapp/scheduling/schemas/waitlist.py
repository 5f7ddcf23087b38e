"""Waitlists, as programs of guests and of members use them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Self, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from webapp.core import clock
from webapp.core.words import say
from webapp.scheduling.models import WaitlistEntry, WaitStatus
from webapp.scheduling.schemas.fields import LINK, Answers, Day, Length, Moment, Start, ZoneName
from webapp.scheduling.schemas.guests import InviteeIn, InviteeOut, PublicEventTypeOut
from webapp.scheduling.schemas.members import BookedTypeOut
from webapp.scheduling.service import waitlist
from webapp.scheduling.service.guests import Guest
from webapp.scheduling.service.offers import Offer
from webapp.web.openapi import GuestIn, Out
from webapp.web.times import reader_tag


class WaitlistIn(GuestIn):
    """Somebody who wants to wait: for a `start` that is taken, or for any time of a `day` that is full; one of both."""

    start: Start | None = None
    day: Day | None = Field(None, description="A date of `timezone`.")
    timezone: ZoneName
    invitee: InviteeIn
    answers: Answers | None = None
    duration: Length | None = None
    link: str | None = Field(None, max_length=100, description=LINK)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.start is None) == (self.day is None):
            raise ValueError(say("Please give either a start or a day."))
        return self

    @property
    def wanted(self) -> datetime | date:
        """The start, or else the day; there is one of them."""
        return self.start or cast("date", self.day)

    def guest(self) -> Guest:
        """Return who waits, in the service's terms."""
        invitee = self.invitee
        return Guest(
            name=invitee.name,
            email=invitee.email,
            phone=invitee.phone,
            timezone=self.timezone,
            locale=invitee.locale or reader_tag(),
        )


class AcceptIn(GuestIn):
    """Taking an offer; `answers` replace those given on joining."""

    answers: Answers | None = None


class TakenTimeOut(Out):
    """A time that somebody has, and that one can wait for."""

    start: Moment
    end: Moment


class TakenTimesOut(Out):
    """Every time on the days asked for that one can wait for, in order; `full_days` have no other times."""

    timezone: str
    times: list[TakenTimeOut]
    full_days: list[date]

    @classmethod
    def of(cls, taken: list[Offer], free: list[Offer], zone: ZoneInfo) -> TakenTimesOut:
        """Show them as clocks of `zone` do."""

        def days(offers: list[Offer]) -> set[date]:
            return {offer.start.astimezone(zone).date() for offer in offers}

        return cls(
            timezone=zone.key,
            times=[TakenTimeOut(start=offer.start.astimezone(zone), end=offer.end.astimezone(zone)) for offer in taken],
            full_days=sorted(days(taken) - days(free)),
        )


class WaitingOfferOut(Out):
    """A time that is kept for the first in line until `expires_at`."""

    start: Moment
    end: Moment
    expires_at: Moment


class _WaitingOut(Out):
    """What both sides see of somebody in line; `start` or `day` is what they wait for."""

    id: UUID
    status: WaitStatus
    start: Moment | None
    day: date | None
    position: int | None = Field(description="The place in line, from 1; null when they wait no longer.")
    offer: WaitingOfferOut | None
    invitee: InviteeOut


class WaitlistEntryOut(_WaitingOut):
    """A place in line as its guest sees it, in the guest's zone."""

    organization: str
    event_type: PublicEventTypeOut

    @classmethod
    def of(cls, entry: WaitlistEntry) -> Self:
        """Show the entry to its guest."""
        zone = clock.find_zone(entry.guest_timezone)
        return cls(
            **_waiting(entry, zone).model_dump(),
            organization=entry.event_type.organization.slug,
            event_type=PublicEventTypeOut.of(entry.event_type),
        )


class WaitlistJoined(Out):
    """A place in line just taken; `url` is the guest's own page to see it, leave it and answer an offer."""

    id: UUID
    status: WaitStatus
    position: int
    url: str

    @classmethod
    def of(cls, entry: WaitlistEntry) -> Self:
        """Show the entry to who made it."""
        return cls(
            id=entry.id, status=entry.status, position=waitlist.position(entry), url=waitlist.waitlist_url(entry)
        )


class WaitingOut(_WaitingOut):
    """A place in line as the organisation sees it, in UTC."""

    event_type: BookedTypeOut
    created_at: Moment

    @classmethod
    def of(cls, entry: WaitlistEntry) -> Self:
        """Show the entry to the host."""
        kind = entry.event_type
        return cls(
            **_waiting(entry, clock.find_zone("UTC")).model_dump(),
            event_type=BookedTypeOut(id=kind.id, slug=kind.slug, name=kind.name),
            created_at=entry.created_at,
        )


class WaitlistOut(Out):
    """One page of those in line, by what they wait for."""

    items: list[WaitingOut]
    next_cursor: str | None


def _waiting(entry: WaitlistEntry, zone: ZoneInfo) -> _WaitingOut:
    return _WaitingOut(
        id=entry.id,
        status=entry.status,
        start=None if entry.day else entry.wanted_from.astimezone(zone),
        day=entry.day,
        position=waitlist.position(entry) if entry.status is WaitStatus.WAITING else None,
        offer=_offer(entry, entry.offered_start, entry.offer_expires_at, zone),
        invitee=InviteeOut(
            name=entry.guest_name,
            email=entry.guest_email,
            phone=entry.guest_phone,
            timezone=entry.guest_timezone,
            locale=entry.guest_locale,
        ),
    )


def _offer(
    entry: WaitlistEntry, start: datetime | None, until: datetime | None, zone: ZoneInfo
) -> WaitingOfferOut | None:
    if start is None or until is None or entry.status is not WaitStatus.OFFERED:
        return None
    end = start + timedelta(minutes=entry.duration)
    return WaitingOfferOut(start=start.astimezone(zone), end=end.astimezone(zone), expires_at=until.astimezone(zone))
