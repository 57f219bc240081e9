"""A report taken out for change: its rows, locked against everybody else until the transaction ends."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, col

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import NotPermitted
from mip_app.reports.lock import Ended, Lock
from mip_app.reports.models import Report, ReportLock, ReportState, ReportVersion, VersionKind, WorkingText
from mip_app.studies import door
from mip_app.studies import service as studies
from mip_app.studies.models import ReportStatus
from mip_app.studies.service import StudyHead

# The second wall behind `studies.service.head`: see studies/door.py.
door.GUARDED.update({Report, ReportVersion, WorkingText})


@dataclass(slots=True)
class Desk:
    head: StudyHead
    report: Report
    working: WorkingText
    lock: Lock

    @property
    def text(self) -> tuple[str, str]:
        return self.working.findings, self.working.impression


def topic(study_pk: int) -> str:
    """What pages that show this report listen to."""
    return f"report:{study_pk}"


@needs(Permission.STUDY_READ)
def opened(
    session: Session, actor: Actor, study_uid: str, now: datetime, right: Permission = Permission.REPORT_WRITE
) -> Desk:
    """The report's rows, made when it has none yet; an expired lock is freed first.

    Raises NotVisible; NotPermitted, where the study is granted without what the act needs. The report's row is locked until the end of the transaction.
    """
    head = studies.head(session, actor, study_uid)
    if right not in head.may:
        raise NotPermitted(permission=right)
    mine = door.marked(select(Report).where(col(Report.study_pk) == head.pk).with_for_update())
    report = session.scalars(mine).one_or_none()
    if report is None:
        _make(session, head)
        report = session.scalars(mine).one()
    working = session.scalars(
        door.marked(select(WorkingText).where(col(WorkingText.study_pk) == head.pk))
    ).one()
    desk = Desk(head, report, working, lock_of(session, head.pk))
    if desk.lock.expired_at(now):
        free(session, actor, desk, Ended.EXPIRED, now)
    return desk


def _make(session: Session, head: StudyHead) -> None:
    postgresql = session.get_bind().dialect.name == "postgresql"
    make: Any = postgresql_insert if postgresql else sqlite_insert
    rows: tuple[tuple[type, dict[str, Any]], ...] = (
        (Report, Report(study_pk=head.pk, institution_id=head.institution).model_dump()),
        (WorkingText, WorkingText(study_pk=head.pk).model_dump()),
        (ReportLock, {"study_pk": head.pk, **asdict(Lock())}),
    )
    for table, values in rows:
        session.execute(make(table).values(values).on_conflict_do_nothing())


def lock_of(session: Session, study_pk: int) -> Lock:
    """As the row stands; a free lock where there is none yet."""
    row = session.get(ReportLock, study_pk)
    return Lock(**row.model_dump(exclude={"study_pk"})) if row else Lock()


def change_lock(session: Session, desk: Desk, after: Lock) -> bool:
    """One conditional update: False when somebody changed the lock since it was read."""
    done = session.execute(
        update(ReportLock)
        .where(
            col(ReportLock.study_pk) == desk.head.pk,
            col(ReportLock.fence) == desk.lock.fence,
            col(ReportLock.holder_id).is_not_distinct_from(desk.lock.holder_id),
        )
        .values(**asdict(after)),
        execution_options={"synchronize_session": False},
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        return False
    desk.lock = after
    return True


def free(session: Session, actor: Actor, desk: Desk, why: Ended, now: datetime) -> None:
    """End the holder's fence; text that nobody saved becomes a version of theirs first."""
    version = keep_working(session, desk, now)
    change_lock(session, desk, desk.lock.ended(why, version=version or desk.report.version))
    tell(session, actor, desk)


def keep_working(session: Session, desk: Desk, now: datetime) -> int:
    """Make the autosaved text the report's next version, of whoever typed it. 0: it was saved already."""
    working = desk.working
    if not working.unsaved:
        return 0
    at = working.at or now
    return add_version(session, desk, VersionKind.AUTOSAVED, working.by_id, working.by, at)


def add_version(
    session: Session,
    desk: Desk,
    kind: VersionKind,
    by_id: int | None,
    by: str,
    at: datetime,
    note: str = "",
) -> int:
    """The working text becomes the report's text, under the next number."""
    report, working = desk.report, desk.working
    report.version = _numbered(session, desk, kind, desk.text, by_id, by, at, note)
    report.findings, report.impression = desk.text
    report.author, report.author_id = by, by_id
    working.unsaved = False
    return report.version


def add_aside(session: Session, actor: Actor, desk: Desk, text: tuple[str, str], at: datetime) -> int:
    """A version beside the report's text, which stays as it is."""
    return _numbered(session, desk, VersionKind.RECOVERED, text, actor.user_id, actor.name, at, "")


def _numbered(
    session: Session,
    desk: Desk,
    kind: VersionKind,
    text: tuple[str, str],
    by_id: int | None,
    by: str,
    at: datetime,
    note: str,
) -> int:
    desk.report.versions += 1
    row = {"study_pk": desk.head.pk, "number": desk.report.versions, "kind": kind, "note": note}
    row |= {"findings": text[0], "impression": text[1], "by_id": by_id, "by": by, "at": at}
    session.execute(insert(ReportVersion).values(row))
    return desk.report.versions


def write_text(desk: Desk, actor: Actor, text: tuple[str, str], now: datetime) -> None:
    """Put `text` under the writer's hands; nothing happens when it stands there already."""
    if text == desk.text:
        return
    working = desk.working
    working.findings, working.impression = text
    working.revision += 1
    working.unsaved = text != (desk.report.findings, desk.report.impression)
    working.by_id, working.by, working.at = actor.user_id, actor.name, now


def status(report: Report, working: WorkingText) -> ReportStatus:
    """What the list and the page call it: a draft begins with its first word."""
    if report.state == ReportState.DRAFT:
        if report.returned:
            return ReportStatus.RETURNED
        return ReportStatus.DRAFT if report.versions or working.unsaved else ReportStatus.NONE
    return ReportStatus(report.state)


def tell(session: Session, actor: Actor, desk: Desk, **more: object) -> None:
    """Tell the study list what it shows, and every page that shows this report to look again."""
    lock = desk.lock
    studies.note_report(
        session,
        actor,
        desk.head,
        report_status=status(desk.report, desk.working),
        report_author=desk.report.author or desk.working.by,
        report_author_id=desk.report.author_id or desk.working.by_id,
        lock_holder_id=lock.holder_id,
        lock_holder=lock.holder,
        lock_expires_at=lock.listed_until,
        lock_since=lock.since,
        **more,
    )
    look_again(session, desk)


def look_again(session: Session, desk: Desk) -> None:
    bus.touch(session, topic(desk.head.pk))


def note(session: Session, actor: Actor, desk: Desk, act: Act, **detail: object) -> None:
    """The audit entry of an act on this report; never its text."""
    audit.record(session, actor, act, f"study:{desk.head.uid}", **detail)  # type: ignore[arg-type]
