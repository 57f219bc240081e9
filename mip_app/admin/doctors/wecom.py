"""A doctor together with what they are called in WeCom: the one is the rule of `accounts`, the other of `sign_in`."""

from sqlmodel import Session

from mip_app.accounts import staffing, standing
from mip_app.accounts.particulars import Particulars
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Conflict
from mip_app.sign_in import identities
from mip_app.sign_in.wecom import configured

FIELD = "wecom"


class UseridTaken(Conflict):
    code = "doctor.wecom_taken"


@needs(Permission.ADMIN_ACCOUNTS)
def userid(session: Session, actor: Actor, account: str) -> str:
    """'' without one, or where there is no WeCom. Raises NotVisible."""
    user, _ = standing.found(session, actor, account)
    return identities.wecom_of(session, actor, user.id or 0) if configured() else ""


@needs(Permission.ADMIN_ACCOUNTS)
def add(
    session: Session, actor: Actor, account: object, given: Particulars, password_hash: str, name: str | None
) -> None:
    """`staffing.add`; `name` None: the form had no such field."""
    _bind(session, actor, staffing.add(session, actor, account, given, password_hash), name)


@needs(Permission.ADMIN_ACCOUNTS)
def edit(session: Session, actor: Actor, account: str, given: Particulars, name: str | None) -> None:
    """`staffing.edit`; '' unbinds. Both or neither."""
    staffing.edit(session, actor, account, given)
    user, _ = standing.found(session, actor, account)
    _bind(session, actor, user.id or 0, name)


def _bind(session: Session, actor: Actor, user_id: int, name: str | None) -> None:
    if name is None or not configured():
        return
    try:
        identities.bind_wecom(session, actor, user_id, name)
    except identities.BoundElsewhere:
        raise UseridTaken(field=FIELD) from None
