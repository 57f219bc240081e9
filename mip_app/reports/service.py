"""What the report's page shows, for whoever looks: everything, the reviewed text alone, or only how far it is."""

from datetime import datetime
from typing import TypedDict, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlmodel import Session, col

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotPermitted
from mip_app.reports import desk as desks
from mip_app.reports.difference import Piece, changed, difference
from mip_app.reports.lock import Lock
from mip_app.reports.models import Report, ReportVersion, WorkingText
from mip_app.reports.rules import acts
from mip_app.reports.writing import text_of
from mip_app.studies import door
from mip_app.studies import service as studies
from mip_app.studies.models import ReportStatus
from mip_app.studies.service import StudyHead, StudyLine

T = TypeVar("T", Report, WorkingText)


class ReportLine(TypedDict):
    status: str
    can: list[str]
    version: int  # of the text
    next: int  # the number that the next version gets
    amending: bool
    reason: str
    preliminary: str  # 周知白, or ''
    preliminary_at: str
    reviewed: str
    reviewed_at: str


class TextLine(TypedDict):
    uid: str
    revision: int  # -1: nothing to show yet
    findings: str
    impression: str
    by: str
    at: str  # 14:52:08, when it was autosaved
    open: bool  # whether this reader may see text at all


class LockLine(TypedDict):
    """`fence` is no secret: it counts only for its holder. Times in milliseconds, `now` among them."""

    holder: str
    mine: bool
    expired: bool  # its time is over and nobody freed it yet, see `holding.settle`
    fence: int
    since: str
    last_input: int
    expires: int
    now: int
    ended_fence: int
    ended_why: str
    ended_by: str
    ended_version: int


class VersionLine(TypedDict):
    number: int
    kind: str
    note: str
    by: str
    at: str
    current: bool


class View(TypedDict):
    pk: int
    study: StudyLine
    report: ReportLine
    text: TextLine
    lock: LockLine
    versions: list[VersionLine]


class Comparison(TypedDict):
    old: int
    new: int
    added: int
    removed: int
    findings: list[Piece]
    impression: list[Piece]
    old_findings: str
    old_impression: str


@needs(Permission.REPORT_READ)
def open_report(session: Session, actor: Actor, study_uid: str, now: datetime | None = None) -> View:
    """A page was opened: `look`, and the audit knows. A lock whose time is over is freed first."""
    now = now or utc_now()
    view = look(session, actor, study_uid, now)
    if view["lock"]["expired"]:
        desks.opened(session, actor, study_uid, now, Permission.REPORT_READ)
        view = look(session, actor, study_uid, now)
    audit.record(session, actor, Act.REPORT_VIEWED, f"study:{study_uid}")
    return view


@needs(Permission.REPORT_READ)
def look(session: Session, actor: Actor, study_uid: str, now: datetime | None = None) -> View:
    """Raises NotVisible. Those who read no drafts get the reviewed text, and before that none."""
    now = now or utc_now()
    head = studies.head(session, actor, study_uid)
    report = _one(session, Report, head.pk) or Report(study_pk=head.pk, institution_id=head.institution)
    working = _one(session, WorkingText, head.pk) or WorkingText(study_pk=head.pk)
    drafts = Permission.REPORT_READ_DRAFT in head.may
    lock = desks.lock_of(session, head.pk)
    return View(
        pk=head.pk,
        study=studies.line(head),
        report=_report_line(report, working, head, now),
        text=_draft_line(working, head) if drafts else _released_line(session, head, report),
        lock=_lock_line(lock, actor, head.zone, now) if drafts else _lock_line(Lock(), actor, head.zone, now),
        versions=_versions(session, report, head.zone, now) if drafts else [],
    )


