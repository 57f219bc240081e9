"""The list of studies, a page at a time.

Paged by keyset: a page costs the same wherever it lies. Studies without a print time come last both ways.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, cast, func, null, or_, true, tuple_
from sqlmodel import Session, col, select

from mip_app.accounts.models import Institution
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.columns import Utc
from mip_app.studies import door
from mip_app.studies.age import age_at
from mip_app.studies.door import Way
from mip_app.studies.filters import MODALITIES, NAMED_MODALITIES, VIEWS, Days, Filters, Sort, View
from mip_app.studies.keyword import named
from mip_app.studies.models import Patient, PatientClass, ReportStatus, Study
from mip_app.studies.service import RELEASED, released_status

PAGE = 50
COUNT_TO = 1000  # counting further would cost more than it tells

_BACK = {Days.TODAY: 0, Days.THREE: 2, Days.WEEK: 6, Days.MONTH: 29}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the order a row stands: its keyset."""

    studied_at: datetime
    study: int
    printed_at: datetime | None = None


class Row(TypedDict):
    """One line of the list, as it travels to the browser."""

    uid: str
    name: str
    patient_id: str
    sex: str  # M, F, O or U
    age: str
    age_unit: str  # Y, M, D, or U: unknown
    modality: str
    body_part: str
    description: str
    emergency: bool
    time: str  # 2026-11-24 14:32
    series: int
    images: str  # 1,186
    status: str
    author: str
    printed: str
    holder: str
    mine: bool
    whose: str  # another institution's name: it is granted
    whose_en: str
    since: int  # when the lock was taken, seconds of the epoch


@dataclass(frozen=True, slots=True)
class Page:
    rows: list[Row]
    places: list[Place]  # of the rows, in their order
    more: bool  # in the direction that was asked for
    today: date  # where the actor's institution is


@needs(Permission.STUDY_READ)
def page(
    session: Session,
    actor: Actor,
    filters: Filters,
    place: Place | None = None,
    forward: bool = True,
    limit: int = PAGE,
) -> Page:
    """The rows after `place` (before it, when not `forward`), in the order of the list."""
    zone = zone_of(session, actor)
    keys, more = _keys(session, actor, filters, zone, place, forward, limit)
    rows = rows_of(session, actor, [key.study for key in keys], zone)
    return Page(rows, keys, more, utc_now().astimezone(zone).date())


def _keys(
    session: Session,
    actor: Actor,
    filters: Filters,
    zone: ZoneInfo,
    place: Place | None = None,
    forward: bool = True,
    limit: int = PAGE,
) -> tuple[list[Place], bool]:
    sources = _sources(session, actor, filters, zone)
    found: list[Any] = []
    for segment in _segments(filters, place, forward):
        wanted = limit + 1 - len(found)
        selects = [one.keys(segment) for one in sources if one.printed is not None or not segment.printed]
        if wanted > 0 and selects:
            order = [(name, segment.descending) for name in segment.order]
            merged = door.merged(session.get_bind().dialect.name, selects, order, wanted)
            found += session.execute(merged).all()
    keys = [Place(key.studied_at, key.id, getattr(key, "printed_at", None)) for key in found[:limit]]
    return keys if forward else keys[::-1], len(found) > limit


@needs(Permission.STUDY_READ)
def rows_of(session: Session, actor: Actor, studies: list[int], zone: ZoneInfo | None = None) -> list[Row]:
    """The rows of these studies in this order, as they are now; those not visible are left out."""
    if not studies:
        return []
    zone = zone or zone_of(session, actor)
    statement = (
        select(Study, Patient, Institution)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .join(Institution, col(Institution.id) == Study.institution_id)
    )
    found = session.exec(door.among(statement, actor, studies)).all()
    by_id = {study.id: _row(study, patient, whose, actor, zone) for study, patient, whose in found}
    return [by_id[key] for key in studies if key in by_id]


@needs(Permission.STUDY_READ)
def count(session: Session, actor: Actor, filters: Filters) -> int:
    """How many studies these filters find, counted to COUNT_TO."""
    number = 0
    for source in _sources(session, actor, filters, zone_of(session, actor)):
        inner = door.marked(source.statement).limit(COUNT_TO - number).subquery()
        number += session.execute(select(func.count()).select_from(inner)).scalar_one()
        if number >= COUNT_TO:
            break
    return number


@needs(Permission.STUDY_READ)
def waiting(session: Session, actor: Actor, filters: Filters) -> dict[str, int]:
    """How many studies each work view would show, with the other filters as they are; counted to COUNT_TO."""
    views = {view: asked for view, asked in VIEWS.items() if view is not View.ALL}
    every_day = replace(filters, days=Days.ALL)
    return {
        view: count(session, actor, replace(every_day, statuses=asked.statuses, mine=asked.mine))
        for view, asked in views.items()
    }


