"""The one door to patient data: which studies an actor may see.

Every select of patient, study, series or instance goes through here; the hook below refuses one that does not.
"""

from collections.abc import Collection
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, event, true
from sqlalchemy.orm import ORMExecuteState, Session
from sqlmodel import col

from mip_app.core.actor import Actor
from mip_app.studies.models import Instance, Patient, PatientConflict, Series, SetAside, Study

T = TypeVar("T", bound=Any)  # SQLModel's Select classes share no typed base

MARK = "through_the_door"
GUARDED = {Patient, Study, Series, Instance, SetAside, PatientConflict}


def visible(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Study` under which `actor` may see it: own institution."""
    return col(Study.institution_id) == actor.institution


def checked(actor: Actor) -> ColumnElement[bool]:
    """The same condition, where keys lead to the studies: never a reason to walk the institution's index."""
    return visible(actor).is_(true())  # no index answers `IS true`


def through(statement: T, actor: Actor) -> T:
    """Let a statement with `study` in its FROM see only what the actor may see."""
    return marked(statement.where(visible(actor)))


def among(statement: T, actor: Actor, studies: Collection[int]) -> T:
    """Like `through`, for studies named by their keys."""
    return marked(statement.where(col(Study.id).in_(studies), checked(actor)))


def marked(statement: T) -> T:
    """For statements whose conditions were made by `visible` already, or that lead on from what came through."""
    return statement.execution_options(**{MARK: True})


@event.listens_for(Session, "do_orm_execute")
def _no_way_round(state: ORMExecuteState) -> None:
    if (
        not state.is_select
        or state.execution_options.get(MARK)
        or state.is_column_load
        or state.is_relationship_load
    ):
        return
    around = {mapper.class_ for mapper in state.all_mappers} & GUARDED
    if around:
        raise PermissionError(
            f"select of {', '.join(sorted(c.__name__ for c in around))} that went round the door"
        )
