"""`flask prepare`: what every start and every release does before anything else runs."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade

from webapp import demo


@click.command("prepare")
@click.option("--demo", "demo_file", type=click.Path(path_type=Path), help="Seed a demo and write its sign-in here.")
@with_appcontext
def prepare(demo_file: Path | None) -> None:
    """Bring the database up to date; with --demo, fill an empty one with a demo organisation."""
    upgrade()
    if demo_file is not None:
        demo.seed(demo_file)
