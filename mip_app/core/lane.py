"""One lane for what takes a second of a core and much memory: pictures drawn anew, lists read.

In the threads that read and write for everybody, a few of those at once would stop the whole service.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from mip_app.core.errors import MipError

P = ParamSpec("P")
R = TypeVar("R")

WAITING = 20


class LaneFull(MipError):
    code = "error.busy"
    status = 503


_in_lane = 0  # changed on the event loop alone


async def in_lane(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` after those who came before. Raises LaneFull when too many did."""
    global _in_lane
    if _in_lane > WAITING:
        raise LaneFull()
    _in_lane += 1
    try:
        return await asyncio.wrap_future(_thread().submit(work, *args, **kwargs))
    finally:
        _in_lane -= 1


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "lane")
