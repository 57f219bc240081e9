"""The edit lock: taking it, keeping it, giving it back, taking it over."""

from datetime import datetime

from sqlmodel import Session

from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, NotPermitted
from mip_app.reports.desk import (
    Desk,
    change_lock,
    free,
    keep_working,
    look_again,
    note,
    opened,
    tell,
    write_text,
)
from mip_app.reports.draft import Draft, Outcome
from mip_app.reports.lock import Ended
from mip_app.reports.rules import may_write


class Held(Conflict):
    code = "report.held"


class NotNow(Conflict):
    """The report's state does not allow this act (any more)."""

    code = "report.not_now"


@needs(Permission.REPORT_WRITE)
def take(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """Ask for the lock: `fence` of the outcome, or refused as `report.held` when somebody else has it.

    Asking again under the fence one holds keeps it; asking from another window ends the first one's.
    """
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now)
    if not may_write(desk.report, desk.head.may):
        return _refused(desk, "report.not_now")
    if desk.lock.good(actor.user_id, draft.fence, now):
        return _holding(desk)
    try:
        claim(session, actor, desk, now)
    except Held:
        return _refused(desk, "report.held")
    return _holding(desk)


def claim(session: Session, actor: Actor, desk: Desk, now: datetime) -> None:
    """Take the lock or raise Held."""
    if actor.user_id is None:
        raise NotPermitted(permission=Permission.REPORT_WRITE)
    after = desk.lock.taken(actor.user_id, actor.name, now)
    if after is None or not change_lock(session, desk, after):
        raise Held(who=desk.lock.holder)
    note(session, actor, desk, Act.REPORT_TAKEN, fence=after.fence)
    tell(session, actor, desk)


@needs(Permission.REPORT_REVIEW)
def take_over(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """Take the lock from its holder, whose text becomes a version first; they are told."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now, Permission.REPORT_REVIEW)
    if actor.user_id is None or not may_write(desk.report, desk.head.may):
        raise NotNow()
    former, fence = desk.lock.holder_id, desk.lock.fence
    if not desk.lock.held_at(now) or former == actor.user_id:
        claim(session, actor, desk, now)
        return _holding(desk)
    if draft.fence is not None and draft.fence != fence:
        raise Held(who=desk.lock.holder)  # not the holder whom the asker saw
    version = keep_working(session, desk, now) or desk.report.version
    if not change_lock(session, desk, desk.lock.taken_over(actor.user_id, actor.name, now, version)):
        raise Held(who=desk.lock.holder)
    note(session, actor, desk, Act.REPORT_TAKEN_OVER, from_user=former, version=version)
    tell(session, actor, desk)
    return _holding(desk)


@needs(Permission.REPORT_WRITE)
def renew(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """继续编辑: another 30 minutes."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now)
    if not desk.lock.good(actor.user_id, draft.fence, now):
        return _refused(desk, "report.lock_lost")
    keep_lock(session, actor, desk, now)
    return _holding(desk)


def keep_lock(session: Session, actor: Actor, desk: Desk, now: datetime) -> None:
    """Input: the lock lasts another 30 minutes."""
    listed = desk.lock.listed_until
    change_lock(session, desk, desk.lock.renewed(now))
    if desk.lock.listed_until != listed:
        tell(session, actor, desk)
    look_again(session, desk)


@needs(Permission.REPORT_WRITE)
def leave(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> None:
    """The page closes. Its last words, when they still belong to the text, are kept as a version."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now)
    if not desk.lock.good(actor.user_id, draft.fence, now):
        return
    if draft.with_text:  # whatever its revision: the fence says that it is the same window's, and its last
        write_text(desk, actor, draft.text, now)
    free(session, actor, desk, Ended.LEFT, now)


@needs(Permission.REPORT_READ_DRAFT)
def settle(session: Session, actor: Actor, study_uid: str, now: datetime | None = None) -> None:
    """Free the lock when its time is over, so that the text that was left becomes a version."""
    opened(session, actor, study_uid, now or utc_now(), Permission.REPORT_READ_DRAFT)


def _holding(desk: Desk) -> Outcome:
    return Outcome(ok=True, fence=desk.lock.fence, revision=desk.working.revision)


def _refused(desk: Desk, code: str) -> Outcome:
    return Outcome(ok=False, code=code, who=desk.lock.holder, revision=desk.working.revision)
