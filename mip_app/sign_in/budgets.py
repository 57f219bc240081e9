"""How often something may be done in a period, so that guessing takes for ever.

Counted before it is done, so that what happens at the same time is counted too; by one statement for each row, in
one order for everybody, so that nobody waits for each other. Where one limit is reached nothing is counted: whoever
refuses then may roll back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, delete, select, update

from mip_app.core.clock import utc_now
from mip_app.core.sealing import blind_index
from mip_app.core.settings import settings
from mip_app.sign_in.models import Budget

NOW = timedelta(0)
_TABLE: Any = Budget.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Limit:
    key: str
    most: int
    period: timedelta


def limit(most: int, *what: str, period: timedelta | None = None) -> Limit:
    """At most so often `what` within `period`, by default that of the settings; it may hold what people typed."""
    # Sealed: people type passwords into the field for the account.
    key = blind_index("\n".join(what), "sign_in.budget")
    return Limit(key, most, period or timedelta(minutes=settings().sign_in_wait_minutes))


def spend(session: Session, limits: Iterable[Limit]) -> timedelta:
    """Count once against all of them; or, where one is used up already, how long to wait: a whole period."""
    return spend_or_say(session, limits)[0]


def spend_or_say(session: Session, limits: Iterable[Limit]) -> tuple[timedelta, str]:
    """The same, and the key of the one that has to be waited for longest."""
    now, ordered = utc_now(), _ordered(limits)
    raised = [(each, *_raise(session, each, now)) for each in ordered]
    _prune(session, now)
    waits = [(until - now, each.key) for each, count, until in raised if count > each.most]
    if waits:
        _lower(session, ordered)
    return max(waits, default=(NOW, ""))


def first(session: Session, key: str, wait: timedelta) -> bool:
    """Whether this is the first of its kind in so long: while somebody waits, the log says so once."""
    return not spend(session, [limit(1, "noted", key, period=max(wait, timedelta(seconds=1)))])


def wait_for(session: Session, limits: Iterable[Limit]) -> timedelta:
    """How long until it may be done again; nothing is counted."""
    now = utc_now()
    most = {each.key: each.most for each in limits}
    rows = session.execute(
        select(Budget.key, Budget.count, Budget.until).where(
            col(Budget.key).in_(most), col(Budget.until) > now
        )
    )
    return max((until - now for key, count, until in rows if count >= most[key]), default=NOW)


def give_back(session: Session, limits: Iterable[Limit], *, forget: Iterable[Limit] = ()) -> None:
    """It was rightly done. Once less is counted against `limits`, and nothing any more against those to `forget`."""
    limits, forgotten = list(limits), [each.key for each in forget]
    keys = [*(each.key for each in limits), *forgotten]
    session.execute(
        select(Budget.key).where(col(Budget.key).in_(keys)).order_by(col(Budget.key)).with_for_update()
    ).all()
    _lower(session, limits)
    session.execute(delete(Budget).where(col(Budget.key).in_(forgotten)))


def forget(session: Session, limits: Iterable[Limit]) -> None:
    """Nothing is counted against these any more."""
    give_back(session, (), forget=limits)


def _ordered(limits: Iterable[Limit]) -> list[Limit]:
    return sorted(limits, key=lambda each: each.key)


def _raise(session: Session, limit: Limit, now: datetime) -> tuple[int, datetime]:
    """One more; with the last that is allowed the whole period begins, so that two periods never touch."""
    dialect: Any = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    begins = sa.or_(_TABLE.c.until <= now, _TABLE.c.count == limit.most - 1)
    statement = (
        dialect.insert(_TABLE)
        .values(key=limit.key, count=1, until=now + limit.period)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={
                "count": sa.case((_TABLE.c.until <= now, 1), else_=_TABLE.c.count + 1),
                "until": sa.case((begins, now + limit.period), else_=_TABLE.c.until),
            },
        )
        .returning(_TABLE.c.count, _TABLE.c.until)
    )
    count, until = session.execute(statement).one()
    return count, until


def _lower(session: Session, limits: Iterable[Limit]) -> None:
    keys = [each.key for each in limits]
    session.execute(
        update(Budget)
        .where(col(Budget.key).in_(keys), col(Budget.count) > 0)
        .values(count=col(Budget.count) - 1)
        .execution_options(synchronize_session=False)
    )


def _prune(session: Session, now: datetime) -> None:
    """Some of what is over; a few at a time, and never what somebody else holds."""
    old = (
        select(Budget.key)
        .where(col(Budget.until) <= now)
        .order_by(col(Budget.until))
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    session.execute(
        delete(Budget).where(col(Budget.key).in_(old)).execution_options(synchronize_session=False)
    )
