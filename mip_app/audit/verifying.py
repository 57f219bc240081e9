"""Proves a chain from its first link to its head, and names the first entry at which it breaks.

Reads in stretches: memory does not grow with the log.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine, Row
from sqlmodel import col

from mip_app.audit import chain, heads
from mip_app.audit.models import AuditEntry, AuditSeal
from mip_app.audit.sealer import CONTENT, content_of, head_of, scopes_of

STRETCH = 5000


class Break(StrEnum):
    CHANGED = "changed"  # the entry does not say what it said when it was sealed
    DELETED = "deleted"  # sealed, and gone
    FORGED = "forged"  # not written by the product, or a copy of an entry
    REORDERED = "reordered"  # true entries in each other's places
    SEAL_MISSING = "seal_missing"  # a number of the chain is gone
    TAIL_CUT = "tail_cut"  # the chain ends before its head
    HEAD_MISSING = "head_missing"  # the file outside of the database is gone
    HEAD_FORGED = "head_forged"  # or is not what was signed
    REWRITTEN = "rewritten"  # the chain is another one than that of its head


@dataclass(slots=True)
class Verdict:
    scope: str
    entries: int = 0  # proven
    first: str = ""  # moments, ISO 8601
    last: str = ""
    unsealed: int = 0
    broken: str = ""
    entry_id: int | None = None  # the first at which it breaks
    number: int | None = None
    accepted: tuple[str, ...] = ()  # losses that an operator accepted after a restore

    @property
    def whole(self) -> bool:
        return not self.broken

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def breaks(self, why: Break, number: int | None = None, entry_id: int | None = None) -> "Verdict":
        self.broken, self.number, self.entry_id = why, number, entry_id
        return self


def all_scopes(engine: Engine) -> list[str]:
    """Every scope that has entries, seals or a head."""
    with engine.connect() as connection:
        found = {*scopes_of(connection, AuditEntry.scope), *scopes_of(connection, AuditSeal.scope)}
    return sorted(found | set(heads.scopes()))


def verify(engine: Engine, scope: str, progress: Callable[[int], None] | None = None) -> Verdict:
    """Stops at the first break. `progress` is told how many are proven, now and then."""
    verdict = Verdict(scope)
    # The head first: the chain may grow beyond it meanwhile, and never be shorter.
    try:
        head = heads.read(scope)
    except heads.HeadForged:
        return verdict.breaks(Break.HEAD_FORGED)
    verdict.accepted = tuple(head.accepted) if head else ()
    if not _prove_links(engine, verdict, head, progress).whole:
        return verdict
    if head is None and verdict.entries:
        return verdict.breaks(Break.HEAD_MISSING)
    if head and head.number > verdict.entries:
        return verdict.breaks(Break.TAIL_CUT, verdict.entries + 1)
    return _prove_rest(engine, verdict)


def _prove_links(
    engine: Engine, verdict: Verdict, head: heads.Head | None, progress: Callable[[int], None] | None
) -> Verdict:
    before = ""
    for row in _rows(engine, verdict.scope):
        number = verdict.entries + 1
        if row.number != number:
            return verdict.breaks(Break.SEAL_MISSING, number)
        if row.id is None:
            return verdict.breaks(Break.DELETED, number, row.entry_id)
        content = content_of(row)
        marked = chain.is_marked(content, row.mark)
        link = chain.link_of(before, verdict.scope, number, row.id, content, row.mark)
        if link != row.link:
            why = Break.REORDERED if marked and row.scope == verdict.scope else Break.CHANGED
            return verdict.breaks(why, number, row.id)
        if not marked:
            return verdict.breaks(Break.FORGED, number, row.id)
        if head and head.number == number and head.link != link:
            return verdict.breaks(Break.REWRITTEN, number, row.id)
        before, verdict.entries = link, number
        at = row.at.isoformat()
        verdict.first, verdict.last = verdict.first or at, max(verdict.last, at)
        if progress and number % STRETCH == 0:
            progress(number)
    return verdict


def _rows(engine: Engine, scope: str) -> Iterator[Row]:
    """Every seal in its order, with its entry where that is still there."""
    last = 0
    while True:
        statement = (
            sa.select(col(AuditSeal.number), col(AuditSeal.entry_id), col(AuditSeal.link), *CONTENT)
            .select_from(AuditSeal)
            .join(AuditEntry, col(AuditEntry.id) == AuditSeal.entry_id, isouter=True)
            .where(col(AuditSeal.scope) == scope, col(AuditSeal.number) > last)
            .order_by(col(AuditSeal.number))
            .limit(STRETCH)
        )
        with engine.connect() as connection:
            rows = connection.execute(statement).all()
        yield from rows
        if len(rows) < STRETCH:
            return
        last = rows[-1].number


def _prove_rest(engine: Engine, verdict: Verdict) -> Verdict:
    """What no link proves: the tail that is not sealed yet, and entries that are copies of others."""
    scope = verdict.scope
    unsealed = (
        sa.select(*CONTENT)
        .where(col(AuditEntry.scope) == scope, ~sa.exists().where(col(AuditSeal.entry_id) == AuditEntry.id))
        .order_by(col(AuditEntry.id))
    )
    copies = (
        sa.select(sa.func.max(AuditEntry.id).label("id"))
        .where(col(AuditEntry.scope) == scope)
        .group_by(AuditEntry.mark)
        .having(sa.func.count() > 1)
        .order_by(sa.func.max(AuditEntry.id))
        .limit(1)
    )
    with engine.connect() as connection:
        for row in connection.execution_options(yield_per=STRETCH).execute(unsealed):
            if not chain.is_marked(content_of(row), row.mark):
                return verdict.breaks(Break.FORGED, None, row.id)
            verdict.unsealed += 1
        copy = connection.execute(copies).first()
        if copy:
            return verdict.breaks(Break.FORGED, None, copy.id)
    return verdict


def accept_loss(engine: Engine, scope: str, at: datetime) -> tuple[int, int]:
    """After a backup was restored: sign the chain's end of now as its head. Gives (former, new) number."""
    with engine.connect() as connection:
        number, link = head_of(connection, scope)
    try:
        former = heads.read(scope)
    except heads.HeadForged:
        former = None
    lost = f"{number + 1}-{former.number}" if former and former.number > number else "?"
    accepted = [*(former.accepted if former else []), f"{lost} {at.isoformat(timespec='seconds')}"]
    heads.write(heads.Head(scope, number, link, at.isoformat(), accepted))
    return former.number if former else 0, number
