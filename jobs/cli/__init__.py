"""`flask jobs …`: the background jobs from the command line. docs/operate.md lists the commands and exit statuses."""

from __future__ import annotations

from jobs.cli.answers import JobsGroup
from jobs.cli.dead import dead
from jobs.cli.declared import enqueue, list_jobs, run_job
from jobs.cli.numbers import stats, watch
from jobs.cli.periodic import schedule
from jobs.cli.runs import retry, revoke, show

jobs = JobsGroup("jobs", help="See, run and look after the background jobs.")
for command in (list_jobs, show, run_job, enqueue, retry, revoke, dead, schedule, stats, watch):
    jobs.add_command(command)
