"""Signing, reviewing, returning, amending: how a report ripens."""

from datetime import datetime

from sqlmodel import Session

from mip_app.accounts.models import User
from mip_app.accounts.portraits import signature_of
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Invalid
from mip_app.reports.desk import (
    Desk,
    add_version,
    free,
    keep_working,
    note,
    opened,
    write_text,
)
from mip_app.reports.draft import Draft, Outcome
from mip_app.reports.holding import NotNow, claim
from mip_app.reports.lock import Ended
from mip_app.reports.models import ReportState, VersionKind
from mip_app.reports.rules import DONE_STATES
from mip_app.reports.writing import keep_aside, stale, text_of


class Unwritten(Invalid):
    code = "report.unwritten"


class NoReason(Invalid):
    code = "report.no_reason"


@needs(Permission.REPORT_SIGN)
def sign(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """初诊签发: a draft becomes preliminary. Raises Unwritten, NotNow, Held."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now, Permission.REPORT_SIGN)
    if desk.report.state == ReportState.PRELIMINARY and _signed_already(desk, actor, draft):
        return _done(desk)
    _expect(desk.report.state == ReportState.DRAFT)
    if refused := _submit(session, actor, desk, draft, now):
        return refused
    report = desk.report
    report.state, report.returned, report.reason = ReportState.PRELIMINARY, False, ""
    report.preliminary_by, report.preliminary_name = actor.user_id, actor.name
    report.preliminary_title, report.preliminary_at = _title(session, actor), now
    report.preliminary_signature = signature_of(session, actor)
    version = add_version(session, desk, VersionKind.SIGNED, actor.user_id, actor.name, now)
    note(session, actor, desk, Act.REPORT_SIGNED, version=version)
    free(session, actor, desk, Ended.SIGNED, now)
    return _done(desk)


@needs(Permission.REPORT_REVIEW)
def review(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """审核签发: preliminary becomes final, what was reopened becomes amended. Raises Unwritten, NotNow, Held."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now, Permission.REPORT_REVIEW)
    report = desk.report
    if report.state in DONE_STATES and not report.amending and _signed_already(desk, actor, draft):
        return _done(desk)
    _expect(report.state == ReportState.PRELIMINARY or report.amending)
    if refused := _submit(session, actor, desk, draft, now):
        return refused
    kind = VersionKind.AMENDED if report.amending else VersionKind.REVIEWED
    report.released = add_version(
        session, desk, kind, actor.user_id, actor.name, now, report.reason if report.amending else ""
    )
    report.state = ReportState.AMENDED if report.amending else ReportState.FINAL
    report.amending = False
    report.reviewed_by, report.reviewed_name = actor.user_id, actor.name
    report.reviewed_title, report.reviewed_at = _title(session, actor), now
    report.reviewed_signature = signature_of(session, actor)
    note(session, actor, desk, Act.REPORT_REVIEWED, version=report.released, state=report.state)
    free(session, actor, desk, Ended.SIGNED, now)
    return _done(desk)


@needs(Permission.REPORT_REVIEW)
def give_back(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """退回: preliminary becomes a draft again, with the reason for its writer. Raises NoReason, NotNow, Held."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now, Permission.REPORT_REVIEW)
    report = desk.report
    if report.state == ReportState.DRAFT and report.returned and report.reason == draft.reason:
        return _done(desk)
    _expect(report.state == ReportState.PRELIMINARY)
    if not draft.reason:
        raise NoReason()
    if refused := _submit(session, actor, desk, draft, now):
        return refused
    writer = report.preliminary_name, report.preliminary_by
    report.state, report.returned, report.reason = ReportState.DRAFT, True, draft.reason
    report.preliminary_by, report.preliminary_name = None, ""
    report.preliminary_title, report.preliminary_signature, report.preliminary_at = "", "", None
    version = add_version(session, desk, VersionKind.RETURNED, actor.user_id, actor.name, now, draft.reason)
    report.author, report.author_id = writer
    note(session, actor, desk, Act.REPORT_RETURNED, version=version)
    free(session, actor, desk, Ended.RETURNED, now)
    return _done(desk)


@needs(Permission.REPORT_REVIEW)
def amend(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """修订: open what was reviewed again; readers keep what they have until it is signed. Raises NoReason, NotNow."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now, Permission.REPORT_REVIEW)
    _expect(desk.report.state in DONE_STATES and not desk.report.amending)
    if not draft.reason:
        raise NoReason()
    desk.report.amending, desk.report.reason = True, draft.reason
    note(session, actor, desk, Act.REPORT_REOPENED)
    claim(session, actor, desk, now)
    return Outcome(ok=True, fence=desk.lock.fence, revision=desk.working.revision)


@needs(Permission.REPORT_REVIEW)
def drop_amendment(session: Session, actor: Actor, draft: Draft, now: datetime | None = None) -> Outcome:
    """放弃修订: back to the reviewed text; what was written meanwhile stays a version. Raises NotNow, Held."""
    now = now or utc_now()
    desk = opened(session, actor, draft.study_uid, now, Permission.REPORT_REVIEW)
    report = desk.report
    _expect(report.amending)
    if refused := _submit(session, actor, desk, draft, now, empty=True):
        return refused
    keep_working(session, desk, now)
    report.amending, report.reason, report.version = False, "", report.released
    report.findings, report.impression = text_of(session, desk.head.pk, report.released)
    report.author, report.author_id = report.reviewed_name, report.reviewed_by
    write_text(desk, actor, (report.findings, report.impression), now)
    note(session, actor, desk, Act.REPORT_REOPENED, dropped=True)
    free(session, actor, desk, Ended.RETURNED, now)
    return _done(desk)


def _submit(
    session: Session, actor: Actor, desk: Desk, draft: Draft, now: datetime, *, empty: bool = False
) -> Outcome | None:
    """The signed text comes onto the desk. A page that only reads signs what it sees, when nobody is writing."""
    if not empty and not (draft.findings.strip() and draft.impression.strip()):
        raise Unwritten()
    if draft.fence is None and draft.text == desk.text:
        if not desk.lock.held_by(actor.user_id, now):
            claim(session, actor, desk, now)
        return None
    if refused := stale(desk, actor, draft, now):
        return keep_aside(session, actor, desk, draft, refused, now)
    write_text(desk, actor, draft.text, now)
    return None


def _signed_already(desk: Desk, actor: Actor, draft: Draft) -> bool:
    """The click came twice: same person, same text."""
    report = desk.report
    by = report.preliminary_by if report.state == ReportState.PRELIMINARY else report.reviewed_by
    return by == actor.user_id and draft.text == (report.findings, report.impression)


def _expect(allowed: bool) -> None:
    if not allowed:
        raise NotNow()


def _title(session: Session, actor: Actor) -> str:
    user = session.get(User, actor.user_id)
    return user.title if user else ""


def _done(desk: Desk) -> Outcome:
    return Outcome(ok=True, revision=desk.working.revision)
