"""What a phone is told that was proved to be somebody's: that another took its place, that a password was set anew."""

from datetime import timedelta

from sqlmodel import Session

from mip_app.accounts import phones
from mip_app.accounts.models import User
from mip_app.core.clock import utc_now
from mip_app.messages import outbox
from mip_app.messages.models import Template

WORTH_KNOWING = timedelta(days=1)


def tell_former_phone(session: Session, user: User, new: str) -> None:
    """Before `new` takes its place: whoever holds it learns of it, also when somebody else did it."""
    former = _proved(user)
    if former and former != new:
        outbox.put(session, former, Template.PHONE_CHANGED, [new[-4:]], utc_now() + WORTH_KNOWING)


def tell_password_reset(session: Session, user: User) -> None:
    if phone := _proved(user):
        outbox.put(session, phone, Template.PASSWORD_RESET, [], utc_now() + WORTH_KNOWING)


def _proved(user: User) -> str:
    """A number that nobody proved may be a stranger's: it is told nothing."""
    return phones.opened(user.phone, user.id or 0) if user.phone_verified_at else ""
