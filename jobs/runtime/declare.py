"""`@job`: a function becomes a background job and keeps its own signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Generic, Literal, ParamSpec, TypeVar, get_type_hints
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from rq import get_current_job

from jobs.runtime import due, enqueue, execute, plain, registry
from jobs.runtime.limits import Key, LimitKeys, Limits, Rate
from jobs.runtime.policies import POLICIES, RetryPolicy
from jobs.runtime.signature import RESULT, Signature
from webapp.core.events import DomainEvent, subscribe
from webapp.core.settings import LANES, QUEUES, settings

P = ParamSpec("P")
R = TypeVar("R")

Queue = Literal["bookings", "email", "notifications", "maintenance"]
Lane = Literal["high", "default", "low"]
Errors = tuple[type[BaseException], ...]

SOFT_TIME_LIMIT = 25 * 60
MAX_ARGUMENT_BYTES = 64 * 1024
LONGEST_KEY = 200


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
    keep_result: timedelta
    limits: Limits


class Job(Generic[P, R]):
    """A declared job. Calling it runs the function here; `enqueue` and its kin have it run by a worker.

    Each of them validates the arguments against the annotations and raises InvalidArguments when they do not fit;
    those that take a time raise ImpossibleTime unless it is from 1971 to 2199.
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
        self._models_without: dict[tuple[str, ...], type[BaseModel]] = {(): self._model}

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

    def enqueue_many(self, many: Sequence[dict[str, Any]]) -> list[UUID]:
        """Run once for each of `many`, keyword arguments by name, all of them or none; return the runs' ids."""
        return enqueue.submit_many(self, [self.check_named(arguments) for arguments in many]) if many else []

    def at(self, when: datetime, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run at `when` (aware), or at once when that is past; return the run's id. Not for jobs without a row."""
        return self._submit(args, kwargs, run_at=when)

    def after(self, delay: timedelta, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run after `delay`; return the run's id. Not for jobs without a row."""
        return self._submit(args, kwargs, run_at=due.after(delay))

    def once(self, key: str, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run unless a run with this key is waiting or running; return the id of the one that there is now."""
        return self.unique(key).enqueue(*args, **kwargs)

    def once_at(self, when: datetime, key: str, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run at `when` (aware) unless a run with this key is waiting or running; return the id of the one there is."""
        return self.unique(key).at(when, *args, **kwargs)

    def unique(self, key: str, /, *, within: timedelta | None = None) -> Unique[P, R]:
        """Return this job as to be run once for `key`: `job.unique(key, within=timedelta(hours=1)).enqueue(…)`.

        It is not enqueued again while a run of it with the key is waiting or running, nor for `within` after one
        succeeded; one that died or was cancelled leaves the key free. Other jobs have keys of their own. `cancel(job,
        unique_key=key)` takes back what waits. Raises ValueError for a job without a row, for a key over
        200 characters or one that cannot be kept, and for a `within` longer than finished runs are kept.
        """
        if not self.options.durable:
            raise ValueError(f"{self.name} has no row that could hold a key: it cannot be unique with durable=False")
        if not 0 < len(key) <= LONGEST_KEY or plain.unkeepable(key):
            raise ValueError(f"a unique key has 1 to {LONGEST_KEY} characters, and no NUL or half a pair among them")
        if within is not None and not timedelta() < within <= timedelta(days=settings().job_retention_days):
            raise ValueError("within must be positive, and no longer than JOB_RETENTION_DAYS keeps finished runs")
        return Unique(self, key, within)

    def s(self, *args: P.args, **kwargs: P.kwargs) -> Signature:
        """Return this job with its arguments, checked, as a step of a group, chain or chord.

        RESULT as an argument stands for what the step before returned; that is checked when this step runs.
        """
        bound = self._bind(args, kwargs)
        takes = tuple(name for name, value in bound.items() if value is RESULT)
        given = {name: value for name, value in bound.items() if value is not RESULT}
        return Signature(self, self.check_named(given, without=takes), takes)

    def check(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments as JSON values by name; raises InvalidArguments, which says what does not fit."""
        return self.check_named(self._bind(args, kwargs))

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        try:
            return dict(self._signature.bind(*args, **kwargs).arguments)
        except TypeError as error:
            raise InvalidArguments(f"{self.name}: {error}") from None

    def check_named(self, arguments: dict[str, Any], *, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return `arguments` as JSON values, defaults filled in; raises InvalidArguments as `check` does.

        `without` names parameters that get their value later.
        """
        model = self._model_without(without)
        try:
            validated = model.model_validate(arguments)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg'].lower()}"
                for problem in error.errors(include_url=False, include_input=False)
            )
            raise InvalidArguments(f"{self.name}: {problems}") from None
        try:
            plain.require_keepable(dict(validated))  # now, for the next step replaces names or refuses them
            values = validated.model_dump(mode="json")
            text = plain.dump(values)
        except ValueError as error:
            raise InvalidArguments(f"{self.name}: {error}") from None
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

    def limit_keys(self, arguments: dict[str, Any]) -> LimitKeys:
        """Return under which keys a run with these JSON values counts for the job's limits."""
        if not self.options.limits:
            return LimitKeys()
        unknown = tuple(name for name in self._signature.parameters if name not in arguments)
        model = self._model_without(unknown).model_validate(arguments)
        return self.options.limits.keys(self.name, {name: getattr(model, name) for name in arguments})

    def route(self) -> tuple[str, str]:
        """Return the queue and lane, as the JOB_ROUTES setting or else the declaration has them."""
        for pattern, queue, lane in settings().job_routes:
            if fnmatchcase(self.name, pattern):
                return queue, lane
        return self.options.queue, self.options.lane

    def submit(self, arguments: dict[str, Any], **how: Any) -> UUID:
        """Enqueue with `arguments` that `check` has returned; `how` as `enqueue.submit` takes it."""
        return enqueue.submit(self, arguments, **how)

    def _model_without(self, names: tuple[str, ...]) -> type[BaseModel]:
        if names not in self._models_without:
            self._models_without[names] = _arguments_model(self.function, self._signature, names)
        return self._models_without[names]

    def _submit(self, args: tuple[Any, ...], kwargs: dict[str, Any], **how: Any) -> UUID:
        return self.submit(self.check(args, kwargs), **how)


@dataclass(frozen=True)
class Unique(Generic[P, R]):
    """A job that is enqueued once for a key, as `Job.unique` says; returns the id of the run that there is then."""

    job: Job[P, R]
    key: str
    within: timedelta | None

    def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run as soon as a worker is free."""
        return self._submit(None, args, kwargs)

    def at(self, when: datetime, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run at `when` (aware), or at once when that is past."""
        return self._submit(when, args, kwargs)

    def after(self, delay: timedelta, /, *args: P.args, **kwargs: P.kwargs) -> UUID:
        """Run after `delay`."""
        return self._submit(due.after(delay), args, kwargs)

    def _submit(self, when: datetime | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> UUID:
        arguments = self.job.check(args, kwargs)
        return self.job.submit(arguments, run_at=when, unique_key=self.key, unique_for=self.within)


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
    keep_result: timedelta = registry.KEEP_RESULT,
    rate: str | bool = False,
    rate_key: Key | None = None,
    concurrency: int | None = None,
    concurrency_key: Key | None = None,
    retry_on: Errors = (),
    give_up_on: Errors = (),
) -> Callable[[Callable[P, R]], Job[P, R]]:
    """Declare a job.

    `on` names the events it answers: for each one published, a run is written in the publisher's own transaction, its
    arguments taken from the event's fields of the same names. `durable=False` leaves out the row, for work that is
    cheap to lose. `atomic=True` runs the body inside the very transaction that closes the run. Time limits in seconds.
    `rate` ("100/m", "5/10s"; True is 100 a minute) is how many may start in any such period, `concurrency` how many
    may run at once; with a key (an argument's name, or a function of some arguments) each value has its own limit.
    What the function returns is kept for `keep_result`. What `retry_on` and `give_up_on` name is added to what
    the policy itself does.
    Raises ValueError for a declaration that makes no sense.
    """
    if queue not in QUEUES or lane not in LANES:
        raise ValueError(f"{queue}:{lane} is no queue of ours")
    if not 0 < soft_time_limit <= time_limit:
        raise ValueError("soft_time_limit must be positive and at most time_limit")
    if atomic and not durable:
        raise ValueError("atomic=True needs a row to close: it cannot go with durable=False")
    limits = Limits(rate=Rate.read(rate), rate_key=rate_key, concurrency=concurrency, concurrency_key=concurrency_key)
    if limits and not durable:
        raise ValueError("a limited job needs a row to wait in: limits cannot go with durable=False")
    policy = POLICIES[retry] if isinstance(retry, str) else retry
    policy = replace(policy, retry_on=(*policy.retry_on, *retry_on), give_up_on=(*policy.give_up_on, *give_up_on))
    options = Options(
        queue=queue,
        lane=lane,
        retry=policy,
        on=on if isinstance(on, tuple) else (on,),
        durable=durable,
        atomic=atomic,
        soft_time_limit=soft_time_limit,
        time_limit=time_limit,
        keep_result=keep_result,
        limits=limits,
    )

    def declare(function: Callable[P, R]) -> Job[P, R]:
        limits.check(inspect.signature(function).parameters)
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


def _arguments_model(
    function: Callable[..., Any], signature: inspect.Signature, without: tuple[str, ...] = ()
) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
    definitions: dict[str, Any] = {
        name: (hints[name], ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in signature.parameters.items()
        if name not in without
    }
    return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **definitions)
