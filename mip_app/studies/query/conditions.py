"""Matching keys as conditions on columns (PS3.4 C.2.2.2)."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, true
from sqlmodel import col

from mip_app.studies.models import Patient, Study
from mip_app.studies.query import names, values
from mip_app.studies.query.attributes import Attribute, Kind

_WIDEST = timedelta(hours=26)  # between a day's midnight somewhere and its end elsewhere


def of(attribute: Attribute, value: str, sqlite: bool) -> ColumnElement[bool]:
    """The condition that a value makes of its attribute. Raises Invalid for what cannot be meant."""
    column: Any = col(attribute.column)
    match attribute.kind:
        case Kind.UID:
            return column.in_(values.uids(value))
        case Kind.DATE:
            return between(column, values.dates(value).first, values.dates(value).last)
        case Kind.TIME:
            asked = values.times(value)
            return between(column, asked.first or None, asked.last or None)
        case Kind.NUMBER:
            return column == values.whole_number(value)
        case Kind.CODE:
            return or_(*(_text(column, one, sqlite) for one in values.codes(value)))
        case Kind.VALUES:
            return or_(*(among(column, one) for one in values.codes(value)))
        case Kind.NAME:
            return name(col(Patient.name_folded), names.name_patterns(value))
        case Kind.PERSON:
            return _person(column, value)
        case _:
            return or_(*(_text(column, one, sqlite) for one in values.options(value)))


def between(column: Any, first: Any, last: Any) -> ColumnElement[bool]:
    """Both ends included, None is open."""
    ends = [column >= first] if first is not None else []
    if last is not None:
        ends.append(column <= last)
    return and_(*ends)


def name(column: Any, patterns: Sequence[names.Pattern]) -> ColumnElement[bool]:
    """All patterns are in a folded name."""
    return and_(*(column.like(pattern.like, escape="/") for pattern in patterns))


def moments(at: Any, asked: values.Dates) -> ColumnElement[bool]:
    """The stretch of the list that surely holds the days: times are moments there, and zones differ."""
    first = _utc(asked.first) - _WIDEST if asked.first and asked.first.year > 1 else None
    last = _utc(asked.last) + _WIDEST * 2 if asked.last and asked.last.year < 9999 else None
    return between(at, first, last)


def together(days: values.Dates, clock: values.Times) -> ColumnElement[bool]:
    """Date and time as one range, from the first moment to the last (PS3.4 C.2.2.2.5.2)."""
    day, at = col(Study.study_date), col(Study.study_time)
    ends = []
    if days.first:
        ends.append(or_(day > days.first, and_(day == days.first, at >= clock.first)))
    if days.last:
        ends.append(or_(day < days.last, and_(day == days.last, at <= (clock.last or "9"))))
    return and_(*ends)


def _utc(day: Any) -> datetime:
    return datetime.combine(day, time(), UTC)


def _text(column: Any, value: str, sqlite: bool) -> ColumnElement[bool]:
    if values.universal(value):
        return true()
    if not values.is_wild(value):
        return column == value
    if sqlite:  # LIKE pays no heed to case there, and the standard does
        return column.op("GLOB")(values.glob(value))
    return column.like(values.like(value), escape="/")


def among(column: Any, value: str) -> ColumnElement[bool]:
    """One of the values that a column holds joined by backslashes."""
    return ("\\" + column + "\\").like(f"%\\{values.like(value)}\\%", escape="/")


def _person(column: Any, value: str) -> ColumnElement[bool]:
    """A person's name without a folded column: component groups by their beginning, letters in either case."""
    wanted = [group.strip(" ^") for group in value.split("=") if not values.universal(group)]
    found = []
    for group in wanted:
        pattern = values.like(group.lower())
        open_end = pattern if values.is_wild(group) else pattern + "^%"
        ways = [pattern, f"{pattern}=%", f"%={pattern}", f"%={pattern}=%", open_end, f"%={open_end}"]
        found.append(or_(*(func.lower(column).like(way, escape="/") for way in dict.fromkeys(ways))))
    return and_(*found) if found else true()
