"""Says "look again" to open pages. The database is the truth: a lost message costs a refresh, never data.

Topics are written to a change table in the transaction itself, so that other processes (`mip ingest`, a second
web process) are heard too: each web process follows the table. Inside one process a topic is heard at once.
"""

import asyncio
import contextlib
import logging
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, func, insert, text
from sqlmodel import Field, Session, SQLModel, col, select

from mip_app.core.clock import utc_now
from mip_app.core.columns import Utc
from mip_app.core.prepared import Prepared

log = logging.getLogger(__name__)

FOLLOW_EVERY = 0.2  # seconds between looks for changes of other processes
KEEP = timedelta(hours=1)
PRUNE_EVERY = 3600.0  # seconds
PROCESS = secrets.token_hex(8)
SESSION = "session:"


class Change(SQLModel, table=True):
    """What changed, for other processes. Pruned after an hour: whoever was away longer looks anew anyway."""

    id: int | None = Field(default=None, primary_key=True)
    topic: str
    origin: str  # the process that wrote it, which has told its own pages already
    at: datetime = Field(sa_type=Utc)


_ADD = Prepared(insert(Change.__table__), ["topic", "origin", "at"])  # type: ignore[attr-defined]
_listeners: dict[str, set[asyncio.Queue[None]]] = defaultdict(set)
_hearers: list[Callable[[str], None]] = []
_loop: asyncio.AbstractEventLoop | None = None


def touch(session: Session, topic: str) -> None:
    """Note that `topic` changes in this transaction."""
    session.info.setdefault("topics", {})[topic] = None


def session_topic(session_id: int | None) -> str:
    """What a sign-in's tabs listen to: it ended, or its rights changed."""
    return f"{SESSION}{session_id}"


def record(session: Session) -> list[str]:
    """Write the noted topics; called once, at the end of the transaction."""
    topics = list(session.info.pop("topics", ()))
    if topics:
        now = utc_now()
        _ADD.run(session, *({"topic": t, "origin": PROCESS, "at": now} for t in topics))
    return topics


def hear(hearer: Callable[[str], None]) -> None:
    """Call `hearer` with every topic of any process, for what keeps a copy of what the database says.

    Of this process's own changes it hears before whoever made them has an answer, in the thread that made them.
    """
    _hearers.append(hearer)


def _heard(topic: str) -> None:
    for hearer in _hearers:
        hearer(topic)


def publish(topics: Iterable[str]) -> None:
    """Wake this process's listeners. Called after commit, from any thread."""
    topics = list(topics)
    for topic in topics:
        _heard(topic)
    loop = _loop
    if loop is None or loop.is_closed():
        return
    for topic in topics:
        loop.call_soon_threadsafe(_wake, topic)


def _wake(topic: str) -> None:
    for queue in _listeners.get(topic, ()):
        if queue.empty():  # many changes while a page is busy are one
            queue.put_nowait(None)


async def changes(topic: str, every: float | None = None) -> AsyncIterator[None]:
    """Yield once for each "look again"; also every `every` seconds, for what changes by the clock alone."""
    queue: asyncio.Queue[None] = asyncio.Queue()
    _listeners[topic].add(queue)
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(queue.get(), every)
            yield
    finally:
        _listeners[topic].discard(queue)
        if not _listeners[topic]:
            _listeners.pop(topic, None)


class _Follower:
    """Reads the change table; on SQLite only after `data_version` says that another connection committed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.connection: Any = None
        self.version: int | None = None
        self.last = 0

    def start(self) -> None:
        with Session(self.engine) as session:
            self.last = session.exec(select(func.max(Change.id))).one() or 0

    def look(self) -> list[str]:
        if self.engine.dialect.name == "sqlite":
            if self.connection is None:
                self.connection = self.engine.connect()
            dbapi = self.connection.connection.dbapi_connection
            (version,) = dbapi.execute("PRAGMA data_version").fetchone()
            if version == self.version:
                return []
            self.version = version
        with Session(self.engine) as session:
            rows = session.exec(
                select(Change).where(col(Change.id) > self.last).order_by(col(Change.id))
            ).all()
        if rows:
            self.last = rows[-1].id or self.last
        return list(dict.fromkeys(row.topic for row in rows if row.origin != PROCESS))

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None


async def follow(engine: Engine) -> None:
    """Run as long as the web process does: hear what other processes changed."""
    global _loop
    _loop = asyncio.get_running_loop()
    follower = _Follower(engine)
    started, pruned = False, 0.0
    try:
        while True:
            try:
                if not started:
                    await asyncio.to_thread(follower.start)
                    started = True
                if not pruned or time.monotonic() - pruned > PRUNE_EVERY:
                    pruned = time.monotonic()
                    await asyncio.to_thread(_prune, engine)
                for topic in await asyncio.to_thread(follower.look):
                    _heard(topic)
                    _wake(topic)
            except Exception:  # the database may be away for a while: pages go on, and look again later
                log.exception("following the change table failed")
                follower.close()
                await asyncio.sleep(2)
            await asyncio.sleep(FOLLOW_EVERY)
    finally:
        follower.close()


def _prune(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        prune(session)


def prune(session: Session) -> None:
    """Forget changes older than an hour."""
    session.execute(delete(Change).where(col(Change.at) < utc_now() - KEEP))


def reachable(session: Session) -> bool:
    """Whether the database answers (for /healthz)."""
    return session.execute(text("SELECT 1")).scalar() == 1
