"""What of the log is asked for. Pure: words of an address, made into conditions' values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from mip_app.audit.models import Act, Kind

W = TypeVar("W", bound=StrEnum)

LONGEST = 64  # characters of what is typed


class Days(StrEnum):
    TODAY = "today"
    WEEK = "week"
    MONTH = "month"
    RANGE = "range"


_BACK = {Days.TODAY: 0, Days.WEEK: 6, Days.MONTH: 29}


@dataclass(frozen=True, slots=True)
class Asked:
    kind: Kind | None = None  # None: all
    days: Days = Days.TODAY
    first: date | None = None  # of a range, both included
    last: date | None = None
    person: str = ""
    study: str = ""  # an accession number or a patient ID
    act: Act | None = None
    failures: bool = False

    def since(self, today: date, zone: ZoneInfo) -> datetime | None:
        day = self.first if self.days is Days.RANGE else today - timedelta(days=_BACK[self.days])
        return _midnight(day, zone) if day else None

    def until(self, zone: ZoneInfo) -> datetime | None:
        """The first moment after it."""
        if self.days is not Days.RANGE or self.last is None:
            return None
        return _midnight(self.last + timedelta(days=1), zone) if self.last < date.max else None

    def acts(self) -> list[Act]:
        """The acts asked for; none named: all of them."""
        if self.act:
            return [self.act] if self.kind in (None, self.act.kind) else []
        return [act for act in Act if act.kind is self.kind] if self.kind else []


def parse(sent: Mapping[str, object]) -> Asked:
    """What is no such word counts as not said."""
    return Asked(
        kind=_word(Kind, sent.get("kind")),
        days=_word(Days, sent.get("days")) or Days.TODAY,
        first=_day(sent.get("from")),
        last=_day(sent.get("to")),
        person=_typed(sent.get("person")),
        study=_typed(sent.get("study")),
        act=_word(Act, sent.get("act")),
        failures=str(sent.get("failures", "")) == "1",
    )


def said(asked: Asked) -> dict[str, str]:
    """The same as words, for an address; what is not asked for is ''."""
    return {
        "kind": asked.kind or "",
        "days": asked.days,
        "from": asked.first.isoformat() if asked.first else "",
        "to": asked.last.isoformat() if asked.last else "",
        "person": asked.person,
        "study": asked.study,
        "act": asked.act or "",
        "failures": "1" if asked.failures else "",
    }


def narrowing(asked: Asked) -> int:
    """How many filters are set, besides the part of the log."""
    set_ = (asked.days is not Days.TODAY, asked.person, asked.study, asked.act, asked.failures)
    return sum(bool(each) for each in set_)


def _word(words: type[W], sent: object) -> W | None:
    return next((word for word in words if word == sent), None)


def _typed(sent: object) -> str:
    text = sent if isinstance(sent, str) else ""
    return "".join(c for c in text if c.isprintable()).strip()[:LONGEST]


def _day(sent: object) -> date | None:
    try:
        return date.fromisoformat(sent) if isinstance(sent, str) else None
    except ValueError:
        return None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time(), UTC)
