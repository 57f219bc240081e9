"""Patient, study, series, instance: DICOM's model (PS3.3 section 7), one tree per institution.

UIDs are chosen by senders, so every one of them is unique inside its institution only.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, String, UniqueConstraint, text
from sqlmodel import Field, SQLModel, col

from mip_app.core.columns import Utc

# A prefix is a range of keys only where they are ordered byte by byte, as SQLite does by itself.
_BYTEWISE = String().with_variant(String(collation="C"), "postgresql")


class ReportStatus(StrEnum):
    """What the list shows of a study's report. The report itself is of the reports feature."""

    NONE = "none"
    DRAFT = "draft"
    RETURNED = "returned"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    AMENDED = "amended"


class PatientClass(StrEnum):
    """检查类别; the letters of HL7 table 0004, H (health check) added."""

    OUTPATIENT = "O"
    INPATIENT = "I"
    EMERGENCY = "E"
    CHECKUP = "H"


class Contrast(StrEnum):
    """扫描方式."""

    PLAIN = "plain"
    ENHANCED = "enhanced"
    BOTH = "both"


class Patient(SQLModel, table=True):
    """One person as files name them. Same ID with other demographics: another `variant`, until somebody decides."""

    __table_args__ = (UniqueConstraint("institution_id", "issuer", "patient_id", "variant"),)

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(foreign_key="institution.id")
    patient_id: str  # (0010,0020)
    issuer: str = ""  # (0010,0021)
    name: str = ""  # for people: 张三, SMITH, Jonathan
    person_name: str = ""  # (0010,0010) with all component groups
    name_folded: str = Field(
        default="", sa_type=_BYTEWISE
    )  # comparable (query/names.py); '': no keys written yet
    sex: str = ""
    birth_date: date | None = None
    variant: int = 0
    merged_into: int | None = None  # the patient whom somebody said this is; new files still find this row


Index(
    "patient_merged",
    col(Patient.merged_into),
    sqlite_where=text("merged_into IS NOT NULL"),
    postgresql_where=text("merged_into IS NOT NULL"),
)


class PatientKey(SQLModel, table=True):
    """By which words a patient is found: 张三, 三, zhangsan, zs, the patient ID. Matched by prefix."""

    __table_args__ = (Index("patient_key_lookup", "institution_id", "key", "patient_id"),)

    patient_id: int = Field(foreign_key="patient.id", primary_key=True)
    key: str = Field(primary_key=True, sa_type=_BYTEWISE)
    institution_id: int


class PatientTail(SQLModel, table=True):
    """A patient's name and ID from each of their letters on: what contains a word has a tail that begins with it.

    The order of the primary key is the one they are looked up in; where a table can be that index, it is.
    """

    __table_args__ = {"sqlite_with_rowid": False}

    institution_id: int = Field(primary_key=True)
    tail: str = Field(primary_key=True, sa_type=_BYTEWISE)
    patient_pk: int = Field(foreign_key="patient.id", primary_key=True, index=True)


class StudyModality(SQLModel, table=True):
    """One of the modalities of a study, in the order of the list: a page of one modality is one index range."""

    __table_args__ = (
        Index("study_modality_by_time", "institution_id", "modality", "studied_at", "study_pk", "study_date"),
    )

    study_pk: int = Field(foreign_key="study.id", primary_key=True)
    modality: str = Field(primary_key=True)
    institution_id: int
    studied_at: datetime = Field(sa_type=Utc)
    study_date: date | None = None


