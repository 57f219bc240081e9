"""The entries of one's own log: narrowed, in stretches, newest or oldest first.

Millions of rows: every stretch is the beginning of a few ranges of one index, merged here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Row
from sqlmodel import Session, col

from mip_app.accounts.models import Alliance, Institution, Membership, RoleSet, User
from mip_app.audit.models import Act, AuditEntry, Result
from mip_app.audit.service import scope_of
from mip_app.auditing import details
from mip_app.auditing.asking import Asked
from mip_app.auditing.details import Names
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.columns import Utc
from mip_app.studies import door
from mip_app.studies.models import Patient, Study

PEOPLE, STUDIES = 20, 50  # most that one word may name
PLATFORM_ZONE = "Asia/Shanghai"

COLUMNS: tuple[Any, ...] = tuple(
    getattr(AuditEntry, name)
    for name in ("id", "at", "user_id", "actor", "address", "act", "subject", "result", "detail")
)
# As the partial index has it, letter by letter.
_FAILED = "result <> 'done'"
_FAILURES = [sa.text(f"{_FAILED} AND result = '{result}'") for result in (Result.REFUSED, Result.FAILED)]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stretch ended."""

    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Narrowed:
    """`ranges`: each a range of an index, of which the stretch is merged; `conditions` hold for all."""

    conditions: list[Any]
    ranges: list[Any]


@needs(Permission.AUDIT_READ)
def narrowed(session: Session, actor: Actor, asked: Asked) -> Narrowed:
    """What is asked for as conditions on the actor's own log, and on nothing else."""
    zone = zone_of(session, actor)
    conditions: list[Any] = [col(AuditEntry.scope) == scope_of(actor)]
    if since := asked.since(utc_now().astimezone(zone).date(), zone):
        conditions.append(col(AuditEntry.at) >= since)
    if until := asked.until(zone):
        conditions.append(col(AuditEntry.at) < until)
    # The narrowest of them leads into an index, the others are conditions.
    ranges: list[Any] | None = None
    if asked.study:
        ranges = _studies(session, actor, asked.study)
    if asked.failures:
        if ranges is None:
            ranges = list(_FAILURES)
        else:
            conditions.append(sa.text(_FAILED))
    if asked.person:
        people = _people(session, actor, asked.person)
        if ranges is None:
            ranges = [column == value for column, value in people]
            ranges[-1] &= col(AuditEntry.user_id).is_(None)  # a device has no account
        else:
            # A device has no account; all of it stands in the index.
            *users, (actor_column, typed) = [(_aside(session, column), value) for column, value in people]
            device = _aside(session, col(AuditEntry.user_id)).is_(None) & (actor_column == typed)
            conditions.append(sa.or_(device, *(column == value for column, value in users)))
    if asked.act or asked.kind:
        if ranges is None:
            ranges = [col(AuditEntry.act) == act for act in asked.acts()]
        else:
            conditions.append(_any_of(_aside(session, col(AuditEntry.act)), asked.acts()))
    return Narrowed(conditions, [sa.true()] if ranges is None else ranges)


def _aside(session: Session, column: Any) -> Any:
    """The column of a condition that shall not choose the index: it is answered from the one that a range leads into.

    SQLite, without statistics, would follow it; PostgreSQL, with old ones, would sort.
    """
    if session.get_bind().dialect.name == "sqlite":
        return sa.literal_column(f"+auditentry.{column.key}", column.type)
    nothing = "+ 0" if isinstance(column.type, sa.Integer) else "|| ''"
    return sa.literal_column(f"(auditentry.{column.key} {nothing})", column.type)


def _any_of(column: Any, acts: Sequence[Act]) -> Any:
    # Written out: PostgreSQL looks a constant list up by hash, and compares parameters one after the other.
    words = [act.value for act in acts]
    return column.in_(
        sa.bindparam("acts", words, sa.String, expanding=True, literal_execute=True, unique=True)
    )


