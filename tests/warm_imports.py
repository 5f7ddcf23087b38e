"""What all of Almanac's programs load, loaded; it decides nothing, for their settings come later."""

from __future__ import annotations

import gc

from sqlalchemy.orm import configure_mappers
from werkzeug.utils import import_string

import webapp
from jobs.runtime.registry import load_jobs

load_jobs()
for name in (*webapp.BLUEPRINTS, *webapp.COMMANDS):
    import_string(name)
configure_mappers()
gc.collect()
gc.freeze()
