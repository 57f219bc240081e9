"""Files of one run are read and checked by processes of their own: the interpreter works on one file at a time.

This process finds the files and commits them, in their order. What stands somewhere on the disk, a file or an entry of a
zip, is read over there; what comes by once, in a packed tar, is received here and read over there.
"""

import contextlib
import os
import pickle
import queue
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Self

from mip_app.core import logs
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import Received
from mip_app.ingest.checking import Checked, Examined, check, examine, kept, receive
from mip_app.ingest.outcome import Outcome, Source

HERE = 4  # batches that are checked in this process first: for a few files no other is started
AHEAD = 2  # batches for each process that wait to be checked, or to be committed

# A source that another process can open, a file that was received already with its name, or what became of one.
Parcel = bytes | tuple[str, Received] | Outcome


def processes() -> int:
    """As many as there are CPUs, and no more than four: one commits what all of them have read."""
    return min(os.cpu_count() or 1, 4)


class Checkers:
    """`jobs` processes, started when they are needed, ended with the context or when this process ends, however it ends."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="mip-check")
        self._idle: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._started: list[Connection] = []
        # What has not been handed on yet: it leaves the waiting room where somebody interrupts.
        self._here: list[Checked | Outcome] = []
        self._ahead: deque[tuple[Future[list[Checked | Outcome]], list[Parcel]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        _abandon(self._here)
        for checked, parcels in self._ahead:
            failed = checked.cancelled() or checked.exception()
            _abandon(parcels if failed else checked.result())
        for connection in self._started:
            connection.close()

    @needs(Permission.STUDY_UPLOAD)
    def check(self, actor: Actor, batches: Iterable[list[Source]]) -> Iterator[list[Checked | Outcome]]:
        """What is checked of each batch, in their order."""
        offered = iter(batches)
        for batch in islice(offered, HERE if self.jobs > 1 else None):
            for source in batch:
                self._here.append(check(actor, source))
            here, self._here = self._here, []
            yield here
        for batch in offered:
            if not self._started:
                for _ in range(self.jobs):
                    self._idle.put(self._start())
            parcels = [_parcel(actor, source) for source in batch]
            self._ahead.append((self._threads.submit(self._checked, actor, parcels), parcels))
            if len(self._ahead) > AHEAD * self.jobs:
                yield self._next()
        while self._ahead:
            yield self._next()

    def _next(self) -> list[Checked | Outcome]:
        found = self._ahead[0][0].result()
        self._ahead.popleft()  # not before: who is interrupted while it waits leaves it behind
        return found

    def _start(self) -> Connection:
        context = get_context(
            "spawn"
        )  # a fork would have our ends of all pipes, and the database's connections
        ours, theirs = context.Pipe()
        context.Process(target=_work, args=(theirs,), daemon=True).start()
        theirs.close()
        self._started.append(ours)
        return ours

    def _checked(self, actor: Actor, parcels: list[Parcel]) -> list[Checked | Outcome]:
        connection = self._idle.get()
        try:
            connection.send((actor, parcels))
            found: list[Examined | Outcome] = connection.recv()
        except (EOFError, OSError):  # it died, of one of these or of something else
            connection = self._start()
            found = [_examined(actor, parcel) for parcel in parcels]
        finally:
            self._idle.put(connection)
        return [kept(actor, item) if isinstance(item, Examined) else item for item in found]


def _abandon(items: Iterable[Parcel | Checked]) -> None:
    for item in items:
        if isinstance(item, Checked):
            item.kept.abandon()
        elif isinstance(item, tuple):
            item[1].discard()


def _parcel(actor: Actor, source: Source) -> Parcel:
    with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
        return pickle.dumps(source)
    received = receive(actor, source)
    return (source.name, received) if isinstance(received, Received) else received


def _examined(actor: Actor, parcel: Parcel) -> Examined | Outcome:
    if isinstance(parcel, bytes):
        source = pickle.loads(parcel)
        name, received = source.name, receive(actor, source)
    elif isinstance(parcel, tuple):
        name, received = parcel
    else:
        return parcel
    return examine(actor, name, received) if isinstance(received, Received) else received


def _work(asked: Connection) -> None:
    """The other process: until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that asks, which then ends us
    logs.configure()
    with contextlib.suppress(EOFError, OSError):
        while True:
            actor, parcels = asked.recv()
            asked.send([_examined(actor, parcel) for parcel in parcels])
