"""Seals what was written: runs beside the web process, less than a second behind the acts.

Any number of processes may run it. Whoever seals holds the one lock for it (the write lock of SQLite, an advisory
lock of PostgreSQL), reads the heads under it and adds links to them; the primary key of the seals forbids a fork.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, Row
from sqlmodel import col

from mip_app.audit import chain, heads
from mip_app.audit.models import AuditEntry, AuditSeal
from mip_app.core.clock import utc_now

log = logging.getLogger(__name__)

EVERY = 0.4  # seconds between looks
SWEEP_EVERY = 3600.0  # seconds between looks at the whole log
BATCH = 1000  # entries in one transaction; others wait for it
LOCK = 0x6D69_7061  # PostgreSQL's advisory lock of the sealers
SETTLED_AFTER = 10.0  # seconds

CONTENT: tuple[Any, ...] = (
    col(AuditEntry.id),
    col(AuditEntry.at),
    *(getattr(AuditEntry, name) for name in chain.FIELDS),
    col(AuditEntry.detail),
    col(AuditEntry.mark),
)
_NO_SEAL = ~sa.exists().where(col(AuditSeal.entry_id) == AuditEntry.id)


@dataclass(frozen=True, slots=True)
class _Seen:
    """How far the log went at one moment. On PostgreSQL ids become visible out of their order: all up to `highest`
    are there when the transactions of that moment have ended."""

    highest: int
    oldest: int  # the first transaction that has not ended
    following: int  # the first that has not begun
    at: float


class Sealer:
    """`look` seals all there is to seal; up to `floor` nothing can be unsealed any more."""

    def __init__(self, engine: Engine, reader: Engine) -> None:
        self.engine, self.reader = engine, reader
        self.postgresql = engine.dialect.name == "postgresql"
        self.floor = 0
        self.horizon: _Seen | None = None
        self.swept: float | None = None
        self.complained: set[str] = set()

    def look(self) -> int:
        """How many were sealed."""
        seen = self._seen()
        whole = self.swept is None or seen.at - self.swept > SWEEP_EVERY
        after = 0 if whole else self.floor
        sealed, touched = 0, set(self._scopes() if whole else ())
        while ids := self._unsealed(after):
            touched |= self._seal(ids)
            sealed, after = sealed + len(ids), ids[-1]
        self._settle(seen)
        for scope in touched:
            self.anchor(scope)
        if whole:
            self.swept = seen.at
        return sealed

    def _seen(self) -> _Seen:
        transactions = "0, 0"
        if self.postgresql:
            transactions = (
                "pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
                " pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
            )
        with self.reader.connect() as connection:
            highest, oldest, following = connection.execute(
                sa.text(f"SELECT coalesce(max(id), 0), {transactions} FROM auditentry")
            ).one()
        return _Seen(highest, oldest, following, time.monotonic())

    def _unsealed(self, after: int) -> list[int]:
        # Looked for outside of the lock: over the whole log it takes seconds.
        statement = (
            sa.select(col(AuditEntry.id))
            .where(col(AuditEntry.id) > after, _NO_SEAL)
            .order_by(col(AuditEntry.id))
            .limit(BATCH)
        )
        with self.reader.connect() as connection:
            return [row.id for row in connection.execute(statement)]

    def _seal(self, ids: Sequence[int]) -> set[str]:
        """Add a link for each of `ids` that has none yet; answers whose logs they stand in."""
        statement = (
            sa.select(*CONTENT).where(col(AuditEntry.id).in_(ids), _NO_SEAL).order_by(col(AuditEntry.id))
        )
        with self.engine.begin() as connection:
            if self.postgresql:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            return _add_links(connection, connection.execute(statement).all())

    def _settle(self, seen: _Seen) -> None:
        """Raise the floor as far as nothing older can still appear."""
        if not self.postgresql:  # one writer: ids are visible in their order
            self.floor = max(self.floor, seen.highest)
            return
        then = self.horizon
        if then and seen.oldest >= then.following and seen.at - then.at > SETTLED_AFTER:
            self.floor, self.horizon = max(self.floor, then.highest), None
        if self.horizon is None and seen.highest > self.floor:
            self.horizon = seen

    def _scopes(self) -> list[str]:
        with self.reader.connect() as connection:
            return scopes_of(connection, AuditSeal.scope)

    def anchor(self, scope: str) -> None:
        """Write down the head outside of the database; never over one that this chain does not lead to."""
        with self.reader.connect() as connection:
            number, link = head_of(connection, scope)
            try:
                kept = heads.read(scope)
                leads_on = kept is None or link_at(connection, scope, kept.number) == kept.link
            except heads.HeadForged:
                kept, leads_on = None, False
        if leads_on:
            if kept is None or kept.number < number:
                accepted = kept.accepted if kept else []
                heads.write(heads.Head(scope, number, link, utc_now().isoformat(), accepted))
        elif scope not in self.complained:
            self.complained.add(scope)
            log.error("the audit chain %s does not lead on from its head: run `mip audit verify`", scope)


def _add_links(connection: Connection, rows: Sequence[Row]) -> set[str]:
    by_scope: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_scope[row.scope].append(row)
    seals = []
    for scope, entries in by_scope.items():
        number, link = head_of(connection, scope)
        for row in entries:
            number += 1
            link = chain.link_of(link, scope, number, row.id, content_of(row), row.mark)
            seals.append({"scope": scope, "number": number, "entry_id": row.id, "link": link})
    if seals:
        connection.execute(sa.insert(AuditSeal), seals)
    return set(by_scope)


def content_of(row: Row) -> bytes:
    """The canonical content of a row of `CONTENT`."""
    return chain.canonical(row.at, row._mapping, row.detail)  # type: ignore[arg-type]


def head_of(connection: Connection, scope: str) -> tuple[int, str]:
    """(number, link) of the last seal; (0, '') before the first."""
    found = connection.execute(
        sa.select(col(AuditSeal.number), col(AuditSeal.link))
        .where(col(AuditSeal.scope) == scope)
        .order_by(col(AuditSeal.number).desc())
        .limit(1)
    ).first()
    return (found.number, found.link) if found else (0, "")


def link_at(connection: Connection, scope: str, number: int) -> str | None:
    if number == 0:
        return ""
    return connection.execute(
        sa.select(col(AuditSeal.link)).where(col(AuditSeal.scope) == scope, col(AuditSeal.number) == number)
    ).scalar()


def scopes_of(connection: Connection, column: Any) -> list[str]:
    """The distinct scopes of a table, each found by one step into its index."""
    found: list[str] = []
    while True:
        statement = sa.select(sa.func.min(column))
        if found:
            statement = statement.where(column > found[-1])
        following = connection.execute(statement).scalar()
        if following is None:
            return found
        found.append(following)


async def follow(engine: Engine, reader: Engine) -> None:
    """Run as long as the web process does. `reader` is the engine that cannot write."""
    sealer = Sealer(engine, reader)
    while True:
        try:
            await asyncio.to_thread(sealer.look)
        except Exception:  # the database may be away for a while; nothing is lost, it is sealed later
            log.exception("sealing the audit trail failed")
            await asyncio.sleep(2)
        await asyncio.sleep(EVERY)
