"""One host with hours and rules as an example needs them, and what guests are then offered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from tests.scheduling.slot_oracle import minute, on_the_clock
from webapp.scheduling.slots import Diary, Hours, Limits, Override, Refusal, Rules, Span, check, offered

NEW_YORK = ZoneInfo("America/New_York")
UTC = ZoneInfo("UTC")

NINE, TWELVE, FIVE, MIDNIGHT = 540, 720, 1020, 1440
MONDAY = date(2026, 6, 1)
NO_LIMITS = Limits()
LONG_BEFORE = minute("2026-05-01 00:00")


def daily(*ranges: Span) -> tuple[Hours, ...]:
    return tuple(Hours(weekday, start, end) for weekday in range(7) for start, end in ranges)


@dataclass(frozen=True)
class Terms:
    """One host and one kind of meeting; unless told otherwise an hour, every hour from nine to five."""

    zone: ZoneInfo = UTC
    hours: tuple[Hours, ...] = daily((NINE, FIVE))
    overrides: tuple[Override, ...] = ()
    duration: int = 60
    interval: int = 60
    offset: int = 0
    buffer_before: int = 0
    buffer_after: int = 0
    buffers_among_own: bool = False
    minimum_notice: int = 0
    horizon_days: int = 60
    limits: Limits = NO_LIMITS

    @property
    def rules(self) -> Rules:
        return Rules(
            duration=self.duration,
            interval=self.interval,
            offset=self.offset,
            buffer_before=self.buffer_before,
            buffer_after=self.buffer_after,
            buffers_among_own=self.buffers_among_own,
            minimum_notice=self.minimum_notice,
            horizon_days=self.horizon_days,
            limits=self.limits,
        )

    def diary(
        self, busy: tuple[Span, ...] = (), *, own: tuple[Span, ...] = (), joinable: tuple[int, ...] = ()
    ) -> Diary:
        starts = tuple(begin for begin, _ in own)
        return Diary(self.zone, self.hours, self.overrides, busy=busy, own=own, starts=starts, joinable=joinable)


NINE_TO_FIVE = Terms()


def seen(
    terms: Terms,
    first: date,
    last: date | None = None,
    *,
    zone: ZoneInfo | None = None,
    busy: tuple[Span, ...] = (),
    own: tuple[Span, ...] = (),
    now: int | None = None,
) -> list[str]:
    """What is offered from `first` to `last`, as times on the clocks of a guest in `zone`, or where the host is."""
    zone = zone or terms.zone
    now = minute(first.isoformat()) - 3 * 1440 if now is None else now
    diary = terms.diary(busy, own=own)
    starts = offered(terms.rules, [diary], now=now, first=first, last=last or first, zone=zone)
    return [on_the_clock(start, zone).strftime("%H:%M") for start in starts]


def between(start: str, end: str, *, on: date = MONDAY) -> Span:
    return minute(f"{on} {start}"), minute(f"{on} {end}")


def refusal(
    terms: Terms,
    start: str,
    *,
    now: str = "2026-05-29 00:00",
    busy: tuple[Span, ...] = (),
    own: tuple[Span, ...] = (),
    joinable: tuple[int, ...] = (),
) -> Refusal | None:
    diary = terms.diary(busy, own=own, joinable=joinable)
    return check(terms.rules, [diary], now=minute(now), start=minute(start))
