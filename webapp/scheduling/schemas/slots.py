"""The times that can be booked, as guests' programs are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter
from pydantic_core import to_json

from webapp.scheduling.chunks import OpenTime
from webapp.scheduling.minutes import local_moment
from webapp.scheduling.schemas.fields import Moment
from webapp.scheduling.service.offers import Offer
from webapp.web.openapi import Out, Written


@dataclass(frozen=True, slots=True)  # there may be thousands, and a model takes three times as long to make
class SlotOut:
    """A time that can be booked, with the offset of the zone asked for. `seats_left` is 1 but for groups."""

    start: Moment
    end: Moment
    seats_left: int


class SlotsOut(Out):
    """Everything that can be booked on the days asked for, in order."""

    timezone: str
    slots: list[SlotOut]

    @classmethod
    def of(cls, offers: Sequence[Offer], zone: ZoneInfo) -> SlotsOut:
        """Show them as clocks of `zone` do."""
        slots = [
            SlotOut(offer.start.astimezone(zone), offer.end.astimezone(zone), offer.seats_left) for offer in offers
        ]
        return cls(timezone=zone.key, slots=slots)

    @staticmethod
    def written(slots: bytes, zone: ZoneInfo) -> Written:
        """Return it as JSON, with slots as `write_slots` writes them, a comma between two."""
        return Written(b'{"timezone":%b,"slots":[%b]}' % (to_json(zone.key), slots))


_SLOTS = TypeAdapter(list[SlotOut])


def write_slots(times: Sequence[OpenTime], zone: ZoneInfo) -> list[bytes]:
    """Return each as a `SlotOut` in JSON, as clocks of `zone` show it."""
    if not times:
        return []
    slots = [
        SlotOut(local_moment(start, zone), local_moment(end, zone), seats_left) for start, end, seats_left in times
    ]
    # Dumped in one go, which is several times faster; there are no braces in a slot but its own.
    return [b"{%b}" % slot for slot in _SLOTS.dump_json(slots)[2:-2].split(b"},{")]
