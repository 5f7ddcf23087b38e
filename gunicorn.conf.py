"""How gunicorn serves Almanac, here and in production; docs/configure.md lists the settings it reads."""

import gc
import os

from gunicorn.workers.base import Worker

host = os.environ.get("HOST") or "0.0.0.0"  # noqa: S104  a container's own network
bind = f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT') or '8000'}"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = int(os.environ.get("WEB_THREADS") or 4)
worker_class = "gthread"
preload_app = True  # one load for all workers; and a setting that makes no sense stops the start, not each worker
timeout = 30
graceful_timeout = 20
keepalive = 5
accesslog = None  # each request is logged by the application, with its id
forwarded_allow_ips = ""  # TRUSTED_PROXIES alone decides who may speak for a client
control_socket_disable = True  # it would lie in the home folder and be shared by all copies


def pre_fork(_server: object, _worker: object) -> None:
    """Leave what was loaded before out of every collection: it is there to stay, and shared while nobody touches it."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Worker) -> None:
    """Let go of those who follow a job live when the worker is to stop, rather than wait for them."""
    from webapp.operations import live  # not before the application is loaded, which sees to the settings first

    live.end_when(lambda: not worker.alive)
