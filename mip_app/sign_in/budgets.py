"""How often something may be done in a period. Counted before it is done, so that parallel tries are counted too.

Each budget is one row that is raised by one statement: on PostgreSQL the row then stays locked until the end of
the transaction, on SQLite there is one writer anyway. Who counts must not roll back: answer, do not raise.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, delete

from mip_app.core.clock import utc_now
from mip_app.sign_in.models import Budget

_TABLE: Any = Budget.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Limit:
    key: str
    most: int
    period: timedelta


def spend(session: Session, limits: Iterable[Limit]) -> int:
    """Count once against each until one is used up: 0, or the seconds to wait for that one.

    Everybody names them in one order (address, phone, person), or two could wait for each other.
    """
    return spend_or_say(session, limits)[0]


def spend_or_say(session: Session, limits: Iterable[Limit]) -> tuple[int, str]:
    """The same, and the key of the one that is used up."""
    now = utc_now()
    for limit in limits:
        count, until = _raise(session, limit, now)
        if count > limit.most:
            return max(1, round((until - now).total_seconds())), limit.key
    return 0, ""


def first(session: Session, key: str, seconds: float) -> bool:
    """Whether this is the first of its kind in so many seconds: while somebody waits, the log says so once."""
    return not spend(session, [Limit(f"noted.{key}", 1, timedelta(seconds=max(1, seconds)))])


def left(session: Session, limit: Limit) -> int:
    """How often it may still be done."""
    row = session.get(Budget, limit.key)
    return limit.most - row.count if row and row.until > utc_now() else limit.most


def give_back(session: Session, keys: Iterable[str]) -> None:
    """It was rightly done: what was counted against these is forgotten."""
    session.execute(delete(Budget).where(col(Budget.key).in_(list(keys))))


def prune(session: Session) -> None:
    session.execute(delete(Budget).where(col(Budget.until) < utc_now()))


def _raise(session: Session, limit: Limit, now: datetime) -> tuple[int, datetime]:
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    over = _TABLE.c.until <= now
    statement = (
        dialect.insert(_TABLE)
        .values(key=limit.key, count=1, until=now + limit.period)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={
                "count": sa.case((over, 1), else_=_TABLE.c.count + 1),
                "until": sa.case((over, now + limit.period), else_=_TABLE.c.until),
            },
        )
        .returning(_TABLE.c.count, _TABLE.c.until)
    )
    count, until = session.execute(statement).one()
    return count, until
