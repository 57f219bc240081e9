"""What the list is asked for, and how the page's address says it. Pure rules.

The keyword is never in the address: names stay out of URLs, histories and logs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from mip_app.studies.models import Contrast, PatientClass, ReportStatus


class Sort(StrEnum):
    STUDIED = "studied"
    PRINTED = "printed"


class Days(StrEnum):
    TODAY = "today"
    THREE = "3d"
    WEEK = "week"
    MONTH = "month"
    ALL = "all"
    RANGE = "range"


# Modality (0008,0060) as doctors choose it; OTHER is whatever none of the others names.
MODALITIES: dict[str, tuple[str, ...]] = {
    "CT": ("CT",),
    "MR": ("MR",),
    "DX": ("DX", "CR"),
    "US": ("US",),
    "MG": ("MG",),
    "PT": ("PT", "NM"),
    "XA": ("XA", "RF"),
    "OTHER": (),
}
NAMED_MODALITIES = tuple(value for group in MODALITIES.values() for value in group)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list is asked for. Empty tuples ask for everything."""

    days: Days = Days.ALL
    start: date | None = None  # of a range, both ends included
    end: date | None = None
    statuses: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()  # keys of MODALITIES
    classes: tuple[str, ...] = ()
    contrasts: tuple[str, ...] = ()
    mine: bool = False  # reports of the person asking
    keyword: str = field(default="", repr=False)
    sort: Sort = Sort.STUDIED
    newest_first: bool = True


class View(StrEnum):
    """工作视图: what waits for somebody. No date applies, so that nothing waiting is hidden by one."""

    ALL = "all"
    UNWRITTEN = "unwritten"
    REVIEW = "review"
    RETURNED = "returned"


VIEWS: dict[View, Filters] = {
    View.ALL: Filters(),
    View.UNWRITTEN: Filters(statuses=(ReportStatus.NONE, ReportStatus.DRAFT)),
    View.REVIEW: Filters(statuses=(ReportStatus.PRELIMINARY,)),
    View.RETURNED: Filters(statuses=(ReportStatus.RETURNED,), mine=True),
}

# Name in the address: the field it fills, and what it may hold.
_LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "status": ("statuses", tuple(ReportStatus)),
    "modality": ("modalities", tuple(MODALITIES)),
    "class": ("classes", tuple(PatientClass)),
    "contrast": ("contrasts", tuple(Contrast)),
}
_SORTS = {f"{sort}{way}": (sort, newest) for sort in Sort for way, newest in (("", True), ("-oldest", False))}


def parse(query: Mapping[str, str]) -> Filters:
    """The filters an address asks for; what is unknown in it is ignored."""
    lists: dict[str, Any] = {
        name: tuple(value for value in allowed if value in query.get(key, "").split(","))
        for key, (name, allowed) in _LISTS.items()
    }
    days = query.get("days", "")
    found = Filters(
        days=Days(days) if days in set(Days) else Days.ALL, mine=query.get("mine") == "1", **lists
    )
    if found.days is Days.RANGE:
        found = ranged(found, _date(query.get("from", "")), _date(query.get("to", "")))
    sort, newest_first = _SORTS.get(query.get("sort", ""), (Sort.STUDIED, True))
    return replace(found, sort=sort, newest_first=newest_first)


def address(filters: Filters) -> str:
    """`?days=3d&status=none,draft`, or '' for the whole list: one address for one set of filters."""
    said: dict[str, str] = {}
    if filters.days is not Days.ALL:
        said["days"] = filters.days
    if filters.days is Days.RANGE:
        said |= {name: day.isoformat() for name, day in (("from", filters.start), ("to", filters.end)) if day}
    for key, (name, _) in _LISTS.items():
        if chosen := getattr(filters, name):
            said[key] = ",".join(chosen)
    if filters.mine:
        said["mine"] = "1"
    if (order := sorting(filters)) != Sort.STUDIED:
        said["sort"] = order
    return "?" + urlencode(said, safe=",") if said else ""


def sorting(filters: Filters) -> str:
    """The order as one word: studied, studied-oldest, printed, printed-oldest."""
    return filters.sort if filters.newest_first else f"{filters.sort}-oldest"


def ranged(filters: Filters, start: date | None, end: date | None) -> Filters:
    """From `start` to `end`, in whichever order they were given."""
    if start and end and end < start:
        start, end = end, start
    return replace(filters, days=Days.RANGE, start=start, end=end)


def chosen(filters: Filters, group: str, value: str, today: date) -> Filters:
    """After `value` of `group` was chosen in the page; what does not exist changes nothing.

    Values of lists are switched on and off; days, sort, view and the ends of the range are set.
    """
    if group in _LISTS:
        name, allowed = _LISTS[group]
        on = getattr(filters, name)
        kept = tuple(v for v in allowed if (v in on) != (v == value))
        switched: dict[str, Any] = {name: kept}
        return replace(filters, **switched, mine=filters.mine and group != "status")
    if group == "days" and value in set(Days):
        if value == Days.RANGE and filters.days is not Days.RANGE:
            return ranged(filters, today - timedelta(days=6), today)
        return replace(filters, days=Days(value), start=None, end=None)
    if group == "from":
        return ranged(filters, _date(value), filters.end)
    if group == "to":
        return ranged(filters, filters.start, _date(value))
    if group == "view" and value in set(View):
        asked = VIEWS[View(value)]
        return replace(filters, days=Days.ALL, start=None, end=None, statuses=asked.statuses, mine=asked.mine)
    if group == "sort" and value in set(Sort):
        turned = not filters.newest_first if value == filters.sort else True
        return replace(filters, sort=Sort(value), newest_first=turned)
    return filters


def said(filters: Filters) -> dict[str, list[str]]:
    """What is chosen, for the page to mark: lists of values by the names of `chosen`."""
    return {
        "days": [filters.days],
        "from": [filters.start.isoformat()] if filters.start else [],
        "to": [filters.end.isoformat()] if filters.end else [],
        "view": [view_of(filters)],
        "sort": [sorting(filters)],
        **{key: [str(value) for value in getattr(filters, name)] for key, (name, _) in _LISTS.items()},
    }


def view_of(filters: Filters) -> str:
    """The work view that shows exactly this, or ''."""
    for view, asked in VIEWS.items():
        if (filters.statuses, filters.mine) == (asked.statuses, asked.mine):
            return view
    return ""


def cleared(filters: Filters) -> Filters:
    """Nothing asked for any more but the keyword; the order stays."""
    return Filters(keyword=filters.keyword, sort=filters.sort, newest_first=filters.newest_first)


def narrowing(filters: Filters) -> int:
    """How many groups of filters are in use."""
    groups = (filters.statuses, filters.modalities, filters.classes, filters.contrasts)
    return sum(map(bool, groups)) + (filters.days is not Days.ALL)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
