"""Work that outlives whoever asked for it. The row is the truth; brokers only carry its number."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Index, String
from sqlmodel import Field, SQLModel

from mip_app.core.actor import Side
from mip_app.core.columns import Utc


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(SQLModel, table=True):
    """Written in the transaction of the act that asks for it.

    `run` is the fencing number: each time somebody takes the job up it rises, and whoever holds an older one
    cannot write any more.
    """

    __table_args__ = (
        Index("job_due", "state", "next_at"),
        Index("job_of_institution", "institution_id", "kind", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    payload: dict[str, object] = Field(default_factory=dict, sa_type=JSON)  # keys and words, no patient data
    user_id: int = Field(foreign_key="user_account.id")  # who asked: authorised again when it runs
    institution_id: int = Field(foreign_key="institution.id")
    side: Side = Field(default=Side.WORK, sa_type=String)
    address: str = ""
    state: JobState = Field(default=JobState.WAITING, sa_type=String)
    done: int = 0  # parts
    failed: int = 0
    total: int = 0
    attempts: int = 0  # that failed, or whose process died
    run: int = 0
    next_at: datetime = Field(sa_type=Utc)  # waiting: when it is due; running: when it counts as abandoned
    error: str = ""  # a key of the text catalogue
    created_at: datetime = Field(sa_type=Utc)
    started_at: datetime | None = Field(default=None, sa_type=Utc)
    ended_at: datetime | None = Field(default=None, sa_type=Utc)


class JobPart(SQLModel, table=True):
    """A part of a job that was tried: what succeeded is not done again, whoever takes the job up."""

    job_id: int = Field(primary_key=True, foreign_key="job.id", ondelete="CASCADE")
    key: str = Field(primary_key=True)
    error: str = ""  # '': done
