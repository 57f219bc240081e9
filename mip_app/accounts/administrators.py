"""The people who administer an alliance or an institution: added, reset and disabled from the level above.

The two levels differ in who may ask (`alliances.py`, `institutions.py`); what is done to an account is here, and
never for an account that is also somewhere the asking level has no say: an initial password opens all of it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from mip_app.accounts import entries, phones, resetting
from mip_app.accounts.lock_out import guarded
from mip_app.accounts.models import Membership, Role, User
from mip_app.accounts.particulars import NAME, keywords_of
from mip_app.accounts.sessions import end_sessions_at
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, NotVisible


class Administrator(TypedDict):
    """As a page shows it; `id` names the membership."""

    id: int
    account: str
    name: str
    mobile: str  # masked
    state: str  # active, first_login, disabled
    last_sign_in: str  # 2026-11-24 14:32, or ''


@dataclass(frozen=True, slots=True)
class Person:
    """Who is to get an account."""

    account: str
    name: str
    mobile: str

    @classmethod
    def of(cls, form: entries.Form) -> "Person":
        """Raises Invalid, naming the field."""
        return cls(
            entries.account(form),
            entries.line({"person": form.get("person", "")}, "person", NAME, required=True),
            entries.mobile(form),
        )


def add(
    session: Session,
    actor: Actor,
    person: Person,
    password_hash: str,
    role: Role,
    *,
    institution_id: int | None = None,
    alliance_id: int | None = None,
) -> int:
    """A new account with one role in one place; phone and password are set at the first sign-in."""
    if session.exec(select(User.id).where(User.account == person.account)).first():
        raise Conflict("account.exists", field="account")
    user = User(
        account=person.account,
        name=person.name,
        keywords=keywords_of(person.account, person.name),
        password_hash=password_hash,
        first_login=True,
        created_at=utc_now(),
    )
    session.add(user)
    session.flush()
    user_id = user.id or 0
    user.phone = phones.sealed(person.mobile, user_id)
    user.phone_index = phones.index_of(person.mobile)
    session.add(
        Membership(user_id=user_id, institution_id=institution_id, alliance_id=alliance_id, roles=[role])
    )
    _note(session, actor, Act.USER_CREATED, user_id, institution_id, role=role)
    return user_id


def listed(session: Session, where: ColumnElement[bool], zone: str = "Asia/Shanghai") -> list[Administrator]:
    statement = (
        select(Membership, User)
        .join(User, col(User.id) == Membership.user_id)
        .where(where)
        .order_by(col(Membership.id))
    )
    return [_shown(membership, user, ZoneInfo(zone)) for membership, user in session.exec(statement)]


def found(session: Session, membership_id: object, where: ColumnElement[bool]) -> Membership:
    """The membership of that number among `where`. Raises NotVisible."""
    statement = select(Membership).where(Membership.id == entries.key(membership_id), where)
    if (row := session.exec(statement).one_or_none()) is None:
        raise NotVisible("admin.not_there")
    return row


def reset(
    session: Session, actor: Actor, membership: Membership, password_hash: str, own: ColumnElement[bool]
) -> str:
    """As on the first day; gives the account's name.

    `own`: which memberships the asking level has a say in; a person with another one is reset by nobody but
    themselves. Raises Conflict.
    """
    user = session.get_one(User, membership.user_id)
    every = select(Membership.id).where(Membership.user_id == user.id)
    if len(session.exec(every).all()) != len(session.exec(every.where(own)).all()):
        raise Conflict("admin.works_elsewhere")
    resetting.to_the_first_day(session, actor, user, password_hash, institution_id=membership.institution_id)
    return user.account


def set_disabled(session: Session, actor: Actor, membership: Membership, disabled: bool) -> None:
    """Closes this place to this person, or opens it again; what they are elsewhere stays. Raises LastAdministrator."""
    if membership.institution_id is None:
        membership.disabled = disabled
    else:
        with guarded(session, actor, membership.institution_id):
            membership.disabled = disabled
    if disabled:
        end_sessions_at(session, select(Membership.id).where(Membership.id == membership.id))
    act = Act.USER_DISABLED if disabled else Act.USER_ENABLED
    _note(session, actor, act, membership.user_id, membership.institution_id)


def _note(
    session: Session, actor: Actor, act: Act, user_id: int, institution_id: int | None, **detail: Any
) -> None:
    """In the log of whoever does it, and of the institution it is done to, which reads no other."""
    audit.record(session, actor, act, f"user:{user_id}", **detail)
    if institution_id is not None:
        theirs = audit.institution_scope(institution_id)
        audit.record(session, actor, act, f"user:{user_id}", scope=theirs, **detail)


def _shown(membership: Membership, user: User, zone: ZoneInfo) -> Administrator:
    off = membership.disabled or user.disabled
    return Administrator(
        id=membership.id or 0,
        account=user.account,
        name=user.name,
        mobile=phones.masked(phones.opened(user.phone, user.id or 0)),
        state="disabled" if off else "first_login" if user.first_login else "active",
        last_sign_in=_time(user.last_sign_in_at, zone),
    )


def _time(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""
