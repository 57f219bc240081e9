"""Matching keys as conditions on columns (PS3.4 C.2.2.2): a form, which makes SQL of columns, and the values for it.

Searches whose conditions are of the same forms share a statement: to make one costs more than to run it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, true
from sqlmodel import col, select

from mip_app.studies.models import Patient, PatientKey, Study
from mip_app.studies.query import names, values
from mip_app.studies.query.attributes import BY_TAG, Attribute, Kind

_WIDEST = timedelta(hours=26)  # between a day's midnight somewhere and its end elsewhere
Bound = Sequence[Any]  # a bound parameter for each value


@dataclass(frozen=True, slots=True)
class Form:
    """What `make` makes of `on`, tags and other forms, and of a number of bound values."""

    make: Callable[[tuple[Any, ...], Bound], ColumnElement[bool]]
    on: tuple[Any, ...]
    number: int

    def sql(self, bound: Bound) -> ColumnElement[bool]:
        return self.make(self.on, bound)


@dataclass(frozen=True, slots=True)
class Condition:
    form: Form
    values: tuple[Any, ...]


def of(attribute: Attribute, value: str, sqlite: bool) -> Condition:
    """The condition that a value makes of its attribute. Raises Invalid for what cannot be meant."""
    tag = attribute.tag
    match attribute.kind:
        case Kind.UID:
            return _condition(_is_in, (tag,), values.uids(value))
        case Kind.DATE:
            days = values.dates(value)
            return _between(tag, days.first, days.last)
        case Kind.TIME:
            asked = values.times(value)
            return _between(tag, asked.first or None, asked.last or None)
        case Kind.NUMBER:
            return _condition(_equals, (tag,), values.whole_number(value))
        case Kind.CODE:
            return _any(_text(tag, one, sqlite) for one in values.codes(value))
        case Kind.VALUES:
            return _any(_condition(_holds, (tag,), listed(one)) for one in values.codes(value))
        case Kind.PERSON:
            return _person(tag, value)
        case _:
            return _any(_text(tag, one, sqlite) for one in values.options(value))


def called(pattern: names.Pattern, heard: tuple[str, str] | None = None) -> Condition:
    """A patient with this in the name, or with a key in the range `heard`."""
    if heard is None:
        return _condition(_is_called, (), pattern.like)
    return _condition(_is_called_or_heard, (), pattern.like, *heard)


def together(days: values.Dates, clock: values.Times) -> Condition:
    """Date and time as one range, from the first moment to the last (PS3.4 C.2.2.2.5.2)."""
    first = (days.first, clock.first) if days.first else ()
    last = (days.last, clock.last or "9") if days.last else ()
    return _condition(_together, (bool(first), bool(last)), *first, *last)


def listed(code: str) -> str:
    """The pattern of a column that holds it among others, joined by backslashes: see `holds`."""
    return f"%\\{values.like(code)}\\%"


def holds(column: Any, pattern: Any) -> ColumnElement[bool]:
    return ("\\" + column + "\\").like(pattern, escape="/")


def between(column: Any, first: Any, last: Any) -> ColumnElement[bool]:
    """Both ends included, None is open."""
    ends = [column >= first] if first is not None else []
    if last is not None:
        ends.append(column <= last)
    return and_(true(), *ends)


def moments(days: values.Dates) -> tuple[datetime | None, datetime | None]:
    """The stretch of the list that surely holds the days: times are moments there, and zones differ."""
    first = datetime.min.replace(tzinfo=UTC) if days.first and days.first.year == 1 else None
    last = datetime.max.replace(tzinfo=UTC) if days.last and days.last.year == 9999 else None
    if days.first and not first:
        first = _utc(days.first) - _WIDEST
    if days.last and not last:
        last = _utc(days.last) + _WIDEST * 2
    return first, last


def _utc(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _condition(make: Callable[[tuple[Any, ...], Bound], Any], on: tuple[Any, ...], *found: Any) -> Condition:
    return Condition(Form(make, on, len(found)), found)


def _any(conditions: Iterable[Condition]) -> Condition:
    some = tuple(conditions)
    if len(some) == 1:
        return some[0]
    return _condition(_either, tuple(one.form for one in some), *(v for one in some for v in one.values))


def _between(tag: str, first: Any, last: Any) -> Condition:
    ends = [end for end in (first, last) if end is not None]
    return _condition(_is_between, (tag, first is not None, last is not None), *ends)


def _text(tag: str, value: str, sqlite: bool) -> Condition:
    if values.universal(value):
        return _condition(_always, ())
    if not values.is_wild(value):
        return _condition(_equals, (tag,), value)
    if sqlite:  # LIKE pays no heed to case there, and the standard does
        return _condition(_globs, (tag,), values.glob(value))
    return _condition(_like, (tag,), values.like(value))


def _person(tag: str, value: str) -> Condition:
    """A person's name without a folded column: component groups by their beginning, letters in either case."""
    wanted = [group.strip(" ^") for group in value.split("=") if not values.universal(group)]
    found = []
    for group in wanted:
        pattern = values.like(group.lower())
        open_end = pattern if values.is_wild(group) else pattern + "^%"
        ways = [pattern, f"{pattern}=%", f"%={pattern}", f"%={pattern}=%", open_end, f"%={open_end}"]
        found.append(_condition(_like_any, (tag,), *dict.fromkeys(ways)))
    return _condition(_all, tuple(one.form for one in found), *(v for one in found for v in one.values))


