"""How gunicorn serves the archive: two processes of eight threads. Pages poll, so no thread is held for long."""

import gc
import os
import shutil
import threading
from pathlib import Path
from typing import Any

from jwstarchive import settings
from jwstarchive.run import listening

# Read by prometheus-client when it is imported. Figures of an earlier run would be added to this one's.
shutil.rmtree(settings.METRICS_DIR, ignore_errors=True)
settings.RUN_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
settings.METRICS_DIR.mkdir()
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(settings.METRICS_DIR)

# Nothing of what is imported now is ever rubbish: collecting meanwhile is time lost.
gc.disable()

bind = [f"{listening.bracketed(host)}:{settings.PORT}" for host in listening.hosts(settings.HOST)]
workers = 2
threads = 8
worker_class = "gthread"
# One import for all workers: sooner the first page, and less memory for each.
preload_app = True
timeout = 150
graceful_timeout = 1
keepalive = 5
# Heartbeat files on a disk can block the master; shared memory does not.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - gunicorn makes its own file there
control_socket_disable = True
loglevel = "warning"

WARM_UP_AFTER_S = 3.0


def on_starting(arbiter: Any) -> None:
    """Everything is imported. What there is stays as it is, in memory that all processes share."""
    gc.freeze()
    gc.enable()


def post_worker_init(worker: Any) -> None:
    """Import what the first search would have to wait for, in the background, once the first pages are out."""
    timer = threading.Timer(WARM_UP_AFTER_S, _warm_up)
    timer.daemon = True
    timer.start()


def _warm_up() -> None:
    from mast.archive import client

    client.warm_up()
