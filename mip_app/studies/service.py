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
from mip_app.core.errors import NotPermitted, NotVisible
from mip_app.studies import door, granted, grants
from mip_app.studies.age import age_at
from mip_app.studies.models import Patient, PatientClass, ReportStatus, Study

RELEASED = (ReportStatus.FINAL, ReportStatus.AMENDED)
UID = re.compile(r"[0-9.]{1,64}")


@dataclass(frozen=True, slots=True)
class StudyHead:
    """Patient and study in one line, as every page with images or text of the patient shows them."""

    pk: int
    institution: int  # whose it is
    whose: str  # its name, where it is another's: granted
    whose_en: str
    may: frozenset[
        Permission
    ]  # what the actor may do with this study: of a granted one, what the grant allows too
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
    whose: str  # another institution's name: it is granted
    whose_en: str
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
    whose="",
    whose_en="",
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
        whose=head.whose,
        whose_en=head.whose_en,
        status=head.report_status,
    )


@needs(Permission.STUDY_READ)
def head(session: Session, actor: Actor, study_uid: str) -> StudyHead:
    """Raises NotVisible for what does not exist and for what is not this actor's to see, alike."""
    statement = (
        select(Study, Patient, Institution)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .join(Institution, col(Institution.id) == Study.institution_id)
    )
    found = session.exec(door.through(statement, actor, study_uid)).first()
    if found is None:
        raise not_visible(session, actor, study_uid)
    study, patient, institution = found
    own = study.institution_id == actor.institution
    age, unit = age_at(patient.birth_date, study.study_date, study.patient_age)
    return StudyHead(
        pk=study.id or 0,
        institution=study.institution_id,
        whose="" if own else institution.name,
        whose_en="" if own else institution.name_en,
        may=actor.permissions if own else grants.allowed(session, actor, study),
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
        report_status=study.report_status if own else released_status(study),
        series_count=study.series_count,
        instance_count=study.instance_count,
    )


@needs(Permission.STUDY_READ)
def require_download(session: Session, actor: Actor, study_uid: str) -> None:
    """Raises NotVisible; NotPermitted where a study may be looked at, and its files are not given away."""
    study = session.exec(door.through(select(Study), actor, study_uid)).first()
    if study is None:
        raise not_visible(session, actor, study_uid)
    if not grants.may_download(session, actor, study):
        raise NotPermitted("grant.no_download")


def released_status(study: Study) -> ReportStatus:
    """What those are told of a report to whom the study is granted: drafts stay inside the reporting institution."""
    return ReportStatus(study.report_status) if study.report_status in RELEASED else ReportStatus.NONE


def not_visible(session: Session, actor: Actor, study_uid: str) -> NotVisible:
    """The one answer to who asks for a study that is another's or nobody's; that they asked is written down."""
    named = study_uid if UID.fullmatch(study_uid) else "?"
    if looks.begins(actor, f"refused:{named}"):
        audit.record_refusal(session, actor, Act.STUDY_VIEWED, f"study:{named}")
    return NotVisible()


@needs(Permission.STUDY_READ)
def note_report(session: Session, actor: Actor, study: StudyHead, **shown: object) -> None:
    """Tell the list what it shows of a report: columns of Study from `report_status` on, in the same transaction."""
    session.execute(
        update(Study).where(col(Study.id) == study.pk, door.visible(actor)).values(**shown),
        execution_options={"synchronize_session": False},
    )
    bus.touch(session, granted.topic(study.institution))


def topic(actor: Actor) -> str:
    """What the list of the actor's institution listens to."""
    return granted.topic(actor.institution)
