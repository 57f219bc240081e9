"""`mip worker`: runs jobs, beside the web processes and on as many machines as one likes."""

import logging
import signal
import threading

from mip_app.core import logs
from mip_app.core.settings import settings
from mip_app.jobs import relay

log = logging.getLogger(__name__)


class NothingToDo(Exception):
    """Without Redis the web process runs the jobs itself."""


def work() -> None:
    """Until SIGINT or SIGTERM; what runs then is given back. Raises NothingToDo."""
    if not settings().redis_url:
        raise NothingToDo("MIP_REDIS_URL is empty: `mip run` runs the jobs itself.")
    logs.configure()
    over = threading.Event()
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, lambda *_: over.set())
    working = relay.worker()
    print(f"  Running jobs with {settings().job_threads} threads. Ctrl-C ends it.", flush=True)
    try:
        while not over.wait(relay.LOOK_EVERY):
            try:
                relay.hand_over()  # also where no web process is up
            except Exception:
                log.exception("due jobs could not be handed over")
    finally:
        relay.stop(working)