@needs(Permission.REPORT_READ_DRAFT)
def compare(session: Session, actor: Actor, study_uid: str, old: int) -> Comparison:
    """What changed from version `old` to the report's text (for the text's own version: from the one before)."""
    head = studies.head(session, actor, study_uid)
    if Permission.REPORT_READ_DRAFT not in head.may:
        raise NotPermitted(permission=Permission.REPORT_READ_DRAFT)
    report = _one(session, Report, head.pk) or Report(study_pk=head.pk, institution_id=head.institution)
    new = report.version
    if old == new:
        old = max(new - 1, 0)
    before, after = text_of(session, head.pk, old), text_of(session, head.pk, new)
    findings, impression = difference(before[0], after[0]), difference(before[1], after[1])
    return Comparison(
        old=old,
        new=new,
        added=changed(findings, "ins") + changed(impression, "ins"),
        removed=changed(findings, "del") + changed(impression, "del"),
        findings=findings,
        impression=impression,
        old_findings=before[0],
        old_impression=before[1],
    )


def _one(session: Session, table: type[T], study_pk: int) -> T | None:
    found: T | None = session.scalars(
        door.marked(select(table).where(col(table.study_pk) == study_pk))
    ).one_or_none()
    return found


def _report_line(report: Report, working: WorkingText, head: StudyHead, now: datetime) -> ReportLine:
    drafts, zone = Permission.REPORT_READ_DRAFT in head.may, head.zone
    told = not head.whose or report.released  # how far it is, is told inside the reporting institution
    return ReportLine(
        status=desks.status(report, working) if drafts or told else ReportStatus.NONE,
        can=acts(report, head.may),
        version=report.version if drafts else report.released,
        next=report.versions + 1,
        amending=report.amending and drafts,
        reason=report.reason if drafts else "",
        preliminary=report.preliminary_name if drafts or told else "",
        preliminary_at=_clock(report.preliminary_at, zone, now) if drafts or told else "",
        reviewed=report.reviewed_name,
        reviewed_at=_clock(report.reviewed_at, zone, now),
    )


def _draft_line(working: WorkingText, head: StudyHead) -> TextLine:
    return TextLine(
        uid=head.uid,
        revision=working.revision,
        findings=working.findings,
        impression=working.impression,
        by=working.by,
        at=f"{working.at.astimezone(head.zone):%H:%M:%S}" if working.at else "",
        open=True,
    )


def _released_line(session: Session, head: StudyHead, report: Report) -> TextLine:
    findings, impression = text_of(session, head.pk, report.released)
    return TextLine(
        uid=head.uid,
        revision=report.released,
        findings=findings,
        impression=impression,
        by=report.reviewed_name,
        at="",
        open=report.released > 0,
    )


def _lock_line(lock: Lock, actor: Actor, zone: ZoneInfo, now: datetime) -> LockLine:
    held = lock.held_at(now)
    return LockLine(
        holder=lock.holder if held else "",
        mine=lock.held_by(actor.user_id, now),
        expired=lock.expired_at(now),
        fence=lock.fence,
        since=_clock(lock.since, zone, now) if held else "",
        last_input=_milliseconds(lock.last_input_at) if held else 0,
        expires=_milliseconds(lock.expires_at) if held else 0,
        now=_milliseconds(now),
        ended_fence=lock.ended_fence,
        ended_why=lock.ended_why,
        ended_by=lock.ended_by,
        ended_version=lock.ended_version,
    )


def _versions(session: Session, report: Report, zone: ZoneInfo, now: datetime) -> list[VersionLine]:
    columns = (
        col(ReportVersion.number),
        col(ReportVersion.kind),
        col(ReportVersion.note),
        col(ReportVersion.by),
        col(ReportVersion.at),
    )
    statement = (
        select(*columns)
        .where(col(ReportVersion.study_pk) == report.study_pk)
        .order_by(col(ReportVersion.number).desc())
    )
    return [
        VersionLine(
            number=row.number,
            kind=row.kind,
            note=row.note,
            by=row.by,
            at=_clock(row.at, zone, now),
            current=row.number == report.version,
        )
        for row in session.execute(door.marked(statement))
    ]


def _clock(moment: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    """14:31 today, 11-23 14:31 this year, with the year before that; '' for none."""
    if moment is None:
        return ""
    local, today = moment.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    return f"{local:%m-%d %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d %H:%M}"


def _milliseconds(moment: datetime | None) -> int:
    return round(moment.timestamp() * 1000) if moment else 0
