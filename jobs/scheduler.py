"""The scheduler process: `python -m jobs.scheduler`. Several may run; one leads."""

from __future__ import annotations

from threading import Thread

from jobs.runtime import registry
from jobs.runtime.execute import application
from jobs.runtime.scheduler import Scheduler
from jobs.watchman import keep_watch
from webapp.core.redis import jobs_redis


def main() -> None:
    """Run the scheduler until a signal stops it."""
    app = application()
    with app.app_context():
        registry.load_jobs()
        from jobs.schedule import SCHEDULE  # once all jobs are declared

        scheduler = Scheduler(connection=jobs_redis(), entries=SCHEDULE)
        Thread(target=keep_watch, args=(app,), kwargs={"is_wanted": lambda: True}, name="watchman", daemon=True).start()
        scheduler.run()


if __name__ == "__main__":
    main()
