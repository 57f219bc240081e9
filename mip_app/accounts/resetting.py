"""What a reset takes away, whoever orders it: of what somebody else may have got hold of nothing is left.

Who may reset whom is said by the callers (`staffing.py`, `administrators.py`, `operators.py`).
"""

from sqlmodel import Session

from mip_app.accounts import known_devices, sessions
from mip_app.accounts.models import User
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor


def to_the_first_day(
    session: Session, actor: Actor, user: User, password_hash: str, institution_id: int | None = None
) -> None:
    """An initial password: with it alone nobody gets in, the phone is proved and a password set first.

    `institution_id`: whose log says it too, where the actor is not of that institution.
    """
    user.first_login, user.phone_verified_at = True, None
    credentials(session, actor, user, password_hash)
    if institution_id is not None and institution_id != actor.institution_id:
        theirs = audit.institution_scope(institution_id)
        audit.record(session, actor, Act.USER_RESET, f"user:{user.id}", scope=theirs)


def credentials(session: Session, actor: Actor, user: User, password_hash: str) -> None:
    """A new password and no second factor."""
    user.password_hash = password_hash
    _out(session, user)
    audit.record(session, actor, Act.USER_RESET, f"user:{user.id}")


def second_factor(session: Session, actor: Actor, user: User) -> None:
    """For who lost the device with the codes; the password stays."""
    _out(session, user)
    audit.record(session, actor, Act.USER_SECOND_FACTOR_RESET, f"user:{user.id}")


def _out(session: Session, user: User) -> None:
    user.second_factor, user.second_factor_since, user.second_factor_step = "", None, 0
    sessions.end_sessions(session, [user.id or 0])
    known_devices.forget(session, [user.id or 0])
