"""The times that can be booked, as guests' programs are told of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pydantic_core import to_json

from webapp.scheduling.chunks import OpenTime
from webapp.scheduling.local_text import LocalText
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


def write_slots(times: Sequence[OpenTime], zone: ZoneInfo) -> list[bytes]:
    """Return each as a `SlotOut` in JSON, as clocks of `zone` show it."""
    write = LocalText(zone).write
    return [
        b'{"start":"%b","end":"%b","seats_left":%d}' % (write(start), write(end), seats_left)
        for start, end, seats_left in times
    ]
