"""`mip scp`: one process that holds the sockets, and workers that die alone and come back."""

import contextlib
import ctypes
import os
import signal
import socket
import sys
import time
from types import FrameType

from mip_app.core import logs
from mip_app.core.logs import log
from mip_app.core.settings import settings
from mip_app.dimse.acceptor import Acceptor, Listening, tls_context
from mip_app.dimse.slots import Slots

AGAIN_AFTER = 0.2  # seconds before a worker that died comes back
ENDS = 5.0  # seconds for the workers to end by themselves
BACKLOG = 128
ENDING = (signal.SIGTERM, signal.SIGINT)


class NoPort(Exception):
    """In words, for whoever starts us."""


def listening(wait: float = 0.0) -> list[Listening]:
    """The sockets; a taken port gives way to the next one that is free. Raises NoPort, OSError.

    `wait`: seconds to wait for one's own port, which workers of a process that was killed hold for a moment.
    """
    context, chosen = tls_context(), settings()
    found = [Listening(_bound(chosen.dimse_port, wait))]
    if context is not None:
        found.append(Listening(_bound(chosen.dimse_tls_port, wait), context))
    return found


def _bound(wanted: int, wait: float) -> socket.socket:
    until = time.monotonic() + wait
    family = socket.AF_INET6 if ":" in settings().host else socket.AF_INET
    while True:
        for port in range(wanted, min(wanted + (1 if wait else 100), 65536)):
            made = socket.socket(family, socket.SOCK_STREAM)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                made.bind((settings().host, port))
                made.listen(BACKLOG)
            except OSError:
                made.close()
                continue
            return made
        if time.monotonic() >= until:
            raise NoPort(f"no port from {wanted} on is free; set MIP_DIMSE_PORT or MIP_DIMSE_TLS_PORT")
        time.sleep(0.05)


def end_with(parent: int) -> None:
    """Be told when the process that started this one ends, however it ends (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)  # it ended before we could ask


class Workers:
    """Starts them from this process, which holds the sockets and does nothing else."""

    def __init__(self, sockets: list[Listening]) -> None:
        chosen = settings()
        self.sockets = sockets
        self.slots = Slots(chosen.dimse_workers, chosen.dimse_associations, chosen.dimse_associations_node)
        self._worker_of: dict[int, int] = {}  # by process id
        self._ending = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        _load_once()
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        for worker in range(settings().dimse_workers):
            self._start(worker)
        while self._worker_of:
            ended = self._wait()
            if ended is None:
                continue
            self.slots.empty(ended)
            if not self._ending:
                log.warning("DIMSE worker %d ended; it comes back", ended)
                time.sleep(AGAIN_AFTER)
            if not self._ending:
                self._start(ended)

    def _wait(self) -> int | None:
        """The next worker that ended."""
        try:
            process, _ = os.waitpid(-1, 0)
        except ChildProcessError:
            self._worker_of.clear()
            return None
        return self._worker_of.pop(process, None)

    def _start(self, worker: int) -> None:
        parent = os.getpid()
        # Told in between, a worker would do what its parent does then, and serve on.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
        if self._ending:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            return
        process = os.fork()
        if process:
            self._worker_of[process] = worker
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
            return
        try:
            self._be(worker, parent)
        finally:
            os._exit(1)

    def _be(self, worker: int, parent: int) -> None:
        self.slots.belong_to(worker)
        acceptor = Acceptor(self.sockets, self.slots)
        signal.signal(signal.SIGTERM, lambda *_: acceptor.stop())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the parent tells us
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
        end_with(parent)
        acceptor.serve()
        sys.stdout.flush()
        os._exit(0)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._ending = True
        for process in list(self._worker_of):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)


def _load_once() -> None:
    """What each worker would load for itself: shared by them, and a worker is back at once."""
    from mip_app.dicom.names import search_keys
    from mip_app.ingest import committing

    assert committing
    search_keys("张三")
    logs.configure()
