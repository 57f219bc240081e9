"""What all requests of a process have checked is committed by one of its threads at a time: files share the wait for
the disk. Whoever comes alone commits in the own thread, without waking another."""

import os
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from sqlmodel import Session

from mip_app.core.actor import Actor
from mip_app.core.blobs import blobs
from mip_app.core.database import write
from mip_app.core.errors import MipError
from mip_app.core.logs import note
from mip_app.dicom.names import search_keys
from mip_app.ingest.checking import Checked
from mip_app.ingest.outcome import Kind, Outcome
from mip_app.ingest.storing import store

TOGETHER = 32  # files in one transaction: others who want to write wait as long as that takes


@dataclass(frozen=True, slots=True)
class _Job:
    actor: Actor
    ready: list[Checked]
    done: "Future[list[Outcome]]"


class Committer:
    """Answers each job when its files are durable and committed, and not before."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._turn = threading.Lock()
        self._turn.acquire()  # the thread's, until it is ready
        threading.Thread(target=self._run, name="mip-commit", daemon=True).start()

    def submit(self, actor: Actor, ready: list[Checked], here: bool = False) -> "Future[list[Outcome]]":
        """The outcomes, in the order of `ready`. `here`: the caller has nothing else to do."""
        job = _Job(actor, ready, Future())
        if not ready:
            job.done.set_result([])
            return job.done
        for item in ready:
            item.kept.wait() if here and len(ready) == 1 else item.kept.begin()
        if here and self._turn.acquire(blocking=False):
            try:
                job.done.set_result(_commit([job])[0])
            finally:
                self._turn.release()
        else:
            self._jobs.put(job)
        return job.done

    def _run(self) -> None:
        with suppress(OSError):
            blobs().tidy()
        search_keys("张三")  # loads its dictionary, a second that no transaction shall hold the others up for
        self._turn.release()
        while True:
            jobs = [self._jobs.get()]
            with self._turn:
                self._commit(jobs)

    def _commit(self, jobs: list[_Job]) -> None:
        with suppress(queue.Empty):
            while sum(len(job.ready) for job in jobs) < TOGETHER:
                jobs.append(self._jobs.get_nowait())
        # Whoever asked may be gone: what they sent is stored all the same, and nobody is told.
        heard = [job.done.set_running_or_notify_cancel() for job in jobs]
        for job, outcomes, somebody in zip(jobs, _commit(jobs), heard, strict=True):
            if somebody:
                job.done.set_result(outcomes)


def _commit(jobs: list[_Job]) -> list[list[Outcome]]:
    try:
        return write(_store_jobs, jobs[0].actor, jobs)
    except Exception:  # one of them, or somebody who was faster: each file by itself then
        return [list(_one_by_one(job)) for job in jobs]


def _store_jobs(session: Session, _first: Actor, jobs: list[_Job]) -> list[list[Outcome]]:
    outcomes = [_stored(session, job.actor, job.ready) for job in jobs]
    return outcomes


def _stored(session: Session, actor: Actor, ready: list[Checked]) -> list[Outcome]:
    """Rows are written while the disk takes the bytes; committed is only what it has."""
    outcomes = store(session, actor, ready)
    for item in ready:
        item.kept.result()
    return outcomes


def _one_by_one(job: _Job) -> Iterator[Outcome]:
    for item in job.ready:
        try:
            item.kept.result()
            yield from write(_stored, job.actor, [item])
        except MipError as error:
            yield item.outcome(Kind.REFUSED, error.code, **error.detail)
        except Exception as error:
            yield item.outcome(Kind.REFUSED, "ingest.not_stored", number=note(error))


@cache
def committer() -> Committer:
    return Committer()


# A forked child has the object and not its thread: it makes its own.
os.register_at_fork(after_in_child=committer.cache_clear)
