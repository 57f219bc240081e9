"""What a search is narrowed by, sorted by what leads to it fastest."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, or_, union
from sqlmodel import Session, col, select

from mip_app.dicom.names import search_term
from mip_app.studies.models import Patient, PatientKey, PatientTail
from mip_app.studies.query import conditions, names, values
from mip_app.studies.query.asked import Asked, Level
from mip_app.studies.query.attributes import BY_TAG, above

# So many patients lead to their studies; of more, a page fills sooner when the studies are walked in their order.
OWN, GRANTED = 3000, 1500  # each granted study that they lead to is looked up besides
_SHARP = {"0020000D", "00080050", "0020000E", "00080018"}  # values that name one study, or nearly
_SERIES, _SOP_INSTANCE = "0020000E", "00080018"
_DATE, _TIME, _MODALITIES, _MODALITY = "00080020", "00080030", "00080061", "00080060"


Whose = Callable[
    [Any], ColumnElement[bool]
]  # of a column that says whose a row is: whether keys begin with it


@dataclass(slots=True)
class Narrowing:
    """Conditions by the table they are on."""

    whose: Whose
    patient: list[ColumnElement[bool]] = field(default_factory=list)
    candidates: Any = None  # a select of patients, by whose they are: few, and all others are out
    study: list[ColumnElement[bool]] = field(default_factory=list)
    days: values.Dates | None = None  # their condition is not among `study`
    modality: str = ""  # one code, the only one asked for; its condition is not among `study`
    series: list[ColumnElement[bool]] = field(default_factory=list)
    instance: list[ColumnElement[bool]] = field(default_factory=list)
    sharp: bool = False
    uids: set[str] = field(default_factory=set)  # tags of series and instances that are named
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Way:
    """A select that leads to patients, and the same said of one patient."""

    found: Any
    holds: list[ColumnElement[bool]]
    exact: bool  # who is found needs not be looked at
    few: bool = False  # it leads to few, and nobody needs to count them


def narrowed(session: Session, whose: Whose, few: int, asked: Asked) -> Narrowing:
    """`few`: how many patients may lead. Raises Invalid for values that cannot be meant."""
    made = Narrowing(whose)
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
            ways += _ways(whose, tag, value, asked.fuzzy, sqlite)
        elif tag == _DATE:
            made.days = values.dates(value)
        elif tag == _TIME and _is_range(match.get(_DATE, "")) and _is_range(value):
            made.study.append(conditions.together(values.dates(match[_DATE]), values.times(value)))
        elif tag == _MODALITIES and len(codes := values.codes(value)) == 1 and not values.is_wild(codes[0]):
            made.modality = codes[0]
        else:
            attribute = BY_TAG[tag]
            target: list[ColumnElement[bool]] = getattr(made, _TABLE[attribute.level])
            target.append(conditions.of(attribute, value, sqlite))
            made.sharp |= tag in _SHARP and not values.is_wild(value)
            made.uids |= {tag} & {_SERIES, _SOP_INSTANCE}
    _lead(session, made, ways, few)
    return made


_TABLE = {Level.PATIENT: "patient", Level.STUDY: "study", Level.SERIES: "series", Level.INSTANCE: "instance"}


def _is_range(value: str) -> bool:
    return "-" in value.strip()


def _ways(whose: Whose, tag: str, value: str, fuzzy: bool, sqlite: bool) -> list[_Way]:
    lead: Any
    if tag == "00100020":
        exact = conditions.of(BY_TAG[tag], value, sqlite)
        parts = values.options(value)
        pattern = names.id_pattern(parts[0]) if len(parts) == 1 else names.NOTHING
        lead = _with_tail(whose, pattern.probe) if pattern.probe else None
        return [_Way(lead, [exact], False, few=pattern.whole)]
    found = []
    for pattern in names.name_patterns(value):
        holds: list[ColumnElement[bool]] = [conditions.name(col(Patient.name_folded), [pattern])]
        lead = _with_tail(whose, pattern.probe) if pattern.probe else None
        term = search_term(value.replace("*", "").replace("?", "")) if fuzzy else ""
        if term:
            begins = [col(PatientKey.key) >= term, col(PatientKey.key) < names.ranges(term)[1]]
            heard = select(PatientKey.institution_id, PatientKey.patient_id).where(
                whose(col(PatientKey.institution_id)), *begins
            )
            own = select(PatientKey.patient_id).where(PatientKey.patient_id == Patient.id, *begins)
            holds = [or_(*holds, own.exists())]
            lead = union(lead, heard) if lead is not None else None
        found.append(_Way(lead, holds, pattern.whole))
    return found


def _with_tail(whose: Whose, probe: str) -> Any:
    first, end = names.ranges(probe)
    return select(PatientTail.institution_id, PatientTail.patient_pk).where(
        whose(col(PatientTail.institution_id)),
        col(PatientTail.tail) >= first,
        col(PatientTail.tail) < end,
    )


def _lead(session: Session, made: Narrowing, ways: list[_Way], few: int) -> None:
    """The first way with few patients leads; all others are conditions on a patient."""
    for way in ways:
        leads = made.candidates is None and not made.sharp and way.found is not None
        if leads and (way.few or _at_most(session, way.found, few)):
            made.candidates = way.found
            made.patient += [] if way.exact else way.holds
        else:
            made.patient += way.holds


def _at_most(session: Session, found: Any, most: int) -> bool:
    counted = select(func.count()).select_from(found.limit(most + 1).subquery())
    return session.execute(counted).scalar_one() <= most
