"""Who is behind a cookie or an API key, as of now."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Row, update
from sqlmodel import Session, col, select

from mip_app.accounts.models import Alliance, ApiKey, Institution, LoginSession, Membership, RoleSet, User
from mip_app.accounts.roles import API_CLIENT, on_side, permissions_of
from mip_app.core.actor import Actor, Open, Side, needs
from mip_app.core.clock import utc_now
from mip_app.core.settings import settings

SEEN_EVERY = timedelta(minutes=1)  # how exactly the last activity is known; finer would write at every click


def nobody(address: str = "") -> Actor:
    """The actor of acts before anybody is known: a refused sign-in still has an address."""
    return Actor(None, "", None, frozenset(), address=address)


@needs(Open.TO_ALL)
def actor_of_token(session: Session, actor: Actor, token: str) -> Actor | None:
    """Who is behind a session cookie, as of now; None when it is over, revoked or never was."""
    return living(session, col(LoginSession.token_hash) == hash_of(token), actor.address)


@needs(Open.TO_ALL)
def actor_again(session: Session, actor: Actor) -> Actor | None:
    """The same sign-in as it is now: what may have been revoked, or allowed less, since `actor` was made."""
    return living(session, col(LoginSession.id) == actor.session_id, actor.address)


_COLUMNS: list[Any] = [
    col(LoginSession.id).label("session_id"),
    LoginSession.side,
    LoginSession.second_factor_at,
    LoginSession.last_seen_at,
    LoginSession.expires_at,
    col(User.id).label("user_id"),
    User.name,
    User.first_login,
    User.phone_verified_at,
    User.second_factor_since,
    col(Membership.id).label("membership_id"),
    Membership.institution_id,
    Membership.alliance_id,
    Membership.roles,
    Membership.extra,
    col(Institution.name).label("institution_name"),
    col(Institution.name_en).label("institution_name_en"),
    col(Institution.alliance_id).label("institution_alliance_id"),
    col(Alliance.name).label("alliance_name"),
    col(Alliance.name_en).label("alliance_name_en"),
    # One row for each edited role of the institution, at least one: all in one statement, for each event asks this.
    RoleSet.code,
    RoleSet.permissions,
]
_LIVING = (
    sa.select(*_COLUMNS)
    .join(User, col(User.id) == LoginSession.user_id)
    .join(Membership, col(Membership.id) == LoginSession.membership_id)
    .join(Institution, col(Institution.id) == Membership.institution_id, isouter=True)
    .join(
        Alliance,
        col(Alliance.id) == sa.func.coalesce(Membership.alliance_id, Institution.alliance_id),
        isouter=True,
    )
    .join(RoleSet, col(RoleSet.institution_id) == Membership.institution_id, isouter=True)
    .where(
        col(Alliance.disabled).is_not(True),
        col(LoginSession.revoked_at).is_(None),
        col(User.disabled).is_(False),
        col(Membership.disabled).is_(False),
        col(Institution.disabled).is_not(True),
    )
)


def living(session: Session, which: ColumnElement[bool], address: str) -> Actor | None:
    rows = session.execute(_LIVING.where(which)).all()
    if not rows or not alive(found := rows[0], utc_now()):
        return None
    sets = {row.code: row.permissions for row in rows if row.code is not None}
    allowed = permissions_of(found.roles, found.extra, sets, inside=found.institution_id is not None)
    side = Side(found.side)
    pending = _pending(found, side)
    return Actor(
        user_id=found.user_id,
        name=found.name,
        institution_id=found.institution_id,
        permissions=frozenset() if pending else on_side(allowed, side),
        institution_name=found.institution_name or "",
        institution_name_en=found.institution_name_en or "",
        alliance_name=found.alliance_name or "",
        alliance_name_en=found.alliance_name_en or "",
        session_id=found.session_id,
        address=address,
        alliance_id=found.alliance_id or found.institution_alliance_id,
        membership_id=found.membership_id,
        side=side,
        pending=pending,
    )


_MEMBER_COLUMNS: list[Any] = [
    User.name,
    User.first_login,
    col(Membership.id).label("membership_id"),
    Membership.roles,
    Membership.extra,
    col(Institution.name).label("institution_name"),
    col(Institution.name_en).label("institution_name_en"),
    Institution.alliance_id,
    RoleSet.code,
    RoleSet.permissions,
]
_MEMBER = (
    sa.select(*_MEMBER_COLUMNS)
    .select_from(Membership)
    .join(User, col(User.id) == Membership.user_id)
    .join(Institution, col(Institution.id) == Membership.institution_id)
    .join(Alliance, col(Alliance.id) == Institution.alliance_id)
    .join(RoleSet, col(RoleSet.institution_id) == Membership.institution_id, isouter=True)
    .where(
        col(Alliance.disabled).is_(False),
        col(Institution.disabled).is_(False),
        col(User.disabled).is_(False),
        col(Membership.disabled).is_(False),
        col(Membership.removed_at).is_(None),
    )
)


@needs(Open.TO_ALL)
def actor_of_member(
    session: Session, actor: Actor, *, user_id: int, institution_id: int, side: Side
) -> Actor | None:
    """For what a person asked for and has done later: they, with what they may now; None: nothing any more."""
    which = (col(Membership.user_id) == user_id, col(Membership.institution_id) == institution_id)
    rows = session.execute(_MEMBER.where(*which)).all()
    if not rows or rows[0].first_login:
        return None
    found = rows[0]
    sets = {row.code: row.permissions for row in rows if row.code is not None}
    return Actor(
        user_id=user_id,
        name=found.name,
        institution_id=institution_id,
        permissions=on_side(permissions_of(found.roles, found.extra, sets, inside=True), side),
        institution_name=found.institution_name,
        institution_name_en=found.institution_name_en,
        address=actor.address,
        alliance_id=found.alliance_id,
        membership_id=found.membership_id,
        side=side,
    )


def _pending(found: Row, side: Side) -> str:
    """The step of signing in that is still to do: second_factor, phone, password, enrol, or ''."""
    if found.second_factor_since and not found.second_factor_at:
        return "second_factor"
    if found.first_login:
        return "password" if found.phone_verified_at else "phone"
    if side is Side.ADMIN and settings().admin_second_factor and not found.second_factor_since:
        return "enrol"
    return ""


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


@needs(Open.TO_ENTERING)
def seen(session: Session, actor: Actor) -> None:
    """Note activity, at most once a minute: idleness ends a sign-in."""
    now = utc_now()
    session.execute(
        update(LoginSession)
        .where(col(LoginSession.id) == actor.session_id, col(LoginSession.last_seen_at) < now - SEEN_EVERY)
        .values(last_seen_at=now)
    )


@needs(Open.TO_ALL)
def actor_of_key(session: Session, actor: Actor, key: str) -> Actor | None:
    """Who is behind `Authorization: Bearer <api key>`."""
    statement = (
        select(ApiKey)
        .join(Institution, col(Institution.id) == ApiKey.institution_id)
        .join(Alliance, col(Alliance.id) == Institution.alliance_id)
        .where(
            ApiKey.key_hash == hash_of(key),
            col(ApiKey.revoked_at).is_(None),
            col(Institution.disabled).is_(False),
            col(Alliance.disabled).is_(False),
        )
    )
    if (row := session.exec(statement).one_or_none()) is None:
        return None
    return Actor(None, row.name, row.institution_id, API_CLIENT, address=actor.address)


def hash_of(secret: str) -> str:
    # The secret has 256 random bits: a fast hash is as good as a slow one.
    return hashlib.sha256(secret.encode()).hexdigest()


def alive(row: Row | LoginSession, now: datetime) -> bool:
    """Whether a sign-in that nobody ended is still good by the clock."""
    idle = (
        timedelta(minutes=settings().admin_idle_minutes)
        if row.side == Side.ADMIN
        else timedelta(hours=settings().session_idle_hours)
    )
    return bool(now < row.expires_at and now < row.last_seen_at + idle)
