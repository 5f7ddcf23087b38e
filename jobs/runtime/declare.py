"""`@job`: a function becomes a background job and keeps its own signature."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Generic, Literal, ParamSpec, TypeVar, get_type_hints
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from rq import get_current_job

from jobs.runtime import enqueue, execute, registry
from jobs.runtime.policies import POLICIES, RetryPolicy
from webapp.core import clock
from webapp.core.events import DomainEvent, subscribe
from webapp.core.settings import LANES, QUEUES, settings

P = ParamSpec("P")
R = TypeVar("R")

Queue = Literal["bookings", "email", "notifications", "maintenance"]
Lane = Literal["high", "default", "low"]

SOFT_TIME_LIMIT = 25 * 60
MAX_ARGUMENT_BYTES = 64 * 1024


class InvalidArguments(ValueError):
    """A job was asked for with arguments that its signature does not accept; the message names them."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a job is declared; time limits in seconds."""

    queue: str
    lane: str
    retry: RetryPolicy
    on: tuple[type[DomainEvent], ...]
    durable: bool
    atomic: bool
    soft_time_limit: int
    time_limit: int


class Job(Generic[P, R]):
    """A declared job. Calling it runs the function here; `enqueue` and its kin have it run by a worker.

    Each of them validates the arguments against the annotations and raises InvalidArguments when they do not fit.
    Inside `transaction()` they write the job's row in that transaction; outside they open one of their own.
    """

    def __init__(self, function: Callable[P, R], options: Options) -> None:
        self.function = function
        self.options = options
        self.name = f"{function.__module__.removeprefix('jobs.')}.{function.__qualname__}"
        self.path = f"{function.__module__}.{function.__qualname__}"
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__
        self._signature = inspect.signature(function)
        self._model = _arguments_model(function, self._signature)

    def __repr__(self) -> str:
        return f"<job {self.name}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now; under an RQ worker of any make, run the row that the RQ job stands for."""
        carried = get_current_job()
        if carried is not None and carried.func_name == self.path and not execute.is_running():
            return execute.run_carried(self, run_id=UUID(carried.id), arguments=carried.kwargs)  # type: ignore[no-any-return]  # what came back is for RQ alone
        return self.function(*args, **kwargs)

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run as soon as a worker is free; return the run's id."""
        return self._submit(args, kwargs)

    def at(self, when: datetime, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run at `when` (aware), or at once when that is past; return the run's id."""
        return self._submit(args, kwargs, run_at=when)

    def after(self, delay: timedelta, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run after `delay`; return the run's id."""
        return self._submit(args, kwargs, run_at=clock.now() + delay)

    def once(self, key: str, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run unless a run with this key is waiting or running; return the id of the one that there is now."""
        return self._submit(args, kwargs, unique_key=key)

    def once_at(self, when: datetime, key: str, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run at `when` (aware) unless a run with this key is waiting or running; return the id of the one there is."""
        return self._submit(args, kwargs, run_at=when, unique_key=key)

    def s(self, *args: P.args, **kwargs: P.kwargs) -> Signature:
        """Return this job with its arguments, checked, to be enqueued as part of a group."""
        return Signature(self, self.check(args, kwargs))

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as JSON values by name; raises InvalidArguments, which says what does not fit."""
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidArguments(f"{self.name}: {error}") from None
        return self.check_named(dict(bound.arguments))

    def check_named(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return `arguments` as JSON values, defaults filled in; raises InvalidArguments as `check` does."""
        try:
            values = self._model.model_validate(arguments).model_dump(mode="json")
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg'].lower()}"
                for problem in error.errors(include_url=False, include_input=False)
            )
            raise InvalidArguments(f"{self.name}: {problems}") from None
        text = json.dumps(values)
        if "\\u0000" in text:
            raise InvalidArguments(f"{self.name}: text may not contain NUL characters")
        if len(text) > MAX_ARGUMENT_BYTES:
            raise InvalidArguments(f"{self.name}: arguments take {len(text)} bytes of {MAX_ARGUMENT_BYTES} allowed")
        return values

    def load(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the function's keyword arguments from their JSON values; raises InvalidArguments."""
        try:
            model = self._model.model_validate(arguments)
        except ValidationError as error:
            raise InvalidArguments(f"{self.name}: {error.error_count()} stored arguments no longer fit") from error
        return {name: getattr(model, name) for name in type(model).model_fields}

    def route(self) -> tuple[str, str]:
        """Return the queue and lane, as the JOB_ROUTES setting or else the declaration has them."""
        for pattern, queue, lane in settings().job_routes:
            if fnmatchcase(self.name, pattern):
                return queue, lane
        return self.options.queue, self.options.lane

    def submit(self, arguments: dict[str, Any], **how: Any) -> UUID:
        """Enqueue with `arguments` that `check` has returned; `how` as `enqueue.submit` takes it."""
        return enqueue.submit(self, arguments, **how)

    def _submit(self, args: tuple[Any, ...], kwargs: dict[str, Any], **how: Any) -> UUID:
        return self.submit(self.check(args, kwargs), **how)


@dataclass(frozen=True)
class Signature:
    """A job with its arguments, ready to be enqueued."""

    job: Job[..., Any]
    arguments: dict[str, Any]

    def enqueue(self) -> UUID:
        """Enqueue it; return the run's id."""
        return self.job.submit(self.arguments)


def job(
    *,
    queue: Queue,
    lane: Lane = "default",
    retry: str | RetryPolicy = "default",
    on: type[DomainEvent] | tuple[type[DomainEvent], ...] = (),
    durable: bool = True,
    atomic: bool = False,
    soft_time_limit: int = SOFT_TIME_LIMIT,
    time_limit: int = registry.TIME_LIMIT,
) -> Callable[[Callable[P, R]], Job[P, R]]:
    """Declare a job.

    `on` names the events it answers: for each one published, a run is written in the publisher's own transaction, its
    arguments taken from the event's fields of the same names. `durable=False` leaves out the row, for work that is
    cheap to lose. `atomic=True` runs the body inside the very transaction that closes the run. Limits in seconds.
    Raises ValueError for a declaration that makes no sense.
    """
    if queue not in QUEUES or lane not in LANES:
        raise ValueError(f"{queue}:{lane} is no queue of ours")
    if not 0 < soft_time_limit <= time_limit:
        raise ValueError("soft_time_limit must be positive and at most time_limit")
    if atomic and not durable:
        raise ValueError("atomic=True needs a row to close: it cannot go with durable=False")
    options = Options(
        queue=queue,
        lane=lane,
        retry=POLICIES[retry] if isinstance(retry, str) else retry,
        on=on if isinstance(on, tuple) else (on,),
        durable=durable,
        atomic=atomic,
        soft_time_limit=soft_time_limit,
        time_limit=time_limit,
    )

    def declare(function: Callable[P, R]) -> Job[P, R]:
        declared = Job(function, options)
        registry.register(declared)
        for event in options.on:
            _answer(event, declared)
        return declared

    return declare


def _answer(event: type[DomainEvent], declared: Job[..., Any]) -> None:
    carried = {field.name for field in fields(event)}
    wanted = inspect.signature(declared.function).parameters
    required = {name for name, parameter in wanted.items() if parameter.default is parameter.empty}
    missing = sorted(required - carried)
    if missing:
        raise ValueError(f"{declared.name} answers {event.__name__}, which does not carry {', '.join(missing)}")
    names = carried & set(wanted)

    def enqueue_for(happened: DomainEvent) -> None:
        declared.submit(declared.check_named({name: getattr(happened, name) for name in names}))

    subscribe(event, enqueue_for)


def _arguments_model(function: Callable[..., Any], signature: inspect.Signature) -> type[BaseModel]:
    hints = get_type_hints(function)
    definitions: dict[str, Any] = {
        name: (hints[name], ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in signature.parameters.items()
    }
    return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **definitions)
