"""Opening alliances, institutions, accounts and API keys from the server's own console.

What people do on pages has services of its own, which ask who they are; these ask for the console alone.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, select

from mip_app.accounts import password_policy, passwords, phones
from mip_app.accounts.models import Alliance, ApiKey, Department, Institution, Membership, Role, User
from mip_app.accounts.particulars import keywords_of
from mip_app.accounts.recognising import hash_of
from mip_app.accounts.sessions import account_key
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import ADMINISTRATIVE, Actor, Permission, Side, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, Invalid, NotPermitted, NotVisible

# Acts on the server's command line: whoever has the machine has the data.
CONSOLE = Actor(None, "console", None, ADMINISTRATIVE, side=Side.ADMIN)


def at_console(actor: Actor) -> None:
    """Raises NotPermitted for everybody else, whatever their permissions."""
    if actor is not CONSOLE:
        raise NotPermitted()


@needs(Permission.ADMIN_ALLIANCES)
def open_alliance(session: Session, actor: Actor, name: str, name_en: str = "") -> int:
    """Opening the same name again answers the one there is."""
    at_console(actor)
    found = session.exec(select(Alliance).where(Alliance.name == name)).one_or_none()
    row = found or Alliance(name=name, name_en=name_en)
    session.add(row)
    session.flush()
    return row.id or 0


@needs(Permission.ADMIN_INSTITUTIONS)
def open_institution(
    session: Session, actor: Actor, alliance_id: int, code: str, name: str, **more: Any
) -> int:
    """`more`: name_en, level, address, phone, time_zone. Opening the same code again answers the one there is."""
    at_console(actor)
    found = session.exec(select(Institution).where(Institution.code == code)).one_or_none()
    row = found or Institution(alliance_id=alliance_id, code=code, name=name, **more)
    session.add(row)
    session.flush()
    return row.id or 0


@needs(Permission.ADMIN_ACCOUNTS)
def open_department(session: Session, actor: Actor, institution_id: int, name: str, name_en: str = "") -> int:
    """Opening the same name again answers the one there is."""
    at_console(actor)
    statement = select(Department).where(Department.institution_id == institution_id, Department.name == name)
    row = session.exec(statement).one_or_none() or Department(
        institution_id=institution_id, name=name, name_en=name_en
    )
    session.add(row)
    session.flush()
    return row.id or 0


@needs(Permission.ADMIN_INSTITUTIONS)
def institution_of_code(session: Session, actor: Actor, code: str) -> int:
    at_console(actor)
    row = session.exec(select(Institution).where(Institution.code == code)).one_or_none()
    if row is None or row.id is None:
        raise NotVisible("account.no_institution", institution=code)
    return row.id


@needs(Permission.ADMIN_ACCOUNTS)
def open_account(
    session: Session,
    actor: Actor,
    account: str,
    name: str,
    password: str,
    role: Role,
    *,
    more_roles: Sequence[Role] = (),
    institution_id: int | None = None,
    alliance_id: int | None = None,
    department_id: int | None = None,
    title: str = "",
    mobile: str = "",
    first_login: bool = False,
) -> int:
    """Raises Conflict when the account exists, PasswordRefused for a password that nobody may choose."""
    at_console(actor)
    key = account_key(account)
    if not key:
        raise Invalid("entry.missing", field="account")
    password_policy.require(password, password_policy.own_words(key, name, mobile))
    if session.exec(select(User).where(User.account == key)).first():
        raise Conflict("account.exists")
    user = User(
        account=key,
        name=name,
        keywords=keywords_of(key, name),
        title=title,
        password_hash=passwords.hashed(password),
        first_login=first_login,
        created_at=utc_now(),
    )
    session.add(user)
    session.flush()
    user_id = user.id or 0
    if mobile:
        user.phone, user.phone_index = phones.sealed(mobile, user_id), phones.index_of(mobile)
        user.phone_verified_at = None if first_login else user.created_at
    session.add(
        Membership(
            user_id=user_id,
            institution_id=institution_id,
            alliance_id=alliance_id,
            department_id=department_id,
            roles=[role, *more_roles],
        )
    )
    audit.record(session, actor, Act.USER_CREATED, f"user:{user_id}", role=role)
    return user_id


@needs(Permission.ADMIN_ACCOUNTS)
def add_place(
    session: Session,
    actor: Actor,
    user_id: int,
    institution_id: int,
    roles: Sequence[Role],
    department_id: int | None = None,
) -> None:
    """Somebody who has an account works in one more institution; there already, nothing changes."""
    at_console(actor)
    statement = select(Membership.id).where(
        Membership.user_id == user_id, Membership.institution_id == institution_id
    )
    if session.exec(statement).first() is None:
        session.add(
            Membership(
                user_id=user_id,
                institution_id=institution_id,
                department_id=department_id,
                roles=list(roles),
            )
        )


@needs(Permission.ADMIN_ACCOUNTS)
def create_api_key(session: Session, actor: Actor, institution_id: int, name: str) -> str:
    """The key; shown once, only its hash is stored."""
    at_console(actor)
    key = "mip_" + secrets.token_urlsafe(32)
    session.add(ApiKey(institution_id=institution_id, name=name, key_hash=hash_of(key), created_at=utc_now()))
    audit.record(session, actor, Act.API_KEY_CREATED, institution=institution_id, name=name)
    return key
