"""What every command line of ours shares."""

from __future__ import annotations

import math
import sys
from typing import IO, Any

import click
from flask.cli import AppGroup

from webapp.core.words import is_text


class Refusal(click.ClickException):
    """What was asked for makes no sense: one sentence that says why and how to put it right, and exit status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence alone."""
        click.echo(self.format_message(), file=file or sys.stderr)


class Commands(AppGroup):
    """Commands that are told nothing but text, whatever bytes the shell has passed on."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the words after the group's own name; raises Refusal when one of them is no text."""
        for before, word in zip(["", *args], args, strict=False):
            if not is_text(word):
                option = word.partition("=")[0] if word.startswith("--") else before
                place = option if option.startswith("--") and is_text(option) else "what was asked for"
                raise Refusal(f"{place} must be text in UTF-8, without NUL characters")
        return super().parse_args(ctx, args)


class Number(click.FloatRange):
    """A number in a range. click's own takes `nan` for one in any."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number; fails as click's own types do."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number
