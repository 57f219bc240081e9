"""Signing in with a password: who gets in, and who has to wait.

`admit` counts the try, the caller verifies (50 ms, on purpose outside of any transaction), `accept` or `refuse`
ends it. Accounts that do not exist go the same way as those that do.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from math import ceil

from sqlmodel import Session, col, select

from mip_app.accounts import known_devices
from mip_app.accounts.models import User
from mip_app.accounts.recognising import hash_of
from mip_app.accounts.sessions import SignedIn, SignInRefused, account_key, log_of, open_session
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, Side, needs
from mip_app.core.addresses import household
from mip_app.core.errors import NotSignedIn
from mip_app.core.settings import settings
from mip_app.sign_in import budgets
from mip_app.sign_in.budgets import Limit, limit


@dataclass(frozen=True, slots=True)
class Known:
    user_id: int
    password_hash: str


@dataclass(frozen=True, slots=True)
class Try:
    """One counted try. `own` is forgotten when it succeeds, `shared` is given back."""

    account: str
    known: Known | None
    own: Limit
    shared: tuple[Limit, ...]

    @property
    def password_hash(self) -> str | None:
        return self.known.password_hash if self.known else None


@dataclass(frozen=True, slots=True)
class Entered:
    signed_in: SignedIn
    device: str  # the browser's token as a known device


class SignInLocked(NotSignedIn):
    code = "sign_in.locked"

    def __init__(self, wait: timedelta) -> None:
        super().__init__(minutes=ceil(wait.total_seconds() / 60))


@needs(Open.TO_ALL)
def admit(session: Session, actor: Actor, account: str, device: str) -> Try:
    """Count a try for `account` from a browser with the token `device`. Raises SignInLocked."""
    key = account_key(account)
    known = _known(session, key)
    limits, address = settings(), household(actor.address)
    if known_devices.is_known(session, known.user_id if known else 0, device):
        tried = Try(key, known, limit(limits.sign_in_attempts, "device", key, hash_of(device)), ())
    else:
        tried = Try(
            key,
            known,
            limit(limits.sign_in_attempts, "pair", key, address),
            (
                limit(limits.sign_in_attempts_account, "account", key),
                limit(limits.sign_in_attempts_address, "address", address),
            ),
        )
    wait, reached = budgets.spend_or_say(session, (tried.own, *tried.shared))
    if wait:
        audit.after_failure(session, actor, partial(_note_waiting, tried=tried, reached=reached, wait=wait))
        raise SignInLocked(wait)
    return tried


@needs(Open.TO_ALL)
def accept(
    session: Session, actor: Actor, tried: Try, *, agent: str, device: str, keep: bool, side: Side
) -> Entered:
    """Sign in whoever's password was right. Raises SignInRefused, NotPermitted."""
    if tried.known is None:
        raise SignInRefused()
    user_id = tried.known.user_id
    signed_in = open_session(session, actor, user_id, device=agent, keep=keep, side=side)
    budgets.give_back(session, tried.shared, forget=[tried.own])
    return Entered(signed_in, known_devices.remember(session, user_id, device))


@needs(Open.TO_ALL)
def refuse(session: Session, actor: Actor, tried: Try) -> timedelta:
    """Write down a refused try. How long the next one has to wait."""
    wait = budgets.wait_for(session, (tried.own, *tried.shared))
    user_id, scope = log_of(session, tried.account)
    subject = f"user:{user_id}" if user_id else ""
    audit.record(session, actor, Act.SIGN_IN_REFUSED, subject, refused=True, scope=scope, waits=bool(wait))
    return wait


def _note_waiting(session: Session, actor: Actor, tried: Try, reached: str, wait: timedelta) -> None:
    """Somebody tries who has to wait: said once, or whoever goes on trying fills the log."""
    if not budgets.first(session, reached, wait):
        return
    user_id, scope = log_of(session, tried.account)
    subject = f"user:{user_id}" if user_id else ""
    audit.record(session, actor, Act.SIGN_IN_REFUSED, subject, refused=True, scope=scope, waiting=True)


def _known(session: Session, key: str) -> Known | None:
    found = session.exec(
        select(User.id, User.password_hash).where(User.account == key, col(User.disabled).is_(False))
    ).one_or_none()
    return Known(found[0] or 0, found[1]) if found else None


def forgive(session: Session, actor: Actor, account: str) -> None:
    """For services that let somebody choose a new password: wrong ones for the former count no more."""
    key = account_key(account)
    budgets.forget(session, [limit(0, "pair", key, household(actor.address)), limit(0, "account", key)])
