"""Rows of the database as data sets in the DICOM JSON model (PS3.18 annex F)."""

import json
from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any

from mip_app.dicom.dicomjson import NAME_GROUPS
from mip_app.studies.corrections import WITHOUT_ID
from mip_app.studies.query.asked import ALL, Asked, Json, Level
from mip_app.studies.query.attributes import BY_TAG, OF_SERIES, OF_STUDY, Attribute, above, at

_UTF8 = {"vr": "CS", "Value": ["ISO_IR 192"]}  # the answers', whatever the files had
UIDS = ("0020000D", "0020000E", "00080018")  # from the study down
_UNIQUE = set(UIDS[:2])
_ONLINE = {"vr": "CS", "Value": ["ONLINE"]}
_SAID_BY_ALL: Json = {"00080005": _UTF8, "00080056": _ONLINE}
_ISSUER = "00100021"

_KEPT = {Level.STUDY: OF_STUDY, Level.SERIES: OF_SERIES}  # of the header; of instances everything
# Required where it is known, and not a column (PS3.18 tables 10.6.3-4 and -5).
_ALWAYS = {
    Level.SERIES: ("00400275",),
    Level.INSTANCE: ("00280008", "00280010", "00280011", "00280100", "00080201"),
}


def row(asked: Asked, columns: list[Attribute], values: Any) -> Json:
    """One result: `values` are those of the columns, in their order."""
    found: Json = dict(_SAID_BY_ALL)
    for attribute, value in zip(columns, values, strict=False):
        if "." not in attribute.tag:
            found[attribute.tag] = element(attribute, value)
    return found


def element(attribute: Attribute, value: Any) -> Json:
    vr = attribute.vr
    if value is None or value == "":
        return {"vr": vr}
    if vr == "PN":
        groups = {group: text for group, text in zip(NAME_GROUPS, value.split("="), strict=False) if text}
        return {"vr": vr, "Value": [groups]} if groups else {"vr": vr}
    if vr == "DA" and isinstance(value, date):
        return {"vr": vr, "Value": [f"{value.year:04}{value.month:02}{value.day:02}"]}
    if vr == "CS" and "\\" in value:
        return {"vr": vr, "Value": value.split("\\")}
    if attribute.tag == _ISSUER and value.startswith(WITHOUT_ID):
        return {"vr": vr}
    return {"vr": vr, "Value": [value]}


def as_text(data: Json) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"), check_circular=False)


def writer(columns: Sequence[Attribute]) -> Callable[[Any], str]:
    """Writes what `row` makes as JSON text, and makes no objects for it: of a page those are most of the work."""
    begin = as_text(_SAID_BY_ALL)[:-1]
    ways = [_way(attribute.tag) if "." not in attribute.tag else None for attribute in columns]

    def write(values: Any) -> str:
        return begin + "".join([way(v) for way, v in zip(ways, values, strict=False) if way]) + "}"

    return write


def with_url(text: str, url: str) -> str:
    """A row that says where it is retrieved from (0008,1190)."""
    return f'{text[:-1]},"00081190":{{"vr":"UR","Value":[{quoted(url)}]}}}}'


@lru_cache(None)  # as many as there are columns
def _way(tag: str) -> Callable[[Any], str]:
    """How the values of one column are written, each behind a comma."""
    attribute = BY_TAG[tag]
    begin, several = f',"{tag}":{{"vr":"{attribute.vr}","Value":[', attribute.vr == "CS"
    odd = attribute.vr in ("PN", "DA") or tag == _ISSUER

    def write(value: Any) -> str:
        if odd or value is None or value == "" or (several and "\\" in value):
            return _odd(tag, value)
        return f"{begin}{quoted(value) if isinstance(value, str) else value}]}}"

    return write


@lru_cache(8192)
def _odd(tag: str, value: Any) -> str:
    return f',"{tag}":{as_text(element(BY_TAG[tag], value))}'


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
