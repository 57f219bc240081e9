"""A page of the log in words that a page shows, and the last proof of its chain."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

import sqlalchemy as sa
from sqlalchemy import Row as DbRow
from sqlmodel import Session, col

from mip_app.audit.models import Act, AuditEntry
from mip_app.audit.service import scope_of
from mip_app.auditing import details, reading
from mip_app.auditing.addresses import masked
from mip_app.auditing.asking import Asked, Days
from mip_app.auditing.reading import Labels, Place
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.texts import LANGUAGES

PAGE = 50


class Row(TypedDict):
    id: int
    time: str
    who: str  # '': nobody was signed in
    act: str  # the act itself: its name is `audit.act.` + this
    kind: str
    study: str  # accession number · patient ID
    person: str
    said: dict[str, str]  # by language: switching it asks the server nothing
    address: str
    result: str


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    last: Place | None
    more: bool


class Proof(TypedDict):
    """The last verification. `at` '': never yet."""

    at: str
    entries: str
    broken: str
    entry: str


NO_PROOF = Proof(at="", entries="", broken="", entry="")


@needs(Permission.AUDIT_READ)
def page(session: Session, actor: Actor, asked: Asked, after: Place | None = None) -> Page:
    """Newest first, of the actor's own log."""
    found = reading.stretch(session, reading.narrowed(session, actor, asked), PAGE + 1, after)
    more, found = len(found) > PAGE, found[:PAGE]
    labels = reading.labels(session, actor, found)
    zone, now = reading.zone_of(session, actor), utc_now()
    form = "%H:%M:%S" if asked.days is Days.TODAY else "%m-%d %H:%M:%S"

    def time(moment: datetime) -> str:
        local = moment.astimezone(zone)
        return local.strftime(form if local.year == now.astimezone(zone).year else "%Y-%m-%d %H:%M:%S")

    rows = [_row(row, labels, time(row.at)) for row in found]
    return Page(rows, Place(found[-1].at, found[-1].id) if found else None, more)


def _row(row: DbRow, labels: Labels, time: str) -> Row:
    detail: dict[str, Any] = row.detail or {}
    return Row(
        id=row.id,
        time=time,
        who=row.actor,
        act=row.act,
        kind=Act(row.act).kind if row.act in set(Act) else "",
        study=study_label(labels, row.subject),
        person=labels.names.people.get(row.subject, ""),
        said={
            language: details.said(row.act, row.result, row.subject, detail, labels.names, language)
            for language in LANGUAGES
        },
        address=masked(row.address),
        result=row.result,
    )


def study_label(labels: Labels, subject: str) -> str:
    """CT20261124031 · 0012000001; what is not visible here stays what it was asked by."""
    if not subject.startswith("study:"):
        return ""
    known = labels.studies.get(subject[6:])
    return " · ".join(part for part in known if part) if known else subject[6:]


@needs(Permission.AUDIT_READ)
def last_proof(session: Session, actor: Actor) -> Proof:
    row = session.execute(
        sa.select(col(AuditEntry.at), col(AuditEntry.detail))
        .where(col(AuditEntry.scope) == scope_of(actor), col(AuditEntry.act) == Act.AUDIT_VERIFIED)
        .order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc())
        .limit(1)
    ).first()
    if row is None:
        return NO_PROOF
    local = row.at.astimezone(reading.zone_of(session, actor))
    return Proof(
        at=f"{local:%m-%d %H:%M}",
        entries=details.plain(row.detail.get("entries")),
        broken=str(row.detail.get("broken") or ""),
        entry=str(row.detail.get("entry") or ""),
    )
