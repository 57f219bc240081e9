"""The printed report: which text, for whom, and the record that it was printed."""

from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from mip_app.accounts.models import Institution
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import blobs
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotPermitted, NotVisible
from mip_app.core.texts import words
from mip_app.reports.desk import note, opened, tell
from mip_app.reports.models import PrintRecord, Report, ReportVersion, VersionKind
from mip_app.reports.rules import printed_version
from mip_app.reports.typesetting import Sheet, Signature, State
from mip_app.studies import door
from mip_app.studies import service as studies
from mip_app.studies.service import StudyHead

SEX = {"M": "男", "F": "女", "O": "其他"}
AGE_UNIT = {"Y": "岁", "M": "月", "W": "周", "D": "天"}
PATIENT_CLASS = {"O": "门诊", "I": "住院", "E": "急诊", "H": "体检"}


class NothingToPrint(NotVisible):
    code = "print.nothing"


@needs(Permission.REPORT_PRINT)
def record(session: Session, actor: Actor, study_uid: str, now: datetime | None = None) -> int:
    """Note that this person prints the report now; gives the record's number. Raises NothingToPrint."""
    now = now or utc_now()
    desk = opened(session, actor, study_uid, now, Permission.REPORT_PRINT)
    version = printed_version(desk.report, desk.head.may)
    if not version:
        raise NothingToPrint()
    row = PrintRecord(study_pk=desk.head.pk, version=version, by_id=actor.user_id, by=actor.name, at=now)
    session.add(row)
    session.flush()
    note(session, actor, desk, Act.REPORT_PRINTED, version=version)
    tell(session, actor, desk, printed_at=now)
    return row.id or 0


@needs(Permission.REPORT_PRINT)
def handed_out(session: Session, actor: Actor, study_uid: str) -> Sheet:
    """`sheet`, to leave as a file: the audit knows that its text was read."""
    made = sheet(session, actor, study_uid)
    audit.record(session, actor, Act.REPORT_VIEWED, f"study:{study_uid}", version=made.version)
    return made


@needs(Permission.REPORT_PRINT)
def sheet(session: Session, actor: Actor, study_uid: str, now: datetime | None = None) -> Sheet:
    """The reviewed text, or the last saved one for those who read drafts. Looks only. Raises NothingToPrint."""
    now = now or utc_now()
    head = studies.head(session, actor, study_uid)
    if Permission.REPORT_PRINT not in head.may:
        raise NotPermitted(permission=Permission.REPORT_PRINT)
    report = session.scalars(door.marked(select(Report).where(col(Report.study_pk) == head.pk))).one_or_none()
    number = printed_version(report, head.may) if report else 0
    if report is None or not number:
        raise NothingToPrint()
    version = session.scalars(
        door.marked(
            select(ReportVersion).where(
                col(ReportVersion.study_pk) == head.pk, col(ReportVersion.number) == number
            )
        )
    ).one()
    institution = session.get_one(Institution, head.institution)
    return _sheet(head, institution, report, version, *_printed(session, actor, head.pk, number, now))


def _printed(
    session: Session, actor: Actor, study_pk: int, version: int, now: datetime
) -> tuple[datetime, str]:
    """When and by whom this sheet is printed: the actor's last record, or now for a preview."""
    statement = (
        select(PrintRecord)
        .where(
            col(PrintRecord.study_pk) == study_pk,
            col(PrintRecord.version) == version,
            col(PrintRecord.by_id) == actor.user_id,
        )
        .order_by(col(PrintRecord.id).desc())
    )
    row = session.scalars(statement.limit(1)).first()
    return (row.at, row.by) if row else (now, actor.name)


def _sheet(
    head: StudyHead,
    institution: Institution,
    report: Report,
    version: ReportVersion,
    at: datetime,
    by: str,
) -> Sheet:
    state = cast(State, str(report.state))
    return Sheet(
        institution=institution.name,
        institution_short=institution.name_en,
        institution_address=institution.address,
        institution_phone=institution.phone,
        logo=blobs().get(institution.logo) if institution.logo else None,
        patient_name=head.name,
        patient_sex=SEX.get(head.sex, ""),
        patient_age=f"{head.age} {AGE_UNIT.get(head.age_unit, '')}" if head.age else "",
        patient_id=head.patient_id,
        patient_class=PATIENT_CLASS.get(head.patient_class, ""),
        accession_number=head.accession_number,
        modality=head.modality,
        body_part=words(f"body_part.{head.body_part}", in_language="zh", fallback=head.body_part),
        study_description=head.description,
        study_time=head.time,
        findings=version.findings,
        impression=version.impression,
        amendment_note=version.note if version.kind == VersionKind.AMENDED else "",
        state=state,
        version=version.number,
        signatures=_signatures(report, head.zone),
        print_time=_time(at, head.zone),
        printed_by=by,
    )


def _signatures(report: Report, zone: ZoneInfo) -> tuple[Signature, ...]:
    """Empty names leave a line to sign by hand."""
    return (
        Signature(
            "报告医师",
            report.preliminary_name,
            report.preliminary_title,
            _time(report.preliminary_at, zone),
            _handwriting(report.preliminary_signature),
        ),
        Signature(
            "审核医师",
            report.reviewed_name,
            report.reviewed_title,
            _time(report.reviewed_at, zone),
            _handwriting(report.reviewed_signature),
        ),
    )


def _handwriting(key: str) -> bytes | None:
    """As it was when the report was signed; a picture that is gone leaves the printed name."""
    return blobs().get(key) if key else None


def _time(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""
