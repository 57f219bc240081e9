"""Lanes for what takes a second of a core, and memory: pictures drawn anew, lists read, reports set.

In the threads that read and write for everybody, a few of those at once would stop the whole service.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from mip_app.core.errors import MipError

P = ParamSpec("P")
R = TypeVar("R")

WAITING = 20


class LaneFull(MipError):
    code = "error.busy"
    status = 503


class Lane:
    """A thread of its own, or a few, and a line in front of it. Used on the event loop alone."""

    def __init__(self, name: str, threads: int = 1, waiting: int = WAITING) -> None:
        self._name, self._in_line = name, 0
        self._threads, self._waiting = threads, waiting
        self._thread: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` after those who came before. Raises LaneFull when too many did."""
        if self._in_line >= self._waiting + self._threads:
            raise LaneFull()
        self._thread = self._thread or ThreadPoolExecutor(self._threads, self._name)
        self._in_line += 1
        try:
            return await asyncio.wrap_future(self._thread.submit(work, *args, **kwargs))
        finally:
            self._in_line -= 1


files = Lane("files")  # lists and pictures that came in
prints = Lane("prints")  # reports being set
# Other programs search by the hundred, and leave the threads of the pages free. A slow search holds up no quick one.
searches = Lane("searches", threads=2, waiting=400)
# What child processes draw and decode (dicom/pixels.py): a thread for each of them; a page asks for fifty thumbnails.
pixels = Lane("pixels", threads=2, waiting=400)
