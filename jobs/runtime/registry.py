"""Every job by name, found by importing each file of the `jobs` package."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from jobs.runtime.limits import LimitKeys, Limits

if TYPE_CHECKING:
    from jobs.runtime.declare import Job

_UNLIMITED = Limits()

# The hard limit of a job that sets none, in seconds.
TIME_LIMIT = 30 * 60
# For how long what a job returned is kept when it does not say.
KEEP_RESULT = timedelta(hours=1)

_jobs: dict[str, Job[..., Any]] = {}
_by_path: dict[str, Job[..., Any]] = {}

# Files of the package that declare no jobs: the processes that run them, and their schedule.
_NOT_JOBS = {"worker", "scheduler", "schedule", "watchman", "cli"}


class UnknownJob(LookupError):
    """No job of that name is declared."""


def register(job: Job[..., Any]) -> None:
    """Add `job`; raises ValueError when its name is taken."""
    if job.name in _jobs:
        raise ValueError(f"there are two jobs called {job.name}")
    _jobs[job.name] = _by_path[job.path] = job


def load_jobs() -> None:
    """Import every file of the `jobs` package, so that all jobs are declared and hear their events."""
    package = import_module("jobs")
    for module in pkgutil.iter_modules(package.__path__):
        if not module.ispkg and module.name not in _NOT_JOBS:
            import_module(f"jobs.{module.name}")


def find_job(name: str) -> Job[..., Any]:
    """Return the job called `<module>.<function>`; raises UnknownJob with a hint when there is none."""
    try:
        return _jobs[name]
    except KeyError:
        raise UnknownJob(f"there is no job called {name!r}; `flask jobs list` shows all of them") from None


def resolve(path: str) -> Job[..., Any] | None:
    """Return the job that the dotted `path` names, importing its module if need be; None when there is no such job."""
    if path not in _by_path:
        with suppress(Exception):  # whatever a file that is not ours does when it is imported
            import_module(path.rpartition(".")[0])
    return _by_path.get(path)


def all_jobs() -> Iterable[Job[..., Any]]:
    """Return every declared job, by name."""
    return [_jobs[name] for name in sorted(_jobs)]


def has_row(name: str) -> bool:
    """True when the job called `name` is declared here and its runs have rows."""
    return name in _jobs and _jobs[name].options.durable


def may_have_row(path: str) -> bool:
    """False when the job with this dotted path is declared here, and without a row."""
    return path not in _by_path or _by_path[path].options.durable


def path_of(name: str) -> str:
    """Return the dotted path that RQ imports for the job called `name`, declared here or not."""
    return _jobs[name].path if name in _jobs else f"jobs.{name}"


def limits_of(name: str) -> Limits:
    """Return the limits of the job called `name`, none when it is not declared here."""
    return _jobs[name].options.limits if name in _jobs else _UNLIMITED


def limit_keys_of(name: str, arguments: dict[str, Any]) -> LimitKeys:
    """Return under which keys a run of the job called `name` counts; none when it is not declared here."""
    return _jobs[name].limit_keys(arguments) if name in _jobs else LimitKeys()


def time_limit_of(name: str) -> int:
    """Return the hard time limit of the job called `name` in seconds, the usual one when it is not declared here."""
    return _jobs[name].options.time_limit if name in _jobs else TIME_LIMIT
