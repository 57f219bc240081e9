"""The list of studies, a page at a time.

Paged by keyset: a page costs the same wherever it lies. Studies without a print time come last both ways.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, func, tuple_
from sqlmodel import Session, col, select

from mip_app.accounts.models import Institution
from mip_app.core.actor import Actor, Permission
from mip_app.core.clock import utc_now
from mip_app.core.errors import Invalid
from mip_app.studies import door
from mip_app.studies.age import age_at
from mip_app.studies.keyword import patients_named
from mip_app.studies.models import Patient, Study

PAGE = 50
COUNT_TO = 1000  # counting further would cost more than it tells


class Sort(StrEnum):
    STUDIED = "studied"
    PRINTED = "printed"


class Days(StrEnum):
    TODAY = "today"
    THREE = "3d"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"
    RANGE = "range"


_BACK = {Days.TODAY: 0, Days.THREE: 2, Days.WEEK: 6, Days.MONTH: 29}


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is asked for. Empty tuples ask for everything."""

    days: Days = Days.ALL
    start: date | None = None  # of a range, both ends included
    end: date | None = None
    statuses: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    contrasts: tuple[str, ...] = ()
    keyword: str = field(default="", repr=False)
    sort: Sort = Sort.STUDIED
    newest_first: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the order a row stands: its keyset."""

    studied_at: datetime
    study: int
    printed_at: datetime | None = None


class Row(TypedDict):
    """One line of the list, as it travels to the browser."""

    id: int
    uid: str
    name: str
    patient_id: str
    sex: str
    age: str
    age_unit: str
    modality: str
    body_part: str
    description: str
    year: str
    time: str
    series: int
    images: int
    status: str
    author: str
    printed_year: str
    printed: str
    holder: str
    mine: bool
    minutes: int
    accession: str


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    first: Place | None
    last: Place | None
    more: bool  # in the direction that was asked for


def page(
    session: Session,
    actor: Actor,
    filters: Filters,
    place: Place | None = None,
    forward: bool = True,
    limit: int = PAGE,
) -> Page:
    """The rows after `place` (before it, when not `forward`), in the order of the list."""
    actor.require(Permission.STUDY_READ)
    zone = _zone(session, actor)
    conditions = _conditions(session, actor, filters, zone)
    found: list[Any] = []
    for segment in _segments(filters, place, forward):
        wanted = limit + 1 - len(found)
        if wanted > 0:
            found += session.execute(_ids(segment, conditions).limit(wanted)).all()
    more = len(found) > limit
    keys = found[:limit] if forward else found[:limit][::-1]
    rows = rows_of(session, actor, [key.id for key in keys], zone)
    places = [Place(key.studied_at, key.id, key.printed_at) for key in keys]
    return Page(rows, places[0] if places else None, places[-1] if places else None, more)


def rows_of(session: Session, actor: Actor, studies: list[int], zone: ZoneInfo | None = None) -> list[Row]:
    """The rows of these studies in this order, as they are now; those not visible are left out."""
    actor.require(Permission.STUDY_READ)
    zone = zone or _zone(session, actor)
    statement = select(Study, Patient).join(Patient, col(Patient.id) == Study.patient_pk)
    found = session.exec(door.through(statement.where(col(Study.id).in_(studies)), actor)).all()
    by_id = {study.id: _row(study, patient, actor, zone) for study, patient in found}
    return [by_id[key] for key in studies if key in by_id]


def count(session: Session, actor: Actor, filters: Filters) -> int:
    """How many studies these filters find, counted to COUNT_TO."""
    actor.require(Permission.STUDY_READ)
    conditions = _conditions(session, actor, filters, _zone(session, actor))
    inner = door.marked(select(Study.id).where(*conditions)).limit(COUNT_TO).subquery()
    return session.execute(select(func.count()).select_from(inner)).scalar_one()


def newer(session: Session, actor: Actor, filters: Filters, first: Place | None) -> int:
    """How many studies would stand before the first row shown (counted to one page)."""
    if first is None:
        return count(session, actor, filters)
    found = page(session, actor, filters, first, forward=False)
    return len(found.rows) + int(found.more)


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of the order that one index range answers."""

    order: tuple[Any, ...]  # columns, least significant last
    descending: bool
    conditions: tuple[ColumnElement[bool], ...] = ()


