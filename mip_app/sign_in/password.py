"""Signing in with a password: who gets in, and who has to wait."""

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session, col, select

from mip_app.accounts.models import User
from mip_app.accounts.sessions import SignedIn, account_key, log_of, open_session
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, Side, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotSignedIn
from mip_app.core.settings import settings
from mip_app.sign_in.models import SignInFailures


@dataclass(frozen=True, slots=True)
class Known:
    user_id: int
    password_hash: str


class SignInLocked(NotSignedIn):
    code = "sign_in.locked"


@needs(Open.TO_ALL)
def check_wait(session: Session, actor: Actor, account: str) -> None:
    """Raises SignInLocked while an account, existing or not, has to wait."""
    row = session.get(SignInFailures, account_key(account))
    if row and row.locked_until and row.locked_until > utc_now():
        minutes = max(1, round((row.locked_until - utc_now()).total_seconds() / 60))
        raise SignInLocked(minutes=minutes)


@needs(Open.TO_ALL)
def password_of(session: Session, actor: Actor, account: str) -> Known | None:
    """What to verify outside of any transaction (it takes 50 ms on purpose)."""
    found = session.exec(
        select(User.id, User.password_hash).where(
            User.account == account_key(account), col(User.disabled).is_(False)
        )
    ).one_or_none()
    return Known(found[0] or 0, found[1]) if found else None


@needs(Open.TO_ALL)
def accept(
    session: Session, actor: Actor, account: str, user_id: int, *, device: str, keep: bool, side: Side
) -> SignedIn:
    """Sign in whoever's password was right. Raises SignInRefused, NotPermitted."""
    if failures := session.get(SignInFailures, account_key(account)):
        session.delete(failures)
    return open_session(session, actor, user_id, device=device, keep=keep, side=side)


@needs(Open.TO_ALL)
def refuse(session: Session, actor: Actor, account: str) -> bool:
    """Count a wrong password. True when the account now has to wait."""
    now = utc_now()
    limits = settings()
    row = session.get(SignInFailures, account_key(account)) or SignInFailures(
        account=account_key(account), last_at=now
    )
    if row.last_at < now - timedelta(minutes=limits.sign_in_wait_minutes):
        row.count = 0
    row.count, row.last_at = row.count + 1, now
    locked = row.count >= limits.sign_in_attempts
    if locked:
        row.count, row.locked_until = 0, now + timedelta(minutes=limits.sign_in_wait_minutes)
    session.add(row)
    user_id, scope = log_of(session, account)
    subject = f"user:{user_id}" if user_id else ""
    audit.record(session, actor, Act.SIGN_IN_REFUSED, subject, refused=True, scope=scope)
    return locked
