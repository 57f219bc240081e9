"""What is asked for and what was found, in the standard's words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Generic, TypeVar

Json = dict[str, Any]
R = TypeVar("R")
ALL: Final = frozenset({"ALL"})  # as `include`: every attribute that is known at the level
FURTHEST = 10_000  # offset; who wants to go further narrows down


class Level(StrEnum):
    """Query/Retrieve Level (PS3.4 C.6)."""

    PATIENT = "PATIENT"
    STUDY = "STUDY"
    SERIES = "SERIES"
    INSTANCE = "IMAGE"


@dataclass(frozen=True, slots=True)
class Asked:
    """A search. Tags are eight hexadecimal digits, inside sequences joined by dots: 00400275.00400009.

    Matching keys of higher levels narrow lower ones; an empty value or `*` matches everything.
    """

    level: Level
    match: Mapping[str, str] = field(default_factory=dict, repr=False)  # values name patients
    include: frozenset[str] = frozenset()  # beyond what the level answers by itself
    limit: int | None = None
    offset: int = 0
    fuzzy: bool = False  # person names also by pinyin and initials


@dataclass(frozen=True, slots=True)
class Found(Generic[R]):
    """Rows in the DICOM JSON model (PS3.18 F), newest study first, in an order that does not change between pages."""

    rows: list[R]  # as `Json`, or as text
    more: bool = False  # there are more behind the limit
    ignored: tuple[
        str, ...
    ] = ()  # tags that cannot be matched at this level: the rows are not narrowed by them