def stretch(
    session: Session, wanted: Narrowed, limit: int, after: Place | None = None, *, newest_first: bool = True
) -> list[Row]:
    """At most `limit` entries after a place."""
    conditions = list(wanted.conditions)
    if after:
        here = sa.tuple_(col(AuditEntry.at), col(AuditEntry.id))
        there = sa.tuple_(sa.literal(after.at, Utc), sa.literal(after.id))
        conditions.append(here < there if newest_first else here > there)
    if not wanted.ranges:
        return []
    # Only places are read from the index, all ranges at once, and then the entries of those that stay.
    parts = [
        _ordered(COLUMNS[:2], [*conditions, part], limit, newest_first).subquery() for part in wanted.ranges
    ]
    every = sa.union_all(*(sa.select(part.c.id, part.c.at) for part in parts)).subquery()
    way = sa.desc if newest_first else sa.asc
    kept = session.execute(
        sa.select(every.c.id).order_by(way(every.c.at), way(every.c.id)).limit(limit)
    ).scalars()
    if not (ids := kept.all()):
        return []
    return list(session.execute(_ordered(COLUMNS, [col(AuditEntry.id).in_(ids)], limit, newest_first)))


def _ordered(columns: Sequence[Any], conditions: Sequence[Any], limit: int, newest_first: bool) -> Any:
    order = [col(AuditEntry.at), col(AuditEntry.id)]
    return (
        sa.select(*columns)
        .where(*conditions)
        .order_by(*(column.desc() if newest_first else column for column in order))
        .limit(limit)
    )


def count(session: Session, wanted: Narrowed) -> int:
    return sum(
        session.execute(
            sa.select(sa.func.count()).select_from(AuditEntry).where(*wanted.conditions, part)
        ).scalar()
        or 0
        for part in wanted.ranges
    )


def zone_of(session: Session, actor: Actor) -> ZoneInfo:
    name = None
    if actor.institution_id is not None:
        name = session.execute(
            sa.select(col(Institution.time_zone)).where(col(Institution.id) == actor.institution_id)
        ).scalar()
    return ZoneInfo(name or PLATFORM_ZONE)


def _own_people(actor: Actor) -> ColumnElement[bool]:
    """Whose names the log's readers know: those who belong where they do."""
    if actor.institution_id is not None:
        return col(Membership.institution_id) == actor.institution_id
    outside = col(Membership.institution_id).is_(None)
    if actor.alliance_id is not None:
        return outside & (col(Membership.alliance_id) == actor.alliance_id)
    return outside & col(Membership.alliance_id).is_(None)


def _people(session: Session, actor: Actor, typed: str) -> list[tuple[Any, object]]:
    """(column, value) each: by account or name; last, a device or a program by its whole name."""
    text = typed.lower()
    like = "%" + text.replace("/", "//").replace("%", "/%").replace("_", "/_") + "%"
    statement = (
        sa.select(col(User.id))
        .join(Membership, col(Membership.user_id) == User.id)
        .where(
            _own_people(actor),
            (col(User.account) == text)
            | sa.func.lower(User.name).like(like, escape="/")
            | col(User.keywords).like(like, escape="/"),
        )
        .order_by(col(User.id))
        .distinct()
        .limit(PEOPLE)
    )
    found = [(col(AuditEntry.user_id), user) for user in session.execute(statement).scalars()]
    return [*found, (col(AuditEntry.actor), typed)]


def _studies(session: Session, actor: Actor, typed: str) -> list[Any]:
    if actor.institution_id is None:
        return []
    statement = sa.select(col(Study.study_uid)).join(Patient, col(Patient.id) == Study.patient_pk)
    by_patient = statement.where(
        col(Patient.institution_id) == actor.institution, col(Patient.patient_id) == typed
    )
    by_number = statement.where(col(Study.accession_number) == typed)
    uids = {typed} if typed.count(".") > 3 else set()
    for found in (by_patient, by_number):
        newest = found.order_by(col(Study.studied_at).desc()).limit(STUDIES)
        uids |= set(session.execute(door.within(newest, actor)).scalars())
    return [col(AuditEntry.subject) == f"study:{uid}" for uid in sorted(uids)]


