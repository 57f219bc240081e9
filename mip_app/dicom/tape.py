"""The files in a tar archive, packed with gzip or not, and the one in a single .gz; unpacked nowhere, by name never.

A tar is read from front to back. Out of a plain one entries are read where they lie; out of a packed one each is set
down in a temporary file as it comes by. Links, devices and sparse files are passed over. Codes: ingest.bad_tar,
ingest.zip_bomb, ingest.too_many, ingest.too_large, ingest.nested_zip.
"""

import gzip
import io
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Self, cast

from mip_app.dicom.elements import Refused

LONGEST_NAME = 1024 * 1024  # tarfile takes long names and pax headers into memory whole
IN_MEMORY = 1024 * 1024
BROKEN = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, OSError, ValueError, OverflowError)


def is_gzip(head: bytes) -> bool:
    return head[:2] == b"\x1f\x8b" and head[128:132] != b"DICM"


def is_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar" and head[128:132] != b"DICM"


@dataclass(frozen=True, slots=True)
class Bounds:
    entries: int
    file_bytes: int
    total_bytes: int
    ratio: int
    ratio_from: int


@dataclass(frozen=True, slots=True)
class Entry:
    """`open` once; '' as name for the one file of a .gz."""

    name: str
    size: int
    open: Callable[[], BinaryIO] | None = None
    error: str = ""


def entries(archive: Path, bounds: Bounds) -> Iterator[Entry]:
    """Ends with an entry that has no name and an error where the archive is damaged, or asks for too much."""
    try:
        with archive.open("rb") as raw:
            packed = is_gzip(raw.read(132))
            raw.seek(0)
            stream = io.BufferedReader(_Unpacked(raw, bounds), IN_MEMORY) if packed else raw
            if packed and not is_tar(stream.peek(512)[:512]):
                yield from _single(stream, bounds)
            else:
                yield from _members(archive, stream, packed, bounds)
    except Refused as refused:
        yield Entry("", 0, error=refused.code)
    except BROKEN:
        yield Entry("", 0, error="ingest.bad_tar")


def _members(archive: Path, stream: BinaryIO, packed: bool, bounds: Bounds) -> Iterator[Entry]:
    size, total = archive.stat().st_size, 0
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as opened:
        for number, member in enumerate(opened):
            if number >= bounds.entries:
                raise Refused("ingest.too_many")
            opened.members.clear()  # type: ignore[attr-defined]  # else it remembers every one
            if not member.isreg() or member.sparse is not None:
                continue
            total += member.size
            if total > bounds.total_bytes:
                raise Refused("ingest.zip_bomb")
            if member.size > bounds.file_bytes:
                yield Entry(member.name, member.size, error="ingest.too_large")
            elif packed:
                yield Entry(member.name, member.size, _set_down(cast(BinaryIO, opened.extractfile(member))))
            elif member.offset_data + member.size > size:
                raise Refused("ingest.bad_tar")
            else:
                yield Entry(member.name, member.size, _part(archive, member.offset_data, member.size))


def _single(stream: BinaryIO, bounds: Bounds) -> Iterator[Entry]:
    inside = bounds.file_bytes + 1
    found = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the reader closes it
    while inside and (piece := stream.read(min(IN_MEMORY, inside))):
        found.write(piece)
        inside -= len(piece)
    if not inside:
        raise Refused("ingest.too_large")
    size = found.tell()
    found.seek(0)
    yield Entry("", size, lambda: cast(BinaryIO, found))


def _set_down(source: BinaryIO) -> Callable[[], BinaryIO]:
    found = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the reader closes it
    shutil.copyfileobj(source, found, IN_MEMORY)
    found.seek(0)
    return lambda: cast(BinaryIO, found)


def _part(archive: Path, offset: int, size: int) -> Callable[[], BinaryIO]:
    return partial(_opened, archive, offset, size)


def _opened(archive: Path, offset: int, size: int) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Part(archive, offset, size)))


class _Part(io.RawIOBase):
    """`size` bytes of a file from `offset` on."""

    def __init__(self, archive: Path, offset: int, size: int) -> None:
        self._file, self._left = archive.open("rb", buffering=0), size
        self._file.seek(offset)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Unpacked(io.RawIOBase):
    """What a gzip file holds, no further than is allowed. Raises Refused."""

    def __init__(self, raw: BinaryIO, bounds: Bounds) -> None:
        self._raw, self._bounds, self._given = raw, bounds, 0
        self._stream = gzip.GzipFile(fileobj=raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(min(len(buffer), IN_MEMORY))
        buffer[: len(data)] = data
        self._given += len(data)
        # Names and gaps count too: a tar has room for both.
        most = 2 * self._bounds.total_bytes
        bomb = self._given > self._bounds.ratio_from and self._given > self._bounds.ratio * self._raw.tell()
        if bomb or self._given > most:
            raise Refused("ingest.zip_bomb")
        return len(data)


class _Member(tarfile.TarInfo):
    def _proc_member(self, tar: tarfile.TarFile) -> Self:
        if self.type in _IN_MEMORY_WHOLE and self.size > LONGEST_NAME:
            raise Refused("ingest.bad_tar")
        return cast(Self, super()._proc_member(tar))  # type: ignore[misc]


_IN_MEMORY_WHOLE = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)
