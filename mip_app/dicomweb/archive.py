"""A study or series as a zip with DICOMDIR (PS3.10), written while it is sent: nothing of it is copied or held.

Files are stored, not deflated: images do not get smaller by it, and a core would be the limit instead of the disk. The
directory comes last; programs find it by its name.
"""

import json
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

from sqlmodel import Session

from mip_app.core.actor import Actor, Permission, needs
from mip_app.dicom.dicomdir import Filed, Record, directory, records
from mip_app.dicomweb import retrieve
from mip_app.studies import corrections, door, tree
from mip_app.studies import service as studies
from mip_app.studies.models import Instance, Series, Study

MOST_PUT_RIGHT = 1 << 26  # bytes by which a header may grow when it is written in UTF-8


@dataclass(frozen=True, slots=True)
class Packed:
    """One file of the zip."""

    name: str
    blob: str
    size: int  # as stored
    corrections: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contents:
    files: list[Packed]
    directory: list[Record]


@needs(Permission.STUDY_READ)
def packed(session: Session, actor: Actor, study_uid: str, series_uid: str = "") -> Contents:
    """What goes into the zip. Raises NotVisible; NotPermitted, where it is granted to look at alone."""
    studies.require_download(session, actor, study_uid)
    columns: tuple[Any, ...] = (
        Series.id,
        Instance.sop_class_uid,
        Instance.sop_instance_uid,
        Instance.transfer_syntax_uid,
        Instance.header,
        Instance.blob,
        Instance.size,
        Study.corrections,
    )
    statement = tree.instances_of(columns, [series_uid] if series_uid else [])
    rows = session.execute(door.through(statement, actor, study_uid).execution_options(yield_per=200))
    files: list[Packed] = []
    # Records are made as rows come: a header is fifty times as large as what the directory says of it.
    listed = list(records(_filed(rows, files)))
    if not files:
        raise studies.not_visible(session, actor, study_uid)
    return Contents(files, listed)


def _filed(rows: Any, files: list[Packed]) -> Iterator[Filed]:
    series, place, number = None, 0, 0
    for key, sop_class, sop_instance, syntax, header, blob, size, right in rows:
        if key != series:
            series, place, number = key, place + 1, 0
        number += 1
        # Names of at most eight capitals and digits (PS3.10 8.5), which every medium takes.
        file_id = ("DICOM", f"SE{place:06}", f"IM{number:06}")
        files.append(Packed("/".join(file_id), blob, size, right))
        said = corrections.apply(right, json.loads(zlib.decompress(header)))
        yield Filed(file_id, sop_class, sop_instance, syntax, said)


class _Outlet:
    """What zipfile writes, until it is sent on. No seeking: sizes and checksums follow their file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None: ...

    def take(self) -> bytes:
        pieces, self._pieces = b"".join(self._pieces), []
        return pieces


def zipped(contents: Contents) -> Iterator[bytes]:
    """The zip, a chunk at a time."""
    outlet = _Outlet()
    with zipfile.ZipFile(cast(IO[bytes], outlet), "w", zipfile.ZIP_STORED) as archive:
        for file in contents.files:
            large = file.size > 2**31 - 1 - MOST_PUT_RIGHT
            with archive.open(_info(file.name), "w", force_zip64=large) as entry:
                for chunk in retrieve.as_it_leaves(file.blob, file.size, file.corrections):
                    entry.write(chunk)
                    yield outlet.take()
        archive.writestr(_info("DICOMDIR"), directory(contents.directory))
        yield outlet.take()
    yield outlet.take()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, time.localtime()[:6])
    info.external_attr = 0o644 << 16
    return info
