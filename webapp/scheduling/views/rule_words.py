"""How something comes again, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from babel.lists import format_list
from flask_babel import gettext as _

from webapp.scheduling.models import RecurringBlock
from webapp.scheduling.simple_rules import WEEKDAY_CODES, Repeats, SimpleRule, simple_rule
from webapp.web.times import day_text, reader_locale


def rule_words(block: RecurringBlock) -> str:
    """Return when a block comes again, such as `Every week on Mon and Wed`; empty where only its rule can say it."""
    rule = simple_rule(block.rule, first=block.first_day)
    if rule is None:
        return ""
    words = _words(rule, block.first_day)
    return (
        str(_("%(again)s, until %(day)s", again=words, day=day_text(rule.until, None, "medium")))
        if rule.until
        else words
    )


def _words(rule: SimpleRule, first: date) -> str:
    every = _every_one if rule.interval == 1 else _every_few
    return every(rule, first)


def _every_one(rule: SimpleRule, first: date) -> str:
    match rule.repeats:
        case Repeats.DAILY:
            return str(_("Every day"))
        case Repeats.WEEKLY:
            return str(_("Every week on %(days)s", days=_weekdays(rule.weekdays)))
        case Repeats.MONTHLY:
            return str(_("Every month on day %(day)d", day=first.day))
        case Repeats.MONTHLY_WEEKDAY:
            return str(_("Every month on the %(which)s %(weekday)s", which=_which(first), weekday=_weekday(first)))
        case Repeats.YEARLY:
            return str(_("Every year on %(day)s", day=day_text(first, None, "short")))


def _every_few(rule: SimpleRule, first: date) -> str:
    many = rule.interval
    match rule.repeats:
        case Repeats.DAILY:
            return str(_("Every %(many)d days", many=many))
        case Repeats.WEEKLY:
            return str(_("Every %(many)d weeks on %(days)s", many=many, days=_weekdays(rule.weekdays)))
        case Repeats.MONTHLY:
            return str(_("Every %(many)d months on day %(day)d", many=many, day=first.day))
        case Repeats.MONTHLY_WEEKDAY:
            named = {"which": _which(first), "weekday": _weekday(first)}
            return str(_("Every %(many)d months on the %(which)s %(weekday)s", many=many, **named))
        case Repeats.YEARLY:
            return str(_("Every %(many)d years on %(day)s", many=many, day=day_text(first, None, "short")))


def _weekdays(codes: Sequence[str]) -> str:
    """Return weekdays in the order of the reader's week."""
    locale = reader_locale()
    chosen = {WEEKDAY_CODES.index(code) for code in codes}
    ordered = sorted(chosen, key=lambda weekday: (weekday - locale.first_week_day) % 7)
    return str(format_list([locale.days["format"]["abbreviated"][weekday] for weekday in ordered], locale=locale))


def _weekday(day: date) -> str:
    return day_text(day, None, "weekday")


def _which(day: date) -> str:
    # Translators: which weekday of a month it is, as in "Every month on the second Tuesday".
    words = (_("first"), _("second"), _("third"), _("fourth"), _("fifth"))
    return str(words[(day.day - 1) // 7])
