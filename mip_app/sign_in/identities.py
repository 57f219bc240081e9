"""Signing in through WeChat and WeCom: who is whom, and how an identity is bound to an account."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, col, func, select

from mip_app.accounts.models import Membership, User
from mip_app.accounts.recognising import hash_of
from mip_app.accounts.sessions import (
    SignedIn,
    SignInRefused,
    end_sessions,
    log_of_person,
    open_session,
    require_password,
)
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, Permission, needs
from mip_app.core.addresses import household
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, Invalid, MipError, NotSignedIn, NotVisible
from mip_app.core.settings import settings
from mip_app.sign_in import budgets, wechat, wecom
from mip_app.sign_in.models import ExternalAttempt, ExternalIdentity, PendingBinding, Provider

KEEP = timedelta(minutes=10)
NOTED = 20


class AttemptOver(NotSignedIn):
    """Too late, a second time, or in another browser."""

    code = "external.over"


class Cancelled(NotSignedIn):
    code = "external.cancelled"


class TooManyStarts(MipError):
    code = "external.too_many"
    status = 429


class NoEntry(NotSignedIn):
    """The identity is bound to an account that cannot sign in now."""

    code = "external.no_entry"

    def __init__(self, user_id: int) -> None:
        super().__init__()
        self.user_id = user_id


class BoundElsewhere(Conflict):
    code = "external.bound_elsewhere"


class BindingOver(Conflict):
    code = "external.binding_over"


@dataclass(frozen=True, slots=True)
class Attempt:
    provider: Provider
    inside: bool
    binds: bool
    target: str


@dataclass(frozen=True, slots=True)
class Bound:
    id: int
    provider: str
    at: datetime


def external_kinds() -> list[str]:
    """What is configured, in the order of the buttons."""
    ways = {Provider.WECHAT: wechat.configured, Provider.WECOM: wecom.configured}
    return [provider.value for provider, configured in ways.items() if configured()]


def is_enough(provider: Provider) -> bool:
    """Whether it stands for the second factor too."""
    given = settings()
    return {Provider.WECHAT: given.wechat_is_enough, Provider.WECOM: given.wecom_is_enough}.get(
        provider, False
    )


@needs(Open.TO_ALL)
def begin(
    session: Session,
    actor: Actor,
    provider: Provider,
    browser: str,
    *,
    inside: bool,
    binds: bool,
    target: str,
) -> str:
    """The `state` that this browser takes along: random, good once, for ten minutes. Raises TooManyStarts."""
    most, address = settings().external_starts_address, household(actor.address)
    if budgets.spend(session, [budgets.limit(most, "external", address)]):
        raise TooManyStarts()
    _forget_the_old(session)
    state = secrets.token_hex(16)  # WeCom allows letters and digits alone
    session.add(
        ExternalAttempt(
            state_hash=hash_of(state),
            browser_hash=hash_of(browser),
            provider=provider,
            inside=inside,
            binds=binds,
            target=target[:2000],
            expires_at=utc_now() + KEEP,
        )
    )
    return state


@needs(Open.TO_ALL)
def take_up(session: Session, actor: Actor, provider: Provider, state: str, browser: str) -> Attempt | None:
    """What was begun with `state` in this browser. Used up either way, also when it is somebody else's."""
    taken = session.execute(
        delete(ExternalAttempt)
        .where(col(ExternalAttempt.state_hash) == hash_of(state))
        .returning(
            *(col(ExternalAttempt.provider), col(ExternalAttempt.browser_hash)),
            *(col(ExternalAttempt.inside), col(ExternalAttempt.binds)),
            *(col(ExternalAttempt.target), col(ExternalAttempt.expires_at)),
        )
    ).one_or_none()
    if taken is None or taken.expires_at < utc_now() or taken.provider != provider:
        return None
    if not browser or taken.browser_hash != hash_of(browser):
        return None
    return Attempt(Provider(taken.provider), taken.inside, taken.binds, taken.target)


@needs(Open.TO_ALL)
def owner_of(session: Session, actor: Actor, provider: Provider, subjects: list[str]) -> int | None:
    """Whose account it is, if it is anybody's."""
    found = _identity(session, provider, subjects)
    return found.user_id if found else None


