"""Sign-ins: opened, switched, ended; and who is behind a cookie or an API key."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Row, update
from sqlmodel import Session, col, select

from mip_app.accounts.models import Alliance, ApiKey, Institution, LoginSession, Membership, RoleSet, User
from mip_app.accounts.roles import API_CLIENT, on_side, permissions_of
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Open, Permission, Side, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotPermitted, NotSignedIn, NotVisible
from mip_app.core.settings import settings

LATELY = timedelta(minutes=10)  # a password given so long ago still says who is sitting there
SEEN_EVERY = timedelta(minutes=1)  # how exactly the last activity is known; finer would write at every click


class SignInRefused(NotSignedIn):
    code = "sign_in.refused"


class PasswordNeeded(NotPermitted):
    """For what a device left lying about must not open: whoever asks signs in with the password first."""

    code = "sign_in.password_again"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`keep_for` None: until the browser closes. Of the token only a hash is stored."""

    token: str
    keep_for: timedelta | None
    actor: Actor


def nobody(address: str = "") -> Actor:
    """The actor of acts before anybody is known: a refused sign-in still has an address."""
    return Actor(None, "", None, frozenset(), address=address)


def account_key(account: str) -> str:
    # Half of a surrogate pair and NUL come from no keyboard, and no database takes them.
    return account.encode("utf-8", "ignore").decode().replace("\x00", "").strip().lower()[:100]


@needs(Open.TO_ALL)
def open_session(
    session: Session,
    actor: Actor,
    user_id: int,
    *,
    device: str = "",
    keep: bool = False,
    side: Side = Side.WORK,
    membership_id: int | None = None,
    method: str = "password",
    second_factor: bool = False,
) -> SignedIn:
    """Sign in somebody who has proved who they are, by `method`.

    Without `membership_id` where they were last. On the other side where the asked one has nothing for them,
    except that nobody comes to the administration by default. Raises SignInRefused, NotPermitted.
    """
    membership = _membership(session, user_id, membership_id)
    user = session.get_one(User, user_id)
    allowed = _permissions(session, membership)
    if not on_side(allowed, side):
        if side is Side.ADMIN or not allowed:
            raise NotPermitted("sign_in.not_admin" if allowed else "sign_in.no_rights")
        side = Side.ADMIN
    now = utc_now()
    token = secrets.token_urlsafe(32)
    keep_for = timedelta(days=settings().session_days) if keep and side is Side.WORK else None
    row = LoginSession(
        token_hash=hash_of(token),
        membership_id=membership.id or 0,
        user_id=user_id,
        side=side,
        method=method,
        second_factor_at=now if second_factor else None,
        password_at=now if method == "password" else None,
        created_at=now,
        last_seen_at=now,
        expires_at=now + (keep_for or timedelta(hours=settings().session_hours)),
        address=actor.address,
        device=device[:200],
    )
    user.last_sign_in_at = now
    session.add(row)
    session.flush()
    signed_in = _living(session, col(LoginSession.id) == row.id, actor.address)
    if signed_in is None:
        raise SignInRefused()
    audit.record(session, signed_in, Act.SIGNED_IN, method=method, side=side)
    return SignedIn(token, keep_for, signed_in)


@needs(Open.TO_SIGNED_IN)
def switch(session: Session, actor: Actor, membership_id: int, side: Side) -> SignedIn:
    """Go on in another institution or on the other side: a new sign-in; every tab of the former one is told.

    The administration opens to those who gave their password lately: neither a sign-in kept for days nor one
    that a phone vouched for is enough. Raises NotVisible, NotPermitted, PasswordNeeded.
    """
    user_id = actor.user
    former = session.get_one(LoginSession, actor.session_id)
    if side is Side.ADMIN and not _password_given(former, timedelta(hours=settings().session_hours)):
        raise PasswordNeeded()
    keep = former.expires_at - former.created_at > timedelta(hours=settings().session_hours)
    close_session(session, actor)
    try:
        signed_in = open_session(
            session,
            actor,
            user_id,
            device=former.device,
            keep=keep,
            side=side,
            membership_id=membership_id,
            method=former.method,
            second_factor=former.second_factor_at is not None,
        )
    except SignInRefused as error:  # somebody else's, or none at all
        raise NotVisible("sign_in.no_place") from error
    if signed_in.actor.pending == "enrol" and not _password_given(former, LATELY):
        raise PasswordNeeded()
    return _not_longer(session, signed_in, former)


