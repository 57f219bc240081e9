"""From a study down to its instances (PS3.3 section 7), in the order in which they are read. Statements: the caller opens
the door."""

from collections.abc import Collection
from typing import Any

from sqlmodel import col, select

from mip_app.studies.models import Instance, Series, Study

IN_ORDER = (col(Series.series_number), col(Series.id), col(Instance.instance_number), col(Instance.id))


def instances(*columns: Any) -> Any:
    """Of every study; whoever asks narrows it."""
    return (
        select(*columns)
        .select_from(Study)
        .join(Series, col(Series.study_pk) == Study.id)
        .join(Instance, col(Instance.series_pk) == Series.id)
    )


def instances_of(columns: Collection[Any], series_uids: Collection[str] = ()) -> Any:
    """Of one study, which whoever asks names, all its series or some."""
    statement = instances(*columns).order_by(*IN_ORDER)
    return statement.where(col(Series.series_uid).in_(series_uids)) if series_uids else statement
