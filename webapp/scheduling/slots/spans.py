"""Arithmetic on spans: stretches of whole minutes, `(begin, end)` with the end left out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter

Span = tuple[int, int]


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return the same minutes in order, overlapping and touching spans joined, empty ones dropped."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        if begin >= end:
            continue
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged


def within(spans: list[Span], begin: int, end: int) -> Iterator[Span]:
    """Yield, in order, what of the merged `spans` lies in `begin`..`end`."""
    for index in range(bisect_right(spans, begin, key=itemgetter(1)), len(spans)):
        span_begin, span_end = spans[index]
        if span_begin >= end:
            return
        yield max(span_begin, begin), min(span_end, end)


def gaps(spans: list[Span], begin: int, end: int) -> Iterator[Span]:
    """Yield, in order, what of `begin`..`end` the merged `spans` leave free."""
    free_from = begin
    for span_begin, span_end in within(spans, begin, end):
        if free_from < span_begin:
            yield free_from, span_begin
        free_from = span_end
    if free_from < end:
        yield free_from, end


def without(spans: Iterable[Span], others: list[Span]) -> Iterator[Span]:
    """Yield what of `spans` the merged `others` leave free, in the order of the spans."""
    return (gap for begin, end in spans for gap in gaps(others, begin, end))


def common(one: list[Span], other: list[Span]) -> list[Span]:
    """Return, in order, what two lists of spans have in common; each list is in order and without overlaps."""
    return [part for begin, end in one for part in within(other, begin, end)]
