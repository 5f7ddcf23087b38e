"""The background jobs in numbers, once or again and again."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from jobs.cli.answers import as_json_option, command, print_json, print_table
from jobs.runtime import browse, carrier
from webapp.core import clock
from webapp.core.commands import Number
from webapp.core.db import transaction
from webapp.core.redis import jobs_redis
from webapp.operations import alerts, queries, samples


@as_json_option
@command("stats")
def stats(as_json: bool) -> None:
    """What waits, runs and died, by queue, and the open alerts."""
    numbers = read_numbers()
    if as_json:
        print_json(numbers)
    else:
        _print(numbers)


@click.option("--every", type=Number(0.2, 3600), default=2.0, show_default=True, help="Seconds between two.")
@click.option("--count", type=click.IntRange(1), help="How often, until Ctrl-C if not given.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON each time.")
@command("watch")
def watch(every: float, count: int | None, as_json: bool) -> None:
    """The same again and again."""
    done = 0
    while True:
        numbers = read_numbers()
        if as_json:
            click.echo(json.dumps(numbers | {"at": clock.now().isoformat()}, default=str))
        else:
            click.clear()
            click.echo(f"{clock.now():%H:%M:%S}Z, every {every:g} s, Ctrl-C ends it\n")
            _print(numbers)
        done += 1
        if done == count:
            return
        time.sleep(every)


def read_numbers() -> dict[str, Any]:
    """Return the numbers of this moment; raises redis.RedisError when Redis is away."""
    workers = queries.live_workers(redis=jobs_redis())
    with transaction():
        tally = {standing.value: count for standing, count in browse.tally().items()}
        wrong = alerts.open_alerts()
    return {
        "queues": [
            {"name": state.name, "waiting": state.waiting, "oldest_seconds": round(state.oldest_seconds, 1)}
            for state in queries.whole_queues(carrier.lanes(), redis=jobs_redis())
        ],
        "runs": tally,
        "workers": {"alive": len(workers), "busy": sum(worker.state == "busy" for worker in workers)},
        "scheduler": queries.scheduler_leader(redis=jobs_redis()),
        "totals": samples.job_totals(),
        "alerts": [{"kind": one.kind.value, "subject": one.subject, "since": one.raised_at} for one in wrong],
    }


def _print(numbers: dict[str, Any]) -> None:
    rows = [(queue["name"], queue["waiting"], f"{queue['oldest_seconds']:g} s") for queue in numbers["queues"]]
    print_table(("QUEUE", "WAITING", "OLDEST"), rows, nothing="")
    click.echo()
    print_table(("RUNS", "NUMBER"), list(numbers["runs"].items()), nothing="")
    workers = numbers["workers"]
    click.echo(f"\n{workers['alive']} workers, {workers['busy']} busy; scheduler: {numbers['scheduler'] or 'none'}")
    for alert in numbers["alerts"]:
        click.echo(f"ALERT {alert['kind']} {alert['subject']} since {alert['since']:%Y-%m-%d %H:%M:%S}Z")