# The forms.


def _column(on: tuple[Any, ...]) -> Any:
    return col(BY_TAG[on[0]].column)


def _always(on: tuple[Any, ...], bound: Bound) -> Any:
    return true()


def _equals(on: tuple[Any, ...], bound: Bound) -> Any:
    return _column(on) == bound[0]


def _is_in(on: tuple[Any, ...], bound: Bound) -> Any:
    return _column(on).in_(bindparam(bound[0].key, expanding=True))


def _is_between(on: tuple[Any, ...], bound: Bound) -> Any:
    _, has_first, has_last = on
    return between(_column(on), bound[0] if has_first else None, bound[-1] if has_last else None)


def _globs(on: tuple[Any, ...], bound: Bound) -> Any:
    return _column(on).op("GLOB")(bound[0])


def _like(on: tuple[Any, ...], bound: Bound) -> Any:
    return _column(on).like(bound[0], escape="/")


def _like_any(on: tuple[Any, ...], bound: Bound) -> Any:
    return or_(*(func.lower(_column(on)).like(way, escape="/") for way in bound))


def _holds(on: tuple[Any, ...], bound: Bound) -> Any:
    return holds(_column(on), bound[0])


def _is_called(on: tuple[Any, ...], bound: Bound) -> Any:
    return col(Patient.name_folded).like(bound[0], escape="/")


def _is_called_or_heard(on: tuple[Any, ...], bound: Bound) -> Any:
    pattern, first, end = bound
    key = col(PatientKey.key)
    heard = select(PatientKey.patient_id).where(PatientKey.patient_id == Patient.id, key >= first, key < end)
    return or_(_is_called((), [pattern]), heard.exists())


def _together(on: tuple[Any, ...], bound: Bound) -> Any:
    has_first, has_last = on
    day, at = col(Study.study_date), col(Study.study_time)
    ends = []
    if has_first:
        first, begin = bound[:2]
        ends.append(or_(day > first, and_(day == first, at >= begin)))
    if has_last:
        last, end = bound[-2:]
        ends.append(or_(day < last, and_(day == last, at <= end)))
    return and_(true(), *ends)


def _each(on: tuple[Any, ...], bound: Bound) -> list[ColumnElement[bool]]:
    rest = iter(bound)
    return [form.sql([next(rest) for _ in range(form.number)]) for form in on]


def _either(on: tuple[Any, ...], bound: Bound) -> Any:
    return or_(*_each(on, bound)) if on else true()


def _all(on: tuple[Any, ...], bound: Bound) -> Any:
    return and_(true(), *_each(on, bound))