def _segments(filters: Filters, place: Place | None, forward: bool) -> list[_Segment]:
    """The stretches to read, in reading order: studies with a print time stand before those without."""
    down = filters.newest_first == forward
    studied = (col(Study.studied_at), col(Study.id))
    if filters.sort is Sort.STUDIED:
        after = (_beyond(studied, (place.studied_at, place.study), down),) if place else ()
        return [_Segment(studied, down, after)]
    printed = (col(Study.printed_at), *studied)
    whole_printed = _Segment(printed, down, (col(Study.printed_at).is_not(None),))
    whole_unprinted = _Segment(studied, down, (col(Study.printed_at).is_(None),))
    if place is None:
        return [whole_printed, whole_unprinted] if forward else [whole_unprinted, whole_printed]
    if place.printed_at is not None:
        beyond = _beyond(printed, (place.printed_at, place.studied_at, place.study), down)
        rest = replace(whole_printed, conditions=(*whole_printed.conditions, beyond))
        return [rest, whole_unprinted] if forward else [rest]
    beyond = _beyond(studied, (place.studied_at, place.study), down)
    rest = replace(whole_unprinted, conditions=(*whole_unprinted.conditions, beyond))
    return [rest] if forward else [rest, whole_printed]


def _beyond(columns: tuple[Any, ...], values: tuple[Any, ...], down: bool) -> ColumnElement[bool]:
    left = tuple_(*columns)
    right = tuple_(*values, types=[column.type for column in columns])
    return left < right if down else left > right


def _ids(segment: _Segment, conditions: list[ColumnElement[bool]]) -> Select[Any]:
    order = [column.desc() if segment.descending else column.asc() for column in segment.order]
    statement = select(Study.id, Study.studied_at, Study.printed_at).where(*conditions, *segment.conditions)
    return door.marked(statement.order_by(*order))


def _conditions(
    session: Session, actor: Actor, filters: Filters, zone: ZoneInfo
) -> list[ColumnElement[bool]]:
    conditions = [door.visible(actor), *_days(filters, zone)]
    for column, chosen in (
        (Study.report_status, filters.statuses),
        (Study.modality, filters.modalities),
        (Study.patient_class, filters.classes),
        (Study.contrast, filters.contrasts),
    ):
        if chosen:
            conditions.append(col(column).in_(chosen))
    if filters.keyword.strip():
        conditions.append(patients_named(session, actor, filters.keyword))
    return conditions


def _days(filters: Filters, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    today = utc_now().astimezone(zone).date()
    start, end = filters.start, filters.end
    if filters.days in _BACK:
        start, end = today - timedelta(days=_BACK[filters.days]), None
    elif filters.days is Days.ALL:
        start = end = None
    if start and end and end < start:
        raise Invalid("studies.range_backwards")
    conditions = []
    if start:
        conditions.append(col(Study.studied_at) >= _midnight(start, zone))
    if end:
        conditions.append(col(Study.studied_at) < _midnight(end + timedelta(days=1), zone))
    return conditions


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _zone(session: Session, actor: Actor) -> ZoneInfo:
    institution = session.get(Institution, actor.institution)
    return ZoneInfo(institution.time_zone if institution else "UTC")


def _row(study: Study, patient: Patient, actor: Actor, zone: ZoneInfo) -> Row:
    age, unit = age_at(patient.birth_date, study.study_date, study.patient_age)
    held = study.lock_holder if study.lock_expires_at and study.lock_expires_at > utc_now() else ""
    year, moment = _shown(study.studied_at, zone) if study.study_date else ("", "")
    printed_year, printed = _shown(study.printed_at, zone) if study.printed_at else ("", "")
    return Row(
        id=study.id or 0,
        uid=study.study_uid,
        name=patient.name,
        patient_id=patient.patient_id,
        sex=patient.sex,
        age=age,
        age_unit=unit,
        modality=study.modality,
        body_part=study.body_part,
        description=study.description,
        year=year,
        time=moment,
        series=study.series_count,
        images=study.instance_count,
        status=study.report_status,
        author=study.report_author,
        printed_year=printed_year,
        printed=printed,
        holder=held,
        mine=bool(held) and study.lock_holder_id == actor.user_id,
        minutes=_minutes(study.lock_since) if held else 0,
        accession=study.accession_number,
    )


def _shown(moment: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """`2026-` and `11-24 14:32`: the list mutes the year."""
    local = moment.astimezone(zone)
    return local.strftime("%Y-"), local.strftime("%m-%d %H:%M")


def _minutes(since: datetime | None) -> int:
    return int((utc_now() - since).total_seconds() // 60) if since else 0
