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

from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.columns import Utc
from mip_app.studies.models import (
    Giver,
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
Kind = tuple[int, bool]  # of granted studies: to whom, and whether each has to be looked up

# Tables as statements here name them: made once, as the conditions below are, since making them costs more than asking.
_ROW, _TWICE, _BEFORE = (_table(GrantedStudy).alias(name) for name in ("granted", "twice", "before"))
_THIS, _OTHER = (_table(Study).alias(name) for name in ("this", "other"))
_GIVER = _table(Giver).alias("giver_there")
_CONDITIONS = 4096  # kept, a few for each person


def _now() -> datetime:
    return utc_now()


def seer(actor: Actor) -> Actor:
    """The actor as far as it matters here: equal for all who see the same."""
    return Actor(actor.user_id, "", actor.institution, frozenset(), own_only=actor.own_only)


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
    return _looked_up(of_study.correlate(_table(Study))).is_(true())


def givers(institution: int) -> Any:
    """The institutions that have granted something to this one: keys of their patients and studies begin with one of
    them."""
    return select(_GIVER.c.institution_id).where(_GIVER.c.to_institution_id == institution)


def whose(actor: Actor, is_own: bool, column: Any) -> ColumnElement[bool]:
    """The condition on a column that says whose a row is, the own institution's or a giver's: keys begin with it."""
    found: ColumnElement[bool] = (
        column == actor.institution if is_own else column.in_(givers(actor.institution))
    )
    return found


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
    user: int = EVERYBODY  # of granted ones, to whom,
    twin: bool = False  # and whether each has to be looked up

    def select(self, *columns: Any, study: bool) -> Any:
        """Of the studies along it; `study`: columns or conditions ask for more of them than the order."""
        statement: Any = select(*columns).select_from(self.table).where(*self.conditions)
        if study and self.table is not Study:
            statement = statement.join(Study, col(Study.id) == self.key)
        return statement


def ways(session: Session, actor: Actor) -> list[Way]:
    """All that the actor may see, each study once."""
    return [own_way(actor), *granted_ways(actor, kinds(session, actor))]


def own_way(actor: Actor) -> Way:
    return Way(Study, col(Study.studied_at), col(Study.id), col(Study.study_date), (own(actor),), True)


def granted_ways(actor: Actor, kinds: Sequence[Kind]) -> list[Way]:
    user = actor.user_id or EVERYBODY
    return [_granted_way(actor.institution, user, to, "", twin) for to, twin in kinds]


def kinds(session: Session, actor: Actor) -> tuple[Kind, ...]:
    """Which granted studies there are: to whom, and whether each has to be looked up."""
    if actor.own_only:
        return ()
    user = actor.user_id or EVERYBODY
    there = session.execute(_any(actor.institution, user)).one()
    return tuple(kind for kind, some in zip(_kinds(user), there, strict=True) if some is not None)


def of_modality(actor: Actor, way: Way, modality: Any) -> Way:
    """The studies along it that have a modality, a code or what is bound to one, by an index of their own."""
    if not way.own:
        return _granted_way(actor.institution, actor.user_id or EVERYBODY, way.user, modality, way.twin)
    wanted = StudyModality.institution_id == actor.institution, StudyModality.modality == modality
    at, key, day = StudyModality.studied_at, StudyModality.study_pk, StudyModality.study_date
    return Way(StudyModality, col(at), col(key), col(day), wanted, True)  # type: ignore[arg-type]


def _kinds(user: int) -> list[Kind]:
    return [(to, twin) for to in sorted({EVERYBODY, user}) for twin in (False, True)]


@lru_cache(_CONDITIONS)
def _granted_way(institution: int, user: int, to: int, modality: Any, twin: bool) -> Way:
    row = _ROW.c
    conditions = [*_range(institution, to, modality, twin), row.until > _moment()]
    if twin:
        conditions.append(_first(institution, user))
        if to != EVERYBODY:
            twice = _TWICE.c
            given = twice.study_pk == row.study_pk, *_given(twice, institution, EVERYBODY)
            conditions.append(~_looked_up(select(twice.study_pk).where(*given)))
    return Way(_ROW, row.studied_at, row.study_pk, row.study_date, tuple(conditions), False, to, twin)


def _range(institution: int, to: int, modality: Any, twin: bool) -> tuple[ColumnElement[bool], ...]:
    row = _ROW.c
    one = row.institution_id == institution, row.user_id == to, row.modality == modality
    return *one, row.twin == twin


@lru_cache(_CONDITIONS)
def _any(institution: int, user: int) -> Any:
    """Which of `_kinds` there are."""

    def one(to: int, twin: bool) -> Any:
        # In order, or PostgreSQL reads the table from its beginning until it comes upon one.
        there = select(_ROW.c.study_pk).where(*_range(institution, to, "", twin))
        return there.order_by(_ROW.c.studied_at.desc()).limit(1).scalar_subquery()

    return select(*(one(to, twin) for to, twin in _kinds(user)))


def _looked_up(found: Any) -> Any:
    """Whether there is one, asked for each row by itself: OFFSET 0 keeps planners from making it a set, or a join."""
    return found.offset(0).exists()


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
    given = before.study_pk == _OTHER.c.id, *_given(before, institution, user)
    return _looked_up(select(before.study_pk).where(*given))


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
    return or_(row.twin.is_(False), and_(~_looked_up(mine), ~_looked_up(theirs)))


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
    dialect: str, selects: Sequence[Any], order: Sequence[tuple[str, bool]], limit: Any, offset: Any = None
) -> Any:
    """Statements with the same columns as one, by the names of columns in `order` (and whether they go down).

    Each comes out of its own index in that order; no more than the page is merged. `limit` and `offset` are numbers,
    or what is bound to them; None: all, from the first.
    """

    def ordered(statement: Any, columns: Any) -> Any:
        return statement.order_by(*(columns[name].desc() if down else columns[name] for name, down in order))

    if len(selects) > 1 and dialect == "postgresql":
        # It orders the parts only where each is told to.
        most = limit if limit is None or offset is None else limit + offset
        parts = [ordered(one, one.selected_columns).limit(most).subquery() for one in selects]
        selects = [select(*part.c) for part in parts]
    whole = selects[0] if len(selects) == 1 else selects[0].union_all(*selects[1:])
    return marked(ordered(whole, whole.selected_columns).limit(limit).offset(offset))


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
