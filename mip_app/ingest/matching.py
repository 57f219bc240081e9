"""Whether what a file says of its patient is the patient that is stored (IHE PIR, PS3.3 C.7.1.1). Pure rules.

Too many conflicts cost somebody a look, one too few mixes two people: what is not surely the same is a conflict.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from mip_app.dicom.names import has_ideographs, readings, search_term


@dataclass(frozen=True, slots=True)
class Person:
    """Demographics; '' or None is unknown."""

    name: str  # all component groups: ZHANG^SAN=张^三
    birth_date: date | None = None
    sex: str = ""


def is_same(one: Person, other: Person) -> bool:
    """The unknown contradicts nothing; case, spaces, components and the script of a name make nobody another."""
    return (
        _agree(one.birth_date, other.birth_date)
        and _agree(one.sex, other.sex)
        and is_same_name(one.name, other.name)
    )


def is_same_name(one: str, other: str) -> bool:
    """ZHANG^SAN is 张^三; 张^三 is not 张^山, though both are ZHANG^SAN."""
    (latin, hanzi), (other_latin, other_hanzi) = _scripts(one), _scripts(other)
    if not (latin or hanzi) or not (other_latin or other_hanzi):
        return True
    if hanzi and other_hanzi:
        return _plain(hanzi) == _plain(other_hanzi)
    if latin and other_latin:
        return _plain(latin) == _plain(other_latin)
    return _plain(latin or other_latin) in readings(hanzi or other_hanzi)


def richer(stored: Person, arriving: Person) -> Person:
    """Of two that are the same: everything that either knows, what is stored first."""
    latin, hanzi = _scripts(stored.name)
    other_latin, other_hanzi = _scripts(arriving.name)
    name = stored.name
    if (other_latin and not latin) or (other_hanzi and not hanzi):
        name = "=".join(group for group in (latin or other_latin, hanzi or other_hanzi) if group)
    return replace(
        stored,
        name=name,
        birth_date=stored.birth_date or arriving.birth_date,
        sex=stored.sex or arriving.sex,
    )


def find(known: Sequence[Person], arriving: Person) -> int | None:
    """Which of those with the same ID it is, the closest first; None: it is in conflict with all of them."""
    if arriving in known:
        return known.index(arriving)
    return next((place for place, one in enumerate(known) if is_same(one, arriving)), None)


def _agree(one: object, other: object) -> bool:
    return not one or not other or one == other


def _scripts(name: str) -> tuple[str, str]:
    """The groups of a name by what they are written in, wherever they stand: many devices put 张三 first."""
    groups = [group.strip() for group in name.split("=")[:2] if group.strip("^ ")]
    latin = next((group for group in groups if not has_ideographs(group)), "")
    return latin, next((group for group in groups if has_ideographs(group)), "")


def _plain(group: str) -> str:
    # Prefix and suffix (PS3.5 6.2.1.1) are no part of who somebody is.
    return search_term("".join(group.split("^")[:3]))
