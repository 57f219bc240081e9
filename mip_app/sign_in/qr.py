"""Signing in a computer with a phone that is signed in already.

The computer shows a code and keeps a secret. The phone approves the code; only the browser with the secret is let
in, once, within two minutes, and as the sign-in that approved. Unknown, expired and used are one answer.
"""

import ipaddress
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from sqlalchemy import delete, update
from sqlmodel import Session, col, or_, select

from mip_app.accounts import known_devices
from mip_app.accounts.agents import device_of
from mip_app.accounts.models import LoginSession
from mip_app.accounts.recognising import actor_again, hash_of
from mip_app.accounts.sessions import log_of_person, open_session
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Open, Side, needs
from mip_app.core.addresses import household
from mip_app.core.clock import utc_now
from mip_app.core.errors import MipError, NotPermitted, NotVisible
from mip_app.core.settings import settings
from mip_app.sign_in import budgets
from mip_app.sign_in.models import QrSignIn, QrState
from mip_app.sign_in.password import Entered

COLLECT_WITHIN = timedelta(seconds=15)  # an approval in the last second is still one
KEEP = timedelta(hours=1)
GONE = "gone"
METHOD = "qr"
_UNDECIDED = (QrState.WAITING, QrState.SCANNED)


class QrGone(NotVisible):
    code = "sign_in.qr_gone"


class QrTooMany(MipError):
    code = "sign_in.qr_too_many"
    status = 429


@dataclass(frozen=True, slots=True)
class Issued:
    code: str  # for the picture
    secret: str  # for the browser's cookie
    seconds: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What the computer is told."""

    state: str
    seconds: int
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Asking:
    """What the phone is shown of the computer."""

    device: str
    address: str  # masked
    network: str  # same, inside, outside
    minutes: int  # since it asked


@needs(Open.TO_ALL)
def issue(session: Session, actor: Actor, agent: str, former: str) -> Issued:
    """A code for this browser; the one it had before is worth nothing. Raises QrTooMany."""
    now = utc_now()
    if budgets.spend(session, [budgets.limit(settings().qr_codes_address, "qr", household(actor.address))]):
        raise QrTooMany()
    session.execute(
        delete(QrSignIn).where(
            or_(col(QrSignIn.browser_hash) == hash_of(former), col(QrSignIn.expires_at) < now - KEEP)
        )
    )
    code, secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    session.add(
        QrSignIn(
            code_hash=hash_of(code),
            browser_hash=hash_of(secret),
            device=agent[:300],
            address=actor.address,
            created_at=now,
            expires_at=now + timedelta(seconds=settings().qr_seconds),
        )
    )
    return Issued(code, secret, settings().qr_seconds)


@needs(Open.TO_ALL)
def seen(session: Session, actor: Actor, secret: str) -> Seen:
    """How far the code of the browser with this secret is."""
    row = session.exec(
        select(QrSignIn).where(QrSignIn.browser_hash == hash_of(secret), col(QrSignIn.expires_at) > utc_now())
    ).one_or_none()
    if row is None or row.state == QrState.USED:
        return Seen(GONE, 0)
    return Seen(row.state, int((row.expires_at - utc_now()).total_seconds()), _topic(row.id))


@needs(Open.TO_SIGNED_IN)
def scan(session: Session, actor: Actor, code: str) -> Asking:
    """Which computer asks; it is told that its code was scanned. Raises QrGone, NotPermitted."""
    _may_approve(session, actor)
    row = _undecided(session, code)
    row.state = QrState.SCANNED
    bus.touch(session, _topic(row.id))
    return Asking(
        device=device_of(row.device),
        address=masked(row.address),
        network=network(row.address, actor.address),
        minutes=int((utc_now() - row.created_at).total_seconds() // 60),
    )


@needs(Open.TO_SIGNED_IN)
def decide(session: Session, actor: Actor, code: str, approve: bool) -> None:
    """Approve the code or decline it; the first decision counts. Raises QrGone, NotPermitted."""
    _may_approve(session, actor)
    row = _undecided(session, code)
    if approve:
        row.state, row.session_id = QrState.APPROVED, actor.session_id
        row.expires_at = max(row.expires_at, utc_now() + COLLECT_WITHIN)
    else:
        row.state = QrState.REFUSED
    act = Act.SIGN_IN_APPROVED if approve else Act.SIGN_IN_DECLINED
    audit.record(session, actor, act, device=device_of(row.device), computer=row.address)
    bus.touch(session, _topic(row.id))


@needs(Open.TO_ALL)
def enter(session: Session, actor: Actor, secret: str, *, agent: str, device: str) -> Entered:
    """Sign in the browser with this secret, once, as the sign-in that approved it is now. Raises QrGone."""
    used = session.execute(
        update(QrSignIn)
        .where(
            col(QrSignIn.browser_hash) == hash_of(secret),
            col(QrSignIn.state) == QrState.APPROVED,
            col(QrSignIn.expires_at) > utc_now(),
        )
        .values(state=QrState.USED)
        .returning(col(QrSignIn.session_id))
    ).scalar_one_or_none()
    phone = actor_again(session, replace(actor, session_id=used)) if used else None
    if phone is None or phone.pending or phone.side is not Side.WORK:
        if used:
            audit.after_failure(session, actor, partial(_note_refused, approved_by=used))
        raise QrGone()
    proved = session.get_one(LoginSession, used).second_factor_at is not None
    signed_in = open_session(
        session,
        actor,
        phone.user,
        device=agent,
        membership_id=phone.membership_id,
        method=METHOD,
        second_factor=proved,
    )
    return Entered(signed_in, known_devices.remember(session, phone.user, device))


def _note_refused(session: Session, actor: Actor, approved_by: int) -> None:
    """The sign-in that approved it is over: once, however often the browser asks."""
    user_id = session.get_one(LoginSession, approved_by).user_id
    if budgets.first(session, f"qr:{approved_by}", timedelta(seconds=settings().qr_seconds)):
        log = log_of_person(session, user_id)
        audit.record(
            session, actor, Act.SIGN_IN_REFUSED, f"user:{user_id}", refused=True, scope=log, method="qr"
        )


def _may_approve(session: Session, actor: Actor) -> None:
    # The administration has a second factor and an idle limit of its own: a phone left lying about is neither.
    if actor.session_id is None or actor.side is not Side.WORK:
        raise NotPermitted("sign_in.qr_not_here")
    # Or whoever came by once would make ever new sign-ins of each other, and none of them would end.
    if session.get_one(LoginSession, actor.session_id).method == METHOD:
        raise NotPermitted("sign_in.qr_by_qr")


def _undecided(session: Session, code: object) -> QrSignIn:
    row = session.exec(
        select(QrSignIn)
        .where(
            QrSignIn.code_hash == hash_of(str(code)[:100]),
            col(QrSignIn.state).in_(_UNDECIDED),
            col(QrSignIn.expires_at) > utc_now(),
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise QrGone()
    return row


def _topic(row_id: int | None) -> str:
    return f"qr:{row_id}"


def masked(address: str) -> str:
    """`112.96.**.**`: enough to recognise a network."""
    mark = ":" if ":" in address else "."
    return mark.join([*address.split(mark)[:2], "**", "**"]) if address else ""


def network(computer: str, phone: str) -> str:
    """Where the computer is, as seen from the phone."""
    try:
        there, here = ipaddress.ip_address(computer), ipaddress.ip_address(phone)
    except ValueError:
        return "outside"
    if there == here:
        return "same"
    return "inside" if there.is_private else "outside"
