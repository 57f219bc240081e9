"""The platform's operators, from the server's command line alone."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from mip_app.accounts import password_policy, phones, resetting
from mip_app.accounts.models import Membership, Role, User
from mip_app.accounts.opening import at_console
from mip_app.accounts.sessions import account_key
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import NotVisible


@dataclass(frozen=True, slots=True)
class Operator:
    account: str
    name: str
    disabled: bool
    last_sign_in_at: datetime | None


@needs(Permission.ADMIN_ALLIANCES)
def operators(session: Session, actor: Actor) -> list[Operator]:
    at_console(actor)
    return [
        Operator(user.account, user.name, user.disabled or membership.disabled, user.last_sign_in_at)
        for user, membership in _all(session)
    ]


@needs(Permission.ADMIN_ALLIANCES)
def reset_operator(session: Session, actor: Actor, account: str, password_hash: str) -> None:
    """A password they chose themselves: as it is at once. Raises NotVisible for what is no operator."""
    at_console(actor)
    resetting.credentials(session, actor, _operator(session, account), password_hash)


@needs(Permission.ADMIN_ALLIANCES)
def own_words(session: Session, actor: Actor, account: str) -> tuple[str, ...]:
    """What must not stand in an operator's password. Raises NotVisible for what is no operator."""
    at_console(actor)
    user = _operator(session, account)
    return password_policy.own_words(user.account, user.name, phones.opened(user.phone, user.id or 0))


def _operator(session: Session, account: str) -> User:
    key = account_key(account)
    if (user := next((user for user, _ in _all(session) if user.account == key), None)) is None:
        raise NotVisible("operator.none", account=key)
    return user


def _all(session: Session) -> list[tuple[User, Membership]]:
    statement = (
        select(User, Membership)
        .join(Membership, col(Membership.user_id) == User.id)
        .where(col(Membership.institution_id).is_(None), col(Membership.alliance_id).is_(None))
        .order_by(col(User.id))
    )
    return [(user, row) for user, row in session.exec(statement) if Role.OPERATOR in row.roles]
