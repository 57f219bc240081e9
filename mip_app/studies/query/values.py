"""How the value of a matching key is meant (PS3.4 C.2.2.2). Pure rules."""

import re
from dataclasses import dataclass
from datetime import date

from mip_app.core.errors import Invalid
from mip_app.dicom.part10 import parse_date

MOST_VALUES = 500  # of one list
MOST_WILDCARDS = 8
_LATEST = "235959.999999"
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?|60)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Dates:
    """Both ends included; None is open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Times:
    """Both ends included, as texts that compare like times: 10 is all of its hour. '' is open."""

    first: str
    last: str


def universal(value: str) -> bool:
    """Whether it matches everything: nothing, or asterisks alone."""
    return not value.strip().strip("*")


def checked(value: str) -> str:
    """Raises Invalid for more wildcards than anybody needs: each `*` multiplies the ways to try."""
    if value.count("*") > MOST_WILDCARDS or value.count("?") > 64:
        raise Invalid("query.too_wild")
    return value


def is_wild(value: str) -> bool:
    return "*" in value or "?" in value


def uids(value: str) -> tuple[str, ...]:
    """A list of UIDs, by backslash as in DICOM or by comma as in addresses. Raises Invalid."""
    found = tuple(dict.fromkeys(part.strip() for part in re.split(r"[\\,]", value) if part.strip()))
    if not found or len(found) > MOST_VALUES or not all(re.fullmatch(r"[0-9.]{1,64}", uid) for uid in found):
        raise Invalid("query.bad_uid")
    return found


def codes(value: str) -> tuple[str, ...]:
    """Any of several code strings: CT\\MR, CT,MR."""
    return tuple(dict.fromkeys(part.strip() for part in re.split(r"[\\,]", value) if part.strip()))[
        :MOST_VALUES
    ]


def options(value: str) -> tuple[str, ...]:
    """Any of several texts; only a backslash parts them, for commas are part of texts."""
    return tuple(dict.fromkeys(part.strip() for part in value.split("\\") if part.strip()))[:MOST_VALUES]


def whole_number(value: str) -> int:
    """Raises Invalid."""
    if not re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value, re.ASCII):
        raise Invalid("query.bad_number")
    return int(value)


def dates(value: str) -> Dates:
    """20240105, 20240105-20240107, -20240107, 20240105-. Raises Invalid."""
    text = value.strip()
    if (one := parse_date(text)) is not None:
        return Dates(one, one)
    first, dash, last = text.partition("-")
    if not dash or not (first.strip() or last.strip()):
        raise Invalid("query.bad_date")
    return Dates(_date(first), _date(last))


def _date(text: str) -> date | None:
    if not text.strip():
        return None
    found = parse_date(text)
    if found is None:
        raise Invalid("query.bad_date")
    return found


def times(value: str) -> Times:
    """1030, 10-1230, -12, 101500.5-. Raises Invalid."""
    first, dash, last = value.strip().replace(":", "").partition("-")
    if dash and not (first.strip() or last.strip()):
        raise Invalid("query.bad_time")
    first, last = first.strip(), last.strip() if dash else first.strip()
    if not all(_TIME.fullmatch(end) for end in (first, last) if end):
        raise Invalid("query.bad_time")
    return Times(first, last + _LATEST[len(last) :] if last else "")


def like(value: str) -> str:
    """A value with * and ? as a pattern of LIKE, to be escaped by a slash."""
    return escaped(value).replace("*", "%").replace("?", "_")


def escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")


def glob(value: str) -> str:
    """The same as a pattern of SQLite's GLOB, which heeds case."""
    return value.replace("[", "[[]")
