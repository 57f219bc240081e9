"""Deleting a study, in two steps by two people (or one, after a wait). There is no other way to delete one.

A study with a final or amended report is part of the medical record and stays: 15 years after an outpatient's, 30
after an inpatient's last visit (医疗机构病历管理规定, articles 28 and 29); what is wrong with it is corrected.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict

from sqlalchemy import func
from sqlmodel import Session, col, delete, select

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, NotVisible
from mip_app.core.settings import settings
from mip_app.dicomweb import metadata
from mip_app.maintenance import changing, erasing
from mip_app.maintenance.changing import tell
from mip_app.maintenance.conflicts import reason_of
from mip_app.maintenance.finding import NO_STUDY, FoundStudy, line, own_study, size_of, who, zone
from mip_app.reports.models import PrintRecord, Report, ReportLock, ReportState, ReportVersion, WorkingText
from mip_app.studies import door, granted
from mip_app.studies.models import (
    ErasedBlob,
    ErasureState,
    Instance,
    Patient,
    PatientConflict,
    PatientKey,
    PatientTail,
    Series,
    SetAside,
    Study,
    StudyErasure,
    StudyModality,
)

MOST = 100
KEPT_FOR_GOOD = (ReportState.FINAL, ReportState.AMENDED)


class Signed(Conflict):
    code = "data.signed_report"


class AskedAlready(Conflict):
    code = "data.asked_already"


class TooSoon(Conflict):
    code = "data.too_soon"


class Grown(Conflict):
    code = "data.changed_since"


@dataclass(frozen=True, slots=True)
class Extent:
    """What exactly would go."""

    series: int
    instances: int
    bytes: int
    aside: int  # files set aside of its instances
    versions: int  # saved texts of its report
    report: str  # state, '' for none
    deletable: bool


class ErasureRow(TypedDict):
    key: str
    uid: str
    study: FoundStudy  # NO_STUDY once it is gone
    state: str
    reason: str
    asked_at: str
    asked_by: str
    decided_at: str
    decided_by: str
    series: int
    instances: int
    size: str
    aside: int
    versions: int
    report: str
    mine: bool  # asked for by whoever looks
    confirmable: bool  # by whoever looks, now
    from_when: str  # when they may, where they asked themselves


@needs(Permission.ADMIN_DATA)
def extent(session: Session, actor: Actor, study_uid: str) -> Extent:
    """Raises NotVisible."""
    return _extent(session, own_study(session, actor, study_uid, to_change=False))


@needs(Permission.ADMIN_DATA)
def ask(session: Session, actor: Actor, study_uid: str, why: object) -> int:
    """Step one: nothing goes yet. Raises NotVisible, Invalid, Signed, AskedAlready."""
    reason = reason_of(why)
    study = own_study(session, actor, study_uid)
    if not _extent(session, study).deletable:
        raise Signed()
    waiting = _asked(actor).where(StudyErasure.study_uid == study_uid)
    if session.exec(waiting).first() is not None:
        raise AskedAlready()
    row = StudyErasure(
        institution_id=actor.institution,
        study_uid=study_uid,
        reason=reason,
        asked_at=utc_now(),
        asked_by_id=actor.user,
        asked_by=actor.name,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, Act.DATA_ERASURE_ASKED, f"study:{study_uid}", number=row.id)
    tell(session, actor)
    return row.id or 0


@needs(Permission.ADMIN_DATA)
def cancel(session: Session, actor: Actor, erasure_id: int) -> None:
    """Raises NotVisible for what is decided already."""
    row = _waiting(session, actor, erasure_id)
    row.state, row.decided_at, row.decided_by = ErasureState.CANCELLED, utc_now(), actor.name
    session.add(row)
    audit.record(session, actor, Act.DATA_ERASURE_CANCELLED, f"study:{row.study_uid}", number=row.id)
    tell(session, actor)


@needs(Permission.ADMIN_DATA)
def confirm(session: Session, actor: Actor, erasure_id: int, seen_instances: int) -> None:
    """Step two: the study is gone for everybody when this commits; its bytes follow (`erasing`).

    `seen_instances`: how many whoever confirms was shown. Raises NotVisible, TooSoon, Grown, Signed.
    """
    row = _waiting(session, actor, erasure_id)
    if not _may_confirm(row, actor):
        raise TooSoon()
    study = own_study(session, actor, row.study_uid)
    found = _extent(session, study)
    if not found.deletable:
        raise Signed()
    if found.instances != seen_instances:
        raise Grown()
    row.state, row.decided_at, row.decided_by = ErasureState.CONFIRMED, utc_now(), actor.name
    row.series, row.instances, row.bytes = found.series, found.instances, found.bytes
    session.add(row)
    _mark_bytes(session, row, study)
    _remove_rows(session, study)
    audit.record(
        session,
        actor,
        Act.DATA_ERASED,
        f"study:{row.study_uid}",
        number=row.id,
        series=found.series,
        instances=found.instances,
        bytes=found.bytes,
    )
    tell(session, actor)
    bus.touch(session, erasing.TOPIC)


@needs(Permission.ADMIN_DATA)
def waiting_count(session: Session, actor: Actor) -> int:
    return session.exec(select(func.count()).select_from(_asked(actor).subquery())).one()


@needs(Permission.ADMIN_DATA)
def listed(session: Session, actor: Actor) -> list[ErasureRow]:
    """Those that wait first, then what was decided, the newest first."""
    rows = session.exec(
        select(StudyErasure)
        .where(StudyErasure.institution_id == actor.institution)
        .order_by(col(StudyErasure.state) != ErasureState.ASKED, col(StudyErasure.id).desc())
        .limit(MOST)
    ).all()
    asked = {row.study_uid for row in rows if row.state == ErasureState.ASKED}
    own = (
        select(Study, Patient)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .where(Study.institution_id == actor.institution, col(Study.study_uid).in_(asked))
    )
    studies = {study.study_uid: (study, person) for study, person in session.exec(door.marked(own)).all()}
    return [_row(session, actor, row, studies.get(row.study_uid)) for row in rows]


def _row(
    session: Session, actor: Actor, row: StudyErasure, found: tuple[Study, Patient] | None
) -> ErasureRow:
    here = zone(session, actor.institution)
    waits = row.state == ErasureState.ASKED
    size = _extent(session, found[0]) if waits and found else None

    def at(moment: object) -> str:
        return f"{moment.astimezone(here):%Y-%m-%d %H:%M}" if moment else ""  # type: ignore[attr-defined]

    return ErasureRow(
        key=str(row.id),
        uid=row.study_uid,
        study=line(found[0], who(found[1])) if waits and found else NO_STUDY,
        state=str(row.state),
        reason=row.reason,
        asked_at=at(row.asked_at),
        asked_by=row.asked_by,
        decided_at=at(row.decided_at),
        decided_by=row.decided_by,
        series=size.series if size else row.series,
        instances=size.instances if size else row.instances,
        size=size_of(size.bytes if size else row.bytes),
        aside=size.aside if size else 0,
        versions=size.versions if size else 0,
        report=size.report if size else "",
        mine=row.asked_by_id == actor.user_id,
        confirmable=waits and _may_confirm(row, actor),
        from_when=at(_alone_from(row)),
    )


def _alone_from(row: StudyErasure):  # type: ignore[no-untyped-def]
    return row.asked_at + timedelta(hours=settings().delete_wait_hours)


def _may_confirm(row: StudyErasure, actor: Actor) -> bool:
    return row.asked_by_id != actor.user or utc_now() >= _alone_from(row)


def _asked(actor: Actor):  # type: ignore[no-untyped-def]
    return select(StudyErasure).where(
        StudyErasure.institution_id == actor.institution, StudyErasure.state == ErasureState.ASKED
    )


def _waiting(session: Session, actor: Actor, key: int) -> StudyErasure:
    found = session.exec(_asked(actor).where(StudyErasure.id == key).with_for_update()).one_or_none()
    if found is None:
        raise NotVisible()
    return found


def _extent(session: Session, study: Study) -> Extent:
    size = select(func.count(), func.coalesce(func.sum(Instance.size), 0)).join(
        Series, col(Series.id) == Instance.series_pk
    )
    number, total = session.execute(door.marked(size.where(Series.study_pk == study.id))).one()
    report = session.exec(door.marked(select(Report).where(Report.study_pk == study.id))).one_or_none()
    state = report.state if report else ""
    return Extent(
        series=study.series_count,
        instances=number,
        bytes=int(total),
        aside=len(session.exec(_aside(study)).all()),
        versions=report.versions if report else 0,
        report=str(state),
        deletable=not (report and (state in KEPT_FOR_GOOD or report.released)),
    )


def _instances(study: Study):  # type: ignore[no-untyped-def]
    return (
        select(Instance.sop_instance_uid)
        .join(Series, col(Series.id) == Instance.series_pk)
        .where(Series.study_pk == study.id)
    )


def _aside(study: Study):  # type: ignore[no-untyped-def]
    return door.marked(
        select(SetAside).where(
            SetAside.institution_id == study.institution_id,
            col(SetAside.sop_instance_uid).in_(_instances(study)),
        )
    )


def _mark_bytes(session: Session, row: StudyErasure, study: Study) -> None:
    """Every blob that has to go, written down in the transaction that takes the rows away."""
    stored = (
        select(Instance.sop_instance_uid, Instance.blob)
        .join(Series, col(Series.id) == Instance.series_pk)
        .where(Series.study_pk == study.id)
    )
    found = [(uid, blob) for uid, blob in session.exec(door.marked(stored)).all()]
    aside = session.exec(_aside(study)).all()
    found += [(one.sop_instance_uid, one.blob) for one in aside if one.blob]
    found += [
        ("", f"{study.institution_id}/made/thumbnails/{sha[:2]}/{sha}-128.jpg")
        for sha in (blob.rpartition("/")[2].removesuffix(".dcm") for uid, blob in found if uid)
    ]
    found.append(("", metadata.folder(study.institution_id, study.id or 0, study.received_at)))
    session.add_all(
        ErasedBlob(
            erasure_id=row.id or 0, institution_id=study.institution_id, sop_instance_uid=uid, blob=blob
        )
        for uid, blob in dict.fromkeys(found)
    )
    for one in aside:
        session.delete(one)
    session.flush()


def _remove_rows(session: Session, study: Study) -> None:
    key, patient = study.id or 0, study.patient_pk
    granted.forget_study(session, key)
    changing.forget_study(session, study)
    series = select(Series.id).where(Series.study_pk == key)
    for statement in (
        delete(PrintRecord).where(col(PrintRecord.study_pk) == key),
        delete(ReportLock).where(col(ReportLock.study_pk) == key),
        delete(WorkingText).where(col(WorkingText.study_pk) == key),
        delete(ReportVersion).where(col(ReportVersion.study_pk) == key),
        delete(Report).where(col(Report.study_pk) == key),
        delete(Instance).where(col(Instance.series_pk).in_(series)),
        delete(Series).where(col(Series.study_pk) == key),
        delete(PatientConflict).where(col(PatientConflict.study_pk) == key),
        delete(StudyModality).where(col(StudyModality.study_pk) == key),
        delete(Study).where(col(Study.id) == key),
    ):
        session.execute(statement, execution_options={"synchronize_session": False})
    _forget_patient(session, study.institution_id, patient)


def _forget_patient(session: Session, institution: int, patient: int) -> None:
    """A patient of whom nothing is left, no study and no decision to make or to take back, is not kept for their
    name's sake."""
    of_them = (
        select(Study.id).where((col(Study.patient_pk) == patient) | (col(Study.origin_pk) == patient)),
        select(Patient.id).where(Patient.merged_into == patient),
        select(PatientConflict.id).where(
            (col(PatientConflict.patient_pk) == patient) | (col(PatientConflict.other_pk) == patient)
        ),
    )
    if any(session.exec(door.marked(one.limit(1))).first() for one in of_them):
        return
    if changing.concerns(session, institution, patient):
        return
    granted.forget_patient(session, patient)
    session.execute(delete(PatientKey).where(col(PatientKey.patient_id) == patient))
    session.execute(delete(PatientTail).where(col(PatientTail.patient_pk) == patient))
    session.execute(delete(Patient).where(col(Patient.id) == patient))
