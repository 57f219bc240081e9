"""Reports: one per study, every saved text a version, the text being written apart from both, and the lock."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, UniqueConstraint
from sqlmodel import Field, SQLModel

from mip_app.core.columns import Utc


class ReportState(StrEnum):
    DRAFT = "draft"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"


class VersionKind(StrEnum):
    """How a text became a version."""

    SAVED = "saved"
    AUTOSAVED = "autosaved"  # nobody pressed 保存: its writer left, was idle for long, or was taken over
    SIGNED = "signed"
    REVIEWED = "reviewed"
    RETURNED = "returned"
    AMENDED = "amended"
    RECOVERED = "recovered"  # came too late to be the report's text; kept for its writer


class Report(SQLModel, table=True):
    """`findings` and `impression` are those of version `version`, the last that was saved."""

    study_pk: int = Field(primary_key=True, foreign_key="study.id")
    institution_id: int = Field(index=True)
    state: ReportState = Field(default=ReportState.DRAFT, sa_type=String)
    returned: bool = False  # a draft again, for `reason`
    amending: bool = False  # final and being changed, for `reason`; readers keep seeing `released`
    reason: str = ""
    findings: str = ""
    impression: str = ""
    version: int = 0
    versions: int = 0  # how many numbers were given
    released: int = 0  # the version that was reviewed: what clinicians read and what is printed; 0: none yet
    author: str = ""  # who saved or signed last, for the list; of a returned report who it went back to
    author_id: int | None = None
    preliminary_by: int | None = None
    preliminary_name: str = ""
    preliminary_title: str = ""
    preliminary_signature: str = ""  # the signature image as it was then: a blob's key
    preliminary_at: datetime | None = Field(default=None, sa_type=Utc)
    reviewed_by: int | None = None
    reviewed_name: str = ""
    reviewed_title: str = ""
    reviewed_signature: str = ""
    reviewed_at: datetime | None = Field(default=None, sa_type=Utc)


class ReportVersion(SQLModel, table=True):
    """Added, never changed. Numbers run from 1 without gaps inside a report."""

    __table_args__ = (UniqueConstraint("study_pk", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    study_pk: int = Field(foreign_key="report.study_pk")
    number: int
    kind: VersionKind = Field(sa_type=String)
    note: str = ""  # the reason of a return or an amendment
    findings: str
    impression: str
    by_id: int | None
    by: str
    at: datetime = Field(sa_type=Utc)


class WorkingText(SQLModel, table=True):
    """The text as it stands under the writer's hands. `revision` rises with each change of it."""

    study_pk: int = Field(primary_key=True, foreign_key="report.study_pk")
    revision: int = 0
    findings: str = ""
    impression: str = ""
    unsaved: bool = False  # differs from the last version
    by_id: int | None = None
    by: str = ""
    at: datetime | None = Field(default=None, sa_type=Utc)


class ReportLock(SQLModel, table=True):
    """Made with the report and never deleted, so that taking it is one UPDATE. The rules are in `lock.py`."""

    study_pk: int = Field(primary_key=True, foreign_key="report.study_pk")
    holder_id: int | None = None
    holder: str = ""
    fence: int = 0
    since: datetime | None = Field(default=None, sa_type=Utc)
    last_input_at: datetime | None = Field(default=None, sa_type=Utc)
    expires_at: datetime | None = Field(default=None, sa_type=Utc)
    listed_until: datetime | None = Field(default=None, sa_type=Utc)
    ended_fence: int = 0
    ended_why: str = ""
    ended_by: str = ""
    ended_version: int = 0


class PrintRecord(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    study_pk: int = Field(foreign_key="report.study_pk", index=True)
    version: int
    by_id: int | None
    by: str
    at: datetime = Field(sa_type=Utc)
