"""Counting tries, so that guessing takes for ever. A try is counted before it is known whether it succeeds."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from mip_app.core.clock import utc_now
from mip_app.core.sealing import blind_index
from mip_app.core.settings import settings
from mip_app.sign_in.models import SignInTries

NOW = timedelta(0)
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True)
class Limit:
    key: str
    most: int


def limit(most: int, *what: str) -> Limit:
    """At most so many tries of `what` within the time of the settings; it may hold what people typed."""
    # Sealed: people type passwords into the field for the account.
    return Limit(blind_index("\n".join(what), "sign_in.tries"), most)


def count(session: Session, limits: Iterable[Limit]) -> timedelta:
    """Count one try against all limits; or, where one is reached already, how long to wait before the next."""
    now = utc_now()
    rows = _locked(session, limits, now)
    if wait := _longest(rows, now):
        return wait
    for row, most in rows:
        if row.until <= now:
            row.count, row.until = 0, now + _stretch()
        row.count += 1
        if row.count >= most:
            row.until = now + _stretch()
    session.flush()
    _prune(session, now)
    return NOW


def wait_for(session: Session, limits: Iterable[Limit]) -> timedelta:
    """How long to wait before the next try; nothing is counted."""
    now = utc_now()
    return _longest(_locked(session, limits, now), now)


def give_back(session: Session, limits: Iterable[Limit]) -> None:
    """A counted try was none: it succeeded."""
    for row, _ in _locked(session, limits, utc_now()):
        row.count = max(0, row.count - 1)


def forget(session: Session, limits: Iterable[Limit]) -> None:
    session.execute(delete(SignInTries).where(col(SignInTries.key).in_([each.key for each in limits])))


def _locked(session: Session, limits: Iterable[Limit], now: datetime) -> list[tuple[SignInTries, int]]:
    """Their rows, made where missing, held until the transaction ends: parallel tries come one after another."""
    most = {each.key: each.most for each in limits}
    if not (keys := sorted(most)):
        return []
    made = [{"key": key, "count": 0, "until": now} for key in keys]
    session.execute(_INSERT[session.get_bind().dialect.name](SignInTries).on_conflict_do_nothing(), made)
    rows = session.exec(
        select(SignInTries)
        .where(col(SignInTries.key).in_(keys))
        .order_by(col(SignInTries.key))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return [(row, most[row.key]) for row in rows]


def _longest(rows: list[tuple[SignInTries, int]], now: datetime) -> timedelta:
    return max((row.until - now for row, most in rows if row.count >= most and row.until > now), default=NOW)


def _stretch() -> timedelta:
    return timedelta(minutes=settings().sign_in_wait_minutes)


def _prune(session: Session, now: datetime) -> None:
    old = (
        select(SignInTries.key)
        .where(col(SignInTries.until) < now - _stretch())
        .limit(100)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(SignInTries).where(col(SignInTries.key).in_(old)))
