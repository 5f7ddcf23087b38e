"""`flask prepare`: what every start and every release does before anything else runs."""

from __future__ import annotations

from json import JSONDecodeError
from pathlib import Path

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade

from webapp import demo
from webapp.core.commands import Refusal

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("prepare")
@click.option("--demo", "demo_file", type=_FILE, help="Seed a demo and write its sign-in here.")
@with_appcontext
def prepare(demo_file: Path | None) -> None:
    """Bring the database up to date; with --demo, fill an empty one with a demo organisation."""
    if demo_file is not None and not demo_file.name:
        raise Refusal("--demo must name a file")
    upgrade()
    if demo_file is not None:
        _seed(demo_file)


def _seed(file: Path) -> None:
    try:
        demo.seed(file)
    except OSError as error:
        raise Refusal(f"--demo cannot be written: {error}") from None
    except (JSONDecodeError, UnicodeDecodeError):
        raise Refusal(f"--demo names {file}, which is there and nothing that a demo has written") from None
