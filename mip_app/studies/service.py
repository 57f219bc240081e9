"""One study: what its pages show at the top, and what the list is told of its report."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypedDict
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlmodel import Session, col, select

from mip_app.accounts.models import Institution
from mip_app.audit import looks
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import NotVisible
from mip_app.studies import door
from mip_app.studies.age import age_at
from mip_app.studies.models import Patient, PatientClass, Study

UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class StudyHead:
    """Patient and study in one line, as every page with images or text of the patient shows them."""

    pk: int
    uid: str
    name: str
    patient_id: str
    sex: str
    age: str
    age_unit: str  # Y, M or D
    birth_date: date | None
    modality: str
    body_part: str
    description: str
    accession_number: str
    patient_class: str
    studied_at: datetime | None  # None: the images carry no date
    zone: ZoneInfo
    report_status: str
    series_count: int
    instance_count: int

    @property
    def time(self) -> str:
        """2026-11-24 14:32 in the institution's zone, or ''."""
        return f"{self.studied_at.astimezone(self.zone):%Y-%m-%d %H:%M}" if self.studied_at else ""


class StudyLine(TypedDict):
    """`StudyHead` as it travels to the browser."""

    uid: str  # '': no study is open
    name: str
    patient_id: str
    sex: str
    age: str
    age_unit: str
    modality: str
    description: str
    time: str
    emergency: bool
    status: str  # of its report


NO_STUDY = StudyLine(
    uid="",
    name="",
    patient_id="",
    sex="",
    age="",
    age_unit="",
    modality="",
    description="",
    time="",
    emergency=False,
    status="",
)


def line(head: StudyHead) -> StudyLine:
    return StudyLine(
        uid=head.uid,
        name=head.name,
        patient_id=head.patient_id,
        sex=head.sex or "U",
        age=head.age,
        age_unit=head.age_unit or "U",
        modality=head.modality,
        description=head.description,
        time=head.time,
        emergency=head.patient_class == PatientClass.EMERGENCY,
        status=head.report_status,
    )


@needs(Permission.STUDY_READ)
def head(session: Session, actor: Actor, study_uid: str) -> StudyHead:
    """Raises NotVisible for what does not exist and for what is not this actor's to see, alike."""
    statement = (
        select(Study, Patient, Institution)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .join(Institution, col(Institution.id) == Study.institution_id)
        .where(Study.study_uid == study_uid)
    )
    found = session.exec(door.through(statement, actor)).first()
    if found is None:
        raise not_visible(session, actor, study_uid)
    study, patient, institution = found
    age, unit = age_at(patient.birth_date, study.study_date, study.patient_age)
    return StudyHead(
        pk=study.id or 0,
        uid=study.study_uid,
        name=patient.name,
        patient_id=patient.patient_id,
        sex=patient.sex,
        age=age,
        age_unit=unit,
        birth_date=patient.birth_date,
        modality=study.modality,
        body_part=study.body_part,
        description=study.description,
        accession_number=study.accession_number,
        patient_class=study.patient_class,
        studied_at=study.studied_at if study.study_date else None,
        zone=ZoneInfo(institution.time_zone),
        report_status=study.report_status,
        series_count=study.series_count,
        instance_count=study.instance_count,
    )


def not_visible(session: Session, actor: Actor, study_uid: str) -> NotVisible:
    """The one answer to who asks for a study that is another's or nobody's; that they asked is written down."""
    named = study_uid if UID.fullmatch(study_uid) else "?"
    if looks.begins(actor, f"refused:{named}"):
        audit.record_refusal(session, actor, Act.STUDY_VIEWED, f"study:{named}")
    return NotVisible()


@needs(Permission.STUDY_READ)
def note_report(session: Session, actor: Actor, study_pk: int, **shown: object) -> None:
    """Tell the list what it shows of a report: columns of Study from `report_status` on, in the same transaction."""
    session.execute(
        update(Study).where(col(Study.id) == study_pk, door.visible(actor)).values(**shown),
        execution_options={"synchronize_session": False},
    )
    bus.touch(session, topic(actor))


def topic(actor: Actor) -> str:
    """What the list of the actor's institution listens to."""
    return f"studies:{actor.institution}"
