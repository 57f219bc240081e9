"""Files to take in, out of files, folders, zip and tar archives, one after the other and with flat memory.

Nothing is unpacked by name: names are labels for people. Codes of what is passed over with a word: ingest.not_found,
ingest.unreadable, ingest.bad_zip (damaged), ingest.unsupported_zip (compression method), ingest.encrypted,
ingest.nested_zip, ingest.too_large (one file), ingest.zip_bomb (ratio or total), ingest.too_many (entries).
"""

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from mip_app.dicom import tape
from mip_app.dicom.directory import directory_in, named_in
from mip_app.dicom.elements import Refused

_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_JUNK = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._[^/]*$)", re.IGNORECASE)
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, struct.error, ValueError, NotImplementedError)
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one archive, except `file_bytes`. The ratio counts for entries that grow beyond `ratio_from` bytes."""

    entries: int = 100_000
    file_bytes: int = 4 * GIB
    total_bytes: int = 64 * GIB
    ratio: int = 200
    ratio_from: int = 64 * 1024 * 1024
    directory_bytes: int = 64 * 1024 * 1024  # of a zip, and a DICOMDIR


@dataclass(frozen=True, slots=True)
class Found:
    """`open` gives a stream that raises Refused when an archive entry is not what it says. With `error`, no stream."""

    name: str
    size: int = 0
    open: Callable[[], BinaryIO] | None = None
    error: str = ""
    path: Path | None = None  # when it is a file of its own


def files_in(paths: Iterable[Path], limits: Limits | None = None) -> Iterator[Found]:
    """Every file below `paths`, in the order of their names; symbolic links inside folders are passed over."""
    limits = limits or Limits()
    for path in paths:
        if path.is_dir():
            yield from _folder(path, limits)
        elif path.name.upper() == "DICOMDIR" and path.is_file():
            yield from _folder(path.parent, limits)
        else:
            yield from _file(path, path.name, limits)


def _folder(folder: Path, limits: Limits) -> Iterator[Found]:
    """What its DICOMDIR names, then everything else, each once."""
    done: set[Path] = set()
    top, here = folder.resolve().name, folder.resolve()
    if (directory := directory_in(folder)) is not None:
        try:
            named = named_in(directory, limits.directory_bytes)
        except Refused as refused:
            yield Found(shown(f"{top}/{directory.name}"), error=refused.code)
            named, done = [], {directory.resolve()}
        for path in named:
            done.add(path)
            yield from _file(path, str(PurePosixPath(top, path.relative_to(here).as_posix())), limits)
    for name, inner in _below(folder):
        if not done or inner.resolve() not in done:
            yield from _file(inner, name, limits)


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    top = folder.resolve().name
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            label = str(PurePosixPath(top, path.relative_to(folder).as_posix()))
            if not path.is_symlink() and not _JUNK.search(label):
                yield label, path


def _file(path: Path, name: str, limits: Limits) -> Iterator[Found]:
    name = shown(name)
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            yield Found(name, error="ingest.not_found")
            return
        with path.open("rb") as stream:
            archive = is_archive(stream.read(512))
    except FileNotFoundError:
        yield Found(name, error="ingest.not_found")
    except OSError:
        yield Found(name, error="ingest.unreadable")
    else:
        if archive:
            yield from entries_in(path, name, limits)
        elif about.st_size > limits.file_bytes:
            yield Found(name, about.st_size, error="ingest.too_large")
        else:
            yield Found(name, about.st_size, partial(_file_opened, path), path=path)


def _file_opened(path: Path) -> BinaryIO:
    return path.open("rb")


def is_zip(head: bytes) -> bool:
    """By its first bytes; a DICOM file may carry a zip's mark in its preamble and stays a DICOM file."""
    return head[:4] in _ZIP and head[128:132] != b"DICM"


def is_archive(head: bytes) -> bool:
    """The same of zip, tar and gzip, by the first 512 bytes."""
    return is_zip(head) or tape.is_tar(head) or tape.is_gzip(head)


def entries_in(archive: Path | BinaryIO, name: str, limits: Limits | None = None) -> Iterator[Found]:
    """The files in an archive (a path; a zip may be a seekable stream that stays open while entries are read)."""
    limits = limits or Limits()
    name = shown(name)
    if isinstance(archive, Path):
        with archive.open("rb") as stream:
            zipped = is_zip(stream.read(132))
        if not zipped:
            yield from _tape(archive, name, limits)
            return
    try:
        if (count := _count(archive, limits)) < 0:
            yield Found(name, error="ingest.too_many")
            return
        opened = zipfile.ZipFile(archive)
    except _BROKEN:
        yield Found(name, error="ingest.bad_zip")
        return
    total = _Total(limits.total_bytes)
    told = 0
    place = archive if isinstance(archive, Path) else None
    for number, info in enumerate(opened.infolist()):
        if number >= limits.entries or count > limits.entries:
            yield Found(name, error="ingest.too_many")
            return
        label = f"{name}/{shown(_entry_name(info))}"
        if info.is_dir() or stat.S_ISLNK(info.external_attr >> 16) or _JUNK.search(label):
            continue
        told += info.file_size
        if told > limits.total_bytes:
            yield Found(label, info.file_size, error="ingest.zip_bomb")
            return
        reader = _InZip(opened, number, total, place)
        yield _entry(reader, info, label, limits)


