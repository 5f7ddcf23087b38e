"""Lines over time as SVG paths, made here so that pages need no script to show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 240, 48
_TOP = 4  # so that the line's own width fits

Point = tuple[datetime, float | None]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A line and the area under it as SVG path data, in a box of WIDTH x HEIGHT; what is latest, and what was most."""

    line: str
    area: str
    latest: float | None
    most: float

    @property
    def box(self) -> str:
        """The SVG's viewBox."""
        return f"0 0 {WIDTH} {HEIGHT}"


def chart(points: Sequence[Point], *, start: datetime, end: datetime) -> Chart:
    """Return the chart of `points` (aware, in order) between two instants; a point without a value is a gap."""
    known = [value for _, value in points if value is not None]
    most = max(known, default=0.0)
    strokes = [_scaled(stroke, start, end, most) for stroke in _strokes(points)]
    return Chart(
        line=" ".join(_line(stroke) for stroke in strokes),
        area=" ".join(f"{_line(stroke)}V{HEIGHT}H{stroke[0][0]:g}Z" for stroke in strokes),
        latest=points[-1][1] if points else None,
        most=most,
    )


def _strokes(points: Sequence[Point]) -> list[list[tuple[datetime, float]]]:
    """Return what lies between the gaps."""
    strokes: list[list[tuple[datetime, float]]] = [[]]
    for moment, value in points:
        if value is None:
            strokes.append([])
        else:
            strokes[-1].append((moment, value))
    return [stroke for stroke in strokes if stroke]


def _scaled(
    stroke: Sequence[tuple[datetime, float]], start: datetime, end: datetime, most: float
) -> list[tuple[float, float]]:
    span = max((end - start).total_seconds(), 1.0)
    return [
        (
            round(min(max((moment - start).total_seconds() / span, 0.0), 1.0) * WIDTH, 1),
            round(HEIGHT - (HEIGHT - _TOP) * (value / most if most else 0.0), 1),
        )
        for moment, value in stroke
    ]


def _line(stroke: Sequence[tuple[float, float]]) -> str:
    first, *rest = stroke
    # A lone point becomes a dash, or it would not be seen.
    return f"M{first[0]:g} {first[1]:g}" + ("".join(f"L{x:g} {y:g}" for x, y in rest) or "h2")
