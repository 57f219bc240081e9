"""Nobody saws off the branch: an institution always has somebody who can give rights and open accounts."""

from collections.abc import Iterator

from sqlmodel import Session, col, select

from mip_app.accounts.models import Institution, Membership, RoleSet, User
from mip_app.accounts.roles import permissions_of
from mip_app.core.actor import Actor, Permission
from mip_app.core.errors import Conflict

KEPT = frozenset({Permission.ADMIN_ACCOUNTS, Permission.ADMIN_ROLES})


def one_at_a_time(session: Session, actor: Actor) -> None:
    """Of two administrators who each take away what only the other still has, the second waits and is refused."""
    session.exec(select(Institution.id).where(Institution.id == actor.institution).with_for_update()).one()


def refuse_lock_out(session: Session, actor: Actor) -> None:
    """After a change of rights in the actor's institution, in its transaction. Raises Conflict.

    Somebody must be left with each of KEPT, and the actor with those of them that they have.
    """
    session.flush()
    left: set[Permission] = set()
    own: set[Permission] = set()
    for user_id, allowed in _everybody(session, actor.institution):
        left |= allowed
        if user_id == actor.user_id:
            own |= allowed
    if KEPT & actor.permissions - own:
        raise Conflict("role.own_rights")
    if KEPT - left:
        raise Conflict("role.last_administrator")


def _everybody(session: Session, institution_id: int) -> Iterator[tuple[int, frozenset[Permission]]]:
    sets = {
        row.code: row.permissions
        for row in session.exec(select(RoleSet).where(RoleSet.institution_id == institution_id))
    }
    statement = (
        select(Membership.user_id, Membership.roles, Membership.extra)
        .join(User, col(User.id) == Membership.user_id)
        .where(
            Membership.institution_id == institution_id,
            col(Membership.disabled).is_(False),
            col(User.disabled).is_(False),
        )
    )
    for user_id, roles, extra in session.exec(statement):
        yield user_id, permissions_of(roles, extra, sets, inside=True)