@needs(Permission.STUDY_READ)
def arrivals(
    session: Session, actor: Actor, filters: Filters, shown: Collection[int], last: Place | None
) -> list[Place]:
    """What the first page holds beside the studies `shown`, as far as `last`, the last row of a full page."""
    found, _ = _keys(session, actor, filters, zone_of(session, actor))
    if last is not None:
        found = [place for place in found if _stands_before(filters, place, last)]
    return [place for place in found if place.study not in shown]


@needs(Permission.REPORT_WRITE)
def next_unwritten(session: Session, actor: Actor, filters: Filters) -> str | None:
    """The study to be reported next, an emergency before the others, then the oldest; nobody is writing it."""
    asked = replace(
        VIEWS[View.ALL],
        statuses=(ReportStatus.NONE,),
        modalities=filters.modalities,
        classes=filters.classes,
        contrasts=filters.contrasts,
    )
    conditions = (door.own(actor), *_narrowed(actor, asked))
    free = or_(col(Study.lock_expires_at).is_(None), col(Study.lock_expires_at) <= utc_now())
    oldest = select(Study.study_uid).where(*conditions, free).order_by(col(Study.studied_at), col(Study.id))
    for statement in (oldest.where(Study.patient_class == PatientClass.EMERGENCY), oldest):
        if found := session.execute(door.marked(statement.limit(1))).scalar_one_or_none():
            return str(found)
    return None


def _stands_before(filters: Filters, one: Place, other: Place) -> bool:
    """The order of `_segments`, for two rows already read."""
    if filters.sort is Sort.PRINTED and (one.printed_at is None) != (other.printed_at is None):
        return other.printed_at is None
    first, second = (
        (place.printed_at if filters.sort is Sort.PRINTED else None, place.studied_at, place.study)
        for place in (one, other)
    )
    return first != second and (_value(first) > _value(second)) == filters.newest_first


def _value(key: tuple[datetime | None, datetime, int]) -> tuple[datetime, datetime, int]:
    return key[0] or key[1], key[1], key[2]


