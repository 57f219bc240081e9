"""Setting a password: what it must be, and what ends with the former one."""

from dataclasses import dataclass

from sqlmodel import Session

from mip_app.accounts import passwords, phones
from mip_app.accounts.models import User
from mip_app.accounts.password_policy import MOST, PasswordRefused, judge, own_words
from mip_app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Known:
    """What a new password is held against."""

    user_id: int
    password_hash: str
    words: tuple[str, ...]


def known_of(session: Session, actor: Actor, user_id: int) -> Known:
    """For callers who have made sure whose it is."""
    user = session.get_one(User, user_id)
    phone = phones.opened(user.phone, user_id)
    return Known(user_id, user.password_hash, own_words(user.account, user.name, phone))


def checked(known: Known, new: object, again: object) -> str:
    """The hash to store. Takes 100 ms on purpose: outside of any transaction. Raises PasswordRefused."""
    if not isinstance(new, str) or not new.isprintable() or len(new) > MOST:
        raise PasswordRefused()
    if new != again:
        raise PasswordRefused("password.differ")
    if not judge(new, known.words).good:
        raise PasswordRefused()
    if passwords.matches(known.password_hash, new):
        raise PasswordRefused("password.same")
    return passwords.hashed(new)