def require_password(session: Session, actor: Actor) -> None:
    """For services that open a lasting way in. Raises PasswordNeeded where it was not given LATELY."""
    row = session.get(LoginSession, actor.session_id) if actor.session_id else None
    if row is None or not _password_given(row, LATELY):
        raise PasswordNeeded()


def _password_given(row: LoginSession, within: timedelta) -> bool:
    return row.password_at is not None and utc_now() - row.password_at < within


def _not_longer(session: Session, signed_in: SignedIn, former: LoginSession) -> SignedIn:
    """However often somebody switches, the sign-in ends when it would have, and its password grows no younger."""
    row = session.get_one(LoginSession, signed_in.actor.session_id)
    row.expires_at, row.password_at = min(row.expires_at, former.expires_at), former.password_at
    keep_for = row.expires_at - utc_now() if signed_in.keep_for else None
    return replace(signed_in, keep_for=keep_for)


@needs(Open.TO_ENTERING)
def renew_token(session: Session, actor: Actor) -> SignedIn:
    """A fresh token for the same sign-in, after a step that makes it worth more; the former is worth nothing."""
    row = session.get_one(LoginSession, actor.session_id)
    token = secrets.token_urlsafe(32)
    row.token_hash = hash_of(token)
    session.flush()
    again = actor_again(session, actor)
    if again is None:
        raise NotSignedIn()
    kept = row.expires_at - row.created_at > timedelta(hours=settings().session_hours)
    return SignedIn(token, row.expires_at - utc_now() if kept else None, again)


@needs(Open.TO_ENTERING)
def close_session(session: Session, actor: Actor) -> None:
    """Sign out: the cookie is worth nothing from now on, and every tab of this sign-in is told."""
    _revoke(session, col(LoginSession.id) == actor.session_id)
    audit.record(session, actor, Act.SIGNED_OUT)


def end_sessions(session: Session, user_ids: Iterable[int], but: int | None = None, method: str = "") -> None:
    """For services that disable, reset or change people: end all their sign-ins (by `method`), except one."""
    which = col(LoginSession.user_id).in_(list(user_ids))
    _revoke(session, which & (col(LoginSession.method) == method) if method else which, but)


def end_sessions_at(session: Session, memberships: Any) -> None:
    """For services that close a place to its people: end the sign-ins there, and no others of the same people.

    `memberships`: their keys, or a select of them.
    """
    _revoke(session, col(LoginSession.membership_id).in_(memberships))


def end_session(session: Session, session_id: int) -> None:
    """For services that have made sure whose it is."""
    _revoke(session, col(LoginSession.id) == session_id)


def tell_sessions(session: Session, membership_ids: Iterable[int]) -> None:
    """For services that change what people may: their open pages look again."""
    rows = session.exec(
        select(LoginSession.id).where(
            col(LoginSession.membership_id).in_(list(membership_ids)), col(LoginSession.revoked_at).is_(None)
        )
    )
    for row in rows:
        bus.touch(session, bus.session_topic(row))


def _revoke(session: Session, which: ColumnElement[bool], but: int | None = None) -> None:
    revoked = session.execute(
        update(LoginSession)
        .where(which, col(LoginSession.revoked_at).is_(None), col(LoginSession.id) != (but or 0))
        .values(revoked_at=utc_now())
        .returning(col(LoginSession.id))
    )
    for (row,) in revoked.all():
        bus.touch(session, bus.session_topic(row))


