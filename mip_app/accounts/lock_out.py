"""Nobody saws off the branch: an institution keeps somebody who can give rights and open accounts."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlmodel import Session, col, select

from mip_app.accounts.models import Institution, Membership, User
from mip_app.accounts.roles import permissions_of
from mip_app.accounts.sessions import own_sets
from mip_app.core.actor import Actor, Permission
from mip_app.core.errors import Conflict

KEPT = frozenset({Permission.ADMIN_ACCOUNTS, Permission.ADMIN_ROLES})


class LastAdministrator(Conflict):
    code = "role.last_administrator"


class OwnRights(Conflict):
    code = "role.own_rights"


@contextmanager
def guarded(session: Session, actor: Actor, institution_id: int) -> Iterator[None]:
    """Around every change of who may what in an institution, whoever makes it; read what it changes inside.

    Of KEPT, the institution has afterwards what it had, and so has the actor. Raises OwnRights, LastAdministrator.
    """
    one_at_a_time(session, [institution_id])
    before = _holders(session, institution_id)
    yield
    session.flush()
    after = _holders(session, institution_id)
    if actor.user_id in after and before.get(actor.user_id, frozenset()) - after[actor.user_id]:
        raise OwnRights()
    if _union(before) - _union(after):
        raise LastAdministrator()


def one_at_a_time(session: Session, institutions: Iterable[int]) -> None:
    """Of two administrators who each take away what only the other still has, the second waits and is refused."""
    which = col(Institution.id).in_(list(institutions))
    session.exec(select(Institution.id).where(which).order_by(col(Institution.id)).with_for_update()).all()


def _union(holders: dict[int, frozenset[Permission]]) -> frozenset[Permission]:
    return frozenset().union(*holders.values())


def _holders(session: Session, institution_id: int) -> dict[int, frozenset[Permission]]:
    """What of KEPT everybody has who can come in."""
    sets = own_sets(session, institution_id)
    statement = (
        select(Membership.user_id, Membership.roles, Membership.extra)
        .join(User, col(User.id) == Membership.user_id)
        .where(
            Membership.institution_id == institution_id,
            col(Membership.disabled).is_(False),
            col(User.disabled).is_(False),
        )
    )
    return {
        user_id: KEPT & permissions_of(roles, extra, sets, inside=True)
        for user_id, roles, extra in session.exec(statement)
    }
