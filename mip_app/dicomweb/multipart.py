"""multipart/related answers (PS3.18 8.6.1.2), sent as head, bytes and tail: joining them first costs two thirds."""

import secrets
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import NamedTuple, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

# Threads that wait for a child process to make the next frame. Apart from those that read files, or a few people who
# transcode would keep everybody's downloads waiting.
MAKING = 4


@cache
def _making() -> CapacityLimiter:
    return CapacityLimiter(MAKING)


T = TypeVar("T")


class Part(NamedTuple):
    content_type: str
    location: str
    chunks: Iterator[bytes]


class Related(Response):
    """Parts are read in a worker thread while they are sent: memory stays at one chunk."""

    def __init__(
        self,
        parts: Iterator[Part] | AsyncIterator[Part],
        kind: str,
        headers: dict[str, str] | None = None,
        made: bool = False,
    ) -> None:
        """`made`: chunks are drawn or encoded as they are asked for, not read."""
        self.made = made
        self.boundary = secrets.token_hex(16)
        self.parts = parts if isinstance(parts, AsyncIterator) else in_thread(parts, made)
        super().__init__(
            headers=headers, media_type=f'multipart/related; type="{kind}"; boundary={self.boundary}'
        )
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self._pieces():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": f"\r\n--{self.boundary}--\r\n".encode()})

    async def _pieces(self) -> AsyncIterator[bytes]:
        opening = "--"
        async for part in self.parts:
            head = f"Content-Type: {part.content_type}\r\nContent-Location: {part.location}\r\n\r\n"
            yield f"{opening}{self.boundary}\r\n{head}".encode()
            async for chunk in in_thread(part.chunks, self.made):
                yield chunk
            opening = "\r\n--"


async def in_thread(found: Iterator[T], made: bool = False) -> AsyncIterator[T]:
    """What `found` gives, each waited for in a thread."""
    limiter = _making() if made else None
    while (one := await anyio.to_thread.run_sync(next, found, None, limiter=limiter)) is not None:
        yield one
