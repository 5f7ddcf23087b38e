"""How gunicorn serves Almanac, here and in production."""

import gc
import os
import signal

from gunicorn.workers.base import Worker

from webapp.core.settings import settings_or_exit

chosen = settings_or_exit()
bind = f"{f'[{chosen.host}]' if ':' in chosen.host else chosen.host}:{chosen.port}"
workers = chosen.web_concurrency
threads = chosen.web_threads
worker_class = "gthread"
preload_app = True  # one load for all workers
timeout = 30
graceful_timeout = 20
keepalive = 5
accesslog = None  # each request is logged by the application, with its id
forwarded_allow_ips = ""  # TRUSTED_PROXIES alone decides who may speak for a client
control_socket_disable = True  # it would lie in the home folder and be shared by all copies


# How a worker is told to stop: once. From its birth until it listens it would not hear it, and be killed 20 s later; so
# what comes meanwhile is kept for it.
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
os.register_at_fork(after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS))


def pre_fork(_server: object, _worker: object) -> None:
    """Leave what was loaded before out of every collection: it is there to stay, and shared while nobody touches it."""
    gc.collect()
    gc.freeze()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


def post_worker_init(worker: Worker) -> None:
    """Listen from here on to what asks the worker to stop, and let go then of those who follow a job live."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    from webapp.operations import live  # not before the application is loaded, which comes once gunicorn is set up

    live.end_when(lambda: not worker.alive)
