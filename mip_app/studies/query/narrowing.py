"""What a search is narrowed by, sorted by what leads to it fastest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, func, union
from sqlmodel import Session, col, select

from mip_app.core.actor import Actor
from mip_app.dicom.names import search_term
from mip_app.studies import door
from mip_app.studies.models import PatientKey, PatientTail
from mip_app.studies.query import conditions, names, values
from mip_app.studies.query.asked import Asked, Level
from mip_app.studies.query.attributes import BY_TAG, above
from mip_app.studies.query.conditions import Condition, Form

# So many patients lead to their studies; of more, a page fills sooner when the studies are walked in their order.
OWN, GRANTED = 3000, 1500  # each granted study that they lead to is looked up besides
_SHARP = {"0020000D", "00080050", "0020000E", "00080018"}  # values that name one study, or nearly
_SERIES, _SOP_INSTANCE = "0020000E", "00080018"
_DATE, _TIME, _MODALITIES, _MODALITY = "00080020", "00080030", "00080061", "00080060"
_TABLE = {Level.PATIENT: "patient", Level.STUDY: "study", Level.SERIES: "series", Level.INSTANCE: "instance"}
KEPT = 512  # statements, each of some ten kB


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a narrowing its statement depends on: all but the values."""

    own: bool  # studies of the own institution, or granted ones
    patient: tuple[Form, ...]
    study: tuple[Form, ...]
    series: tuple[Form, ...]
    instance: tuple[Form, ...]
    leads: int  # ranges of keys that lead to few patients, and all others are out
    days: tuple[bool, bool]  # whether there is a first one, and a last
    modality: bool
    sharp: bool
    uids: frozenset[str]


@dataclass(slots=True)
class Narrowing:
    """Conditions by the table they are on."""

    own: bool
    patient: list[Condition] = field(default_factory=list)
    lead: tuple[tuple[str, str], ...] = ()  # ranges of keys: of tails, then of pinyin
    study: list[Condition] = field(default_factory=list)
    days: values.Dates = values.Dates(None, None)  # their condition is not among `study`
    modality: str = ""  # one code, the only one asked for; its condition is not among `study`
    series: list[Condition] = field(default_factory=list)
    instance: list[Condition] = field(default_factory=list)
    sharp: bool = False
    uids: set[str] = field(default_factory=set)  # tags of series and instances that are named
    ignored: list[str] = field(default_factory=list)

    @property
    def shape(self) -> Shape:
        patient, study, series, instance = (
            tuple(one.form for one in some) for some in (self.patient, self.study, self.series, self.instance)
        )
        days = self.days.first is not None, self.days.last is not None
        uids = frozenset(self.uids)
        rest = days, bool(self.modality), self.sharp, uids
        return Shape(self.own, patient, study, series, instance, len(self.lead), *rest)

    @property
    def values(self) -> list[Any]:
        """In the order in which `Narrowed` binds them."""
        tables = self.patient, self.study, self.series, self.instance
        found = [value for some in tables for one in some for value in one.values]
        found += [end for first_and_end in self.lead for end in first_and_end]
        found += [self.days.first, self.days.last, *conditions.moments(self.days)]
        return [*found, self.modality, conditions.listed(self.modality)]


class Narrowed:
    """The SQL of a shape, with `values` to be bound as `names`."""

    def __init__(self, shape: Shape, actor: Actor) -> None:
        self.shape = shape
        self.whose = partial(door.whose, actor, shape.own)
        bound = _binding(shape.own)
        self.patient, self.study, self.series, self.instance = (
            [form.sql([next(bound) for _ in range(form.number)]) for form in forms]
            for forms in (shape.patient, shape.study, shape.series, shape.instance)
        )
        leads = [(next(bound), next(bound)) for _ in range(shape.leads)]
        self.candidates = _led_to(self.whose, leads) if leads else None
        first, last, begin, end = (next(bound) for _ in range(4))
        has_first, has_last = shape.days
        self._days = first if has_first else None, last if has_last else None
        self._moments = begin if has_first else None, end if has_last else None
        self.modality, self._listed = next(bound), next(bound)

    @property
    def few(self) -> bool:
        """Whether keys lead to so few studies that no index of their order is needed."""
        return self.shape.sharp or self.candidates is not None

    def on(self, day: Any) -> list[ColumnElement[bool]]:
        """Of a column with the day of a study."""
        return [conditions.between(day, *self._days)] if any(self.shape.days) else []

    def about(self, at: Any) -> list[ColumnElement[bool]]:
        """Of a column with the moment of a study, which is in the order of the list."""
        return [conditions.between(at, *self._moments)] if any(self.shape.days) else []

    def of_modality(self, modalities: Any) -> list[ColumnElement[bool]]:
        """Of a column with all modalities of a study."""
        return [conditions.holds(modalities, self._listed)] if self.shape.modality else []


def bound(narrowing: Narrowing) -> dict[str, Any]:
    """The values of a narrowing by the names under which its statement asks for them."""
    return {_name(narrowing.own, n): value for n, value in enumerate(narrowing.values)}


