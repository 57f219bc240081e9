"""Files set aside: the same SOP Instance UID with other bytes. Both are shown, one is kept; nothing decides by itself."""

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from pydicom.datadict import keyword_for_tag
from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import blobs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, NotVisible
from mip_app.dicom.frames import FrameIndex
from mip_app.dicom.part10 import Header, Refused, read_header
from mip_app.dimse.models import Node
from mip_app.ingest.same import remove_later
from mip_app.maintenance.changing import renew_documents, tell
from mip_app.maintenance.finding import NO_STUDY, FoundStudy, line, size_of, who, zone
from mip_app.studies import door
from mip_app.studies.models import Instance, Patient, Series, SetAside, Study

MOST = 100
LONGEST = 64  # characters of a value in the comparison
MOST_DIFFERENCES = 40
DISCARDED, REPLACED = "discarded", "replaced"


class OtherPlace(Conflict):
    code = "data.other_place"


class Version(TypedDict):
    """One of the two files."""

    bytes: int
    size: str
    received: str
    sender: str
    digest: str  # the first signs of its SHA-256


class AsideRow(TypedDict):
    key: str
    uid: str
    study: FoundStudy  # of the one that is kept; NO_STUDY: it is gone
    received: str
    sender: str
    bytes: int
    size: str
    decision: str  # '' waits
    decided: str
    decided_by: str


class Difference(TypedDict):
    tag: str
    name: str
    kept: str
    aside: str


class Comparison(TypedDict):
    kept: Version
    aside: Version
    differences: list[Difference]
    more: int  # further ones that are not listed
    pixels: bool  # whether the pixel data differ
    replaceable: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a picture of one of the two is drawn from."""

    blob: str
    sha256: str


@needs(Permission.ADMIN_DATA)
def count(session: Session, actor: Actor) -> int:
    return session.exec(door.marked(select(func.count()).where(*_waiting(actor)))).one()


@needs(Permission.ADMIN_DATA)
def listed(session: Session, actor: Actor) -> list[AsideRow]:
    """Those that wait first, then what was decided, the newest first."""
    own = select(SetAside).where(SetAside.institution_id == actor.institution)
    ordered = own.order_by(col(SetAside.decision) != "", col(SetAside.id).desc()).limit(MOST)
    rows = session.exec(door.marked(ordered)).all()
    studies = _studies(session, actor, {row.sop_instance_uid for row in rows})
    here, sender = zone(session, actor.institution), _senders(session, actor)

    def at(moment: datetime | None) -> str:
        return f"{moment.astimezone(here):%Y-%m-%d %H:%M}" if moment else ""

    return [
        AsideRow(
            key=str(row.id),
            uid=row.sop_instance_uid,
            study=studies.get(row.sop_instance_uid, NO_STUDY),
            received=at(row.received_at),
            sender=sender(row.sender),
            bytes=(number := _size(row.blob)),
            size=size_of(number),
            decision=row.decision,
            decided=at(row.decided_at),
            decided_by=row.decided_by,
        )
        for row in rows
    ]


@needs(Permission.ADMIN_DATA)
def compared(session: Session, actor: Actor, aside_id: int) -> Comparison:
    """What differs between the two. Raises NotVisible."""
    aside = _aside(session, actor, aside_id)
    kept = _kept(session, actor, aside.sop_instance_uid)
    here = zone(session, actor.institution)
    other, sender = _header(aside.blob), _senders(session, actor)(aside.sender)
    first = json.loads(zlib.decompress(kept.header))
    found = differences(first, other.json) if other else []
    return Comparison(
        kept=_version(kept.size, kept.received_at.astimezone(here), "", kept.sha256),
        aside=_version(_size(aside.blob), aside.received_at.astimezone(here), sender, aside.sha256),
        differences=found[:MOST_DIFFERENCES],
        more=max(0, len(found) - MOST_DIFFERENCES),
        pixels=other is not None
        and _pixels(kept.blob, kept.frames) != _pixels(aside.blob, other.frames.to_json()),
        replaceable=other is not None and _same_place(session, kept, other),
    )


def differences(first: dict[str, Any], other: dict[str, Any]) -> list[Difference]:
    """Attributes of the top level that say something else, by tag. Pure."""
    return [
        Difference(
            tag=f"({tag[:4]},{tag[4:]})",
            name=keyword_for_tag(int(tag, 16)),
            kept=_shown(first.get(tag)),
            aside=_shown(other.get(tag)),
        )
        for tag in sorted(first.keys() | other.keys())
        if _without_place(first.get(tag)) != _without_place(other.get(tag))
    ]


@needs(Permission.ADMIN_DATA)
def picture(session: Session, actor: Actor, aside_id: int, side: str) -> Picture:
    """Of the one that is `kept`, or of the one set `aside`. Raises NotVisible."""
    aside = _aside(session, actor, aside_id)
    if side == "aside":
        return Picture(aside.blob, aside.sha256)
    if side != "kept":
        raise NotVisible()
    kept = _kept(session, actor, aside.sop_instance_uid)
    return Picture(kept.blob, kept.sha256)


@needs(Permission.ADMIN_DATA)
def discard(session: Session, actor: Actor, aside_id: int) -> None:
    """The first one is right: the other's bytes go, after the commit. Raises NotVisible."""
    aside = _aside(session, actor, aside_id, to_change=True)
    _decide(session, actor, aside, DISCARDED)
    remove_later(session, actor.institution, aside.sop_instance_uid, aside.blob)
    aside.blob = ""
    session.add(aside)


