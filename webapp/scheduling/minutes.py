"""Between instants and the whole UTC minutes since the epoch that the slot engine works on."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from webapp.core import clock

DAY = 1440

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


def minute_of(moment: datetime) -> int:
    """Return the minute that `moment` (aware) lies in."""
    return (moment - _EPOCH) // _MINUTE


def minute_from(moment: datetime) -> int:
    """Return the first minute that begins at or after `moment` (aware)."""
    return -((_EPOCH - moment) // _MINUTE)


def moment_of(minute: int) -> datetime:
    """Return the instant, aware and in UTC, at which `minute` begins."""
    return _EPOCH + minute * _MINUTE


def local_moment(minute: int, zone: tzinfo) -> datetime:
    """Return the same by the clocks of `zone`, in half the time that `moment_of` and `astimezone` take for it."""
    return datetime.fromtimestamp(minute * 60, zone)


def midnight_of(day: date) -> int:
    """Return the minute at which `day` begins in UTC."""
    return (day.toordinal() - _EPOCH.toordinal()) * DAY


def now_minute() -> int:
    """Return the present, rounded up to a minute, so that nothing already begun counts as ahead."""
    return minute_from(clock.now())
