"""One unit of work = one database session = one transaction = one worker thread.

A unit either only looks (`read`) or changes something (`write`). Writers say so at once: on SQLite they begin
IMMEDIATE, because a transaction that reads first and writes later loses updates or fails as locked.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, create_engine

from mip_app.core import bus
from mip_app.core.actor import Actor, current_actor
from mip_app.core.errors import Conflict
from mip_app.core.logs import note
from mip_app.core.settings import settings

P = ParamSpec("P")
R = TypeVar("R")


@cache
def engine(url: str | None = None, read_only: bool = False) -> Engine:
    """The engine of `url` (default: the configured database). Readers have their own, which cannot write."""
    url = url or settings().database
    if url.startswith("sqlite"):
        return _sqlite(url, read_only)
    made = create_engine(url, pool_size=10, max_overflow=20, pool_pre_ping=True)

    @event.listens_for(made, "connect")
    def _no_compiler(dbapi: Any, _record: Any) -> None:
        # Pages are short. What PostgreSQL thinks costly it compiles first, which takes ten times as long as to run it.
        dbapi.execute("SET jit = off")
        dbapi.commit()

    return made.execution_options(postgresql_readonly=True) if read_only else made


def _sqlite(url: str, read_only: bool) -> Engine:
    # A writer waits for the one before it; half a minute is longer than any transaction here takes.
    made = create_engine(url, pool_size=10, max_overflow=20, connect_args={"timeout": 30})

    @event.listens_for(made, "connect")
    def _pragmas(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # the driver must not begin transactions of its own
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # an acknowledged image survives a power cut
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-32000",
            "mmap_size=2147418112",  # the most that SQLite maps; what lies beyond costs a system call a page
        ):
            dbapi.execute(f"PRAGMA {pragma}")
        if read_only:
            dbapi.execute("PRAGMA query_only=ON")

    @event.listens_for(made, "begin")
    def _begin(connection: Any) -> None:
        if read_only:  # cannot fail, and is done at every look: straight to the driver
            connection.connection.dbapi_connection.execute("BEGIN")
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return made


def write(
    service: Callable[Concatenate[Session, Actor, P], R], actor: Actor, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Run a service function in its own transaction: commit on return, roll back on any exception.

    Pages that look at what changed are told after the commit, so whoever looks again sees it. Where somebody else
    was faster with what may be there only once, the service runs again: it sees that now, and says so in its words.
    """
    try:
        return _write(service, actor, *args, **kwargs)
    except IntegrityError as error:
        if not _is_there_already(error):
            raise
    try:
        return _write(service, actor, *args, **kwargs)
    except IntegrityError as error:
        if _is_there_already(error):
            raise Conflict() from None  # its words and values name what people typed
        raise


def _is_there_already(error: IntegrityError) -> bool:
    """Whether a unique constraint was hurt, and no other."""
    unique = (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
    postgresql = getattr(error.orig, "sqlstate", "") == "23505"
    return postgresql or getattr(error.orig, "sqlite_errorcode", 0) in unique


def _write(
    service: Callable[Concatenate[Session, Actor, P], R], actor: Actor, *args: P.args, **kwargs: P.kwargs
) -> R:
    with _unit() as session:
        with session.begin():
            answer = service(session, actor, *args, **kwargs)
            topics = bus.record(session)
        bus.publish(topics)
        for then in session.info.get("after_commit", ()):
            try:
                then()
            except Exception as error:  # what is committed has not failed
                note(error)
    return answer


def read(
    service: Callable[Concatenate[Session, Actor, P], R], actor: Actor, *args: P.args, **kwargs: P.kwargs
) -> R:
    """Run a service function that only looks."""
    with _unit(read_only=True) as session:
        return service(session, actor, *args, **kwargs)


@contextlib.contextmanager
def _unit(read_only: bool = False) -> Iterator[Session]:
    """One that fails leaves nothing behind, except what it asked to be written about its failure."""
    session = Session(engine(read_only=True) if read_only else engine(), expire_on_commit=False)
    try:
        with session:
            yield session
    except Exception:
        for written, actor in session.info.pop("after_failure", ()):
            write(written, actor)
        raise


def glance(
    service: Callable[Concatenate[Session, Actor, P], R], actor: Actor, *args: P.args, **kwargs: P.kwargs
) -> R:
    """`read` for a service of one statement: where that costs trips to a server, without a transaction around it."""
    readers = engine(read_only=True)
    if readers.dialect.name != "sqlite":
        readers = readers.execution_options(isolation_level="AUTOCOMMIT")
    with Session(readers, expire_on_commit=False) as session:
        return service(session, actor, *args, **kwargs)


async def changing(
    service: Callable[Concatenate[Session, Actor, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """`write` for event handlers and routes: the current actor, in a worker thread."""
    actor = current_actor()
    return await asyncio.to_thread(lambda: write(service, actor, *args, **kwargs))


async def looking(
    service: Callable[Concatenate[Session, Actor, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    """`read` for event handlers and routes: the current actor, in a worker thread."""
    actor = current_actor()
    return await asyncio.to_thread(lambda: read(service, actor, *args, **kwargs))