@needs(Permission.ADMIN_DATA)
def replace(session: Session, actor: Actor, aside_id: int) -> None:
    """The other one is right: it takes the place, and the first is set aside as it was. Raises NotVisible, Conflict.

    The first stays as bytes: putting it back is the same act once more.
    """
    aside = _aside(session, actor, aside_id, to_change=True, history=True)
    kept = _kept(session, actor, aside.sop_instance_uid, to_change=True)
    header = _header(aside.blob)
    if header is None or not _same_place(session, kept, header):
        raise OtherPlace()
    was = (kept.blob, kept.sha256, kept.received_at)
    packed = json.dumps(header.json, ensure_ascii=False, separators=(",", ":")).encode()
    kept.blob, kept.sha256, kept.size = aside.blob, aside.sha256, _size(aside.blob)
    kept.sop_class_uid = header.sop_class_uid
    kept.header, kept.frames = zlib.compress(packed, 1), header.frames.to_json()
    kept.frame_count = header.frames.count or header.number_of_frames
    kept.rows, kept.columns = header.rows or None, header.columns or None
    kept.transfer_syntax_uid, kept.instance_number = header.transfer_syntax, header.instance_number
    kept.received_at = utc_now()
    aside.blob, aside.sha256, aside.received_at = was
    session.add(kept)
    _decide(session, actor, aside, REPLACED)
    series = session.exec(door.marked(select(Series.study_pk).where(Series.id == kept.series_pk))).one()
    renew_documents(session, [series])


def _decide(session: Session, actor: Actor, aside: SetAside, decision: str) -> None:
    aside.decision, aside.decided_at, aside.decided_by = decision, utc_now(), actor.name
    session.add(aside)
    audit.record(
        session,
        actor,
        Act.DATA_DECIDED,
        f"instance:{aside.sop_instance_uid}",
        decision=decision,
        number=aside.id,
    )
    tell(session, actor)


def _waiting(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return (col(SetAside.institution_id) == actor.institution, col(SetAside.decision) == "")


def _aside(
    session: Session, actor: Actor, key: int, to_change: bool = False, history: bool = False
) -> SetAside:
    """One whose bytes are there. To be decided it has to wait, or (`history`) to have been replaced itself."""
    statement = select(SetAside).where(
        SetAside.id == key, SetAside.institution_id == actor.institution, SetAside.blob != ""
    )
    if to_change:
        states = ("", REPLACED) if history else ("",)
        statement = statement.where(col(SetAside.decision).in_(states)).with_for_update()
    found = session.exec(door.marked(statement)).one_or_none()
    if found is None:
        raise NotVisible()
    return found


def _kept(session: Session, actor: Actor, uid: str, to_change: bool = False) -> Instance:
    own = select(Instance).where(
        Instance.institution_id == actor.institution, Instance.sop_instance_uid == uid
    )
    found = session.exec(door.marked(own.with_for_update() if to_change else own)).one_or_none()
    if found is None:
        raise NotVisible()
    return found


def _studies(session: Session, actor: Actor, uids: set[str]) -> dict[str, FoundStudy]:
    own = (
        select(Instance.sop_instance_uid, Study, Patient)
        .join(Series, col(Series.id) == Instance.series_pk)
        .join(Study, col(Study.id) == Series.study_pk)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .where(Instance.institution_id == actor.institution, col(Instance.sop_instance_uid).in_(uids))
    )
    return {uid: line(study, who(person)) for uid, study, person in session.exec(door.marked(own)).all()}


def _senders(session: Session, actor: Actor) -> Callable[[str], str]:
    """What a sender is called: a node by its name, where one of the institution's has that title."""
    own = select(Node.ae_title, Node.name).where(Node.institution_id == actor.institution, Node.name != "")
    names: dict[str, set[str]] = {}
    for title, name in session.exec(own):
        names.setdefault(title, set()).add(name)

    def called(sender: str) -> str:
        title = sender.removeprefix("node:")
        found = names.get(title, set()) if title != sender else set()
        return f"{found.pop()} · {title}" if len(found) == 1 else title

    return called


def _same_place(session: Session, kept: Instance, header: Header) -> bool:
    """Whether the other file names the study and series that the first stands in."""
    place = (
        select(Study.study_uid, Series.series_uid)
        .join(Series, col(Series.study_pk) == Study.id)
        .where(Series.id == kept.series_pk)
    )
    return session.execute(door.marked(place)).one() == (header.study_uid, header.series_uid)


def _header(blob: str) -> Header | None:
    try:
        with blobs().local(blob) as path:
            return read_header(path)
    except (Refused, OSError, NotVisible):
        return None


def _size(blob: str) -> int:
    found = blobs().stat(blob) if blob else None
    return found.size if found else 0


def _version(size: int, at: datetime, sender: str, digest: str) -> Version:
    return Version(
        bytes=size, size=size_of(size), received=f"{at:%Y-%m-%d %H:%M:%S}", sender=sender, digest=digest[:12]
    )


def _pixels(blob: str, frames: str) -> bytes:
    """A digest of the frames' bytes."""
    index, digest = FrameIndex.from_json(frames), hashlib.sha256()
    for number in range(1, index.count + 1):
        for chunk in blobs().ranges(blob, index.parts(number)):
            digest.update(chunk)
    return digest.digest()


def _without_place(element: Any) -> Any:
    """A value that stayed in the file is named by its place there, which says nothing about it."""
    if isinstance(element, dict) and "BulkDataURI" in element:
        return {"vr": element.get("vr"), "length": str(element["BulkDataURI"]).rpartition("/")[2]}
    return element


def _shown(element: Any) -> str:
    if not element:
        return ""
    if element.get("vr") == "SQ":
        return f"[{len(element.get('Value', []))}]"
    values = element.get("Value", [])
    if values:
        said = [
            "=".join(str(part) for part in value.values()) if isinstance(value, dict) else str(value)
            for value in values
        ]
        text = "\\".join(said)
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    return "…" if element.get("InlineBinary") or element.get("BulkDataURI") else ""
