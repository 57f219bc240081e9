"""A line in front of everything that hashes passwords: however many guess, the rest of the server goes on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import ParamSpec, TypeVar

from mip_app.core.errors import MipError
from mip_app.core.settings import settings

P = ParamSpec("P")
R = TypeVar("R")


class Busy(MipError):
    code = "sign_in.busy"
    status = 503


_in_line = 0  # changed on the event loop alone


async def in_line(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `work` in one of the few threads for it, after those who came before. Raises Busy when too many did."""
    global _in_line
    if _in_line >= settings().password_checks + settings().password_checks_waiting:
        raise Busy()
    _in_line += 1
    try:
        return await asyncio.wrap_future(_threads().submit(work, *args, **kwargs))
    finally:
        _in_line -= 1


@cache
def _threads() -> ThreadPoolExecutor:
    # Threads of its own: those of the event loop read and write for everybody else.
    return ThreadPoolExecutor(settings().password_checks, "password")
