"""Codes by phone: six digits, for one purpose of one person, five minutes, once.

Both ends are limited: how many are sent to a phone, for an account, from an address; and how many are tried, at
one code and over all of them, so that asking for a new one buys no new tries without end.
"""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from mip_app.accounts import phones, sessions
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor
from mip_app.core.addresses import household
from mip_app.core.clock import utc_now
from mip_app.core.errors import MipError
from mip_app.core.sealing import key_for, seal, unseal
from mip_app.core.settings import settings
from mip_app.messages import outbox
from mip_app.messages.models import Template
from mip_app.sign_in import budgets
from mip_app.sign_in.budgets import Limit, limit
from mip_app.sign_in.models import PhoneCode

LIFE = timedelta(minutes=5)
AFTER_IT = timedelta(minutes=10)  # after the right code, for what it was asked for
TRIES = 5
PAUSE = timedelta(seconds=60)
KEEP = timedelta(days=1)

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


class Purpose(StrEnum):
    BIND = "bind"
    CHANGE_PHONE = "change_phone"
    FORGOT = "forgot"


TEMPLATES = {
    Purpose.BIND: Template.CODE_BIND,
    Purpose.CHANGE_PHONE: Template.CODE_CHANGE_PHONE,
    Purpose.FORGOT: Template.CODE_FORGOT,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """`ticket`: which code it is, for whoever asked; never shown. `error`: a key of the catalogue, or ''."""

    ticket: str = ""
    error: str = ""
    wait: int = 0  # seconds


@dataclass(frozen=True, slots=True)
class Tried:
    error: str = ""
    phone: str = ""  # the one that is proved now
    user_id: int | None = None

    def raise_error(self) -> "Tried":
        """For callers outside of the transaction that counts. Raises CodeRefused."""
        if self.error:
            raise CodeRefused(self.error)
        return self


class CodeRefused(MipError):
    code = "code.wrong"
    status = 400


def send(
    session: Session, actor: Actor, purpose: Purpose, phone: str, user_id: int | None, account: str = ""
) -> Sent:
    """Send a code to `phone`, a normalised number. Never raises: what is asked for is counted.

    `user_id` None: nobody is sent anything, and whoever asks cannot tell. `account`: whose name was typed.
    """
    about, log = _whose(session, actor, user_id, account)
    wait, reached = budgets.spend_or_say(session, _sending(actor, phone, account, user_id))
    if wait:
        if budgets.first(session, reached, wait):
            why = "audit.detail.too_many"
            audit.record(
                session, actor, Act.CODE_SENT, about, refused=True, scope=log, purpose=purpose, why=why
            )
        return Sent(error="code.too_many", wait=max(1, round(wait.total_seconds())))
    if account and user_id and budgets.spend(session, _to_phone(phones.index_of(phone))):
        user_id = None  # it got enough in other names; that is not said here, where nobody is known
    _replace(session, purpose, user_id)
    now, key = utc_now(), secrets.token_hex(16)
    code = f"{secrets.randbelow(10**6):06}"
    session.add(
        PhoneCode(
            id=key,
            purpose=purpose,
            user_id=user_id,
            log=log,
            phone=seal(phone, "sign_in.code", key),
            code_hash=_hash(key, code),
            created_at=now,
            expires_at=now + LIFE,
        )
    )
    minutes = str(int(LIFE.total_seconds() // 60))
    outbox.put(session, phone if user_id else "", TEMPLATES[purpose], [code, minutes], now + LIFE)
    why = "" if user_id else "audit.detail.no_match"
    audit.record(
        session, actor, Act.CODE_SENT, about, refused=not user_id, scope=log, purpose=purpose, why=why
    )
    return Sent(ticket=key, wait=int(PAUSE.total_seconds()))


def latest(session: Session, user_id: int, purpose: Purpose) -> str:
    """The ticket of somebody's last code that still counts, or ''."""
    ticket = last(session, user_id, purpose)
    row = session.get(PhoneCode, ticket) if ticket else None
    return ticket if row and not row.over and row.expires_at > utc_now() else ""


def last(session: Session, user_id: int, purpose: Purpose) -> str:
    """The ticket of somebody's last code, over or not; '' where none was sent within a day."""
    found = session.exec(
        select(PhoneCode.id)
        .where(PhoneCode.user_id == user_id, PhoneCode.purpose == purpose)
        .order_by(col(PhoneCode.created_at).desc())
    ).first()
    return found or ""


def phone_of(session: Session, ticket: str) -> str:
    """Where a code went, or ''."""
    row = session.get(PhoneCode, ticket) if ticket else None
    return unseal(row.phone, "sign_in.code", row.id) if row else ""


def try_code(session: Session, actor: Actor, ticket: str, purpose: Purpose, code: str) -> Tried:
    """Whether `code` is the one sent. Never raises: each try is counted, whatever comes of it."""
    row = session.get(PhoneCode, ticket) if ticket else None
    row = row if row and row.purpose == purpose else None
    wait, limit = budgets.spend_or_say(session, _trying(actor, row))
    if wait:
        noted = budgets.first(session, limit, wait)
        return _wrong(session, actor, row, purpose, "code.too_many_tries", noted=noted)
    if row is None or not _count(session, ticket):
        return _wrong(session, actor, row, purpose, "code.over")
    right = hmac.compare_digest(row.code_hash, _hash(row.id, code))
    if not right or row.user_id is None:
        return _wrong(session, actor, row, purpose, "code.wrong")
    session.refresh(row)
    row.verified_at, row.expires_at = utc_now(), utc_now() + AFTER_IT
    row.over = purpose is not Purpose.FORGOT
    return Tried(phone=unseal(row.phone, "sign_in.code", row.id), user_id=row.user_id)


def proved(session: Session, ticket: str, purpose: Purpose) -> int:
    """Who proved their phone with this ticket a moment ago. Raises CodeRefused."""
    row = session.get(PhoneCode, ticket) if ticket else None
    if not row or row.over or row.purpose != purpose or not row.verified_at or row.expires_at <= utc_now():
        raise CodeRefused("code.over")
    return row.user_id or 0


def use_up(session: Session, ticket: str) -> None:
    """Once only. Raises CodeRefused where another request was faster."""
    used = session.execute(
        update(PhoneCode)
        .where(col(PhoneCode.id) == ticket, col(PhoneCode.over).is_(False))
        .values(over=True)
        .returning(col(PhoneCode.id))
    )
    if not used.all():
        raise CodeRefused("code.over")


def ticket_of(text: object) -> str:
    """What was sent as a ticket, or ''."""
    return text if isinstance(text, str) and re.fullmatch(r"[0-9a-f]{32}", text) else ""


def digits(text: object) -> str:
    """What was typed as a code, or ''."""
    typed = "".join(text.split()) if isinstance(text, str) and len(text) < 20 else ""
    return typed if len(typed) == 6 and typed.isascii() and typed.isdigit() else ""


def _count(session: Session, ticket: str) -> bool:
    """Take one of the code's tries; False when none is left or it is over. One statement: parallel tries count."""
    taken = session.execute(
        update(PhoneCode)
        .where(
            col(PhoneCode.id) == ticket,
            col(PhoneCode.over).is_(False),
            col(PhoneCode.verified_at).is_(None),
            col(PhoneCode.expires_at) > utc_now(),
            col(PhoneCode.tries) < TRIES,
        )
        .values(tries=col(PhoneCode.tries) + 1)
        .returning(col(PhoneCode.id))
    )
    return bool(taken.all())


def _replace(session: Session, purpose: Purpose, user_id: int | None) -> None:
    """Former codes of the same kind are over; those of yesterday go."""
    session.execute(delete(PhoneCode).where(col(PhoneCode.created_at) < utc_now() - KEEP))
    session.execute(
        update(PhoneCode)
        .where(col(PhoneCode.user_id) == (user_id or 0), col(PhoneCode.purpose) == purpose)
        .values(over=True)
    )


def _whose(session: Session, actor: Actor, user_id: int | None, account: str) -> tuple[str, str]:
    """Whom it is about, and whose log it stands in; who is signed in has one of their own."""
    if actor.user_id is not None:
        return f"user:{user_id}" if user_id else "", ""
    found, log = sessions.log_of(session, account)
    return f"user:{found}" if found else "", log


def _wrong(
    session: Session,
    actor: Actor,
    row: PhoneCode | None,
    purpose: Purpose,
    error: str,
    *,
    noted: bool = True,
) -> Tried:
    if noted:
        subject = f"user:{row.user_id}" if row and row.user_id else ""
        log = row.log if row else ""
        audit.record(
            session, actor, Act.CODE_REFUSED, subject, refused=True, scope=log, purpose=purpose, why=error
        )
    return Tried(error=error)


def _sending(actor: Actor, phone: str, account: str, user_id: int | None) -> list[Limit]:
    """What strangers ask for in the name of an account uses up nothing of what its owner may ask for."""
    network, number = household(actor.address), phones.index_of(phone)
    address = limit(settings().codes_per_address, "code.address", network, period=_HOUR)
    if not account:
        person = limit(20, "code.user", str(user_id), period=_DAY)
        return [address, limit(1, "code.pause", number, period=PAUSE), *_to_phone(number), person]
    return [
        address,
        limit(1, "code.pause", number, account, period=PAUSE),
        limit(5, "code.hour", number, account, period=_HOUR),
        limit(10, "code.day", number, account, period=_DAY),
        limit(20, "code.account", account, network, period=_DAY),
    ]


def _to_phone(number: str) -> list[Limit]:
    return [limit(5, "code.hour", number, period=_HOUR), limit(10, "code.day", number, period=_DAY)]


def _trying(actor: Actor, row: PhoneCode | None) -> list[Limit]:
    """The same for a code that nobody was sent: what is limited must not tell which it is."""
    limits = [limit(100, "tries.address", household(actor.address), period=_HOUR)]
    if row:
        number = phones.index_of(unseal(row.phone, "sign_in.code", row.id))
        limits.append(limit(15, "tries.phone", number, period=_HOUR))
    if row and row.user_id:
        limits.append(limit(15, "tries.user", str(row.user_id), period=_HOUR))
    return limits


def _hash(ticket: str, code: str) -> str:
    return hmac.new(key_for("sign_in.code"), f"{ticket}:{code}".encode(), "sha256").hexdigest()
