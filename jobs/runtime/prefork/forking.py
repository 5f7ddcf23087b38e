"""How the supervisor makes a process: one that has all its memory and none of its connections, signals or duties."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from jobs.runtime.prefork import system
from webapp.core import error_reports, tracing
from webapp.core.logs import get_logger
from webapp.core.redis import cache_redis, jobs_redis

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

log = get_logger(__name__)


def fork(work: Callable[[], None]) -> int:
    """Have `work` done in a process that ends with this one; return its id, 0 when the system has no room for it.

    The signals to stop are blocked there until `work` unblocks them. It exits 0, or 1 when `work` raises.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        pid = os.fork()
        if not pid:
            _live(work, parent)
    except OSError as error:
        log.error("the system gives us no further process", error=str(error))
        pid = 0
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return pid


def forget_connections() -> None:
    """Have this process open connections to Redis of its own."""
    for client in (jobs_redis, cache_redis):
        client.cache_clear()


def _live(work: Callable[[], None], parent: int) -> None:
    """Be the child, to the end: nothing of the parent's may run in here, not even what it does at its exit."""
    code = 1
    try:
        system.die_with_parent(parent)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        forget_connections()
        work()
        code = 0
    except BaseException as error:
        log.critical("a worker process ends by an error", exc_info=error)
    finally:
        tracing.flush()
        error_reports.flush()
        os._exit(code)
