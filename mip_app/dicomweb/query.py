"""QIDO-RS (PS3.18 10.6): what an address asks for, and how the answer looks."""

import gzip
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from sqlmodel import Session, col, select

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Invalid, TooLarge
from mip_app.dicomweb import native
from mip_app.studies import door
from mip_app.studies import service as studies_service
from mip_app.studies.models import Series, Study
from mip_app.studies.query import ALL, Asked, Found, Level, find, find_text
from mip_app.studies.query.attributes import above
from mip_app.studies.query.rows import UIDS

Json = dict[str, Any]
DEFAULT, MOST = 200, 1000  # results in one answer, where they are of several studies
MOST_OF_STUDY = 10_000  # and where they are of one: clients ask for all of its series, all of its instances
MOST_WORTH_PACKING = 1400  # bytes; what fits into one packet is sent as it is
STUDY, SERIES, _ = UIDS
_ABOUT_THE_ANSWER = frozenset({"limit", "offset", "includefield", "fuzzymatching", "accept"})
_NEGOTIATED = frozenset({"emptyvaluematching", "multiplevaluematching"})  # lists are matched always, "" never


@dataclass(frozen=True, slots=True)
class Query:
    """A search as its address has it."""

    asked: Asked
    most: int  # results, whatever was asked for
    by: tuple[str, ...]  # keywords of the keys, for the audit
    unsupported: tuple[str, ...] = ()  # parameters that were not heeded


@dataclass(frozen=True, slots=True)
class Answer:
    body: bytes
    headers: dict[str, str]
    boundary: str = ""  # of a multipart answer


def parse(level: Level, parameters: Iterable[tuple[str, str]], path: Mapping[str, str]) -> Query:
    """`path` holds the UIDs of the address, by tag. Raises Invalid for what cannot be meant."""
    match: dict[str, str] = {}
    include: set[str] = set()
    said: dict[str, str] = {}
    for name, value in parameters:
        lower = name.lower()
        if lower == "includefield":
            include.update(part.strip() for part in value.split(",") if part.strip())
        elif lower in _ABOUT_THE_ANSWER or lower in _NEGOTIATED:
            said[lower] = value
        elif value:
            tag = tag_of(name)
            match[tag] = f"{match[tag]}\\{value}" if tag in match else value
    for tag, uid in path.items():
        if not studies_service.UID.fullmatch(uid):
            match[tag] = "0"  # nothing is called so
        elif uid not in re.split(r"\s*[\\,]\s*", match.get(tag, uid)):
            match[tag] = "0"
        else:
            match[tag] = uid
    everything = "all" in {field.lower() for field in include}
    wanted = frozenset(ALL if everything else {*map(tag_of, include), *_of_parents(level, path)})
    fuzzy = said.get("fuzzymatching", "").lower()
    if fuzzy not in ("", "true", "false"):
        raise Invalid("query.bad_parameter", name="fuzzymatching")
    most = MOST_OF_STUDY if STUDY in path else MOST
    limit = _number(said, "limit", most if STUDY in path else DEFAULT)
    asked = Asked(level, match, wanted, min(limit, most), _number(said, "offset", 0), fuzzy == "true")
    by = tuple(sorted(keyword(tag) for tag in match if tag not in path))
    unsupported = ("emptyvaluematching",) if said.get("emptyvaluematching", "").lower() == "true" else ()
    return Query(asked, most if "limit" not in said else limit, by, unsupported)


