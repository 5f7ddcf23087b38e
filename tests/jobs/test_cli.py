"""`flask jobs …`: tables for people, JSON for programs, and exit statuses that mean something."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import func, select, text

from jobs import schedule as table
from jobs.runtime import schedules
from jobs.runtime.models import JobRun, RunState
from tests.conftest import Servers
from tests.jobs import sample, secretive
from tests.operations.background import again, failed_attempt, later, run
from webapp.core.db import session, transaction
from webapp.operations.models import Action, Via
from webapp.operations.service import actions

Cli = Callable[..., Result]
OK, JOB_FAILED, ASKED_WRONGLY, NOT_FOUND, CONFLICT, UNAVAILABLE, DECLINED = range(7)
HEALTH = "operations.check_system_health"


@pytest.fixture
def cli(effects: Flask) -> Cli:
    """Run a command; the status is checked."""

    def invoke(*arguments: str, status: int = OK, answer: str | None = None) -> Result:
        result = effects.test_cli_runner().invoke(args=["jobs", *map(str, arguments)], input=answer)
        assert result.exit_code == status, (result.output, result.exception)
        return result

    return invoke


def read(result: Result) -> Any:
    return json.loads(result.stdout)


def test_list_has_every_job_for_people_and_for_programs(cli: Cli) -> None:
    jobs = {job["name"]: job for job in read(cli("list", "--json"))}
    health = jobs[HEALTH]
    assert health.keys() >= {"name", "queue", "lane", "retry", "schedule", "timezone", "durable", "atomic", "on"}
    assert (health["schedule"], health["time_limit"], health["soft_time_limit"]) == ("* * * * *", 60, 30)
    assert jobs["bookings.process_booking_confirmation"]["on"] == ["BookingConfirmed"]
    lines = cli("list").output.splitlines()
    assert lines[0].split() == ["JOB", "QUEUE", "RETRY", "STARTED", "BY"]
    assert any(line.startswith(HEALTH) and "maintenance:high" in line for line in lines)


def test_run_says_how_it_ended(cli: Cli) -> None:
    done = read(cli("run", sample.mark.name, "--args", '{"name": "here"}'))
    assert (done["state"], done["result"]) == ("succeeded", {"times": 1})
    assert read(cli("run", sample.refuse.name, "--args", '{"message": "no"}', status=JOB_FAILED))["state"] == "dead"
    assert "there is no job" in cli("run", "no.such_job", status=NOT_FOUND).stderr
    assert "times" in cli("run", sample.mark.name, "--args", '{"name": "a", "times": "x"}', status=ASKED_WRONGLY).stderr
    assert "not JSON" in cli("run", sample.mark.name, "--args", "{", status=ASKED_WRONGLY).stderr
    assert "JSON object" in cli("run", sample.mark.name, "--args", "[]", status=ASKED_WRONGLY).stderr


def test_a_job_without_a_row_is_run_like_the_others_and_hides_its_secrets(cli: Cli) -> None:
    done = read(cli("run", sample.mark_cheaply.name, "--args", '{"name": "here"}'))
    assert (done["state"], done["result"], done["error"]) == ("succeeded", None, None)
    token = json.dumps({"token": "canary-7f3a"})
    assert read(cli("run", secretive.tell_cheaply.name, "--args", token))["result"] == ["[hidden]", 12345]
    failed = cli("run", secretive.fail_cheaply.name, "--args", token, status=JOB_FAILED)
    assert "canary" not in failed.output
    assert (read(failed)["state"], read(failed)["error"]) == ("dead", "ValueError: the other side refused [hidden]")


def test_who_has_run_a_job_here_is_written_down(cli: Cli) -> None:
    ids = [read(cli("run", job.name, "--args", '{"name": "a"}'))["id"] for job in (sample.mark, sample.mark_cheaply)]
    assert [(each.action, each.subject) for each in actions()][::-1] == [(Action.ENQUEUE, run_id) for run_id in ids]
    assert [each.details for each in actions()] == [
        {"job": sample.mark_cheaply.name, "here": True},
        {"job": sample.mark.name, "here": True},
    ]


def test_enqueue_now_later_and_once(cli: Cli) -> None:
    arguments = ("enqueue", sample.mark.name, "--args", '{"name": "here"}')
    run_id = UUID(cli(*arguments).output.strip())
    assert again(run_id).arguments == {"name": "here", "times": 1}
    assert again(UUID(read(cli(*arguments, "--in", "60", "--json"))["id"])).run_at > later(seconds=50)
    assert again(UUID(cli(*arguments, "--at", "2040-01-01T00:00:00Z").output.strip())).run_at.year == 2040
    assert cli(*arguments, "--once", "key").output == cli(*arguments, "--once", "key").output
    for wrong in (("--at", "soon"), ("--at", "2040-01-01T00:00:00"), ("--at", "2040-01-01T00:00:00Z", "--in", "1")):
        cli(*arguments, *wrong, status=ASKED_WRONGLY)
    for needs_row in (("--once", "k"), ("--in", "1"), ("--at", "2040-01-01T00:00:00Z")):
        cheap = ("enqueue", sample.mark_cheaply.name, "--args", '{"name": "a"}', *needs_row)
        assert "durable=False" in cli(*cheap, status=ASKED_WRONGLY).stderr
    assert {action.action for action in actions()} == {Action.ENQUEUE}
    assert {action.via for action in actions()} == {Via.COMMAND}


@pytest.mark.parametrize(
    "when",
    ["0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "1970-12-31T23:59:59Z", "2200-01-01T00:00:00Z"],
)
def test_a_time_at_which_nothing_can_be_due_is_refused_in_one_sentence(cli: Cli, when: str) -> None:
    refused = cli("enqueue", sample.mark.name, "--args", '{"name": "x"}', "--at", when, status=ASKED_WRONGLY)
    assert len(refused.stderr.splitlines()) == 1
    assert session().scalar(select(func.count()).select_from(JobRun)) == 0


def test_show_a_run_and_a_job(cli: Cli) -> None:
    one = run(RunState.DEAD, name=sample.mark.name, arguments={"token": "abc", "name": "x"}, error="ValueError: no")
    failed_attempt(one, "no", traceback="Traceback: no")
    shown = read(cli("show", one.id, "--json"))
    assert (shown["state"], shown["arguments"]) == ("dead", {"token": "[hidden]", "name": "x"})
    assert [attempt["traceback"] for attempt in shown["attempts"]] == ["Traceback: no"]
    assert "ValueError: no" in cli("show", one.id).output
    assert [row["id"] for row in read(cli("show", sample.mark.name, "--json"))["runs"]] == [str(one.id)]
    assert str(one.id) in cli("show", sample.mark.name).output
    assert "No run of it" in cli("show", sample.mark.name, "--state", "queued").output
    cli("show", uuid4(), status=NOT_FOUND)
    cli("show", "no.such_job", status=NOT_FOUND)


def test_revoke_and_retry(cli: Cli) -> None:
    waiting, dead = run(name=sample.mark.name), run(RunState.DEAD, name=sample.mark.name)
    assert "cancelled" in cli("revoke", waiting.id).output
    assert "waits again" in cli("retry", dead.id).output
    assert (again(waiting.id).state, again(dead.id).state) == (RunState.CANCELLED, RunState.WAITING)
    cli("revoke", waiting.id, status=CONFLICT)
    cli("revoke", uuid4(), status=NOT_FOUND)
    cli("retry", dead.id, status=NOT_FOUND)
    cli("revoke", "nonsense", status=ASKED_WRONGLY)
    cli("revoke", status=ASKED_WRONGLY)


def test_programs_are_told_what_became_of_each_run_also_when_one_is_unknown(cli: Cli) -> None:
    waiting, dead = run(name=sample.mark.name), run(RunState.DEAD, name=sample.mark.name)
    revoked = cli("revoke", "--json", waiting.id, uuid4(), status=NOT_FOUND)
    assert read(revoked) == [{"id": str(waiting.id), "outcome": "cancelled"}]
    assert read(cli("retry", "--json", dead.id)) == [{"id": str(dead.id), "outcome": "waiting"}]


def test_dead_letters_are_found_replayed_and_discarded(cli: Cli) -> None:
    assert "no dead letters" in cli("dead", "list").output
    one, two, three = (run(RunState.DEAD, name=sample.mark.name, error=f"ValueError: {n}") for n in range(3))
    found = read(cli("dead", "list", "--json", "--text", "error: 1"))
    assert (found["total"], [letter["id"] for letter in found["items"]]) == (1, [str(two.id)])
    assert "2 more" in cli("dead", "list", "--limit", "1").output
    assert "1 of 2" in cli("dead", "replay", one.id, uuid4(), status=NOT_FOUND).output
    assert "Nothing was changed" in cli("dead", "discard", two.id, answer="n\n", status=DECLINED).stderr
    cli("dead", "discard", two.id, answer="", status=DECLINED)
    assert "1 discarded" in cli("dead", "discard", two.id, "--yes").output
    assert "1 discarded" in cli("dead", "discard", "--all", "--job", sample.mark.name, answer="y\n").output
    assert [again(each.id).state.value for each in (one, two, three)] == ["waiting", "cancelled", "cancelled"]
    cli("dead", "replay", status=ASKED_WRONGLY)
    cli("dead", "replay", one.id, "--all", status=ASKED_WRONGLY)
    replaying = UUID(cli("dead", "replay", "--all", "--queue", "email").output.split()[0])
    assert again(replaying).arguments["queue"] == "email"


def test_dead_letters_that_are_none_are_named(cli: Cli) -> None:
    alive, unknown = run(name=sample.mark.name), uuid4()
    for command in (("replay",), ("discard", "--yes")):
        answer = cli("dead", *command, alive.id, unknown, status=NOT_FOUND)
        assert f"Not among the dead letters: {alive.id}, {unknown}" in answer.stderr
    assert actions() == [], "nothing was done, so nothing is written down"
    old = run(RunState.DEAD, name=sample.mark.name, unique_key="key")
    run(name=sample.mark.name, unique_key="key")
    assert str(old.id) in cli("dead", "replay", old.id, status=CONFLICT).stderr


def test_dead_letters_for_programs(cli: Cli) -> None:
    one, two, three = (run(RunState.DEAD, name=sample.mark.name) for _ in range(3))
    assert read(cli("dead", "replay", "--json", one.id)) == {"replayed": [str(one.id)]}
    assert read(cli("dead", "discard", "--json", "--yes", two.id, uuid4(), status=NOT_FOUND)) == {
        "discarded": [str(two.id)]
    }
    assert read(cli("dead", "discard", "--json", "--all", answer="y\n")) == {"discarded": [str(three.id)]}
    replaying = read(cli("dead", "replay", "--json", "--all"))["id"]
    assert again(UUID(replaying)).name == "operations.replay_dead_letters"
    assert [each.subject for each in actions()][::-1] == [str(one.id), str(two.id), str(three.id), replaying]


def test_periodic_jobs_for_programs(cli: Cli) -> None:
    with transaction():
        schedules.seed(table.SCHEDULE)
    edited = read(cli("schedule", "edit", "--json", HEALTH, "--cron", "*/5 * * * *"))
    assert (edited["name"], edited["cron"], edited["is_edited"]) == (HEALTH, "*/5 * * * *", True)
    assert read(cli("schedule", "pause", "--json", HEALTH))["next_run_at"] is None
    assert read(cli("schedule", "resume", "--json", HEALTH))["next_run_at"]
    assert read(cli("schedule", "reset", "--json", HEALTH))["cron"] == "* * * * *"
    run_id = read(cli("schedule", "run", "--json", HEALTH))["id"]
    assert again(UUID(run_id)).name == HEALTH


def test_periodic_jobs_are_edited_paused_and_run(cli: Cli) -> None:
    assert "none yet" in cli("schedule", "list").output
    with transaction():
        schedules.seed(table.SCHEDULE)
    assert HEALTH in cli("schedule", "list").output
    cli("schedule", "edit", HEALTH, "--cron", "*/5 * * * *", "--timezone", "Europe/Berlin")
    row = {row["name"]: row for row in read(cli("schedule", "list", "--json"))}[HEALTH]
    assert (row["cron"], row["timezone"], row["is_edited"]) == ("*/5 * * * *", "Europe/Berlin", True)
    assert "cron" in cli("schedule", "edit", HEALTH, "--cron", "nonsense", status=ASKED_WRONGLY).stderr
    cli("schedule", "edit", HEALTH, status=ASKED_WRONGLY)
    assert "paused" in cli("schedule", "pause", HEALTH).output
    assert "next at" in cli("schedule", "resume", HEALTH).output
    assert "* * * * * UTC" in cli("schedule", "reset", HEALTH).output
    run_id = cli("schedule", "run", HEALTH).output.strip()
    assert read(cli("schedule", "history", HEALTH, "--json"))[0]["run_id"] == run_id
    assert run_id in cli("schedule", "history", HEALTH).output
    cli("schedule", "pause", "no.such", status=NOT_FOUND)
    assert actions(subject=HEALTH)[-1].details["after"]["cron"] == "*/5 * * * *"


def test_numbers_once_and_again(cli: Cli) -> None:
    run()
    numbers = read(cli("stats", "--json"))
    assert (numbers["runs"]["queued"], numbers["workers"], numbers["scheduler"]) == (1, {"alive": 0, "busy": 0}, None)
    assert "maintenance" in cli("stats").output
    lines = cli("watch", "--json", "--count", "2", "--every", "0.2").output.splitlines()
    assert [json.loads(line)["runs"]["queued"] for line in lines] == [1, 1]
    assert "Ctrl-C" in cli("watch", "--count", "1").output


# A byte that is no text, as Python takes it from the shell.
RAW = "\udcff"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        *((("run", sample.mark.name, "--args", deep), "--args") for deep in ("[" * 20_000, '{"name":' * 20_000)),
        *(
            (("run", sample.mark.name, "--args", text), "NUL")
            for text in (f'{{"name": "{RAW}"}}', '{"name": "\\u0000"}')
        ),
        *(
            ((verb, sample.mark.name, "--args", '{"name": "\\ud800"}'), "halves of surrogate pairs")
            for verb in ("run", "enqueue")
        ),
        *(
            (("run", "operations.replay_dead_letters", "--args", f'{{"{name}": "2026-01-01T00:00:00"}}'), name)
            for name in ("since", "until")
        ),
        *(
            (("enqueue", HEALTH, "--in", wrong), "--in")
            for wrong in ("nan", "inf", "-1", "1e10", "1e18", "1e300", "9" * 5000, RAW)
        ),
        *((("dead", "list", "--older-than", wrong), "--older-than") for wrong in ("nan", "inf", "1e18", "1e300", RAW)),
        *((("watch", "--count", "1", "--every", wrong), "--every") for wrong in ("nan", "inf", "0", RAW)),
        (("watch", "--count", "9" * 5000), "--count"),
        *((("enqueue", HEALTH, "--once", wrong), "--once") for wrong in (f"a{RAW}", "", "k" * 201)),
        (("enqueue", HEALTH, f"--once=a{RAW}"), "--once"),
        (("enqueue", HEALTH, "--at", RAW), "--at"),
        *((("dead", "list", option, RAW), option) for option in ("--text", "--job", "--queue", "--limit")),
        (("dead", "replay", RAW), "what was asked for"),
        (("dead", "discard", "--all", "--yes", "--text", "a\0b"), "--text"),
        (("show", RAW), "what was asked for"),
        (("show", "a\0b"), "what was asked for"),
        (("schedule", "pause", RAW), "what was asked for"),
        (("schedule", "edit", HEALTH, "--timezone", RAW), "--timezone"),
        (("schedule", "edit", HEALTH, "--timezone", "x" * 5000), "timezone"),
        (("schedule", "edit", HEALTH, "--cron", RAW), "--cron"),
        *(
            (("schedule", "edit", HEALTH, "--cron", f"{long} * * * *"), "cron")
            for long in ("9" * 5000, "1," * 100 + "2")
        ),
        (("schedule", "edit", HEALTH, "--args", "[" * 20_000), "--args"),
        (("schedule", "history", HEALTH, "--limit", "9" * 5000), "--limit"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(cli: Cli, arguments: tuple[str, ...], named: str) -> None:
    with transaction():
        schedules.seed(table.SCHEDULE)
    refused = cli(*arguments, status=ASKED_WRONGLY)
    assert named in refused.stderr.splitlines()[-1]
    assert actions() == []


def test_what_is_away_is_named(cli: Cli, servers: Servers) -> None:
    servers.jobs_redis.stop()
    try:
        assert "Redis" in cli("stats", status=UNAVAILABLE).stderr
    finally:
        servers.jobs_redis.start()
    with transaction():
        session().execute(text("ALTER TABLE job_schedule RENAME TO elsewhere"))
    try:
        assert "migrated" in cli("schedule", "list", status=UNAVAILABLE).stderr
    finally:
        session().rollback()
        with transaction():
            session().execute(text("ALTER TABLE elsewhere RENAME TO job_schedule"))
