"""WADO-RS metadata (PS3.18 10.4.1.1.2): one ready, compressed document per series, kept until the series grows."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from isal import igzip, isal_zlib
from sqlalchemy import func
from sqlmodel import Session, col, select

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import NoRoom, blobs
from mip_app.core.errors import NotVisible
from mip_app.dicom.frames import FrameIndex
from mip_app.dicomweb.locating import ROOT
from mip_app.dicomweb.places import NOW, SeriesNow
from mip_app.dicomweb.syntaxes import UNCOMPRESSED, leaving_syntax
from mip_app.studies import corrections, door
from mip_app.studies import service as studies
from mip_app.studies.models import Instance, Series, Study

LEVEL = 1  # of gzip, by ISA-L: 3 makes half the bytes in five times the time, while somebody waits
GZIP = 16 + zlib.MAX_WBITS
PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"  # its pixels may be floats, which lie under other tags
_NO_PIXELS = FrameIndex(reason="no_pixel_data").to_json()
FORM = 2  # of documents: raised when they say more, or something else; those kept before are found no more


@needs(Permission.STUDY_READ)
def documents(
    session: Session, actor: Actor, study_uid: str, series_uid: str = "", sop_instance_uid: str = ""
) -> list[bytes]:
    """Gzipped JSON arrays, one a series. Raises NotVisible."""
    statement = (
        select(Series.series_uid, *NOW)
        .select_from(Series)
        .join(Study, col(Study.id) == Series.study_pk)
        .order_by(col(Series.series_number), col(Series.id))
    )
    if series_uid:
        statement = statement.where(Series.series_uid == series_uid)
    found = session.execute(door.through(statement, actor, study_uid)).all()
    if not found:
        raise studies.not_visible(session, actor, study_uid)
    if sop_instance_uid:
        uid, pk, *_ = found[0]
        return [_document(session, study_uid, uid, pk, sop_instance_uid)]
    return [_kept(session, SeriesNow(*now), study_uid, uid) for uid, *now in found]


@needs(Permission.STUDY_READ)
def document(session: Session, actor: Actor, series: SeriesNow, study_uid: str, series_uid: str) -> bytes:
    """That of a series that came through the door."""
    return _kept(session, series, study_uid, series_uid)


def joined(parts: list[bytes]) -> bytes:
    """Several gzipped JSON arrays as one."""
    if len(parts) == 1:
        return parts[0]
    arrays = (unpacked(part)[1:-1] for part in parts)
    return _packed(array for array in arrays if array)


def unpacked(packed: bytes) -> bytes:
    """For those who do not take gzip."""
    plain: bytes = igzip.decompress(packed)
    return plain


def entries(packed: bytes) -> Iterator[dict[str, Any]]:
    """The data sets of a document, one at a time: as objects all of them would be twenty times as large."""
    text, at, decoder = unpacked(packed).decode(), 1, json.JSONDecoder()
    while at < len(text) - 1:
        entry, at = decoder.raw_decode(text, at)
        yield entry
        at += 1  # the comma


def folder(institution: int, study: int, since: datetime) -> str:
    """How the keys of all documents of a study begin; of no other, also where its key was another's once."""
    return f"{institution}/made/metadata/{study}-{since:%Y%m%d%H%M%S%f}/"


def key_of(series: SeriesNow) -> str:
    return f"{folder(series.institution, series.study, series.since)}{series.pk}-{series.revision}-{FORM}.json.gz"


def _kept(session: Session, series: SeriesNow, study_uid: str, series_uid: str) -> bytes:
    key = key_of(series)
    kept = blobs().get(key)
    if kept is None:
        kept = _document(session, study_uid, series_uid, series.pk)
        with suppress(NoRoom):  # a full disk keeps nobody from looking
            blobs().put(key, kept)
    return kept


def _document(
    session: Session, study_uid: str, series_uid: str, series_pk: int, sop_instance_uid: str = ""
) -> bytes:
    # How the index of its frames begins tells whether an instance has pixels, and which.
    frames = func.substr(Instance.frames, 1, len(_NO_PIXELS))
    columns: tuple[Any, ...] = (
        Instance.sop_instance_uid,
        Instance.sop_class_uid,
        Instance.transfer_syntax_uid,
        frames,
        Instance.header,
    )
    statement = select(*columns).where(Instance.series_pk == series_pk)
    of_series = select(Study.corrections).join(Series, col(Series.study_pk) == Study.id)
    right = session.exec(door.marked(of_series.where(Series.id == series_pk))).one()
    if sop_instance_uid:
        statement = statement.where(Instance.sop_instance_uid == sop_instance_uid)
    ordered = statement.order_by(col(Instance.instance_number), col(Instance.id))
    rows = session.execute(door.marked(ordered)).all()
    if not rows:
        raise NotVisible()
    at = f"{ROOT}/studies/{study_uid}/series/{series_uid}/instances"
    return _packed(_entry(at, right, *row) for row in rows)


def _packed(entries: Iterable[bytes]) -> bytes:
    """A JSON array of them, gzipped, without ever being whole."""
    packer, lead, pieces = isal_zlib.compressobj(LEVEL, wbits=GZIP), b"[", []
    for entry in entries:
        pieces.append(packer.compress(lead + entry))
        lead = b","
    pieces += packer.compress(b"[]" if lead == b"[" else b"]"), packer.flush()
    return b"".join(pieces)


def _entry(
    at: str,
    right: Mapping[str, Any],
    sop_instance_uid: str,
    sop_class_uid: str,
    syntax_uid: str,
    frames: str,
    header: bytes,
) -> bytes:
    stored = isal_zlib.decompress(header)
    if right:
        made = corrections.apply(right, json.loads(stored))
        stored = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
    # The header names values that stayed in the file by their place there; quotes inside text are escaped.
    bulk = f'"BulkDataURI":"{at}/{sop_instance_uid}/bulkdata/'
    stored = stored.replace(b'"BulkDataURI":"bulkdata/', bulk.encode())
    # Available Transfer Syntax UID (PS3.18 table 10.6.3-5): how the frames leave without being decoded.
    syntax = f'{{"00083002":{{"vr":"UI","Value":["{leaving_syntax(syntax_uid)}"]}},'
    pixels = "}"
    if frames not in ("", _NO_PIXELS) and sop_class_uid != PARAMETRIC_MAP:
        vr = "OW" if syntax_uid in UNCOMPRESSED else "OB"
        pixels = f',"7FE00010":{{"vr":"{vr}",{bulk}7FE00010"}}}}'
    return b"".join((syntax.encode(), memoryview(stored)[1:-1], pixels.encode()))
