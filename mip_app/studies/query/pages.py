"""The statements of a search: first the keys of a page out of the indexes that hold them in order, then its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, tuple_
from sqlmodel import Session, col, select

from mip_app.core.actor import Actor
from mip_app.studies import door
from mip_app.studies.door import Kind, Way
from mip_app.studies.models import Instance, Patient, Series, Study
from mip_app.studies.query.asked import Asked, Level
from mip_app.studies.query.attributes import BY_TAG, Attribute
from mip_app.studies.query.narrowing import KEPT, Narrowed, Shape, bound, narrowed

# Names of key columns, and whether they go down.
_OF_STUDIES = (("at", True), ("study", True))
_OF_SERIES = (*_OF_STUDIES, ("unnumbered", False), ("number", False), ("series", False))
_OF_INSTANCES = (*_OF_SERIES, ("unnumbered_there", False), ("number_there", False), ("instance", False))


@dataclass(frozen=True, slots=True)
class Search:
    """All that a statement is made of: searches of one shape share it, and differ in the values that are bound."""

    level: Level
    columns: tuple[str, ...]  # tags
    seer: Actor
    granted: tuple[Kind, ...]
    narrowings: tuple[Shape, ...]  # own studies, then granted ones if there are any
    dialect: str
    limited: bool
    offset: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Own studies, or granted ones: what they are narrowed by, and how they are read."""

    wanted: Narrowed
    visible: ColumnElement[bool]  # the condition on `Study`, where keys lead to it
    ways: list[Way]  # where nothing does


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of all that was found."""

    dialect: str
    limit: Any
    offset: Any


def searched(
    session: Session, actor: Actor, asked: Asked, columns: Sequence[Attribute]
) -> tuple[Search, dict[str, Any], tuple[str, ...]]:
    """The shape of a search, its values, and the tags that do not narrow it. One more than asked for tells whether
    there are more. Raises Invalid for values that cannot be meant."""
    seer = door.seer(actor)
    granted = door.kinds(session, seer) if asked.level is not Level.PATIENT else ()
    found = [narrowed(session, seer, own, asked) for own in (True, False) if own or granted]
    values = {name: value for one in found for name, value in bound(one).items()}
    values |= {"limit": None if asked.limit is None else asked.limit + 1, "offset": asked.offset}
    tags, shapes = tuple(column.tag for column in columns), tuple(one.shape for one in found)
    about = session.get_bind().dialect.name, asked.limit is not None, asked.offset > 0
    return Search(asked.level, tags, seer, granted, shapes, *about), values, tuple(found[0].ignored)


@lru_cache(KEPT)
def statement(search: Search) -> Any:
    """Keys and columns of what is found, once the values are bound."""
    columns = [BY_TAG[tag].column for tag in search.columns]
    page = Page(
        search.dialect,
        bindparam("limit", type_=Integer) if search.limited else None,
        bindparam("offset", type_=Integer) if search.offset else None,
    )
    if search.level is Level.PATIENT:
        return _patients(search.seer, Narrowed(search.narrowings[0], search.seer), columns, page)
    make = {Level.STUDY: _studies, Level.SERIES: _series, Level.INSTANCE: _instances}
    return make[search.level]([_part(search, shape) for shape in search.narrowings], columns, page)


def _part(search: Search, shape: Shape) -> Part:
    seer, wanted = search.seer, Narrowed(shape, search.seer)
    ways = [door.own_way(seer)] if shape.own else door.granted_ways(seer, search.granted)
    if shape.modality:
        ways = [door.of_modality(seer, way, wanted.modality) for way in ways]
    return Part(wanted, door.own(seer) if shape.own else door.granted(seer), ways)


def _patients(actor: Actor, wanted: Narrowed, columns: list[Any], page: Page) -> Any:
    """Own ones of whom there is a study, the last that came first: only nodes ask, and nothing is granted to those."""
    seen = select(Study.id).where(Study.patient_pk == Patient.id, door.own(actor)).exists()
    found = select(Patient.id, *columns).where(*wanted.patient, seen)
    if wanted.candidates is not None:
        found = found.where(tuple_(col(Patient.institution_id), col(Patient.id)).in_(wanted.candidates))
    return door.marked(found.order_by(col(Patient.id).desc()).limit(page.limit).offset(page.offset))


def _studies(parts: Sequence[Part], columns: list[Any], page: Page) -> Any:
    selects = [one for n, part in enumerate(parts) for one in _keys_of_studies(part, n)]
    keys = _keys(selects, _OF_STUDIES, page)
    found = (
        select(Study.id, *columns)
        .select_from(keys)
        .join(Study, col(Study.id) == keys.c.study)
        .join(Patient, col(Patient.id) == Study.patient_pk)
    )
    return door.marked(found.order_by(*_in_order(keys, _OF_STUDIES)))


def _series(parts: Sequence[Part], columns: list[Any], page: Page) -> Any:
    selects = [one for part in parts for one in _below(part, Level.SERIES)]
    keys = _keys(selects, _OF_SERIES, page)
    found = (
        select(Series.id, *columns)
        .select_from(keys)
        .join(Series, col(Series.id) == keys.c.series)
        .join(Study, col(Study.id) == keys.c.study)
        .join(Patient, col(Patient.id) == Study.patient_pk)
    )
    return door.marked(found.order_by(*_in_order(keys, _OF_SERIES)))


def _instances(parts: Sequence[Part], columns: list[Any], page: Page) -> Any:
    selects = [one for part in parts for one in _below(part, Level.INSTANCE)]
    keys = _keys(selects, _OF_INSTANCES, page)
    asked: list[Any] = [Instance.id, *columns, Instance.header]
    found = (
        select(*asked)
        .select_from(keys)
        .join(Instance, col(Instance.id) == keys.c.instance)
        .join(Series, col(Series.id) == keys.c.series)
        .join(Study, col(Study.id) == keys.c.study)
        .join(Patient, col(Patient.id) == Study.patient_pk)
    )
    return door.marked(found.order_by(*_in_order(keys, _OF_INSTANCES)))


def _keys(selects: Sequence[Any], order: Sequence[tuple[str, bool]], page: Page) -> Any:
    return door.merged(page.dialect, selects, order, page.limit, page.offset).subquery("page")


def _in_order(keys: Any, order: Sequence[tuple[str, bool]]) -> list[Any]:
    return [keys.c[name].desc() if down else keys.c[name] for name, down in order]


def _keys_of_studies(part: Part, number: int) -> list[Any]:
    """(study, at) of everything wanted, along the indexes that hold it in its order if keys do not lead to it."""
    if not part.wanted.few:
        return [_along(part, way, [], study=False) for way in part.ways]
    # Found first and ordered then: SQLite would rather walk all studies in their order.
    led = _led(part, [col(Study.id).label("study"), col(Study.studied_at).label("at")])
    found = led.cte(f"found_{number}").prefix_with("MATERIALIZED").c
    return [select(found.study, found.at)]


def _below(part: Part, level: Level) -> list[Any]:
    """Relational: series, and what lies in them, narrowed by keys of every level above."""
    more: list[Any] = [
        col(Series.series_number).is_(None).label("unnumbered"),
        col(Series.series_number).label("number"),
        col(Series.id).label("series"),
    ]
    if level is Level.INSTANCE:
        more += [
            col(Instance.instance_number).is_(None).label("unnumbered_there"),
            col(Instance.instance_number).label("number_there"),
            col(Instance.id).label("instance"),
        ]
    if part.wanted.few:
        study: list[Any] = [col(Study.id).label("study"), col(Study.studied_at).label("at")]
        selects = [_led(part, [*study, *more])]
    else:
        selects = [_along(part, way, more, study=True) for way in part.ways]
    return [_with_series(part.wanted, one, level) for one in selects]


def _with_series(wanted: Narrowed, found: Any, level: Level) -> Any:
    found = found.join(Series, col(Series.study_pk) == Study.id).where(*wanted.series)
    if "0020000E" in wanted.shape.uids:
        found = found.where(wanted.whose(col(Series.institution_id)))  # its index begins so
    if level is Level.INSTANCE:
        found = found.join(Instance, col(Instance.series_pk) == Series.id).where(*wanted.instance)
        if "00080018" in wanted.shape.uids:
            found = found.where(wanted.whose(col(Instance.institution_id)))
    return found


def _along(part: Part, way: Way, more: list[Any], study: bool) -> Any:
    """Studies in the order of the list, each looked at."""
    wanted = part.wanted
    found = way.select(
        way.key.label("study"),
        way.at.label("at"),
        *more,
        study=study or bool(wanted.study or wanted.patient),
    )
    return _narrowed(found.where(*wanted.on(way.day), *wanted.about(way.at)), wanted)


def _led(part: Part, columns: list[Any]) -> Any:
    """Studies that keys lead to."""
    wanted = part.wanted
    found: Any = select(*columns).select_from(Study).where(part.visible)
    if wanted.shape.sharp:
        found = found.where(wanted.whose(col(Study.institution_id)))  # indexes begin so
    if wanted.candidates is not None:
        of_patient = tuple_(col(Study.institution_id), col(Study.patient_pk))
        found = found.where(of_patient.in_(wanted.candidates))
    found = found.where(*wanted.of_modality(col(Study.modalities)), *wanted.on(col(Study.study_date)))
    return _narrowed(found, wanted)


def _narrowed(found: Any, wanted: Narrowed) -> Any:
    found = found.where(*wanted.study)
    if wanted.patient:
        found = found.join(Patient, col(Patient.id) == Study.patient_pk).where(*wanted.patient)
    return found


def first_headers_of_studies(keys: Sequence[int]) -> Any:
    """Of each study, the header of one of its instances."""
    one = (
        select(Instance.header)
        .join(Series, col(Series.id) == Instance.series_pk)
        .where(Series.study_pk == Study.id)
        .limit(1)
        .scalar_subquery()
    )
    return door.marked(select(Study.id, one).where(col(Study.id).in_(keys)))


def first_headers_of_series(keys: Sequence[int]) -> Any:
    """Of each series, the header of its first instance."""
    one = (
        select(Instance.header)
        .where(Instance.series_pk == Series.id)
        .order_by(col(Instance.instance_number))
        .limit(1)
        .scalar_subquery()
    )
    return door.marked(select(Series.id, one).where(col(Series.id).in_(keys)))