@needs(Open.TO_ALL)
def actor_of_token(session: Session, actor: Actor, token: str) -> Actor | None:
    """Who is behind a session cookie, as of now; None when it is over, revoked or never was."""
    return _living(session, col(LoginSession.token_hash) == hash_of(token), actor.address)


@needs(Open.TO_ALL)
def actor_again(session: Session, actor: Actor) -> Actor | None:
    """The same sign-in as it is now: what may have been revoked, or allowed less, since `actor` was made."""
    return _living(session, col(LoginSession.id) == actor.session_id, actor.address)


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


def _living(session: Session, which: ColumnElement[bool], address: str) -> Actor | None:
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


def _pending(found: Row, side: Side) -> str:
    """The step of signing in that is still to do: second_factor, phone, password, enrol, or ''."""
    if found.second_factor_since and not found.second_factor_at:
        return "second_factor"
    if found.first_login:
        return "password" if found.phone_verified_at else "phone"
    if side is Side.ADMIN and settings().admin_second_factor and not found.second_factor_since:
        return "enrol"
    return ""


def own_sets(session: Session, institution_id: int | None) -> dict[str, list[str]]:
    """What an institution made of roles."""
    if institution_id is None:
        return {}
    rows = session.execute(
        select(RoleSet.code, RoleSet.permissions).where(RoleSet.institution_id == institution_id)
    )
    return {row.code: row.permissions for row in rows}


def _permissions(session: Session, membership: Membership) -> frozenset[Permission]:
    sets = own_sets(session, membership.institution_id)
    return permissions_of(
        membership.roles, membership.extra, sets, inside=membership.institution_id is not None
    )


def _membership(session: Session, user_id: int, membership_id: int | None) -> Membership:
    """The one asked for, else the one last used, else the first. Raises SignInRefused."""
    last = (
        select(LoginSession.id)
        .where(LoginSession.membership_id == Membership.id)
        .order_by(col(LoginSession.id).desc())
        .limit(1)
        .correlate(Membership)
        .scalar_subquery()
    )
    alliance = sa.func.coalesce(Membership.alliance_id, Institution.alliance_id)
    statement = (
        select(Membership)
        .join(Institution, col(Institution.id) == Membership.institution_id, isouter=True)
        .join(Alliance, col(Alliance.id) == alliance, isouter=True)
        .where(
            Membership.user_id == user_id,
            col(Membership.disabled).is_(False),
            col(Institution.disabled).is_not(True),
            col(Alliance.disabled).is_not(True),
        )
        .order_by(last.desc().nulls_last(), col(Membership.id))
    )
    if membership_id is not None:
        statement = statement.where(Membership.id == membership_id)
    if (found := session.exec(statement).first()) is None:
        raise SignInRefused()
    return found


def log_of(session: Session, account: str) -> tuple[int, str]:
    """Whom an account belongs to, and in whose log stands that somebody failed to use it; (0, '') for nobody's.

    One question for every account: it takes no longer where there is one.
    """
    return _log(session, col(User.account) == account_key(account))


def log_of_person(session: Session, user_id: int | None) -> str:
    """In whose log stands what somebody did as this person who was not signed in; '' for nobody's."""
    return _log(session, col(User.id) == user_id)[1]


def _log(session: Session, who: sa.ColumnElement[bool]) -> tuple[int, str]:
    found = session.execute(
        sa.select(col(User.id), col(Membership.institution_id), col(Membership.alliance_id))
        .join(Membership, col(Membership.user_id) == User.id, isouter=True)
        .where(who)
        .order_by(col(Membership.id))
        .limit(1)
    ).first()
    if found is None:
        return 0, ""
    where = Actor(None, "", found.institution_id, frozenset(), alliance_id=found.alliance_id)
    return found.id, audit.scope_of(where)


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
