"""What every store of blobs promises."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from mip_app.core.blobs.waiting import Received, WaitingRoom


class Stat(NamedTuple):
    size: int  # bytes
    kept_at: float  # when it was kept last, seconds since 1970


class Store(WaitingRoom, ABC):
    """Bytes arrive in the waiting room (`arriving`, `receive`), are kept under a key, and are read from there.

    A key is made on this side: parts of [A-Za-z0-9._-] with slashes between. Raised where a method says nothing else:
    BlobsAway (503) by a store that cannot be reached, NoRoom (507) by one that is full.
    """

    @abstractmethod
    def keep(self, received: Received, key: str) -> None:
        """Move what was received to its place; durable when it returns. The same key twice is the same bytes.

        When it raises, `received` is the caller's still, and what stood at `key` stands there whole.
        """

    @abstractmethod
    def put(self, key: str, data: bytes) -> None:
        """Store small bytes that can be made again (a thumbnail): whole or not at all."""

    @abstractmethod
    def get(self, key: str) -> bytes | None:
        """All of a small blob; None where there is none."""

    @abstractmethod
    def ranges(self, key: str, parts: list[tuple[int, int]]) -> Iterator[bytes]:
        """The bytes of `parts`, (offset, length) each. The first are read before it returns: raises NotVisible then
        when the blob is gone.
        """

    @abstractmethod
    def remove(self, key: str) -> None:
        """Nothing where there is none."""

    @abstractmethod
    def keys(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        """(key, size) of all that are kept and begin with `prefix`, in any order; memory stays flat."""

    @abstractmethod
    def stat(self, key: str) -> Stat | None:
        """None where there is none."""

    @abstractmethod
    def local(self, key: str) -> AbstractContextManager[Path]:
        """A file to read the blob from, for as long as the context lasts. Raises NotVisible when it is gone."""

    @abstractmethod
    def file(self, key: str) -> Path | None:
        """Where the blob would lie as a file that stays; None in a store that has no files."""
