"""Rows of the database as data sets in the DICOM JSON model (PS3.18 annex F)."""

from datetime import date
from typing import Any

from mip_app.studies.query.asked import ALL, Asked, Json, Level
from mip_app.studies.query.attributes import OF_SERIES, OF_STUDY, Attribute, above, at

_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_UTF8 = {"vr": "CS", "Value": ["ISO_IR 192"]}  # the answers', whatever the files had
_UNIQUE = {"0020000D", "0020000E"}
_ONLINE = {"vr": "CS", "Value": ["ONLINE"]}
_OF_STUDY_ALONE = "study:"  # how an issuer begins that no sender named

_KEPT = {Level.STUDY: OF_STUDY, Level.SERIES: OF_SERIES}  # of the header; of instances everything
# Required where it is known, and not a column (PS3.18 tables 10.6.3-4 and -5).
_ALWAYS = {
    Level.SERIES: ("00400275",),
    Level.INSTANCE: ("00280008", "00280010", "00280011", "00280100", "00080201"),
}


def row(asked: Asked, columns: list[Attribute], values: Any) -> Json:
    """One result: `values` are those of the columns, in their order."""
    found: Json = {"00080005": _UTF8, "00080056": _ONLINE}
    for attribute, value in zip(columns, values, strict=False):
        if "." not in attribute.tag:
            found[attribute.tag] = element(attribute, value)
    return found


def element(attribute: Attribute, value: Any) -> Json:
    vr = attribute.vr
    if value is None or value == "":
        return {"vr": vr}
    if vr == "PN":
        groups = {group: text for group, text in zip(_GROUPS, value.split("="), strict=False) if text}
        return {"vr": vr, "Value": [groups]} if groups else {"vr": vr}
    if vr == "DA" and isinstance(value, date):
        return {"vr": vr, "Value": [f"{value.year:04}{value.month:02}{value.day:02}"]}
    if vr == "CS" and "\\" in value:
        return {"vr": vr, "Value": value.split("\\")}
    if attribute.tag == "00100021" and value.startswith(_OF_STUDY_ALONE):
        return {"vr": vr}
    return {"vr": vr, "Value": [value]}


def columns_of(asked: Asked) -> list[Attribute]:
    """What is answered: the level's own columns, those of higher levels that were asked for, and the keys."""
    # A study is answered with its patient.
    own = above(Level.STUDY) if asked.level is Level.STUDY else at(asked.level)
    if asked.include == ALL:
        return above(asked.level)
    wanted = _UNIQUE | {*asked.match, *asked.include} | {attribute.tag for attribute in own}
    return [attribute for attribute in above(asked.level) if attribute.tag in wanted]


def from_header(asked: Asked, header: Json, found: Json) -> None:
    """Add to a row what only the header of an instance knows of its level."""
    kept = _KEPT.get(asked.level)
    always = _ALWAYS.get(asked.level, ())
    for tag, value in header.items():
        wanted = tag in always or tag in asked.include or asked.include == ALL
        if wanted and tag not in found and (kept is None or tag in kept) and "BulkDataURI" not in value:
            found[tag] = value
    for path in asked.include:
        if "." in path:
            _sequence(path.split("."), header, found)


def _sequence(path: list[str], header: Json, found: Json) -> None:
    """Items of a sequence with the asked attributes alone."""
    source = header.get(path[0])
    if source is None or source.get("vr") != "SQ" or not source.get("Value"):
        return
    target = found.setdefault(path[0], {"vr": "SQ", "Value": [{} for _ in source["Value"]]})
    if target is source or len(target.get("Value", ())) != len(source["Value"]):
        return
    for item, kept in zip(source["Value"], target["Value"], strict=True):
        if len(path) == 2 and path[1] in item:
            kept[path[1]] = item[path[1]]
        elif len(path) > 2:
            _sequence(path[1:], item, kept)
