"""Stored bytes, found by a key that this side makes. What was acknowledged is on the disk.

`put` is durable when it returns: written beside its place, fsynced, renamed, and the folder fsynced.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlparse

from mip_app.core.errors import MipError, NotVisible, TooLarge
from mip_app.core.settings import settings

CHUNK = 1 << 20


class NoRoom(MipError):
    code = "error.no_room"
    status = 507


class Folder:
    """Blobs as files below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)

    def path(self, key: str) -> Path:
        return self.root / key

    def receive(self, source: BinaryIO, limit: int) -> "Received":
        """Take a stream into the waiting room. Raises TooLarge, NoRoom."""
        path = self.incoming / secrets.token_hex(16)
        digest = hashlib.sha256()
        size = 0
        try:
            with path.open("xb") as target:
                while chunk := source.read(CHUNK):
                    size += len(chunk)
                    if size > limit:
                        raise TooLarge("ingest.too_large", limit=limit)
                    digest.update(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno == 28:  # ENOSPC
                raise NoRoom() from error
            raise
        return Received(path, digest.hexdigest(), size)

    def keep(self, received: "Received", key: str) -> None:
        """Move what was received to its place; the same key twice is the same bytes."""
        target = self.path(key)
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync(target.parent.parent)
        os.replace(received.path, target)
        _sync(target.parent)

    def put(self, key: str, data: bytes) -> None:
        """Store small bytes that can be made again (a thumbnail): whole or not at all, without fsync."""
        target = self.path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        part = self.incoming / secrets.token_hex(16)
        part.write_bytes(data)
        os.replace(part, target)

    def get(self, key: str) -> bytes | None:
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            return None

    def ranges(self, key: str, parts: list[tuple[int, int]]) -> Iterator[bytes]:
        """The bytes of `parts`, (offset, length) each. Raises NotVisible when the blob is gone."""
        try:
            with self.path(key).open("rb") as source:
                for offset, length in parts:
                    source.seek(offset)
                    yield source.read(length)
        except FileNotFoundError as error:
            raise NotVisible() from error


class Received:
    """A file in the waiting room: complete, on the disk, not yet anybody's."""

    def __init__(self, path: Path, sha256: str, size: int) -> None:
        self.path, self.sha256, self.size = path, sha256, size

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@cache
def blobs(url: str | None = None) -> Folder:
    parsed = urlparse(url or settings().blobs)
    if parsed.scheme != "file":
        raise MipError("error.blobs_url", scheme=parsed.scheme)
    return Folder(Path(unquote(parsed.path)))
