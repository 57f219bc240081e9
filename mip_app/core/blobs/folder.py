"""Blobs as files below one folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from mip_app.core.blobs.contract import Stat, Store
from mip_app.core.blobs.waiting import Received, room
from mip_app.core.errors import NotVisible


class Folder(Store):
    def __init__(self, root: Path) -> None:
        self.root, self._root = root, str(root)
        super().__init__(root / "incoming")  # on the same disk, so that keeping is a rename

    def path(self, key: str) -> Path:
        return self.root / key

    def file(self, key: str) -> Path | None:
        return self.path(key)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        path = self.path(key)
        if not path.is_file():
            raise NotVisible()
        yield path

    def keep(self, received: Received, key: str) -> None:
        # Paths as text: this is done for every image that comes in.
        source, target = str(received.path), f"{self._root}/{key}"
        folder = os.path.dirname(target)
        new: list[str] = []
        with room():
            # New names are synced together with the bytes, in one wait; what stands there stays whole all the time.
            # A sync that fails leaves the file: somebody else may have been told of the same one. Doctor removes it.
            again = os.path.exists(target)
            if again:
                _sync(source)
            try:
                os.replace(source, target)
            except FileNotFoundError:
                new = _made(folder)
                os.replace(source, target)
            for path in (folder,) if again else (target, folder, *new):
                _sync(path)

    def remove(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    def put(self, key: str, data: bytes) -> None:
        target = self.path(key)
        part = self.place()
        try:
            with room():
                target.parent.mkdir(parents=True, exist_ok=True)
                part.write_bytes(data)
                os.replace(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def get(self, key: str) -> bytes | None:
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            return None

    def ranges(self, key: str, parts: list[tuple[int, int]]) -> Iterator[bytes]:
        pieces = self._pieces(key, parts)
        return chain([next(pieces)], pieces) if parts else pieces

    def _pieces(self, key: str, parts: list[tuple[int, int]]) -> Iterator[bytes]:
        try:
            with self.path(key).open("rb") as source:
                for offset, length in parts:
                    source.seek(offset)
                    yield source.read(length)
        except FileNotFoundError as error:
            raise NotVisible() from error

    def keys(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        above = prefix.rpartition("/")[0]
        for key, size in self._below(self.root / above if above else self.root):
            if key.startswith(prefix):
                yield key, size

    def _below(self, folder: Path) -> Iterator[tuple[str, int]]:
        try:
            entries = list(os.scandir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if Path(entry) != self.incoming:
                    yield from self._below(Path(entry))
                continue
            with suppress(FileNotFoundError):
                yield Path(entry).relative_to(self.root).as_posix(), entry.stat().st_size

    def stat(self, key: str) -> Stat | None:
        try:
            found = self.path(key).stat()
        except FileNotFoundError:
            return None
        return Stat(found.st_size, found.st_mtime)


def _made(folder: str) -> list[str]:
    """The folders in which new ones stand, now that `folder` is there: by those they are durable."""
    holding = []
    above = folder
    while not os.path.isdir(above):
        above = os.path.dirname(above)
        holding.append(above)
    os.makedirs(folder, exist_ok=True)
    return holding


def _sync(path: str) -> None:
    """A file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
