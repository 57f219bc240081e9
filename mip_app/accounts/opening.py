"""Opening alliances, institutions, accounts and API keys."""

import secrets
from typing import Any

from sqlmodel import Session, select

from mip_app.accounts import passwords
from mip_app.accounts.models import Alliance, ApiKey, Institution, Membership, Role, User
from mip_app.accounts.sessions import account_key, hash_of
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import ADMINISTRATIVE, Actor, Permission, Side, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, Invalid, NotVisible

# Acts on the server's command line: whoever has the machine has the data.
CONSOLE = Actor(None, "console", None, ADMINISTRATIVE, side=Side.ADMIN)


@needs(Permission.ADMIN_ALLIANCES)
def open_alliance(session: Session, actor: Actor, name: str) -> int:
    found = session.exec(select(Alliance).where(Alliance.name == name)).one_or_none()
    row = found or Alliance(name=name)
    session.add(row)
    session.flush()
    return row.id or 0


@needs(Permission.ADMIN_INSTITUTIONS)
def open_institution(
    session: Session, actor: Actor, alliance_id: int, code: str, name: str, **more: Any
) -> int:
    """`more`: name_en, address, phone, time_zone. Opening the same code again answers the one there is."""
    found = session.exec(select(Institution).where(Institution.code == code)).one_or_none()
    row = found or Institution(alliance_id=alliance_id, code=code, name=name, **more)
    session.add(row)
    session.flush()
    return row.id or 0


@needs(Permission.ADMIN_INSTITUTIONS)
def institution_of_code(session: Session, actor: Actor, code: str) -> int:
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
    institution_id: int | None = None,
    alliance_id: int | None = None,
    title: str = "",
) -> int:
    """Raises Conflict when the account exists, Invalid for a password of fewer than 8 characters."""
    key = account_key(account)
    if len(password) < 8 or not key:
        raise Invalid("account.password_short")
    if session.exec(select(User).where(User.account == key)).first():
        raise Conflict("account.exists")
    user = User(
        account=key, name=name, title=title, password_hash=passwords.hashed(password), created_at=utc_now()
    )
    session.add(user)
    session.flush()
    session.add(
        Membership(user_id=user.id or 0, institution_id=institution_id, alliance_id=alliance_id, roles=[role])
    )
    audit.record(session, actor, Act.USER_CREATED, f"user:{user.id}", role=role)
    return user.id or 0


@needs(Permission.ADMIN_INSTITUTION)
def create_api_key(session: Session, actor: Actor, institution_id: int, name: str) -> str:
    """The key; shown once, only its hash is stored."""
    key = "mip_" + secrets.token_urlsafe(32)
    session.add(ApiKey(institution_id=institution_id, name=name, key_hash=hash_of(key), created_at=utc_now()))
    audit.record(session, actor, Act.API_KEY_CREATED, institution=institution_id)
    return key