class Study(SQLModel, table=True):
    """One examination, with what the list shows of it, so that a page of the list is one index range."""

    __table_args__ = (
        UniqueConstraint("institution_id", "study_uid"),
        Index("study_by_accession", "institution_id", "accession_number"),
    )

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(foreign_key="institution.id")
    study_uid: str
    patient_pk: int = Field(foreign_key="patient.id", index=True)
    accession_number: str = Field(default="", sa_type=_BYTEWISE)
    study_id: str = ""
    description: str = ""
    referring_physician: str = ""
    study_date: date | None = None
    study_time: str = ""  # as recorded, HHMMSS.FFFFFF
    studied_at: datetime = Field(
        sa_type=Utc
    )  # both as a moment; without a date, the moment it arrived. Orders the list
    utc_offset: str = ""  # (0008,0201) as recorded
    patient_age: str = ""  # (0010,1010) as recorded
    modality: str = ""  # the one that made the images, for the list; all of them below
    modalities: str = ""  # ModalitiesInStudy, joined with a backslash
    body_part: str = ""
    patient_class: str = ""
    contrast: str = ""
    series_count: int = 0
    instance_count: int = 0
    received_at: datetime = Field(sa_type=Utc)
    # Told by the reports feature:
    report_status: str = Field(default=ReportStatus.NONE, sa_type=String)
    report_author: str = ""
    report_author_id: int | None = None
    printed_at: datetime | None = Field(default=None, sa_type=Utc)
    lock_holder_id: int | None = None
    lock_holder: str = ""
    lock_expires_at: datetime | None = Field(default=None, sa_type=Utc)
    lock_since: datetime | None = Field(default=None, sa_type=Utc)
    # Of data maintenance:
    origin_pk: int | None = None  # the patient whom the files name; None: `patient_pk`
    corrections: dict[str, object] = Field(
        default_factory=dict, sa_type=JSON
    )  # DICOM JSON, see corrections.py


class Series(SQLModel, table=True):
    __table_args__ = (
        UniqueConstraint("study_pk", "series_uid"),
        Index("series_by_uid", "institution_id", "series_uid"),
    )

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int
    study_pk: int = Field(foreign_key="study.id")
    series_uid: str
    modality: str = ""
    series_number: int | None = None
    description: str = ""
    body_part: str = ""
    laterality: str = ""
    series_date: date | None = None
    series_time: str = ""
    performed_date: date | None = None  # of the procedure step (0040,0244)
    performed_time: str = ""
    scheduled_step_ids: str = ""  # of the items of (0040,0275), joined with a backslash
    requested_procedure_ids: str = ""
    instance_count: int = 0
    revision: int = 0  # rises with each instance: names the cached metadata document


class Instance(SQLModel, table=True):
    __table_args__ = (
        UniqueConstraint("institution_id", "sop_instance_uid"),
        Index("instance_by_series", "series_pk", "instance_number"),
    )

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int
    series_pk: int = Field(foreign_key="series.id")
    sop_instance_uid: str
    sop_class_uid: str = ""
    instance_number: int | None = None
    transfer_syntax_uid: str = ""
    rows: int | None = None
    columns: int | None = None
    frame_count: int = 0
    size: int
    sha256: str
    blob: str  # key of the stored file, bit for bit
    frames: str = ""  # FrameIndex: where each frame lies in that file
    header: bytes = Field(default=b"", sa_type=LargeBinary)  # DICOM JSON (PS3.18 F), zlib
    received_at: datetime = Field(sa_type=Utc)


class Grant(SQLModel, table=True):
    """What an institution lets another, or one person there, see of its own. Withdrawn or over, it stays to be read."""

    __tablename__ = "studygrant"  # `grant` is a word of SQL

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(foreign_key="institution.id", index=True)  # whose
    to_institution_id: int = Field(foreign_key="institution.id")
    to_user_id: int | None = Field(default=None, foreign_key="user_account.id")  # None: everybody there
    study_pk: int | None = Field(default=None, foreign_key="study.id", index=True)  # one study, or
    patient_pk: int | None = Field(default=None, foreign_key="patient.id", index=True)  # all of a patient's
    future: bool = False  # of a patient: also those that come later
    # Everybody it is given to may look. And, where their role allows it:
    may_report: bool = False
    may_print: bool = False
    may_download: bool = False
    reason: str
    until: datetime | None = Field(default=None, sa_type=Utc)  # None: until it is withdrawn
    given_at: datetime = Field(sa_type=Utc)
    given_by_id: int | None = None
    given_by: str
    withdrawn_at: datetime | None = Field(default=None, sa_type=Utc)
    withdrawn_by: str = ""


class Giver(SQLModel, table=True):
    """That an institution has granted something to another: a few rows, which lead to many."""

    to_institution_id: int = Field(foreign_key="institution.id", primary_key=True)
    institution_id: int = Field(foreign_key="institution.id", primary_key=True)


