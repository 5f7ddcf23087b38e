"""What every command line of ours shares."""

from __future__ import annotations

import sys
from typing import IO, Any

import click


class Refusal(click.ClickException):
    """What was asked for makes no sense: one sentence that says why and how to put it right, and exit status 2."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence alone."""
        click.echo(self.format_message(), file=file or sys.stderr)
