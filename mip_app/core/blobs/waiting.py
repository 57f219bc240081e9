"""The waiting room: files on this machine's disk that are arriving, and are nobody's yet."""

import contextlib
import errno
import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from mip_app.core.errors import MipError, TooLarge

CHUNK = 1 << 20
FORGOTTEN = 24 * 3600  # seconds after which nobody is writing a file any more


class NoRoom(MipError):
    code = "error.no_room"
    status = 507


class BlobsAway(MipError):
    """The store does not answer, or refuses us; what was asked for may work in a moment."""

    code = "error.blobs_away"
    status = 503


@contextlib.contextmanager
def room() -> Iterator[None]:
    """A full disk, or one's share of it used up, in our words."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoRoom() from error
        raise


class Arriving:
    """A file that is being written into the waiting room, piece by piece."""

    def __init__(self, path: Path, limit: int) -> None:
        self._path, self._limit = path, limit
        with room():
            self._file = FileIO(path, "x")
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes | memoryview) -> None:
        """Raises TooLarge, NoRoom."""
        self._size += len(data)
        if self._size > self._limit:
            raise TooLarge("ingest.too_large", limit=self._limit)
        self._digest.update(data)
        with room():
            while written := self._file.write(data):
                if written == len(data):
                    break
                data = memoryview(data)[written:]

    def complete(self) -> "Received":
        """Raises NoRoom, and leaves nothing then."""
        try:
            with room():
                # The disk begins now, and its sync waits for less later.
                os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                self._file.close()
        except BaseException:
            self._path.unlink(missing_ok=True)
            raise
        return Received(self._path, self._digest.hexdigest(), self._size)

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        self._path.unlink(missing_ok=True)


class Received:
    """A complete file in the waiting room, not yet anybody's and not yet synced."""

    def __init__(self, path: Path, sha256: str, size: int) -> None:
        self.path, self.sha256, self.size = path, sha256, size

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


class WaitingRoom:
    """The part that every store has in common."""

    def __init__(self, incoming: Path) -> None:
        self.incoming = incoming
        self.incoming.mkdir(parents=True, exist_ok=True)

    def place(self) -> Path:
        """A name that nobody has."""
        return self.incoming / secrets.token_hex(16)

    def arriving(self, limit: int) -> Arriving:
        """A new file in the waiting room, of at most `limit` bytes. Raises NoRoom."""
        return Arriving(self.place(), limit)

    def receive(self, source: BinaryIO, limit: int) -> Received:
        """Take a stream into the waiting room. Raises TooLarge, NoRoom, and leaves nothing then."""
        arriving = self.arriving(limit)
        try:
            while chunk := source.read(CHUNK):
                arriving.write(chunk)
            return arriving.complete()
        except BaseException:
            arriving.discard()
            raise

    def tidy(self) -> None:
        """Remove what was left in the waiting room by a process that was killed a day ago or earlier."""
        before = time.time() - FORGOTTEN
        for path in self.incoming.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()