@needs(Open.TO_ALL)
def enter(
    session: Session, actor: Actor, provider: Provider, subjects: list[str], device: str
) -> SignedIn | None:
    """Sign in whom the provider names; None where no account has that identity. Raises NotSignedIn, NotPermitted."""
    found = _identity(session, provider, subjects)
    if found is None:
        return None
    # Begun anew by an administrator: whoever had bound it may be why.
    if found.bound_by == found.user_id and session.get_one(User, found.user_id).first_login:
        raise NotSignedIn("external.no_entry")
    try:
        return open_session(
            session,
            actor,
            found.user_id,
            device=device,
            method=provider,
            second_factor=is_enough(provider),
        )
    except SignInRefused as error:  # the words of a wrong password would mislead here
        raise NoEntry(found.user_id) from error


@needs(Open.TO_ALL)
def note_refused(session: Session, actor: Actor, provider: Provider, error: MipError) -> None:
    """A sign-in through `provider` that came to nothing, in the log of whose account it is.

    Anybody may come back from nowhere as often as they like: of an address the log has so many in an hour.
    """
    if budgets.spend(
        session,
        [budgets.limit(NOTED, "noted.external", household(actor.address), period=timedelta(hours=1))],
    ):
        return
    user_id = error.user_id if isinstance(error, NoEntry) else None
    subject = f"user:{user_id}" if user_id else ""
    log = log_of_person(session, user_id) if user_id else ""
    audit.record(
        session,
        actor,
        Act.SIGN_IN_REFUSED,
        subject,
        refused=True,
        scope=log,
        method=provider,
        reason=error.code,
    )


@needs(Open.TO_ALL)
def keep_for_binding(session: Session, actor: Actor, provider: Provider, subject: str) -> str:
    """A token for this browser: whoever signs in with it within ten minutes may bind the identity."""
    token = secrets.token_urlsafe(32)
    session.add(
        PendingBinding(
            token_hash=hash_of(token), provider=provider, subject=subject, expires_at=utc_now() + KEEP
        )
    )
    return token


@needs(Open.TO_SIGNED_IN)
def waiting(session: Session, actor: Actor, token: str) -> str:
    """Of which provider an identity waits to be bound in this browser; '' where none does."""
    row = session.get(PendingBinding, hash_of(token))
    return row.provider if row and row.expires_at > utc_now() else ""


@needs(Open.TO_SIGNED_IN)
def bind(session: Session, actor: Actor, token: str) -> None:
    """Take the waiting identity: from now on a way in, so the password comes first.

    Raises BindingOver, BoundElsewhere, PasswordNeeded.
    """
    row = session.get(PendingBinding, hash_of(token))
    if row is None or row.expires_at < utc_now():
        raise BindingOver()
    require_password(session, actor)
    session.delete(row)
    attach(session, actor, row.provider, row.subject, actor.user)


@needs(Open.TO_SIGNED_IN)
def decline(session: Session, actor: Actor, token: str) -> None:
    """Forget the waiting identity."""
    session.execute(delete(PendingBinding).where(col(PendingBinding.token_hash) == hash_of(token)))


@needs(Open.TO_SIGNED_IN)
def bound(session: Session, actor: Actor) -> list[Bound]:
    """The actor's own identities, the oldest first."""
    rows = session.exec(
        select(ExternalIdentity)
        .where(ExternalIdentity.user_id == actor.user)
        .order_by(col(ExternalIdentity.id))
    )
    return [Bound(row.id or 0, row.provider, row.bound_at) for row in rows]


@needs(Open.TO_SIGNED_IN)
def unbind(session: Session, actor: Actor, identity_id: int) -> None:
    """Give one of one's own up; what was signed in through it is over. Raises NotVisible."""
    row = session.get(ExternalIdentity, identity_id) if isinstance(identity_id, int) else None
    if row is None or row.user_id != actor.user:
        raise NotVisible()
    _detach(session, actor, row)


@needs(Permission.ADMIN_ACCOUNTS)
def wecom_of(session: Session, actor: Actor, user_id: int) -> str:
    """A doctor's WeCom account, '' without one. Raises NotVisible for those of other institutions."""
    _own_doctor(session, actor, user_id)
    row = session.exec(select(ExternalIdentity).where(*_wecom(user_id))).first()
    return row.subject.partition(":")[2] if row else ""


