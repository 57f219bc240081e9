"""The one door to patient data: which studies an actor may see.

Own ones, and those granted (grants.py). Every select of patient, study, series or instance goes through here; the hook
below refuses one that does not. A condition of both is never walked along: there is an index for each, see `ways`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Table, and_, bindparam, event, func, or_, true
from sqlalchemy.orm import ORMExecuteState, Session
from sqlmodel import col, select

from mip_app.accounts.models import Institution
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.columns import Utc
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


def _table(model: Any) -> Table:
    made: Table = model.__table__
    return made


MARK = "through_the_door"
GUARDED = {Patient, Study, Series, Instance, SetAside, PatientConflict}
EVERYBODY = 0  # as `GrantedStudy.user_id`

# Tables as statements here name them: made once, as the conditions below are, since making them costs more than asking.
_ROW, _TWICE, _BEFORE = (_table(GrantedStudy).alias(name) for name in ("granted", "twice", "before"))
_THIS, _OTHER = (_table(Study).alias(name) for name in ("this", "other"))
_GRANT, _PLACE = _table(Grant).alias("given"), _table(Institution).alias("place")
_CONDITIONS = 4096  # kept, a few for each person


def _now() -> datetime:
    return utc_now()


def own(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Study` that it is the actor's institution's: whatever changes a study asks for that."""
    return col(Study.institution_id) == actor.institution


def visible(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Study` that the actor may see it, for studies to which keys lead: no index answers it."""
    mine = own(actor).is_(true())
    return mine if actor.own_only else or_(mine, granted(actor))


def granted(actor: Actor) -> ColumnElement[bool]:
    """The condition on `Study` that it is granted, and the first of its UID. Never a reason to walk all grants."""
    return _granted(actor.institution, actor.user_id or EVERYBODY)


@lru_cache(_CONDITIONS)
def _granted(institution: int, user: int) -> ColumnElement[bool]:
    row = _ROW.c
    of_study = select(row.study_pk).where(
        row.study_pk == col(Study.id), *_given(row, institution, user), _first(institution, user)
    )
    return of_study.correlate(_table(Study)).exists().is_(true())


@lru_cache(_CONDITIONS)
def givers(institution: int) -> Any:
    """The institutions that have granted something to this one: keys of their patients and studies begin with one of
    them."""
    any_grant = select(_GRANT.c.id).where(
        _GRANT.c.to_institution_id == institution, _GRANT.c.institution_id == _PLACE.c.id
    )
    return select(_PLACE.c.id).where(any_grant.exists())


def named(actor: Actor, study_uid: str) -> ColumnElement[bool]:
    """The condition on `Study` that it is what the actor calls so: the own one, else the granted one."""
    there, other = _THIS.c, _OTHER.c
    mine = select(there.id).where(there.institution_id == actor.institution, there.study_uid == study_uid)
    if actor.own_only:
        return col(Study.id) == mine.scalar_subquery()
    theirs = (
        select(other.id)
        .where(
            other.study_uid == study_uid,
            other.institution_id.in_(givers(actor.institution)),
            _other_is_given(actor.institution, actor.user_id or EVERYBODY).is_(true()),
        )
        .order_by(other.id)
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
    whose = (EVERYBODY, actor.user_id) if actor.user_id else (EVERYBODY,)
    return found + [
        _granted_way(actor.institution, actor.user_id or EVERYBODY, to, "")
        for to in whose
        if session.execute(_any(actor.institution, to)).first()
    ]


def of_modality(actor: Actor, way: Way, modality: str) -> Way:
    """The studies along it that have a modality, by an index of their own."""
    if not way.own:
        return _granted_way(actor.institution, actor.user_id or EVERYBODY, way.user, modality)
    wanted = StudyModality.institution_id == actor.institution, StudyModality.modality == modality
    at, key, day = StudyModality.studied_at, StudyModality.study_pk, StudyModality.study_date
    return Way(StudyModality, col(at), col(key), col(day), wanted, True)  # type: ignore[arg-type]


@lru_cache(_CONDITIONS)
def _granted_way(institution: int, user: int, to: int, modality: str) -> Way:
    row, twice = _ROW.c, _TWICE.c
    conditions = [
        row.institution_id == institution,
        row.user_id == to,
        row.modality == modality,
        row.until > _moment(),
        _first(institution, user),
    ]
    if to != EVERYBODY:
        to_all = select(twice.study_pk).where(
            twice.study_pk == row.study_pk, *_given(twice, institution, user), twice.user_id == EVERYBODY
        )
        conditions.append(~to_all.exists())
    return Way(_ROW, row.studied_at, row.study_pk, row.study_date, tuple(conditions), False, to)


@lru_cache(_CONDITIONS)
def _any(institution: int, to: int) -> Any:
    row = _ROW.c
    one = select(row.study_pk).where(row.institution_id == institution, row.user_id == to, row.modality == "")
    return one.limit(1)


def _moment() -> Any:
    """Now, whenever the statement is run."""
    return bindparam(None, callable_=_now, type_=Utc())


def _given(row: Any, institution: int, user: int) -> tuple[ColumnElement[bool], ...]:
    """A row that is this actor's and counts now."""
    return (
        row.institution_id == institution,
        row.user_id.in_(sorted({EVERYBODY, user})),
        row.modality == "",
        row.until > _moment(),
    )


@lru_cache(_CONDITIONS)
def _other_is_given(institution: int, user: int) -> Any:
    before = _BEFORE.c
    return (
        select(before.study_pk)
        .where(before.study_pk == _OTHER.c.id, *_given(before, institution, user))
        .exists()
    )


@lru_cache(_CONDITIONS)
def _first(institution: int, user: int) -> ColumnElement[bool]:
    """UIDs are chosen by senders: under one UID the own study is shown, else of those granted the one that came first."""
    row, this, other = _ROW.c, _THIS.c, _OTHER.c
    same = select(other.id).where(this.id == row.study_pk, this.study_uid == other.study_uid)
    mine = same.where(other.institution_id == institution)
    theirs = same.where(
        other.institution_id.in_(givers(institution)),
        other.id < row.study_pk,
        _other_is_given(institution, user),
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
