"""Signing in and out, and who is behind a cookie or an API key."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col, select

from mip_app.accounts.models import (
    ApiKey,
    Institution,
    LoginSession,
    Membership,
    Role,
    SignInFailures,
    User,
)
from mip_app.accounts.roles import API_CLIENT, PERMISSIONS
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotSignedIn
from mip_app.core.settings import settings

SEEN_EVERY = timedelta(minutes=1)  # how exactly the last activity is known; finer would write at every click


class SignInRefused(NotSignedIn):
    code = "sign_in.refused"


class SignInLocked(NotSignedIn):
    code = "sign_in.locked"


@dataclass(frozen=True, slots=True)
class SignedIn:
    token: str  # for the cookie; only its hash is stored
    keep_for: timedelta | None  # None: until the browser closes


def nobody(address: str = "") -> Actor:
    """The actor of acts before anybody is known: a refused sign-in still has an address."""
    return Actor(None, "", None, frozenset(), address=address)


def account_key(account: str) -> str:
    return account.strip().lower()[:100]


def check_wait(session: Session, actor: Actor, account: str) -> None:
    """Raises SignInLocked while an account, existing or not, has to wait."""
    row = session.get(SignInFailures, account_key(account))
    if row and row.locked_until and row.locked_until > utc_now():
        minutes = max(1, round((row.locked_until - utc_now()).total_seconds() / 60))
        raise SignInLocked(minutes=minutes)


def password_hash_of(session: Session, actor: Actor, account: str) -> str | None:
    """The hash to verify outside of any transaction (it takes 50 ms on purpose)."""
    statement = select(User.password_hash).where(
        User.account == account_key(account), col(User.disabled).is_(False)
    )
    return session.exec(statement).one_or_none()


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
    audit.record(session, actor, Act.SIGN_IN_REFUSED, refused=True)
    return locked


def open_session(session: Session, actor: Actor, account: str, device: str, keep: bool) -> SignedIn:
    """Sign in whoever's password was right. Raises SignInRefused for a person without any membership."""
    now = utc_now()
    found = session.exec(
        select(User, Membership)
        .join(Membership, col(Membership.user_id) == User.id)
        .where(User.account == account_key(account), col(User.disabled).is_(False))
        .order_by(col(Membership.id))
    ).first()
    if found is None:
        raise SignInRefused()
    user, membership = found
    if failures := session.get(SignInFailures, account_key(account)):
        session.delete(failures)
    token = secrets.token_urlsafe(32)
    keep_for = timedelta(days=settings().session_days) if keep else None
    row = LoginSession(
        token_hash=hash_of(token),
        membership_id=membership.id or 0,
        user_id=user.id or 0,
        created_at=now,
        last_seen_at=now,
        expires_at=now + (keep_for or timedelta(hours=settings().session_idle_hours)),
        address=actor.address,
        device=device[:200],
    )
    session.add(row)
    session.flush()
    audit.record(session, _actor(row, user, membership, actor.address), Act.SIGNED_IN)
    return SignedIn(token, keep_for)


def close_session(session: Session, actor: Actor) -> None:
    """Sign out: the cookie is worth nothing from now on, and every tab of this sign-in is told."""
    session.execute(
        update(LoginSession)
        .where(col(LoginSession.id) == actor.session_id, col(LoginSession.revoked_at).is_(None))
        .values(revoked_at=utc_now())
    )
    audit.record(session, actor, Act.SIGNED_OUT)
    bus.touch(session, bus.session_topic(actor.session_id))


def actor_of_token(session: Session, actor: Actor, token: str) -> Actor | None:
    """Who is behind a session cookie, as of now; None when it is over, revoked or never was."""
    return _living(session, LoginSession.token_hash == hash_of(token), actor.address)


def actor_again(session: Session, actor: Actor) -> Actor | None:
    """The same sign-in as it is now: what may have been revoked, or allowed less, since `actor` was made."""
    return _living(session, LoginSession.id == actor.session_id, actor.address)


def _living(session: Session, which: ColumnElement[bool] | bool, address: str) -> Actor | None:
    found = session.exec(
        select(LoginSession, User, Membership, Institution)
        .join(User, col(User.id) == LoginSession.user_id)
        .join(Membership, col(Membership.id) == LoginSession.membership_id)
        .join(Institution, col(Institution.id) == Membership.institution_id, isouter=True)
        .where(which)
    ).first()
    if found is None:
        return None
    row, user, membership, institution = found
    if user.disabled or row.revoked_at or not _alive(row, utc_now()):
        return None
    return _actor(row, user, membership, address, institution.name if institution else "")


_seen: dict[int, datetime] = {}  # when this process last noted a sign-in's activity


def idle_for_long(actor: Actor) -> bool:
    """Whether activity should be noted again: at most once a minute and sign-in."""
    now = utc_now()
    if (
        actor.session_id is None
        or now - _seen.get(actor.session_id, datetime.min.replace(tzinfo=UTC)) < SEEN_EVERY
    ):
        return False
    _seen[actor.session_id] = now
    return True


def seen(session: Session, actor: Actor) -> None:
    """Note activity, at most once a minute: idleness ends a sign-in."""
    now = utc_now()
    session.execute(
        update(LoginSession)
        .where(col(LoginSession.id) == actor.session_id, col(LoginSession.last_seen_at) < now - SEEN_EVERY)
        .values(last_seen_at=now)
    )


def actor_of_key(session: Session, actor: Actor, key: str) -> Actor | None:
    """Who is behind `Authorization: Bearer <api key>`."""
    statement = select(ApiKey).where(ApiKey.key_hash == hash_of(key), col(ApiKey.revoked_at).is_(None))
    if (row := session.exec(statement).one_or_none()) is None:
        return None
    return Actor(None, row.name, row.institution_id, API_CLIENT, address=actor.address)


def hash_of(secret: str) -> str:
    # The secret has 256 random bits: a fast hash is as good as a slow one.
    return hashlib.sha256(secret.encode()).hexdigest()


def _alive(row: LoginSession, now: datetime) -> bool:
    return now < row.expires_at and now < row.last_seen_at + timedelta(hours=settings().session_idle_hours)


def _actor(
    row: LoginSession, user: User, membership: Membership, address: str, institution: str = ""
) -> Actor:
    return Actor(
        user_id=user.id,
        name=user.name,
        institution_id=membership.institution_id,
        permissions=PERMISSIONS[Role(membership.role)],
        institution_name=institution,
        session_id=row.id,
        address=address,
    )
