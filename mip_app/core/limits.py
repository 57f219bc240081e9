"""How much one client may hold of this process: bodies, slow connections, event sockets and what they send.

A server in a hospital stands in the open network of the house: a broken device that opens a thousand connections,
or somebody who means to, must not take the pages away from those who read images.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator

from starlette.types import Message, Receive, Scope, Send

from mip_app.core.settings import settings

HEADER_BYTES = 32 * 1024  # all names and values of a request; browsers' own limits are lower
SMALL_BODY = 1024 * 1024
LINGER_SECONDS, LINGER_BYTES = 2.0, 8 * 1024 * 1024  # of a body that was refused
MESSAGE_BYTES = 16 * 1024  # a longer message counts as several
MESSAGES, MESSAGES_AT_ONCE = 200, 400  # a second and tab; a quick hand makes ten
OF_A_STRANGER, OF_A_STRANGER_AT_ONCE = 10, 30
OF_ALL_STRANGERS, OF_ALL_STRANGERS_AT_ONCE = (
    100,
    300,
)  # together: the rest of the machine is for who signed in
PATIENCE = 2.0  # seconds of waiting for others; then the socket is closed, and the page tries again later

_bodies: dict[str, int] = {}


def declare_body(prefix: str, most: int) -> None:
    """A feature's routes below `prefix` take more than a form: files of up to `most` bytes."""
    _bodies[prefix] = most


def most_bytes(path: str) -> tuple[int, bool]:
    """The largest body at `path`, and whether it is a form, which has to be there soon."""
    found = [most for prefix, most in _bodies.items() if path.startswith(prefix)]
    return (max(found), False) if found else (SMALL_BODY, True)


class Gone(Exception):
    """The other side takes nothing any more."""


class Body:
    """What a request sends and takes: cut off when it is too large, too slow, or not taken."""

    def __init__(self, path: str, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._left, form = most_bytes(path)
        self._until = time.monotonic() + 2 * settings().stall_seconds if form else None
        self._complete = False
        self.answered = False
        self.refused = False

    async def receive(self) -> Message:
        if self.refused:
            return {"type": "http.disconnect"}
        if self._complete:  # nothing is to come but the end of the connection, however late
            return await self._receive()
        wait = float(settings().stall_seconds)
        if self._until is not None:
            wait = min(wait, self._until - time.monotonic())
        try:
            # Not `wait_for`: before Python 3.12 that is a task for every block of a body.
            async with asyncio.timeout(max(wait, 0.01)):
                message = await self._receive()
        except TimeoutError:
            return await self._refuse(408)
        self._complete = message["type"] != "http.request" or not message.get("more_body")
        self._left -= len(message.get("body") or b"")
        return message if self._left >= 0 else await self._refuse(413)

    async def send(self, message: Message) -> None:
        if self.refused:
            return
        if message["type"] == "http.response.start" and message["status"] == 413:
            await self._hear_out()
        self.answered = True
        if message["type"] == "http.response.start":  # waits for nothing: it leaves with the body
            await self._send(message)
            return
        # Long: a part of an image may have a slow way. Without it who never reads holds what it asked for.
        try:
            async with asyncio.timeout(6 * settings().stall_seconds):
                await self._send(message)
        except TimeoutError:
            self.refused = True
            raise Gone() from None

    def release(self) -> None:
        """When all is said. Whatever still holds this does not hold the connection open with it."""
        self.refused = True
        self._receive, self._send = _nothing, _nowhere

    async def _refuse(self, status: int) -> Message:
        self.refused = True
        if not self.answered:
            if status == 413:
                await self._hear_out()
            headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
            await self._send({"type": "http.response.start", "status": status, "headers": headers})
            await self._send({"type": "http.response.body", "body": b""})
        return {"type": "http.disconnect"}

    async def _hear_out(self) -> None:
        """Take what is on its way already: closed over unread bytes, a connection loses the answer with them."""
        left = LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while left > 0 and not self._complete:
                    message = await self._receive()
                    self._complete = message["type"] != "http.request" or not message.get("more_body")
                    left -= len(message.get("body") or b"")


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


async def _nowhere(message: Message) -> None: ...


class Pace:
    """So many a second, and a few more at once; who goes faster waits, where that is not too long."""

    def __init__(self, rate: float, most: float) -> None:
        self.rate, self.most = rate, most
        self._left, self._since = most, time.monotonic()

    async def take(self, cost: float) -> bool:
        """False where the wait would be longer than PATIENCE: too many wait already."""
        now = time.monotonic()
        self._left = min(self.most, self._left + (now - self._since) * self.rate)
        self._since = now
        if self._left < -PATIENCE * self.rate:
            return False
        self._left -= cost
        if self._left < 0:
            await asyncio.sleep(-self._left / self.rate)
        return True


def strangers() -> Pace:
    """For all event sockets that nobody signed in to."""
    return Pace(OF_ALL_STRANGERS, OF_ALL_STRANGERS_AT_ONCE)


class Socket:
    """An event socket: heard no faster than it may speak, and only as long as it listens."""

    def __init__(self, receive: Receive, send: Send, shared: Pace | None) -> None:
        self._receive, self._send = receive, send
        own = Pace(OF_A_STRANGER, OF_A_STRANGER_AT_ONCE) if shared else Pace(MESSAGES, MESSAGES_AT_ONCE)
        self._paces = [own, shared] if shared else [own]
        self._free = asyncio.Event()
        self._free.set()
        self._gone = False

    async def receive(self) -> Message:
        # Who does not take the answers is not asked for more: nothing piles up here.
        await self._free.wait()
        if self._gone:
            return {"type": "websocket.disconnect", "code": 1006}
        message = await self._receive()
        if message["type"] != "websocket.receive":
            return message
        text = message.get("text") or message.get("bytes") or ""
        for pace in self._paces:
            if not await pace.take(1 + len(text) / MESSAGE_BYTES):
                self._gone = True
                return {"type": "websocket.disconnect", "code": 1013}
        return message

    async def send(self, message: Message) -> None:
        if self._gone:
            raise Gone()
        self._free.clear()
        try:
            await asyncio.wait_for(self._send(message), settings().stall_seconds)
        except TimeoutError:
            self._gone = True
            raise Gone() from None
        finally:
            self._free.set()


class Shares:
    """How many of something each holder has at the moment."""

    def __init__(self) -> None:
        self._held: Counter[object] = Counter()

    @contextlib.contextmanager
    def one_of(self, holder: object, most: int) -> Iterator[bool]:
        """Whether there is one left for `holder`; it is taken as long as the block lasts."""
        if self._held[holder] >= most:
            yield False
            return
        self._held[holder] += 1
        try:
            yield True
        finally:
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]


def header_bytes(scope: Scope) -> int:
    return sum(len(name) + len(value) for name, value in scope["headers"]) + len(scope["query_string"])
