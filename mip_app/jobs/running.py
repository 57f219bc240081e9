"""One job taken up, kept alive while it runs, and settled.

Whoever takes it up has a lease, renewed by a thread of its own. A process that dies leaves the row running with a
lease that runs out: the relay makes it due again. So a job may run twice, and none is lost.
"""

import logging
import threading
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from mip_app.accounts import recognising
from mip_app.core import bus
from mip_app.core.actor import Actor, allows
from mip_app.core.clock import utc_now
from mip_app.core.database import read, write
from mip_app.core.errors import MipError, NotPermitted
from mip_app.core.settings import settings
from mip_app.jobs import service
from mip_app.jobs.kinds import KINDS, Stopped, TryAgain
from mip_app.jobs.models import Job, JobPart, JobState

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 5, 900  # seconds between two attempts; each pause is twice the last
ending = threading.Event()  # this process ends: what runs is given back
_NOBODY = recognising.nobody()


def lease() -> timedelta:
    return timedelta(seconds=settings().job_lease_seconds)


class Run:
    """Implements `kinds.Running`."""

    def __init__(self, row: Job, actor: Actor) -> None:
        self.id, self.run, self.payload, self.actor = row.id or 0, row.run, row.payload, actor
        self.institution_id = row.institution_id
        self._parts = read(partial(_parts_of, self.id), actor)

    def parts(self) -> dict[str, str]:
        return dict(self._parts)

    def note(self, tried: dict[str, str], total: int) -> None:
        if ending.is_set():
            raise Stopped()
        after = {**self._parts, **tried}
        failed = sum(1 for error in after.values() if error)
        values = {"done": len(after) - failed, "failed": failed, "total": total}

        def work(session: Session, _: Actor) -> None:
            for key, error in tried.items():
                session.merge(JobPart(job_id=self.id, key=key, error=error))
            self.change(session, **values)

        write(work, self.actor)
        self._parts = after

    def change(self, session: Session, **values: Any) -> None:
        """Raises Stopped where the job is not ours any more; nothing is written then."""
        ours = session.execute(
            update(Job)
            .where(col(Job.id) == self.id, col(Job.run) == self.run, col(Job.state) == JobState.RUNNING)
            .values(**values)
            .returning(col(Job.id))
            .execution_options(synchronize_session=False)
        )
        if not ours.all():
            raise Stopped()
        bus.touch(session, service.topic(self.id))
        bus.touch(session, service.topic_of(self.institution_id))

    def keep_alive(self, over: threading.Event) -> None:
        """Renew the lease until `over`."""
        while not over.wait(lease().total_seconds() / 3):
            try:
                write(lambda session, _: self.change(session, next_at=utc_now() + lease()), _NOBODY)
            except Stopped:
                return
            except Exception:  # the database may be away for a while
                log.exception("job %s: its lease could not be renewed", self.id)


def run_one(job_id: int) -> None:
    """Take it up and see it through; nothing where it is not due, or somebody else has it."""
    if ending.is_set() or (row := write(lambda session, _: _take(session, job_id), _NOBODY)) is None:
        return
    over = threading.Event()
    try:
        run = Run(row, asker(row) or _NOBODY)
        threading.Thread(target=run.keep_alive, args=(over,), daemon=True, name=f"lease-{job_id}").start()
        outcome = _outcome(run, row)
        write(lambda session, _: run.change(session, **outcome), _NOBODY)
    except Stopped:
        log.info("job %s is not ours any more", job_id)
    finally:
        over.set()


def asker(row: Job) -> Actor | None:
    """Who asked, with what they may now."""
    member = partial(
        recognising.actor_of_member, user_id=row.user_id, institution_id=row.institution_id, side=row.side
    )
    return read(member, recognising.nobody(row.address))


def _take(session: Session, job_id: int) -> Job | None:
    row = session.execute(
        update(Job)
        .where(col(Job.id) == job_id, col(Job.state) == JobState.WAITING)
        .values(
            state=JobState.RUNNING,
            run=col(Job.run) + 1,
            next_at=utc_now() + lease(),
            started_at=utc_now(),
            error="",
        )
        .returning(Job)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if row is not None:
        service.told(session, row)
    return row


def _outcome(run: Run, row: Job) -> dict[str, Any]:
    """What the row says afterwards. Raises Stopped."""
    kind = KINDS.get(row.kind)
    code, again = "", False
    try:
        if kind is None or not allows(kind.needs, run.actor):
            raise NotPermitted("job.not_permitted")
        kind.handler(run)
    except Stopped:
        if not ending.is_set():
            raise
        return {"state": JobState.WAITING, "next_at": utc_now()}
    except TryAgain as error:
        code, again = error.code, True
    except MipError as error:
        code = error.code
    except Exception:
        log.exception("job %s of kind %s failed", run.id, row.kind)
        code, again = "error.unexpected", True
    if not code:
        return {"state": JobState.DONE, "ended_at": utc_now()}
    log.warning("job %s of kind %s: %s", run.id, row.kind, code)
    attempts = row.attempts + 1
    if again and kind and attempts < kind.attempts:
        return {"state": JobState.WAITING, "next_at": _later(attempts), "attempts": attempts, "error": code}
    return {"state": JobState.FAILED, "ended_at": utc_now(), "attempts": attempts, "error": code}


def _later(attempts: int) -> datetime:
    return utc_now() + timedelta(seconds=min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE))


def take_back(session: Session) -> None:
    """What ran in a process that died is due again; what takes its process down each time fails at last."""
    rows = session.exec(
        select(Job).where(Job.state == JobState.RUNNING, col(Job.next_at) < utc_now()).with_for_update()
    ).all()
    for row in rows:
        log.warning("job %s of kind %s: the process that ran it is gone", row.id, row.kind)
        row.attempts, row.run = row.attempts + 1, row.run + 1
        known = KINDS.get(row.kind)
        if known and row.attempts >= known.attempts:
            row.state, row.error, row.ended_at = JobState.FAILED, "error.unexpected", utc_now()
        else:
            row.state, row.next_at = JobState.WAITING, utc_now()
        service.told(session, row)


def _parts_of(job_id: int, session: Session, actor: Actor) -> dict[str, str]:
    return {part.key: part.error for part in session.exec(select(JobPart).where(JobPart.job_id == job_id))}
