"""Writing under the lock. What comes too late is refused, and kept for its writer in the same transaction."""

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotVisible
from mip_app.reports.desk import (
    Desk,
    add_aside,
    add_version,
    free,
    look_again,
    note,
    opened,
    status,
    tell,
    write_text,
)
from mip_app.reports.draft import Draft, Outcome
from mip_app.reports.holding import keep_lock
from mip_app.reports.lock import Ended
from mip_app.reports.models import ReportVersion, VersionKind
from mip_app.studies import door


@needs(Permission.REPORT_WRITE)
def autosave(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """Keep what is under the writer's hands; the lock stays and lasts another 30 minutes."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now)
    if refused := stale(desk, actor, draft, now):
        return keep_aside(session, actor, desk, draft, refused, now)
    before = status(desk.report, desk.working)
    write_text(desk, actor, draft.text, now)
    if status(desk.report, desk.working) != before:
        tell(session, actor, desk)
    keep_lock(session, actor, desk, now)
    return Outcome(ok=True, revision=desk.working.revision, fence=desk.lock.fence)


@needs(Permission.REPORT_WRITE)
def save(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """保存: the text becomes a version, and the lock is free."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now)
    if refused := stale(desk, actor, draft, now):
        return keep_aside(session, actor, desk, draft, refused, now)
    write_text(desk, actor, draft.text, now)
    if desk.working.unsaved:
        add_version(session, desk, VersionKind.SAVED, actor.user_id, actor.name, now)
    note(session, actor, desk, Act.REPORT_SAVED, version=desk.report.version)
    free(session, actor, desk, Ended.SAVED, now)
    return Outcome(ok=True, revision=desk.working.revision)


@needs(Permission.REPORT_WRITE)
def keep(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """Keep a text that was never submitted (it lay in the browser) as a version beside the report's."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now)
    kept = keep_aside(session, actor, desk, draft, "", now)
    return Outcome(ok=True, kept=kept.kept, revision=desk.working.revision)


def stale(desk: Desk, actor: Actor, draft: Draft, now: datetime) -> str:
    """Why a text can no longer be the report's, as a code; '' when it can.

    A text that stands there already is never stale: an answer was lost and the page asked again.
    """
    if not desk.lock.good(actor.user_id, draft.fence, now):
        return "report.lock_lost"
    if draft.revision != desk.working.revision and draft.text != desk.text:
        return "report.text_moved"
    return ""


def keep_aside(session: Session, actor: Actor, desk: Desk, draft: Draft, code: str, now: datetime) -> Outcome:
    """Keep a refused text as a version of its writer's, unless it is kept already."""
    number = _version_with(session, desk, draft.text)
    if not number and any(draft.text) and draft.text != desk.text:
        number = add_aside(session, actor, desk, draft.text, now)
        note(session, actor, desk, Act.REPORT_RECOVERED, version=number)
        look_again(session, desk)
    return Outcome(ok=False, code=code, kept=number, who=desk.lock.holder, revision=desk.working.revision)


def _version_with(session: Session, desk: Desk, text: tuple[str, str]) -> int:
    """The newest version that has this very text, or 0."""
    statement = (
        select(col(ReportVersion.number))
        .where(
            col(ReportVersion.study_pk) == desk.head.pk,
            col(ReportVersion.findings) == text[0],
            col(ReportVersion.impression) == text[1],
        )
        .order_by(col(ReportVersion.number).desc())
    )
    return session.scalars(door.marked(statement).limit(1)).first() or 0


def text_of(session: Session, study_pk: int, number: int) -> tuple[str, str]:
    """The text of a version; of version 0, which is before the first, it is empty. Raises NotVisible."""
    if not number:
        return "", ""
    statement = select(ReportVersion).where(
        col(ReportVersion.study_pk) == study_pk, col(ReportVersion.number) == number
    )
    found = session.scalars(door.marked(statement)).one_or_none()
    if found is None:
        raise NotVisible()
    return found.findings, found.impression
