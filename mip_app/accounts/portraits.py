"""Whose picture is what: avatars, seen by everybody of the institution, and signature images, seen by few."""

import hashlib
import io

from sqlmodel import Session, col, select

from mip_app.accounts import standing
from mip_app.accounts.doctors import picture_address
from mip_app.accounts.models import Membership, User
from mip_app.accounts.pictures import Kind
from mip_app.accounts.sessions import account_key
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, Permission, needs
from mip_app.core.blobs import blobs
from mip_app.core.errors import NotVisible


def stored(png: bytes, folder: str = "people") -> str:
    """Before the transaction that names it: durable, found by its content. Gives its key.

    What was printed with an earlier one finds it still.
    """
    key = f"{folder}/{hashlib.sha256(png).hexdigest()}.png"
    received = blobs().receive(io.BytesIO(png), len(png))
    blobs().keep(received, key)
    return key


@needs(Permission.ADMIN_ACCOUNTS)
def set_for(session: Session, actor: Actor, account: str, kind: Kind, key: str) -> str:
    """Give a doctor this picture ('' takes it away); gives its address. Raises NotVisible, NotOurs."""
    user, membership = standing.found(session, actor, account)
    standing.require_home(session, membership)
    return _set(session, actor, user, kind, key)


@needs(Open.TO_SIGNED_IN)
def set_own(session: Session, actor: Actor, kind: Kind, key: str) -> str:
    """One's own picture ('' takes it away); gives its address."""
    return _set(session, actor, session.get_one(User, actor.user), kind, key)


def _set(session: Session, actor: Actor, user: User, kind: Kind, key: str) -> str:
    setattr(user, kind.value, key)
    audit.record(
        session, actor, Act.USER_PICTURE_CHANGED, f"user:{user.id}", kind=kind.value, removed=not key
    )
    return picture_address(user.account, kind.value, key)


@needs(Open.TO_SIGNED_IN)
def own_addresses(session: Session, actor: Actor) -> dict[str, str]:
    """Where one's own pictures are, by kind; '' where there is none."""
    user = session.get_one(User, actor.user)
    return {kind.value: picture_address(user.account, kind.value, getattr(user, kind.value)) for kind in Kind}


@needs(Open.TO_SIGNED_IN)
def picture(session: Session, actor: Actor, account: str, kind: Kind) -> bytes:
    """Avatars to the people of the same institution; a signature to its owner and the administrator. Raises NotVisible."""
    user = session.exec(select(User).where(User.account == account_key(account))).first()
    if user is None or not _may_see(session, actor, user, kind):
        raise NotVisible()
    key = getattr(user, kind.value)
    data = blobs().get(key) if key else None
    if data is None:
        raise NotVisible()
    return data


def _may_see(session: Session, actor: Actor, user: User, kind: Kind) -> bool:
    if actor.user_id == user.id:
        return True
    if kind is Kind.SIGNATURE and Permission.ADMIN_ACCOUNTS not in actor.permissions:
        return False
    colleague = select(Membership.id).where(
        Membership.user_id == user.id,
        Membership.institution_id == actor.institution_id,
        col(Membership.removed_at).is_(None),
    )
    return actor.institution_id is not None and session.exec(colleague).first() is not None


@needs(Open.TO_SIGNED_IN)
def signature_of(session: Session, actor: Actor) -> str:
    """The key of the actor's signature as it is now, for what they sign."""
    user = session.get(User, actor.user_id)
    return user.signature if user else ""