class GrantedStudy(SQLModel, table=True):
    """What the grants come to: to whom a study is granted, in the order of the list. Written by granted.py alone."""

    __table_args__ = (
        Index(
            "granted_study_by_time",
            "institution_id",
            "user_id",
            "modality",
            "twin",
            "studied_at",
            "study_pk",
            "study_date",
            "until",
        ),
        {"sqlite_with_rowid": False},
    )

    study_pk: int = Field(foreign_key="study.id", primary_key=True)
    institution_id: int = Field(foreign_key="institution.id", primary_key=True)  # to whom
    user_id: int = Field(primary_key=True)  # 0: everybody there
    modality: str = Field(primary_key=True)  # '' once a study, and each of its modalities
    studied_at: datetime = Field(sa_type=Utc)
    study_date: date | None = None
    until: datetime = Field(sa_type=Utc)
    twin: bool = (
        False  # it may be seen some other way, too, or another under its UID: that has to be looked up
    )


class SetAside(SQLModel, table=True):
    """Same SOP Instance UID, other bytes: the first is kept in its place, this one here, for somebody to decide."""

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(index=True)
    sop_instance_uid: str
    sha256: str
    blob: str
    reason: str
    received_at: datetime = Field(sa_type=Utc)
    sender: str = ""  # who sent it: a name of a person or client
    decision: str = ""  # discarded, or replaced: these were the bytes in the place until then
    decided_at: datetime | None = Field(default=None, sa_type=Utc)
    decided_by: str = ""


class PatientConflict(SQLModel, table=True):
    """Stored, and for somebody to decide: who is meant? Rows are added and resolved, never removed by that."""

    __table_args__ = (Index("patient_conflict_open", "institution_id", "resolved_at", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(foreign_key="institution.id")
    patient_pk: int = Field(index=True)  # who was there first
    other_pk: int = Field(index=True)  # the same ID with other demographics, or whom files of `study_pk` name
    study_pk: int | None = Field(default=None, index=True)  # one study whose files name two patients
    arrived_at: datetime = Field(sa_type=Utc)
    resolved_at: datetime | None = Field(default=None, sa_type=Utc)
    change_id: int | None = None  # how it was resolved: a DataChange


class ErasureState(StrEnum):
    ASKED = "asked"
    CANCELLED = "cancelled"
    CONFIRMED = "confirmed"  # gone for everybody; its bytes are being removed
    DONE = "done"


class StudyErasure(SQLModel, table=True):
    """The deletion of one study, by two people or after a wait. Kept for good; it names no patient."""

    __table_args__ = (Index("study_erasure_by_uid", "institution_id", "study_uid"),)

    id: int | None = Field(default=None, primary_key=True)
    institution_id: int = Field(foreign_key="institution.id")
    study_uid: str
    state: ErasureState = Field(default=ErasureState.ASKED, sa_type=String)
    reason: str = ""
    asked_at: datetime = Field(sa_type=Utc)
    asked_by_id: int | None = None
    asked_by: str = ""
    decided_at: datetime | None = Field(default=None, sa_type=Utc)
    decided_by: str = ""
    series: int = 0  # what went, counted when it went
    instances: int = 0
    bytes: int = Field(default=0, sa_type=BigInteger)
    done_at: datetime | None = Field(default=None, sa_type=Utc)


class ErasedBlob(SQLModel, table=True):
    """Bytes that nothing refers to any more and that are still to be removed; the row goes when they are gone."""

    id: int | None = Field(default=None, primary_key=True)
    erasure_id: int = Field(foreign_key="studyerasure.id", index=True)
    institution_id: int
    sop_instance_uid: str
    blob: str


# The orders the list is paged in, each carrying what the filters ask for: a page is answered from an index alone.
_FILTERED = ("modality", "report_status", "patient_class", "contrast", "patient_pk")


def _list_index(name: str, *columns: str) -> None:
    Index(name, *(getattr(Study, column) for column in ("institution_id", *columns)))


_list_index("study_by_time", "studied_at", "id", *_FILTERED, "study_date")
_list_index("study_by_print", "printed_at", "studied_at", "id", *_FILTERED)
_list_index(
    "study_by_status",
    "report_status",
    "studied_at",
    "id",
    "modality",
    "patient_class",
    "contrast",
    "patient_pk",
)
_list_index("study_by_patient", "patient_pk", "studied_at")
