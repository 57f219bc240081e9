"""Asking for a job, looking at it, cancelling it and having it done again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, false, or_, update
from sqlmodel import Session, col, select

from mip_app.accounts import entries
from mip_app.core import bus
from mip_app.core.actor import Actor, Open, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, NotVisible
from mip_app.jobs.kinds import KINDS
from mip_app.jobs.models import Job, JobPart, JobState

TOPIC = "jobs"  # the relay listens to it
KEEP = timedelta(days=30)  # how long an ended job can be looked at
ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
MOST = 100  # shown at once


class JobOver(Conflict):
    code = "job.over"


class JobRuns(Conflict):
    code = "job.runs"


@dataclass(frozen=True, slots=True)
class JobRow:
    id: int
    kind: str
    payload: dict[str, object]
    user_id: int
    state: str
    done: int
    failed: int
    total: int
    error: str
    created_at: datetime
    ended_at: datetime | None


def topic(job_id: int) -> str:
    """What a page that shows one job listens to."""
    return f"job:{job_id}"


def topic_of(institution_id: int) -> str:
    """What a page that shows an institution's jobs listens to."""
    return f"jobs:{institution_id}"


def ask(session: Session, actor: Actor, kind: str, payload: dict[str, object], total: int = 0) -> int:
    """Have it done once this transaction is committed; the job's number. For services, which declare."""
    now = utc_now()
    row = Job(
        kind=KINDS[kind].name,
        payload=payload,
        user_id=actor.user,
        institution_id=actor.institution,
        side=actor.side,
        address=actor.address,
        total=total,
        next_at=now,
        created_at=now,
    )
    session.add(row)
    session.flush()
    told(session, row)
    bus.touch(session, TOPIC)
    return row.id or 0


def told(session: Session, row: Job) -> None:
    """Pages that show it look again."""
    bus.touch(session, topic(row.id or 0))
    bus.touch(session, topic_of(row.institution_id))


def _visible(actor: Actor) -> ColumnElement[bool]:
    """One's own, and those of a kind that one keeps; of the own institution."""
    kept = [one.name for one in KINDS.values() if one.kept_by in actor.permissions]
    whose = or_(col(Job.user_id) == (actor.user_id or 0), col(Job.kind).in_(kept) if kept else false())
    return and_(col(Job.institution_id) == actor.institution, whose)


@needs(Open.TO_SIGNED_IN)
def listed(session: Session, actor: Actor, kind: str) -> list[JobRow]:
    """The newest of that kind, newest first."""
    rows = session.exec(
        select(Job).where(_visible(actor), Job.kind == kind).order_by(col(Job.id).desc()).limit(MOST)
    )
    return [_shown(row) for row in rows]


@needs(Open.TO_SIGNED_IN)
def shown(session: Session, actor: Actor, job_id: int) -> JobRow:
    """Raises NotVisible."""
    return _shown(_found(session, actor, job_id))


@needs(Open.TO_SIGNED_IN)
def cancel(session: Session, actor: Actor, job_id: int) -> Job:
    """What runs stops before its next part. Raises NotVisible, JobOver."""
    row = _found(session, actor, job_id, to_change=True)
    if row.state in ENDED:
        raise JobOver()
    row.state, row.ended_at = JobState.CANCELLED, utc_now()
    told(session, row)
    return row


@needs(Open.TO_SIGNED_IN)
def again(session: Session, actor: Actor, job_id: int) -> Job:
    """What is not done yet of an ended job, in the name of who asked first. Raises NotVisible, JobRuns."""
    row = _found(session, actor, job_id, to_change=True)
    if row.state not in ENDED:
        raise JobRuns()
    row.state, row.error, row.attempts = JobState.WAITING, "", 0
    row.next_at, row.ended_at = utc_now(), None
    told(session, row)
    bus.touch(session, TOPIC)
    return row


def forget_old(session: Session) -> None:
    """Jobs that ended a month ago go, with their parts."""
    session.execute(delete(JobPart).where(col(JobPart.job_id).in_(select(Job.id).where(*_old()))))
    session.execute(delete(Job).where(*_old()))


def _old() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(Job.state).in_(ENDED), col(Job.ended_at) < utc_now() - KEEP


def put_off(session: Session, job_id: int, due: datetime, until: datetime) -> bool:
    """Claim a waiting job for handing over: whether nobody else did."""
    claimed = session.execute(
        update(Job)
        .where(
            col(Job.id) == job_id,
            col(Job.next_at) == due,
            col(Job.state) == JobState.WAITING,
        )
        .values(next_at=until)
        .returning(col(Job.id))
        .execution_options(synchronize_session=False)
    )
    return bool(claimed.all())


def _found(session: Session, actor: Actor, job_id: int, *, to_change: bool = False) -> Job:
    statement = select(Job).where(_visible(actor), Job.id == entries.key(job_id))
    row = session.exec(statement.with_for_update() if to_change else statement).one_or_none()
    if row is None:
        raise NotVisible()
    return row


def _shown(row: Job) -> JobRow:
    return JobRow(
        row.id or 0,
        row.kind,
        row.payload,
        row.user_id,
        row.state,
        row.done,
        row.failed,
        row.total,
        row.error,
        row.created_at,
        row.ended_at,
    )