@dataclass(frozen=True, slots=True)
class Labels:
    """What identifiers are called: never a patient's name, which nobody on this side may read."""

    studies: dict[str, tuple[str, str]]  # by UID: accession number, patient ID
    names: Names


@needs(Permission.AUDIT_READ)
def labels(session: Session, actor: Actor, rows: Sequence[Row]) -> Labels:
    subjects = {row.subject for row in rows}
    subjects |= {subject for row in rows for subject in details.subjects_of(row.detail)}
    numbers = {kind: _numbers(subjects, kind) for kind in ("user", "institution", "alliance")}
    numbers["institution"] |= {
        number for row in rows if isinstance(number := (row.detail or {}).get("institution"), int)
    }
    places = _names(session, "institution", Institution, numbers["institution"], _own_institutions(actor))
    places |= _names(session, "alliance", Alliance, numbers["alliance"], _own_alliances(actor))
    return Labels(
        _study_labels(session, actor, {subject[6:] for subject in subjects if subject.startswith("study:")}),
        Names(_people_names(session, actor, numbers["user"]), places, _role_names(session, actor)),
    )


def _numbers(subjects: set[str], kind: str) -> set[int]:
    texts = [subject.partition(":")[2] for subject in subjects if subject.startswith(f"{kind}:")]
    return {int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 10}


def _study_labels(session: Session, actor: Actor, uids: set[str]) -> dict[str, tuple[str, str]]:
    if not uids or actor.institution_id is None:
        return {}
    statement = (
        sa.select(col(Study.study_uid), col(Study.accession_number), col(Patient.patient_id))
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .where(col(Study.study_uid).in_(uids))
    )
    found = session.execute(door.within(statement, actor))
    return {uid: (accession, patient) for uid, accession, patient in found}


def _people_names(session: Session, actor: Actor, ids: set[int]) -> dict[str, str]:
    """Those of the own place; an alliance also knows the people of its institutions whom it made administrators."""
    if not ids:
        return {}
    known = _own_people(actor)
    if actor.institution_id is None and actor.alliance_id is not None:
        known |= col(Institution.alliance_id) == actor.alliance_id
    elif actor.institution_id is None:
        known |= col(Membership.institution_id).is_(None)
    found = (
        sa.select(col(User.id), col(User.name))
        .join(Membership, col(Membership.user_id) == User.id)
        .join(Institution, col(Institution.id) == Membership.institution_id, isouter=True)
        .where(known, col(User.id).in_(ids))
    )
    return {f"user:{key}": name for key, name in session.execute(found)}


def _own_institutions(actor: Actor) -> ColumnElement[bool]:
    if actor.institution_id is not None:
        return col(Institution.id) == actor.institution_id
    if actor.alliance_id is not None:
        return col(Institution.alliance_id) == actor.alliance_id
    return sa.true()


def _own_alliances(actor: Actor) -> ColumnElement[bool]:
    above = actor.institution_id is None and actor.alliance_id is None
    return sa.true() if above else col(Alliance.id) == actor.alliance_id


def _names(
    session: Session, kind: str, table: Any, ids: set[int], own: ColumnElement[bool]
) -> dict[str, str]:
    if not ids:
        return {}
    found = session.execute(sa.select(table.id, table.name).where(table.id.in_(ids), own))
    return {f"{kind}:{key}": name for key, name in found}


def _role_names(session: Session, actor: Actor) -> dict[str, str]:
    if actor.institution_id is None:
        return {}
    own = sa.select(col(RoleSet.code), col(RoleSet.name)).where(
        col(RoleSet.institution_id) == actor.institution, col(RoleSet.name) != ""
    )
    return {row.code: row.name for row in session.execute(own)}
