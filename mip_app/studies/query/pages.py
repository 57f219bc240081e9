"""The statements of a search: first the keys of a page out of the indexes that hold them in order, then its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, tuple_
from sqlmodel import Session, col, select

from mip_app.core.actor import Actor
from mip_app.studies import door
from mip_app.studies.door import Way
from mip_app.studies.models import Instance, Patient, Series, Study
from mip_app.studies.query import conditions
from mip_app.studies.query.asked import Asked, Level
from mip_app.studies.query.attributes import Attribute
from mip_app.studies.query.narrowing import GRANTED, OWN, Narrowing, Whose, narrowed

# Names of key columns, and whether they go down.
_OF_STUDIES = (("at", True), ("study", True))
_OF_SERIES = (*_OF_STUDIES, ("unnumbered", False), ("number", False), ("series", False))
_OF_INSTANCES = (*_OF_SERIES, ("unnumbered_there", False), ("number_there", False), ("instance", False))


@dataclass(frozen=True, slots=True)
class Part:
    """Own studies, or granted ones: what they are narrowed by, and how they are read."""

    wanted: Narrowing
    visible: ColumnElement[bool]  # the condition on `Study`, where keys lead to it
    ways: list[Way]  # where nothing does

    @property
    def few(self) -> bool:
        """Whether keys lead to so few studies that no index of their order is needed."""
        return bool(self.wanted.sharp or self.wanted.candidates is not None)


def parts(session: Session, actor: Actor, asked: Asked) -> list[Part]:
    """Raises Invalid for values that cannot be meant."""

    def part(whose: Whose, visible: ColumnElement[bool], is_own: bool) -> Part:
        wanted = narrowed(session, whose, OWN if is_own else GRANTED, asked)
        ways = [way for way in there if way.own is is_own]
        if wanted.modality:
            ways = [door.of_modality(actor, way, wanted.modality) for way in ways]
        return Part(wanted, visible, ways)

    there = door.ways(session, actor)
    found = [part(lambda column: column == actor.institution, door.own(actor), True)]
    if any(not way.own for way in there):
        givers = door.givers(actor.institution)
        found.append(part(lambda column: column.in_(givers), door.granted(actor), False))
    return found


def patients(actor: Actor, wanted: Narrowing, columns: Sequence[Attribute]) -> Any:
    """Own ones of whom there is a study, the last that came first: only nodes ask, and nothing is granted to those."""
    seen = select(Study.id).where(Study.patient_pk == Patient.id, door.own(actor)).exists()
    statement = select(Patient.id, *_of(columns)).where(*wanted.patient, seen)
    if wanted.candidates is not None:
        statement = statement.where(
            tuple_(col(Patient.institution_id), col(Patient.id)).in_(wanted.candidates)
        )
    return door.marked(statement.order_by(col(Patient.id).desc()))


def studies(
    session: Session, found: Sequence[Part], columns: Sequence[Attribute], limit: int | None, offset: int
) -> Any:
    selects = [one for n, part in enumerate(found) for one in _studies(part, n)]
    keys = door.merged(session, selects, _OF_STUDIES, limit, offset).subquery("page")
    statement = (
        select(Study.id, *_of(columns))
        .select_from(keys)
        .join(Study, col(Study.id) == keys.c.study)
        .join(Patient, col(Patient.id) == Study.patient_pk)
    )
    return door.marked(statement.order_by(*_in_order(keys, _OF_STUDIES)))


def series(
    session: Session, found: Sequence[Part], columns: Sequence[Attribute], limit: int | None, offset: int
) -> Any:
    selects = [one for part in found for one in _below(part, Level.SERIES)]
    keys = door.merged(session, selects, _OF_SERIES, limit, offset).subquery("page")
    statement = (
        select(Series.id, *_of(columns))
        .select_from(keys)
        .join(Series, col(Series.id) == keys.c.series)
        .join(Study, col(Study.id) == keys.c.study)
        .join(Patient, col(Patient.id) == Study.patient_pk)
    )
    return door.marked(statement.order_by(*_in_order(keys, _OF_SERIES)))


def instances(
    session: Session, found: Sequence[Part], columns: Sequence[Attribute], limit: int | None, offset: int
) -> Any:
    selects = [one for part in found for one in _below(part, Level.INSTANCE)]
    keys = door.merged(session, selects, _OF_INSTANCES, limit, offset).subquery("page")
    asked: list[Any] = [Instance.id, *_of(columns), Instance.header]
    statement = (
        select(*asked)
        .select_from(keys)
        .join(Instance, col(Instance.id) == keys.c.instance)
        .join(Series, col(Series.id) == keys.c.series)
        .join(Study, col(Study.id) == keys.c.study)
        .join(Patient, col(Patient.id) == Study.patient_pk)
    )
    return door.marked(statement.order_by(*_in_order(keys, _OF_INSTANCES)))


def _in_order(keys: Any, order: Sequence[tuple[str, bool]]) -> list[Any]:
    return [keys.c[name].desc() if down else keys.c[name] for name, down in order]


def _studies(part: Part, number: int) -> list[Any]:
    """(study, at) of everything wanted, along the indexes that hold it in its order if keys do not lead to it."""
    if not part.few:
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
    if part.few:
        study: list[Any] = [col(Study.id).label("study"), col(Study.studied_at).label("at")]
        selects = [_led(part, [*study, *more])]
    else:
        selects = [_along(part, way, more, study=True) for way in part.ways]
    return [_with_series(part.wanted, one, level) for one in selects]


def _with_series(wanted: Narrowing, statement: Any, level: Level) -> Any:
    statement = statement.join(Series, col(Series.study_pk) == Study.id).where(*wanted.series)
    if "0020000E" in wanted.uids:
        statement = statement.where(wanted.whose(col(Series.institution_id)))  # its index begins so
    if level is Level.INSTANCE:
        statement = statement.join(Instance, col(Instance.series_pk) == Series.id).where(*wanted.instance)
        if "00080018" in wanted.uids:
            statement = statement.where(wanted.whose(col(Instance.institution_id)))
    return statement


def _along(part: Part, way: Way, more: list[Any], study: bool) -> Any:
    """Studies in the order of the list, each looked at."""
    wanted = part.wanted
    statement = way.select(
        way.key.label("study"),
        way.at.label("at"),
        *more,
        study=study or bool(wanted.study or wanted.patient),
    )
    if wanted.days:
        statement = statement.where(_on(way.day, wanted), conditions.moments(way.at, wanted.days))
    return _narrowed(statement, wanted)


def _led(part: Part, columns: list[Any]) -> Any:
    """Studies that keys lead to."""
    wanted = part.wanted
    statement: Any = select(*columns).select_from(Study).where(part.visible)
    if wanted.sharp:
        statement = statement.where(wanted.whose(col(Study.institution_id)))  # indexes begin so
    if wanted.candidates is not None:
        of_patient = tuple_(col(Study.institution_id), col(Study.patient_pk))
        statement = statement.where(of_patient.in_(wanted.candidates))
    if wanted.modality:
        statement = statement.where(conditions.among(col(Study.modalities), wanted.modality))
    if wanted.days:
        statement = statement.where(_on(col(Study.study_date), wanted))
    return _narrowed(statement, wanted)


def _narrowed(statement: Any, wanted: Narrowing) -> Any:
    statement = statement.where(*wanted.study)
    if wanted.patient:
        statement = statement.join(Patient, col(Patient.id) == Study.patient_pk).where(*wanted.patient)
    return statement


def _on(column: Any, wanted: Narrowing) -> Any:
    assert wanted.days
    return conditions.between(column, wanted.days.first, wanted.days.last)


def _of(columns: Sequence[Attribute]) -> list[Any]:
    return [attribute.column for attribute in columns]


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
