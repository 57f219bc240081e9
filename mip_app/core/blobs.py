"""Stored bytes, found by a key that this side makes. What was acknowledged is on the disk.

Bytes arrive in a waiting room; `keep` moves them to their place and syncs file and folder.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import time
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

    def arriving(self, limit: int) -> "Arriving":
        """A new file in the waiting room, of at most `limit` bytes."""
        return Arriving(self.incoming / secrets.token_hex(16), limit)

    def receive(self, source: BinaryIO, limit: int) -> "Received":
        """Take a stream into the waiting room. Raises TooLarge, NoRoom."""
        arriving = self.arriving(limit)
        try:
            while chunk := source.read(CHUNK):
                arriving.write(chunk)
            return arriving.complete()
        except BaseException:
            arriving.discard()
            raise

    def keep(self, received: "Received", key: str) -> None:
        """Move what was received to its place; durable when it returns. The same key twice is the same bytes."""
        target = self.path(key)
        folders = [target.parent]
        while not folders[-1].is_dir():  # a new folder is durable by the one it stands in
            folders.append(folders[-1].parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        # New names are synced together with the bytes, in one wait; what stands there stays whole all the time.
        again = target.exists()
        if again:
            _sync(received.path)
        os.replace(received.path, target)
        for path in folders if again else (target, *folders):
            _sync(path)

    def remove(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what was left in the waiting room by a process that was killed a day ago or earlier."""
        before = time.time() - 24 * 3600
        for path in self.incoming.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()

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


class Arriving:
    """A file that is being written into the waiting room, piece by piece."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path, self._limit = path, limit
        self._file = path.open("xb", buffering=0)
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes | memoryview) -> None:
        """Raises TooLarge, NoRoom."""
        self._size += len(data)
        if self._size > self._limit:
            raise TooLarge("ingest.too_large", limit=self._limit)
        self._digest.update(data)
        try:
            while written := self._file.write(data):
                if written == len(data):
                    break
                data = memoryview(data)[written:]
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoRoom() from error
            raise

    def complete(self) -> "Received":
        self._file.close()
        return Received(self._path, self._digest.hexdigest(), self._size)

    def discard(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)


class Received:
    """A complete file in the waiting room, not yet anybody's and not yet synced."""

    def __init__(self, path: Path, sha256: str, size: int) -> None:
        self.path, self.sha256, self.size = path, sha256, size

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """A file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
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
