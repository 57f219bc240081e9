"""Reading ranges of stored files: files stay open, and what the page cache holds is read without a thread."""

import asyncio
import ctypes
import errno
import os
import struct
import sys
from pathlib import Path
from threading import Lock

from mip_app.core.keeping import Kept

MOST = 128  # files that stay open
NOT_NOW = (errno.EAGAIN, errno.EOPNOTSUPP, errno.ENOSYS)
RWF_NOWAIT = getattr(os, "RWF_NOWAIT", 0)


# openat2(2): opens what the kernel has the names of in memory, and says EAGAIN where a disk would be waited for.
_OPENAT2, _RESOLVE_CACHED, _AT_FDCWD = 437, 0x20, -100
_HOW = struct.pack("QQQ", os.O_RDONLY | getattr(os, "O_CLOEXEC", 0), 0, _RESOLVE_CACHED)
_syscall = ctypes.CDLL(None, use_errno=True).syscall if sys.platform == "linux" else None


def _open_at_once(path: Path) -> int:
    """A file descriptor, or -1 where a thread has to open it."""
    if _syscall is None:
        return -1
    return int(_syscall(_OPENAT2, _AT_FDCWD, os.fsencode(path), _HOW, len(_HOW)))


class Gone(Exception):
    """The file is not there, or shorter than its index says."""


class _Open:
    """A file that is open as long as it is kept, or somebody reads from it."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._users, self._kept, self._lock = 0, True, Lock()

    def __enter__(self) -> int:
        with self._lock:
            if self.fd < 0:
                raise Gone()
            self._users += 1
            return self.fd

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            self._close()

    def release(self) -> None:
        with self._lock:
            self._kept = False
            self._close()

    def _close(self) -> None:
        if not self._kept and not self._users and self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


class OpenFiles:
    def __init__(self, most: int = MOST) -> None:
        self._open: Kept[str, _Open] = Kept(most, lambda _, file: file.release())

    def __len__(self) -> int:
        return len(self._open)

    def let_go_of_removed(self) -> None:
        """A removed file gives its room on the disk back."""
        self._open.drop(lambda _, file: _removed(file))

    async def read(self, path: Path, offset: int, length: int) -> bytes | bytearray:
        """Those bytes of the file. Raises Gone."""
        with await self._file(path) as fd:
            return await _read(fd, offset, length)

    async def _file(self, path: Path) -> _Open:
        key = str(path)
        found = self._open.get(key)
        if found is None or found.fd < 0:
            fd = _open_at_once(path)
            try:
                found = _Open(fd if fd >= 0 else await asyncio.to_thread(os.open, path, os.O_RDONLY))
            except FileNotFoundError:
                raise Gone() from None
            self._open.put(key, found, 1)
        return found


def _removed(file: _Open) -> bool:
    try:
        with file as fd:
            return os.fstat(fd).st_nlink == 0
    except Gone:
        return True


async def _read(fd: int, offset: int, length: int) -> bytes | bytearray:
    """From the page cache at once where all of it is there; a disk is waited for in a thread. Raises Gone."""
    piece = bytearray(length)
    if RWF_NOWAIT:
        try:
            if os.preadv(fd, [piece], offset, RWF_NOWAIT) == length:
                return piece
        except OSError as error:
            if error.errno not in NOT_NOW:
                raise
    return await asyncio.to_thread(_wait_for, fd, offset, length)


def _wait_for(fd: int, offset: int, length: int) -> bytes:
    data = os.pread(fd, length, offset)
    while len(data) < length:
        more = os.pread(fd, length - len(data), offset + len(data))
        if not more:
            raise Gone()
        data += more
    return data