@needs(Permission.ADMIN_ACCOUNTS)
def bind_wecom(session: Session, actor: Actor, user_id: int, userid: str) -> None:
    """An administrator says what a doctor is called in WeCom; '' unbinds. Raises NotVisible, Conflict, Invalid.

    Only for those who work in this institution alone: it would be a way into the others.
    """
    institutions = _own_doctor(session, actor, user_id)
    name = str(userid).strip()
    if len(name) > 64 or not all(letter.isalnum() or letter in "_-@." for letter in name):
        raise Invalid("external.bad_userid", field="wecom")
    if name and institutions > 1:
        raise Conflict("external.several_institutions", field="wecom")
    for row in session.exec(select(ExternalIdentity).where(*_wecom(user_id))).all():
        if row.subject == wecom.subject_of(name):
            return
        _detach(session, actor, row)
    session.flush()
    if name:
        attach(session, actor, Provider.WECOM, wecom.subject_of(name), user_id)


def attach(session: Session, actor: Actor, provider: Provider, subject: str, user_id: int) -> None:
    """For services that have proved it: the identity is that user's. Raises BoundElsewhere."""
    which = (ExternalIdentity.provider == provider, ExternalIdentity.subject == subject)
    found = session.exec(select(ExternalIdentity).where(*which).with_for_update()).one_or_none()
    if found is not None and found.user_id != user_id:
        raise BoundElsewhere()
    by = actor.user_id or user_id
    if found is not None:
        found.bound_by = by
        return
    session.add(
        ExternalIdentity(provider=provider, subject=subject, user_id=user_id, bound_at=utc_now(), bound_by=by)
    )
    audit.record(session, actor, Act.IDENTITY_BOUND, f"user:{user_id}", provider=provider)


def begin_anew(session: Session, actor: Actor, user_id: int) -> None:
    """For services with which a first sign-in ends: what was bound before a reset opens nothing any more."""
    own = (ExternalIdentity.user_id == user_id, ExternalIdentity.bound_by == user_id)
    ways_in = col(ExternalIdentity.provider).in_([Provider.WECHAT, Provider.WECOM])
    for row in session.exec(select(ExternalIdentity).where(*own, ways_in)).all():
        _detach(session, actor, row)


def _detach(session: Session, actor: Actor, row: ExternalIdentity) -> None:
    session.delete(row)
    end_sessions(session, [row.user_id], but=actor.session_id, method=row.provider)
    audit.record(session, actor, Act.IDENTITY_UNBOUND, f"user:{row.user_id}", provider=row.provider)


def _identity(session: Session, provider: Provider, subjects: list[str]) -> ExternalIdentity | None:
    """By the first name that is known. What an administrator bound counts as long as they vouch for all of it."""
    rows = session.exec(
        select(ExternalIdentity).where(
            ExternalIdentity.provider == provider, col(ExternalIdentity.subject).in_(subjects)
        )
    ).all()
    found = min(rows, key=lambda row: subjects.index(row.subject), default=None)
    if found and found.bound_by != found.user_id and _institutions(session, found.user_id) > 1:
        return None
    return found


def _wecom(user_id: int) -> tuple[Any, ...]:
    return ExternalIdentity.user_id == user_id, ExternalIdentity.provider == Provider.WECOM


def _own_doctor(session: Session, actor: Actor, user_id: int) -> int:
    """In how many institutions they work. Raises NotVisible for those who do not work in the actor's."""
    here: ColumnElement[bool] = col(Membership.institution_id) == actor.institution
    works = select(Membership.id).where(
        here, Membership.user_id == user_id, col(Membership.removed_at).is_(None)
    )
    if not isinstance(user_id, int) or session.exec(works).first() is None:
        raise NotVisible()
    return _institutions(session, user_id)


def _institutions(session: Session, user_id: int) -> int:
    """An alliance or the platform counts as one more."""
    return session.exec(select(func.count(col(Membership.id))).where(Membership.user_id == user_id)).one()


def _forget_the_old(session: Session) -> None:
    for table in (ExternalAttempt, PendingBinding):
        session.execute(delete(table).where(col(table.expires_at) < utc_now()))