def _name(own: bool, number: int) -> str:
    return f"{'own' if own else 'granted'}_{number}"


def _binding(own: bool) -> Iterator[Any]:
    number = 0
    while True:
        yield bindparam(_name(own, number))
        number += 1


@dataclass(frozen=True, slots=True)
class _Way:
    """Ranges of keys that lead to patients, and the same said of one patient."""

    ranges: tuple[tuple[str, str], ...]
    holds: Condition
    exact: bool  # who is found needs not be looked at
    few: bool = False  # it leads to few, and nobody needs to count them


def narrowed(session: Session, seer: Actor, own: bool, asked: Asked) -> Narrowing:
    """Raises Invalid for values that cannot be meant."""
    made = Narrowing(own)
    possible = {attribute.tag for attribute in above(asked.level)}
    sqlite = session.get_bind().dialect.name == "sqlite"
    match = {tag: values.checked(v) for tag, v in asked.match.items() if not values.universal(v)}
    if asked.level is Level.STUDY and _MODALITY in match and _MODALITIES not in match:
        match[_MODALITIES] = match.pop(_MODALITY)  # what they mean who ask a study for its modality
    ways = []
    for tag, value in match.items():
        if tag not in possible:
            made.ignored.append(tag)
        elif tag in ("00100010", "00100020"):
            ways += _ways(tag, value, asked.fuzzy, sqlite)
        elif tag == _DATE:
            made.days = values.dates(value)
        elif tag == _TIME and _is_range(match.get(_DATE, "")) and _is_range(value):
            made.study.append(conditions.together(values.dates(match[_DATE]), values.times(value)))
        elif tag == _MODALITIES and len(codes := values.codes(value)) == 1 and not values.is_wild(codes[0]):
            made.modality = codes[0]
        else:
            attribute = BY_TAG[tag]
            target: list[Condition] = getattr(made, _TABLE[attribute.level])
            target.append(conditions.of(attribute, value, sqlite))
            made.sharp |= tag in _SHARP and not values.is_wild(value)
            made.uids |= {tag} & {_SERIES, _SOP_INSTANCE}
    _lead(session, seer, made, ways)
    return made


def _is_range(value: str) -> bool:
    return "-" in value.strip()


def _ways(tag: str, value: str, fuzzy: bool, sqlite: bool) -> list[_Way]:
    if tag == "00100020":
        parts = values.options(value)
        pattern = names.id_pattern(parts[0]) if len(parts) == 1 else names.NOTHING
        exact = conditions.of(BY_TAG[tag], value, sqlite)
        return [_Way(_ranges(pattern), exact, False, few=pattern.whole)]
    found = []
    term = search_term(value.replace("*", "").replace("?", "")) if fuzzy else ""
    heard = names.ranges(term) if term else None
    for pattern in names.name_patterns(value):
        ranges = _ranges(pattern)
        lead = (*ranges, heard) if ranges and heard else ranges
        found.append(_Way(lead, conditions.called(pattern, heard), pattern.whole))
    return found


def _ranges(pattern: names.Pattern) -> tuple[tuple[str, str], ...]:
    return (names.ranges(pattern.probe),) if pattern.probe else ()


def _lead(session: Session, seer: Actor, made: Narrowing, ways: list[_Way]) -> None:
    """The first way with few patients leads; all others are conditions on a patient."""
    for way in ways:
        leads = not made.lead and not made.sharp and way.ranges
        if leads and (way.few or _at_most(session, seer, made.own, way.ranges)):
            made.lead = way.ranges
            made.patient += [] if way.exact else [way.holds]
        else:
            made.patient.append(way.holds)


def _at_most(session: Session, seer: Actor, own: bool, ranges: tuple[tuple[str, str], ...]) -> bool:
    most = OWN if own else GRANTED
    ends = [end for first_and_end in ranges for end in first_and_end]
    found = {f"end_{n}": end for n, end in enumerate(ends)} | {"most": most + 1}
    counted = session.execute(_counted(seer, own, len(ranges)), found)
    return bool(counted.scalar_one() <= most)


@lru_cache(KEPT)
def _counted(seer: Actor, own: bool, leads: int) -> Any:
    ends: list[Any] = [bindparam(f"end_{n}") for n in range(2 * leads)]
    found = _led_to(partial(door.whose, seer, own), list(zip(ends[::2], ends[1::2], strict=True)))
    return select(func.count()).select_from(found.limit(bindparam("most", type_=Integer)).subquery())


def _led_to(whose: Callable[[Any], ColumnElement[bool]], ranges: list[tuple[Any, Any]]) -> Any:
    """Patients, by whose they are, that have a key in one of the ranges: of tails, and of pinyin if there are two."""
    (first, end), *more = ranges
    tail, key = col(PatientTail.tail), col(PatientKey.key)
    found: Any = select(PatientTail.institution_id, PatientTail.patient_pk).where(
        whose(col(PatientTail.institution_id)), tail >= first, tail < end
    )
    for first, end in more:
        heard = select(PatientKey.institution_id, PatientKey.patient_id)
        found = union(found, heard.where(whose(col(PatientKey.institution_id)), key >= first, key < end))
    return found