@needs(Permission.STUDY_READ)
def answer(
    session: Session, actor: Actor, query: Query, path: Mapping[str, str], root: str, packed: bool
) -> Answer:
    """In JSON. Raises NotVisible for a study or series of the address that is not there, TooLarge, Invalid."""
    found = find_text(session, actor, query.asked, partial(address, root))
    if not found.rows and path:
        _must_exist(session, actor, path)
    headers = _headers(found, query)
    body = f"[{','.join(found.rows)}]".encode()
    if packed and len(body) > MOST_WORTH_PACKING:
        body = gzip.compress(body, 1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return Answer(body, headers)


@needs(Permission.STUDY_READ)
def answer_as_xml(session: Session, actor: Actor, query: Query, path: Mapping[str, str], root: str) -> Answer:
    """Raises what `answer` raises."""
    found = find(session, actor, query.asked)
    if not found.rows and path:
        _must_exist(session, actor, path)
    for row in found.rows:
        uids = [row[tag]["Value"][0] for tag in UIDS if tag in row]
        row["00081190"] = {"vr": "UR", "Value": [address(root, *uids)]}
    body, boundary = native.related(found.rows)
    return Answer(body, _headers(found, query), boundary)


def _headers(found: Found[Any], query: Query) -> dict[str, str]:
    """Raises TooLarge."""
    if found.more and query.asked.limit == MOST_OF_STUDY <= query.most:
        raise TooLarge("query.too_many")
    headers = {"Vary": "Accept, Accept-Encoding"}
    if warnings := _warnings(found, query):
        headers["Warning"] = ", ".join(f'299 mip "{text}"' for text in warnings)
    return headers


def _warnings(found: Found[Any], query: Query) -> list[str]:
    said = []
    if found.more:
        said.append("There are additional results that can be requested")
    if found.ignored:
        names = ", ".join(keyword(tag) for tag in found.ignored)
        said.append(f"These attributes cannot be matched here and did not narrow the results: {names}")
    said += [f"The parameter is not supported: {name}" for name in query.unsupported]
    return said


def address(root: str, study: str, series: str = "", instance: str = "") -> str:
    """Retrieve URL (0008,1190)."""
    at = f"{root}/studies/{study}"
    if series:
        at += f"/series/{series}"
    return f"{at}/instances/{instance}" if instance else at


@lru_cache(4096)  # names come from outside
def tag_of(name: str) -> str:
    """PatientName, 00100010 and dotted paths of both as tags. Raises Invalid for what names no attribute."""
    found = []
    for part in name.split("."):
        if re.fullmatch(r"[0-9A-Fa-f]{8}", part):
            found.append(part.upper())
        elif part.isascii() and (tag := tag_for_keyword(part)) is not None:
            found.append(f"{tag:08X}")
        else:
            shown = name[:64] if name.replace(".", "").isalnum() and name.isascii() else "?"
            raise Invalid("query.unknown_attribute", name=shown)
    return ".".join(found)


def keyword(tag: str) -> str:
    """The keyword of a tag or path, or the tag where it has none."""
    return ".".join(keyword_for_tag(int(part, 16)) or part for part in tag.split("."))


def _of_parents(level: Level, path: Mapping[str, str]) -> set[str]:
    """Where the address names no study or series, results say of which they are (PS3.18 tables 10.6.3-3 to -5)."""
    if level is Level.STUDY:
        return set()
    named = Level.PATIENT if STUDY not in path else Level.STUDY if SERIES not in path else Level.SERIES
    known = {a.tag for a in above(named)} if STUDY in path else set()
    parents = above(Level.STUDY if level is Level.SERIES else Level.SERIES)
    return {attribute.tag for attribute in parents} - known


def _number(said: Mapping[str, str], name: str, default: int) -> int:
    text = said.get(name, "").strip()
    if not text:
        return default
    if not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise Invalid("query.bad_parameter", name=name)
    return int(text)


def _must_exist(session: Session, actor: Actor, path: Mapping[str, str]) -> None:
    statement = select(Study.id)
    if SERIES in path:
        statement = statement.join(Series, col(Series.study_pk) == Study.id).where(
            Series.series_uid == path[SERIES]
        )
    if session.execute(door.through(statement, actor, path[STUDY])).first() is None:
        raise studies_service.not_visible(session, actor, path[STUDY])
