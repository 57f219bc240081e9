"""The statements of a search: first the keys of a page out of an index, then its rows."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, select

from mip_app.core.actor import Actor
from mip_app.studies import door
from mip_app.studies.models import Instance, Patient, Series, Study, StudyModality
from mip_app.studies.query import conditions
from mip_app.studies.query.attributes import Attribute
from mip_app.studies.query.narrowing import Narrowing


def patients(actor: Actor, wanted: Narrowing, columns: Sequence[Attribute]) -> Any:
    """Those of whom there is a study to be seen, the last that came first."""
    seen = select(Study.id).where(Study.patient_pk == Patient.id, door.visible(actor)).exists()
    statement = select(Patient.id, *_of(columns)).where(*wanted.patient, seen)
    if wanted.candidates is not None:
        statement = statement.where(col(Patient.id).in_(wanted.candidates))
    return door.marked(statement.order_by(col(Patient.id).desc()))


def studies(
    actor: Actor, wanted: Narrowing, columns: Sequence[Attribute], limit: int | None, offset: int
) -> Any:
    keys = _keys(actor, wanted).limit(limit).offset(offset).subquery("page")
    statement = (
        select(Study.id, *_of(columns))
        .select_from(keys)
        .join(Study, col(Study.id) == keys.c.study)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .where(door.checked(actor))
        .order_by(keys.c.at.desc(), keys.c.study.desc())
    )
    return door.marked(statement)


def _keys(actor: Actor, wanted: Narrowing) -> Any:
    """(study, at) of everything wanted, newest first, along the index that holds it in that order if one does."""
    few = _few(wanted)
    if wanted.modality and not few:
        return _of_modality(actor, wanted)
    at, key = col(Study.studied_at), col(Study.id)
    statement: Any = select(key.label("study"), at.label("at")).where(door.visible(actor), *wanted.study)
    if wanted.patient:
        statement = statement.join(Patient, col(Patient.id) == Study.patient_pk).where(*wanted.patient)
    statement = _among(statement, wanted, few)
    if few:
        # Found first and ordered then: SQLite would rather walk all studies in their order.
        found = statement.cte("found").prefix_with("MATERIALIZED").c
        return select(found.study, found.at).order_by(found.at.desc(), found.study.desc())
    return statement.order_by(at.desc(), key.desc())


def _of_modality(actor: Actor, wanted: Narrowing) -> Any:
    at, key = col(StudyModality.studied_at), col(StudyModality.study_pk)
    statement: Any = select(key.label("study"), at.label("at")).where(
        StudyModality.institution_id == actor.institution, StudyModality.modality == wanted.modality
    )
    if wanted.study or wanted.patient:
        statement = statement.join(Study, col(Study.id) == key).where(*wanted.study)
    if wanted.patient:
        statement = statement.join(Patient, col(Patient.id) == Study.patient_pk).where(*wanted.patient)
    if wanted.days:
        days = _on(col(StudyModality.study_date), wanted)
        statement = statement.where(days, conditions.moments(at, wanted.days))
    return statement.order_by(at.desc(), key.desc())


def series(actor: Actor, wanted: Narrowing, columns: Sequence[Attribute]) -> Any:
    statement = _below(actor, wanted, select(Series.id, *_of(columns)))
    return door.through(statement.order_by(*_ORDER, *_SERIES_ORDER), actor)


def instances(actor: Actor, wanted: Narrowing, columns: Sequence[Attribute]) -> Any:
    asked: list[Any] = [Instance.id, *_of(columns), Instance.header]
    statement = _below(actor, wanted, select(*asked))
    statement = statement.join(Instance, col(Instance.series_pk) == Series.id).where(*wanted.instance)
    order = (col(Instance.instance_number).nulls_last(), col(Instance.id))
    return door.through(statement.order_by(*_ORDER, *_SERIES_ORDER, *order), actor)


_ORDER = (col(Study.studied_at).desc(), col(Study.id).desc())
_SERIES_ORDER = (col(Series.series_number).nulls_last(), col(Series.id))


def _below(actor: Actor, wanted: Narrowing, statement: Any) -> Any:
    """Relational: series, and what lies in them, narrowed by keys of every level above."""
    statement = (
        statement.select_from(Study)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .join(Series, col(Series.study_pk) == Study.id)
        .where(*wanted.patient, *wanted.study, *wanted.series)
    )
    if any("series_uid" in str(condition) for condition in wanted.series):
        statement = statement.where(Series.institution_id == actor.institution)  # its index begins so
    return _among(statement, wanted, _few(wanted))


def _few(wanted: Narrowing) -> bool:
    """Whether keys lead to so few studies that no index of their order is needed."""
    return bool(wanted.sharp or wanted.candidates is not None)


def _among(statement: Any, wanted: Narrowing, few: bool) -> Any:
    """Narrowed by whose studies, their modalities and days."""
    if wanted.candidates is not None:
        statement = statement.where(col(Study.patient_pk).in_(wanted.candidates))
    if wanted.modality:
        statement = statement.where(conditions.among(col(Study.modalities), wanted.modality))
    if wanted.days:
        statement = statement.where(_on(col(Study.study_date), wanted))
        if not few:
            statement = statement.where(conditions.moments(col(Study.studied_at), wanted.days))
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