def _tape(archive: Path, name: str, limits: Limits) -> Iterator[Found]:
    bounds = tape.Bounds(
        limits.entries, limits.file_bytes, limits.total_bytes, limits.ratio, limits.ratio_from
    )
    for entry in tape.entries(archive, bounds):
        label = f"{name}/{shown(entry.name)}" if entry.name else name
        if not _JUNK.search(label):
            yield Found(label, entry.size, entry.open, entry.error)


def _entry(reader: "_InZip", info: zipfile.ZipInfo, label: str, limits: Limits) -> Found:
    size = info.file_size
    error = ""
    if info.flag_bits & 0x1:
        error = "ingest.encrypted"
    elif size > limits.file_bytes:
        error = "ingest.too_large"
    elif size > limits.ratio_from and size > limits.ratio * max(info.compress_size, 1):
        error = "ingest.zip_bomb"
    else:
        try:
            with reader.opened.open(info) as stream:
                error = "ingest.nested_zip" if is_zip(stream.read(132)) else ""
        except NotImplementedError:
            error = "ingest.unsupported_zip"
        except RuntimeError:  # zipfile's word for a password
            error = "ingest.encrypted"
        except _BROKEN:
            error = "ingest.bad_zip"
    if error:
        return Found(label, size, error=error)
    return Found(label, size, reader)


class _InZip:
    """Opens one entry; in another process, too, where the zip is a file."""

    def __init__(self, opened: zipfile.ZipFile, number: int, total: "_Total", path: Path | None) -> None:
        self.opened, self.number, self.total, self.path = opened, number, total, path

    def __call__(self) -> BinaryIO:
        info = self.opened.infolist()[self.number]
        return io.BufferedReader(_Entry(self.opened, info, self.total), 64 * 1024)

    def __reduce__(self) -> tuple[Callable[..., "_Elsewhere"], tuple[Path, int, int]]:
        if self.path is None:
            raise TypeError("this zip is a stream")
        return _Elsewhere, (self.path, self.number, self.total.limit)


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """What an `_InZip` is in another process."""

    path: Path
    number: int
    limit: int

    def __call__(self) -> BinaryIO:
        try:
            opened, total = _opened(self.path, self.limit)
            return _InZip(opened, self.number, total, self.path)()
        except (*_BROKEN, IndexError) as error:
            raise Refused("ingest.bad_zip") from error


@lru_cache(1)
def _opened(path: Path, limit: int) -> tuple[zipfile.ZipFile, "_Total"]:
    """Asked for entry after entry."""
    return zipfile.ZipFile(path), _Total(limit)


class _Total:
    """Bytes really unpacked from one archive, whatever its entries claim."""

    def __init__(self, limit: int) -> None:
        self.limit, self.read = limit, 0

    def add(self, count: int) -> None:
        self.read += count
        if self.read > 2 * self.limit:  # each entry may be read twice
            raise Refused("ingest.zip_bomb")


class _Entry(io.RawIOBase):
    """One entry; zipfile itself stops at the declared size and compares the checksum there."""

    def __init__(self, opened: zipfile.ZipFile, info: zipfile.ZipInfo, total: _Total) -> None:
        self._stream, self._total = _open(opened, info), total

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._stream.read(min(len(buffer), 1024 * 1024))
        except _BROKEN as error:
            raise Refused("ingest.bad_zip") from error
        buffer[: len(data)] = data
        self._total.add(len(data))
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _open(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    try:
        return opened.open(info)  # type: ignore[return-value]
    except _BROKEN as error:
        raise Refused("ingest.bad_zip") from error


def _count(archive: Path | BinaryIO, limits: Limits) -> int:
    """Entries the end record tells of; -1 when the directory is too long to be loaded (zipfile loads it whole)."""
    if isinstance(archive, Path):
        with archive.open("rb") as stream:
            return _count(stream, limits)
    size = archive.seek(0, os.SEEK_END)
    start = max(size - 65557 - 76, 0)
    archive.seek(start)
    tail = archive.read()
    if (place := tail.rfind(b"PK\x05\x06")) < 0 or len(tail) - place < 22:
        raise zipfile.BadZipFile
    count, directory = struct.unpack_from("<HL", tail, place + 10)
    if (count == 0xFFFF or directory == 0xFFFFFFFF) and tail[place - 20 : place - 16] == b"PK\x06\x07":
        archive.seek(struct.unpack_from("<Q", tail, place - 12)[0])
        record = archive.read(56)
        if record[:4] != b"PK\x06\x06" or len(record) < 56:
            raise zipfile.BadZipFile
        count, directory = struct.unpack_from("<QQ", record, 32)
    archive.seek(0)
    return -1 if directory > limits.directory_bytes or count > limits.entries else count


def _entry_name(info: zipfile.ZipInfo) -> str:
    """Without the UTF-8 flag the standard says code page 437; Chinese Windows writes GBK, others UTF-8."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.filename


def shown(name: str) -> str:
    """A name as a label: no way up or out, no control or direction marks, at most 200 characters of its end."""
    name = _UNSHOWN.sub("", name.encode("utf-8", "replace").decode("utf-8")).replace("\\", "/")
    parts = [p for p in name.split("/") if p not in ("", ".", "..") and not re.fullmatch("[A-Za-z]:", p)]
    label = "/".join(parts)
    return label if len(label) <= 200 else "…" + label[-199:]
