"""WADO-RS metadata (PS3.18 10.4.1.1.2): one ready, compressed document per series, kept until the series grows."""

import gzip
import json
import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from sqlmodel import Session, col, select

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import NoRoom, blobs
from mip_app.core.errors import NotVisible
from mip_app.dicomweb.locating import ROOT
from mip_app.dicomweb.syntaxes import leaving_syntax
from mip_app.studies import corrections, door
from mip_app.studies import service as studies
from mip_app.studies.models import Instance, Series, Study

LEVEL = 3  # of gzip: beyond it, an eighth fewer bytes cost three times as long, while somebody waits


@needs(Permission.STUDY_READ)
def documents(
    session: Session, actor: Actor, study_uid: str, series_uid: str = "", sop_instance_uid: str = ""
) -> list[bytes]:
    """Gzipped JSON arrays, one a series. Raises NotVisible."""
    statement = (
        select(Series.id, Series.series_uid, Series.revision, Study.institution_id)
        .join(Study, col(Study.id) == Series.study_pk)
        .order_by(col(Series.series_number), col(Series.id))
    )
    if series_uid:
        statement = statement.where(Series.series_uid == series_uid)
    found = session.execute(door.through(statement, actor, study_uid)).all()
    if not found:
        raise studies.not_visible(session, actor, study_uid)
    if sop_instance_uid:
        return [_document(session, study_uid, found[0][1], found[0][0], sop_instance_uid)]
    return [_kept(session, whose, study_uid, uid, pk, revision) for pk, uid, revision, whose in found]


def joined(parts: list[bytes]) -> bytes:
    """Several gzipped JSON arrays as one."""
    if len(parts) == 1:
        return parts[0]
    arrays = (gzip.decompress(part)[1:-1] for part in parts)
    return gzip.compress(b"[" + b",".join(array for array in arrays if array) + b"]", 3)


def _kept(
    session: Session, institution: int, study_uid: str, series_uid: str, pk: int, revision: int
) -> bytes:
    key = f"{institution}/made/metadata/{pk}-{revision}.json.gz"
    kept = blobs().get(key)
    if kept is None:
        kept = _document(session, study_uid, series_uid, pk)
        with suppress(NoRoom):  # a full disk keeps nobody from looking
            blobs().put(key, kept)
    return kept


def _document(
    session: Session, study_uid: str, series_uid: str, series_pk: int, sop_instance_uid: str = ""
) -> bytes:
    columns = (Instance.sop_instance_uid, Instance.transfer_syntax_uid, Instance.header)
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
    return gzip.compress(b"[" + b",".join(_entry(at, right, *row) for row in rows) + b"]", LEVEL)


def _entry(
    at: str, right: Mapping[str, Any], sop_instance_uid: str, transfer_syntax_uid: str, header: bytes
) -> bytes:
    stored = zlib.decompress(header)
    if right:
        made = corrections.apply(right, json.loads(stored))
        stored = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
    # The header names values that stayed in the file by their place there; quotes inside text are escaped.
    bulk = f'"BulkDataURI":"{at}/{sop_instance_uid}/bulkdata/'.encode()
    stored = stored.replace(b'"BulkDataURI":"bulkdata/', bulk)
    # Available Transfer Syntax UID (PS3.18 table 10.6.3-5): how the frames leave without being decoded.
    syntax = f'{{"00083002":{{"vr":"UI","Value":["{leaving_syntax(transfer_syntax_uid)}"]}},'.encode()
    return syntax + stored[1:]
