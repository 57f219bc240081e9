"""Studies and patients as data maintenance shows them: of the own institution, demographics and numbers, no images."""

from datetime import date
from typing import TypedDict
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from mip_app.accounts.entries import plain
from mip_app.accounts.models import Institution
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import NotVisible
from mip_app.studies import corrections, door
from mip_app.studies.models import Patient, Study

MOST = 20


class Who(TypedDict):
    """A patient, as everything of the page shows one."""

    key: str
    name: str
    person_name: str
    patient_id: str
    issuer: str
    birth_date: str
    sex: str  # M, F, O or U
    studies: int


class FoundStudy(TypedDict):
    uid: str
    accession: str
    description: str
    modality: str
    date: str
    series: int
    instances: int
    status: str
    corrected: bool
    who: Who


NOBODY = Who(
    key="", name="", person_name="", patient_id="", issuer="", birth_date="", sex="U", studies=0
)  # fmt: skip
NO_STUDY = FoundStudy(
    uid="", accession="", description="", modality="", date="", series=0, instances=0, status="none",
    corrected=False, who=NOBODY,
)  # fmt: skip


def size_of(number: int) -> str:
    """What people call so many bytes: 532 KB, 1.2 GB."""
    amount, units = float(number), ["B", "KB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{amount:.0f} {units[0]}" if amount >= 100 or units[0] == "B" else f"{amount:.1f} {units[0]}"


@needs(Permission.ADMIN_DATA)
def found(session: Session, actor: Actor, words: object) -> list[FoundStudy]:
    """By accession number, patient ID or Study Instance UID, as they are written there; the newest first."""
    text = plain(words, 64)
    if not text:
        return []
    statement = (
        select(Study, Patient)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .where(
            Study.institution_id == actor.institution,
            (col(Study.accession_number) == text)
            | (col(Study.study_uid) == text)
            | (col(Patient.patient_id) == text),
        )
        .order_by(col(Study.studied_at).desc(), col(Study.id).desc())
        .limit(MOST)
    )
    rows = session.exec(door.marked(statement)).all()
    return [line(study, who(patient)) for study, patient in rows]


@needs(Permission.ADMIN_DATA)
def own_study(session: Session, actor: Actor, study_uid: str, to_change: bool = True) -> Study:
    """Who else would change it waits: ingest, the report's writers, another administrator. Raises NotVisible."""
    own = select(Study).where(Study.institution_id == actor.institution, Study.study_uid == study_uid)
    found = session.exec(door.marked(own.with_for_update() if to_change else own)).one_or_none()
    if found is None:
        raise NotVisible()
    return found


def line(study: Study, person: Who) -> FoundStudy:
    return FoundStudy(
        uid=study.study_uid,
        accession=study.accession_number,
        description=study.description,
        modality=study.modality,
        date=study.study_date.isoformat() if study.study_date else "",
        series=study.series_count,
        instances=study.instance_count,
        status=study.report_status,
        corrected=bool(study.corrections),
        who=person,
    )


def who(patient: Patient, studies: int = 0) -> Who:
    return Who(
        key=str(patient.id),
        name=patient.name,
        person_name=patient.person_name,
        patient_id=patient.patient_id,
        issuer="" if patient.issuer.startswith(corrections.WITHOUT_ID) else patient.issuer,
        birth_date=_day(patient.birth_date),
        sex=patient.sex or "U",
        studies=studies,
    )


def zone(session: Session, institution: int) -> ZoneInfo:
    row = session.get(Institution, institution)
    return ZoneInfo(row.time_zone if row else "UTC")


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
