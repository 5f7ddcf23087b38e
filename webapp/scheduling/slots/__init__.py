"""The slot engine: which starts may be booked, and why another may not.

Pure functions on whole minutes since 1970-01-01 00:00 UTC: no database, no clock, no web. `rules` says what is given,
`engine` decides, `local_time` is the one place that knows what a zone does, `spans` is the arithmetic.
"""

from webapp.scheduling.slots.engine import asked, bookable, check, offered, open_spans, refusals
from webapp.scheduling.slots.rules import LONGEST_REACH, OVERRIDABLE, Diary, Hours, Limits, Override, Refusal, Rules
from webapp.scheduling.slots.spans import Span

__all__ = [
    "LONGEST_REACH",
    "OVERRIDABLE",
    "Diary",
    "Hours",
    "Limits",
    "Override",
    "Refusal",
    "Rules",
    "Span",
    "asked",
    "bookable",
    "check",
    "offered",
    "open_spans",
    "refusals",
]
