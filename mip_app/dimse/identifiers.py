"""Identifiers of Query/Retrieve (PS3.4 C.4): what is asked, out of a data set, and answers, into one.

Queries are hierarchical: of every level above the asked one the unique key stands there, with one value. Relational
queries (C.4.1.2.2.2) are not negotiated, and refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pynetdicom.dsutils import decode, encode

from mip_app.core.settings import settings
from mip_app.dicom.charset import encodings, read_text
from mip_app.studies.query.asked import Asked, Json, Level

CHARSET, LEVEL, RETRIEVE_TITLE, AVAILABILITY = "00080005", "00080052", "00080054", "00080056"
UNIQUE = {
    Level.PATIENT: "00100020",
    Level.STUDY: "0020000D",
    Level.SERIES: "0020000E",
    Level.INSTANCE: "00080018",
}
_TEXT = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})
_UTF8 = "ISO_IR 192"


class NotThisWay(Exception):
    """The identifier does not match the SOP class (0xA900); its text says why, without any value."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """What came: text decoded, '' for keys that match everything and are to be answered."""

    level: Level
    keys: dict[str, str] = field(repr=False)  # by tag, of items in sequences by path; values name patients
    charset: str = ""  # as declared

    def asked(self, limit: int | None) -> Asked:
        match = {tag: value for tag, value in self.keys.items() if value not in ("", "*")}
        return Asked(self.level, match, frozenset(self.keys), limit)


def read(data: BytesIO | None, syntax: Any, *, patient_root: bool) -> Identifier:
    """Raises NotThisWay."""
    try:
        dataset = decode(
            data or BytesIO(), syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated
        )
        charset = _raw_text(dataset, 0x00080005).strip(" \0")
        keys = dict(_keys(dataset, encodings(charset.encode("latin-1"))))
    except Exception as error:  # whatever a strange data set makes pydicom raise
        raise NotThisWay("the identifier cannot be read") from error
    for tag in (CHARSET, RETRIEVE_TITLE, AVAILABILITY, "00080053", "00080201"):
        keys.pop(tag, None)
    try:
        level = Level(keys.pop(LEVEL, ""))
    except ValueError:
        raise NotThisWay("Query/Retrieve Level is missing or unknown") from None
    if level is Level.PATIENT and not patient_root:
        raise NotThisWay("the study root has no level PATIENT")
    levels = list(Level)[0 if patient_root else 1 :]
    for above in levels[: levels.index(level)]:
        value = keys.get(UNIQUE[above], "")
        if not value or any(sign in value for sign in "*?\\"):
            raise NotThisWay(f"one value of the unique key of level {above.value} is needed")
    return Identifier(level, keys, charset)


def _keys(dataset: Dataset, declared: tuple[str, ...], before: str = "") -> Iterator[tuple[str, str]]:
    for tag in list(dataset.keys()):  # iterating itself would read every value
        path = f"{before}{int(tag):08X}"
        if tag.is_private or tag.element == 0:
            continue
        vr = _vr(dataset, tag)
        if vr == "SQ":
            items = list(dataset[tag].value or [])
            yield path, ""
            for item in items[:1]:  # one item, PS3.4 C.2.2.2.6
                yield from _keys(item, declared, path + ".")
        else:
            yield path, _value(dataset, tag, vr, declared)


def _vr(dataset: Dataset, tag: Any) -> str:
    element = dataset.get_item(tag)
    found = getattr(element, "VR", None)
    if found and found != "UN":
        return str(found)
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "LO"


def _value(dataset: Dataset, tag: Any, vr: str, declared: tuple[str, ...]) -> str:
    element = dataset.get_item(tag)
    if isinstance(element, RawDataElement) and vr[:2] not in ("US", "SS", "UL", "SL", "FL", "FD", "AT", "OB"):
        raw = bytes(element.value or b"")
        if vr in _TEXT:
            return read_text(raw, declared, vr == "PN").strip(" \0")
        return raw.decode("latin-1").strip(" \0")
    value = dataset[tag].value
    return "" if value is None else str(value)


def _raw_text(dataset: Dataset, tag: int) -> str:
    element = dataset.get_item(tag)
    value = getattr(element, "value", None) or b""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else "\\".join(value)


def written(row: Json, asked: Identifier, syntax: Any) -> BytesIO:
    """One answer: what was asked for and is known, empty where it is known to be empty."""
    wanted = {tag.partition(".")[0] for tag in asked.keys} | set(UNIQUE.values())
    found = {tag: value for tag, value in row.items() if tag in wanted and tag != CHARSET}
    dataset = Dataset()
    for tag, value in found.items():
        try:
            dataset.add(DataElement.from_json(Dataset, tag, value["vr"], *_value_of(value)))
        except Exception:  # noqa: S112 - a value that pydicom has no place for is left out
            continue
    charset = _charset(asked.charset, found)
    if charset:
        dataset.SpecificCharacterSet = charset
    dataset.QueryRetrieveLevel = asked.level.value
    dataset.RetrieveAETitle = settings().dimse_ae_title
    data = encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
    return BytesIO(data or b"")


def _value_of(value: Json) -> tuple[Any, str | None]:
    return (value["Value"], "Value") if value.get("Value") else ("", None)


def _charset(asked: str, found: Json) -> str:
    """As the request has it where that holds all signs, else UTF-8; '' for ASCII alone."""
    said = "".join(_words(found))
    if said.isascii():
        return asked if asked in python_encoding else ""
    encoding = python_encoding.get(asked, "") if asked and "2022" not in asked else ""
    try:
        said.encode(encoding or "ascii")
    except (UnicodeError, LookupError):
        return _UTF8
    return asked


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _words(one)
    elif isinstance(value, list):
        for one in value:
            yield from _words(one)
    elif isinstance(value, str):
        yield value
