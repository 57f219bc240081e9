"""The one door to patient data: which studies an actor may see.

Own ones, and those granted (grants.py). Every select of patient, study, series or instance goes through here; the hook
below refuses one that does not. A condition of both is never walked along: there is an index for each, see `ways`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, event, func, or_, true
from sqlalchemy.orm import ORMExecuteState, Session, aliased
from sqlmodel import col, select

from mip_app.accounts.models import Institution
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.studies.models import (
    Grant,
    GrantedStudy,
    Instance,
    Patient,
    PatientConflict,
    Series,
    SetAside,
    Study,
    StudyModality,
)

T = TypeVar("T", bound=Any)  # SQLModel's Select classes share no typed base

MARK = "through_the_door"
GUARDED = {Patient, Study, Series, Instance, SetAside, PatientConflict}
EVERYBODY = 0  # as `GrantedStudy.user_id`


def own(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Study` that it is the actor's institution's: whatever changes a study asks for that."""
    return col(Study.institution_id) == actor.institution


def visible(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Study` that the actor may see it, for studies to which keys lead: no index answers it."""
    mine = own(actor).is_(true())
    return mine if actor.own_only else or_(mine, granted(actor))


def granted(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Study` that it is granted, and the first of its UID. Never a reason to walk all grants."""
    row = aliased(GrantedStudy)
    of_study = select(row.study_pk).where(row.study_pk == Study.id, *_given(actor, row), _first(actor, row))
    return of_study.exists().is_(true())


def givers(institution: int) -> Any:
    """The institutions that have granted something to this one: keys of their patients and studies begin with one of them."""
    any_grant = select(Grant.id).where(
        Grant.to_institution_id == institution, Grant.institution_id == Institution.id
    )
    return select(Institution.id).where(any_grant.exists())


def named(actor: Actor, study_uid: str) -> ColumnElement[bool]:
    """The condition on `Study` that it is what the actor calls so: the own one, else the granted one."""
    there, row = aliased(Study), aliased(GrantedStudy)
    mine = select(there.id).where(there.institution_id == actor.institution, there.study_uid == study_uid)
    if actor.own_only:
        return col(Study.id) == mine.scalar_subquery()
    other = aliased(Study)
    of_study = select(row.study_pk).where(row.study_pk == other.id, *_given(actor, row))
    theirs = (
        select(other.id)
        .where(
            other.study_uid == study_uid,
            col(other.institution_id).in_(givers(actor.institution)),
            of_study.exists().is_(true()),
        )
        .order_by(col(other.id))
        .limit(1)
    )
    return col(Study.id) == func.coalesce(mine.scalar_subquery(), theirs.scalar_subquery())


@dataclass(frozen=True, slots=True)
class Way:
    """A range of an index that holds some of the visible studies in the order of the list."""

    table: Any
    at: Any
    key: Any
    day: Any
    conditions: tuple[ColumnElement[bool], ...]
    own: bool
    user: int = EVERYBODY  # of granted ones, to whom

    def select(self, *columns: Any, study: bool) -> Any:
        """Of the studies along it; `study`: columns or conditions ask for more of them than the order."""
        statement: Any = select(*columns).select_from(self.table).where(*self.conditions)
        if study and self.table is not Study:
            statement = statement.join(Study, col(Study.id) == self.key)
        return statement


def ways(session: Session, actor: Actor) -> list[Way]:
    """All that the actor may see, each study once."""
    found = [Way(Study, col(Study.studied_at), col(Study.id), col(Study.study_date), (own(actor),), True)]
    if actor.own_only:
        return found
    whose = [EVERYBODY] if actor.user_id is None else [EVERYBODY, actor.user_id]
    return found + [_granted_way(actor, user, "") for user in whose if _any(session, actor, user)]


def of_modality(actor: Actor, way: Way, modality: str) -> Way:
    """The studies along it that have a modality, by an index of their own."""
    if not way.own:
        return _granted_way(actor, way.user, modality)
    wanted = StudyModality.institution_id == actor.institution, StudyModality.modality == modality
    at, key, day = StudyModality.studied_at, StudyModality.study_pk, StudyModality.study_date
    return Way(StudyModality, col(at), col(key), col(day), wanted, True)  # type: ignore[arg-type]


def _granted_way(actor: Actor, user: int, modality: str) -> Way:
    row = aliased(GrantedStudy)
    conditions = [
        col(row.institution_id) == actor.institution,
        col(row.user_id) == user,
        col(row.modality) == modality,
        col(row.until) > utc_now(),
        _first(actor, row),
    ]
    if user != EVERYBODY:
        twice = aliased(GrantedStudy)
        to_all = select(twice.study_pk).where(
            twice.study_pk == row.study_pk, *_given(actor, twice), twice.user_id == EVERYBODY
        )
        conditions.append(~to_all.exists())
    return Way(row, row.studied_at, row.study_pk, row.study_date, tuple(conditions), False, user)


def _any(session: Session, actor: Actor, user: int) -> bool:
    one = select(GrantedStudy.study_pk).where(
        GrantedStudy.institution_id == actor.institution,
        GrantedStudy.user_id == user,
        GrantedStudy.modality == "",
    )
    return session.execute(one.limit(1)).first() is not None


def _given(actor: Actor, row: Any) -> tuple[ColumnElement[bool], ...]:
    """A row that is this actor's and counts now."""
    return (
        row.institution_id == actor.institution,
        row.user_id.in_([EVERYBODY, actor.user_id or EVERYBODY]),
        row.modality == "",
        row.until > utc_now(),
    )


def _first(actor: Actor, row: Any) -> ColumnElement[bool]:
    """UIDs are chosen by senders: under one UID the own study is shown, else the one that was granted first of all."""
    other, this, before = aliased(Study), aliased(Study), aliased(GrantedStudy)
    same = select(other.id).join(this, col(this.study_uid) == other.study_uid).where(this.id == row.study_pk)
    mine = same.where(other.institution_id == actor.institution)
    given = select(before.study_pk).where(before.study_pk == other.id, *_given(actor, before))
    theirs = same.where(
        col(other.institution_id).in_(givers(actor.institution)),
        col(other.id) < row.study_pk,
        given.exists(),
    )
    return or_(row.twin.is_(False), and_(~mine.exists(), ~theirs.exists()))


def through(statement: T, actor: Actor, study_uid: str) -> T:
    """Let a statement with `study` in its FROM see the one study that the actor calls so, if there is one."""
    return marked(statement.where(named(actor, study_uid)))


def within(statement: T, actor: Actor) -> T:
    """Let a statement with `study` in its FROM see the studies of the actor's institution."""
    return marked(statement.where(own(actor)))


def among(statement: T, actor: Actor, studies: Collection[int]) -> T:
    """What the actor may see of studies named by their keys."""
    return marked(statement.where(col(Study.id).in_(studies), visible(actor)))


def marked(statement: T) -> T:
    """For statements whose conditions were made here already, or that lead on from what came through."""
    return statement.execution_options(**{MARK: True})


def merged(
    session: Session,
    selects: Sequence[Any],
    order: Sequence[tuple[str, bool]],
    limit: int | None,
    offset: int = 0,
) -> Any:
    """Statements with the same columns as one, by the names of columns in `order` (and whether they go down).

    Each comes out of its own index in that order; no more than the page is merged.
    """

    def ordered(statement: Any, columns: Any) -> Any:
        return statement.order_by(*(columns[name].desc() if down else columns[name] for name, down in order))

    if len(selects) > 1 and session.get_bind().dialect.name == "postgresql":
        # It orders the parts only where each is told to.
        most = None if limit is None else limit + offset
        parts = [ordered(one, one.selected_columns).limit(most).subquery() for one in selects]
        selects = [select(*part.c) for part in parts]
    whole = selects[0] if len(selects) == 1 else selects[0].union_all(*selects[1:])
    return marked(ordered(whole, whole.selected_columns).limit(limit).offset(offset or None))


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
