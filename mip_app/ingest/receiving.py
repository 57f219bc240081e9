"""Files that come over the network: taken in by blocks, in threads of their own, no faster than the disk takes them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import Arriving, blobs
from mip_app.core.settings import settings
from mip_app.ingest.checking import Checked, check_received, refused
from mip_app.ingest.outcome import Kind, Outcome
from mip_app.ingest.service import TOGETHER, Batch, submit, together

P = ParamSpec("P")
R = TypeVar("R")

BLOCK = 1 << 20

# Not the threads that serve pages: a slow disk makes senders wait, not readers.
_threads = ThreadPoolExecutor(8, thread_name_prefix="mip-intake")


def in_thread(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
    """It begins at once, and is there when it is awaited."""
    return asyncio.get_running_loop().run_in_executor(_threads, lambda: work(*args, **kwargs))


async def blocks(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The bytes of a request in pieces of about a MiB, so that a thread is asked once for each."""
    waiting: list[bytes] = []
    size = 0
    async for chunk in stream:
        waiting.append(chunk)
        size += len(chunk)
        if size >= BLOCK:
            yield b"".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield b"".join(waiting)


class Receiving:
    """The files of one request, one after the other: each is checked as it ends, some are committed together.

    What goes wrong with a file is its outcome; the others go in. Called from one thread at a time.
    """

    @needs(Permission.STUDY_UPLOAD)
    def __init__(self, actor: Actor, only_study: str = "") -> None:
        self.actor, self.only_study = actor, only_study
        self.batches: list[Batch] = []
        self._checked: list[Checked | Outcome] = []
        self._name = ""
        self._arriving: Arriving | None = None

    def begin(self, name: str, limit: int | None = None) -> None:
        self._name = name
        if self._checked and isinstance(before := self._checked[-1], Checked):
            before.kept.begin()  # it is not alone: the disk has it while this one comes
        self._arriving = blobs().arriving(settings().max_file_bytes if limit is None else limit)

    def write(self, data: bytes | memoryview) -> None:
        if self._arriving is None:
            return  # refused already: the rest of it is passed over
        try:
            self._arriving.write(data)
        except Exception as error:
            self.abandon()
            self._add(refused(self._name, error))

    def end(self) -> None:
        if self._arriving is not None:
            received = self._arriving.complete()
            self._arriving = None
            self._add(check_received(self.actor, self._name, received, self.only_study))

    def refuse(self, name: str, code: str) -> None:
        """A file that is not even looked into."""
        self._add(Outcome(name, Kind.REFUSED, code))

    def abandon(self) -> None:
        """The connection ended inside a file."""
        if self._arriving is not None:
            self._arriving.discard()
            self._arriving = None

    def finish(self) -> None:
        """Nothing more comes: hand over what is left."""
        self._hand_over(here=not self.batches)  # in their order

    async def outcomes(self) -> list[Outcome]:
        """All of them, when they are committed."""
        for _, stored in self.batches:
            if not stored.done():
                await asyncio.wrap_future(stored)
        return list(self._answers())

    def _hand_over(self, here: bool = False) -> None:
        if self._checked:
            self.batches.append((self._checked, submit(self.actor, self._checked, here)))
            self._checked = []

    def _answers(self) -> Iterator[Outcome]:
        for checked, stored in self.batches:
            yield from together(checked, stored)

    def _add(self, item: Checked | Outcome) -> None:
        self._checked.append(item)
        if len(self._checked) >= TOGETHER:
            self._hand_over()
