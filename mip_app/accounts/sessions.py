"""Sign-ins: opened, switched, ended."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, update
from sqlmodel import Session, col, select

from mip_app.accounts.models import Alliance, Institution, LoginSession, Membership, RoleSet, User
from mip_app.accounts.recognising import actor_again, hash_of, living
from mip_app.accounts.roles import on_side, permissions_of
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Open, Permission, Side, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotPermitted, NotSignedIn, NotVisible
from mip_app.core.settings import settings

LATELY = timedelta(minutes=10)  # a password given so long ago still says who is sitting there


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
    signed_in = living(session, col(LoginSession.id) == row.id, actor.address)
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
