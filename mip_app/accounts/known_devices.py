"""Known devices: where a person has signed in before, nobody else's guessing makes them wait."""

import secrets
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from mip_app.accounts.models import KnownDevice
from mip_app.accounts.recognising import hash_of
from mip_app.core.clock import utc_now
from mip_app.core.settings import settings


def is_known(session: Session, user_id: int, token: str) -> bool:
    """Whether that person has signed in on the browser that holds this token."""
    found = session.exec(
        select(KnownDevice.id).where(
            KnownDevice.user_id == user_id,
            KnownDevice.token_hash == hash_of(token),
            col(KnownDevice.last_at) > utc_now() - _kept(),
        )
    ).first()
    return found is not None


def remember(session: Session, user_id: int, token: str) -> str:
    """After a sign-in: the browser's new token. Whoever else holds its former one has nothing."""
    now, fresh = utc_now(), secrets.token_urlsafe(32)
    # Several people may share one computer: it stays known to all of them.
    session.execute(
        update(KnownDevice)
        .where(col(KnownDevice.token_hash) == hash_of(token))
        .values(token_hash=hash_of(fresh))
    )
    row = session.exec(
        select(KnownDevice).where(KnownDevice.user_id == user_id, KnownDevice.token_hash == hash_of(fresh))
    ).one_or_none() or KnownDevice(user_id=user_id, token_hash=hash_of(fresh), last_at=now)
    row.last_at = now
    session.add(row)
    session.execute(delete(KnownDevice).where(col(KnownDevice.last_at) < now - _kept()))
    return fresh


def forget(session: Session, user_ids: Iterable[int]) -> None:
    """For services that reset passwords: a device known so far may be the thief's."""
    session.execute(delete(KnownDevice).where(col(KnownDevice.user_id).in_(list(user_ids))))


def _kept() -> timedelta:
    return timedelta(days=settings().known_device_days)
