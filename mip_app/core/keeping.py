"""Caches of this process: bounded by what they weigh, and by how long an answer may be believed."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """What was used last stays, up to `most` bytes in all; from any thread.

    `dropped` is called with what goes. The newest stays even where it alone is heavier.
    """

    def __init__(self, most: int, dropped: Callable[[K, V], None] | None = None) -> None:
        self.most, self.weight = most, 0
        self._dropped = dropped
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            found = self._held.get(key)
            if found is None:
                return None
            self._held.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, weight: int) -> None:
        with self._lock:
            gone = [(key, self._take(key))] if key in self._held else []
            if gone and gone[0][1] is value:
                gone = []
            self._held[key] = value, weight
            self.weight += weight
            while self.weight > self.most and len(self._held) > 1:
                oldest = next(iter(self._held))
                gone.append((oldest, self._take(oldest)))
        self._let_go(gone)

    def drop(self, which: Callable[[K, V], bool]) -> None:
        with self._lock:
            keys = [key for key, (value, _) in self._held.items() if which(key, value)]
            gone = [(key, self._take(key)) for key in keys]
        self._let_go(gone)

    def __len__(self) -> int:
        return len(self._held)

    def _take(self, key: K) -> V:
        value, weight = self._held.pop(key)
        self.weight -= weight
        return value

    def _let_go(self, gone: list[tuple[K, V]]) -> None:
        if self._dropped:
            for key, value in gone:
                self._dropped(key, value)


class Believed(Generic[K, V]):
    """Answers that hold for a moment; from any thread. `since` is asked before the question, as forgetting may cross it."""

    def __init__(self, seconds: float, most: int) -> None:
        self.seconds, self.most, self.since = seconds, most, 0
        self._held: dict[K, tuple[float, V]] = {}
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        found = self._held.get(key)
        return found[1] if found and found[0] > monotonic() else None

    def put(self, key: K, value: V, since: int) -> None:
        with self._lock:
            if since != self.since:
                return
            if len(self._held) >= self.most:
                self._held.clear()
            self._held[key] = monotonic() + self.seconds, value

    def forget(self) -> None:
        with self._lock:
            self.since += 1
            self._held.clear()

    def __len__(self) -> int:
        return len(self._held)


class AtOnce(Generic[K, V]):
    """Six connections that miss the same thing make it once. On the event loop alone."""

    def __init__(self) -> None:
        self._making: dict[K, asyncio.Future[V]] = {}

    async def made(self, key: K, make: Callable[[], Awaitable[V]]) -> V:
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = asyncio.ensure_future(make())
            making.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(making)  # who asked first may leave
