"""The scheduler process: `python -m jobs.scheduler`. Several may run; one leads."""

from __future__ import annotations

from jobs.runtime import registry
from jobs.runtime.execute import application
from jobs.runtime.scheduler import Scheduler
from webapp.core.redis import jobs_redis


def main() -> None:
    """Run the scheduler until a signal stops it."""
    with application().app_context():
        registry.load_jobs()
        from jobs.schedule import SCHEDULE  # once all jobs are declared

        Scheduler(connection=jobs_redis(), entries=SCHEDULE).run()


if __name__ == "__main__":
    main()