@dataclass(frozen=True, slots=True)
class _Source:
    """Where keys of a page are read: along an index, or a few studies that were found beforehand."""

    statement: Any
    at: Any
    key: Any
    printed: Any | None  # None: others are not told when a report was printed

    def keys(self, segment: "_Segment") -> Any:
        # The columns of the order and no others: the index has them.
        columns = {"printed_at": self.printed, "studied_at": self.at, "id": self.key}
        if self.printed is None:
            columns["printed_at"] = cast(null(), Utc)
        statement = self.statement.with_only_columns(*(columns[name].label(name) for name in segment.order))
        if self.printed is not None and segment.printed is not None:
            printed = self.printed.is_not(None) if segment.printed else self.printed.is_(None)
            statement = statement.where(printed)
        if segment.after:
            last = segment.order[-len(segment.after) :]
            beyond = _beyond(tuple(columns[name] for name in last), segment.after, segment.descending)
            statement = statement.where(beyond)
        return statement


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of the order that one range of each index answers."""

    order: tuple[str, ...]  # the least significant last
    descending: bool
    printed: bool | None = None  # those with a print time, or those without, alone
    after: tuple[Any, ...] = ()  # beyond these values of the last of the order


def _segments(filters: Filters, place: Place | None, forward: bool) -> list[_Segment]:
    """The stretches to read, in reading order: studies with a print time stand before those without."""
    down = filters.newest_first == forward
    studied = (place.studied_at, place.study) if place else ()
    if filters.sort is Sort.STUDIED:
        return [_Segment(("studied_at", "id"), down, after=studied)]
    order = ("printed_at", "studied_at", "id")
    # Ordered by the missing print time, too: PostgreSQL does not see that it is one and the same.
    printed, unprinted = _Segment(order, down, True), _Segment(order, down, False)
    if place is None:
        return [printed, unprinted] if forward else [unprinted, printed]
    if place.printed_at is not None:
        rest = replace(printed, after=(place.printed_at, *studied))
        return [rest, unprinted] if forward else [rest]
    rest = replace(unprinted, after=studied)
    return [rest] if forward else [rest, printed]


def _beyond(columns: tuple[Any, ...], values: tuple[Any, ...], down: bool) -> ColumnElement[bool]:
    left = tuple_(*columns)
    right = tuple_(*values, types=[column.type for column in columns])
    return left < right if down else left > right


def _sources(session: Session, actor: Actor, filters: Filters, zone: ZoneInfo) -> list[_Source]:
    ways = door.ways(session, actor)
    found = _sources_of(session, actor, filters, zone, [way for way in ways if way.own])
    granted, theirs = [way for way in ways if not way.own], _told(filters)
    if granted and theirs is not None:
        found += _sources_of(session, actor, theirs, zone, granted)
    return found


def _told(filters: Filters) -> Filters | None:
    """What is asked of granted studies. Their reports are looked for by what others are told; no work waits in them."""
    statuses = tuple(status for status in filters.statuses if status in RELEASED)
    return (
        None if filters.mine or (filters.statuses and not statuses) else replace(filters, statuses=statuses)
    )


def _sources_of(
    session: Session, actor: Actor, filters: Filters, zone: ZoneInfo, ways: list[Way]
) -> list[_Source]:
    """Of own studies, or of granted ones."""
    conditions, is_own = _narrowed(actor, filters), any(way.own for way in ways)
    if filters.keyword.strip():
        by_name = named(session, actor, filters.keyword, partial(door.whose, actor, is_own))
        conditions.append(by_name.condition)
        if by_name.few:
            visible = door.own(actor).is_(true()) if is_own else door.granted(actor)
            led: Any = select(Study.id, Study.studied_at, Study.printed_at)
            led = led.where(visible, *conditions, *_days(col(Study.studied_at), filters, zone))
            few = led.cte("found" if is_own else "found_granted").prefix_with("MATERIALIZED").c
            printed = few.printed_at if is_own else None
            return [_Source(select(few.id), few.studied_at, few.id, printed)]
    return [
        _Source(
            way.select(way.key, study=bool(conditions)).where(*conditions, *_days(way.at, filters, zone)),
            way.at,
            way.key,
            col(Study.printed_at) if is_own else None,
        )
        for way in ways
    ]


def _narrowed(actor: Actor, filters: Filters) -> list[ColumnElement[bool]]:
    """Every filter but days and the keyword."""
    conditions: list[ColumnElement[bool]] = []
    for column, chosen in (
        (Study.report_status, filters.statuses),
        (Study.patient_class, filters.classes),
        (Study.contrast, filters.contrasts),
    ):
        if chosen:
            conditions.append(col(column).in_(chosen))
    if filters.modalities:
        conditions.append(_of_modalities(filters.modalities))
    if filters.mine:
        conditions.append(col(Study.report_author_id) == actor.user_id)
    return conditions


def _of_modalities(groups: tuple[str, ...]) -> ColumnElement[bool]:
    values = [value for group in groups for value in MODALITIES[group]]
    if "OTHER" not in groups:
        return col(Study.modality).in_(values)
    return col(Study.modality).not_in([value for value in NAMED_MODALITIES if value not in values])


def _days(at: Any, filters: Filters, zone: ZoneInfo) -> list[ColumnElement[bool]]:
    today = utc_now().astimezone(zone).date()
    start, end = filters.start, filters.end
    if filters.days in _BACK:
        start, end = today - timedelta(days=_BACK[filters.days]), None
    elif filters.days is Days.ALL:
        start = end = None
    conditions = []
    if start:
        conditions.append(at >= _midnight(start, zone))
    if end:
        conditions.append(at < _midnight(end + timedelta(days=1), zone))
    return conditions


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


@needs(Permission.STUDY_READ)
def zone_of(session: Session, actor: Actor) -> ZoneInfo:
    """Whose midnight a day of the list begins at: the institution's."""
    institution = session.get(Institution, actor.institution)
    return ZoneInfo(institution.time_zone if institution else "UTC")


def _row(study: Study, patient: Patient, whose: Institution, actor: Actor, zone: ZoneInfo) -> Row:
    own = study.institution_id == actor.institution
    age, unit = age_at(patient.birth_date, study.study_date, study.patient_age)
    locked = own and study.lock_expires_at and study.lock_expires_at > utc_now()
    held = study.lock_holder if locked else ""
    status = study.report_status if own else released_status(study)
    return Row(
        uid=study.study_uid,
        name=patient.name,
        patient_id=patient.patient_id,
        sex=patient.sex if patient.sex in ("M", "F", "O") else "U",
        age=age,
        age_unit=unit or "U",
        modality=study.modality,
        body_part=study.body_part,
        description=study.description,
        emergency=study.patient_class == PatientClass.EMERGENCY,
        time=_shown(study.studied_at if study.study_date else None, zone),
        series=study.series_count,
        images=f"{study.instance_count:,}",
        status=status,
        author=study.report_author if own or status in RELEASED else "",
        printed=_shown(study.printed_at if own else None, zone),
        holder=held,
        mine=bool(held) and study.lock_holder_id == actor.user_id,
        whose="" if own else whose.name,
        whose_en="" if own else whose.name_en,
        since=int(study.lock_since.timestamp()) if held and study.lock_since else 0,
    )


def _shown(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""
