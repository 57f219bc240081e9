"""Where a person stands: which institution keeps their account, and who may give them new credentials.

A person may work in several institutions with one account. Each institution decides what they are there:
department, roles, whether they may come in at all. What belongs to the person (name, title, phone, password,
second factor, pictures) is kept by one institution, their home: of those that have not disabled or removed them,
the one they joined first.
A reset at home must open no other institution's doors: the person's memberships elsewhere are disabled with it,
until those institutions enable them again.
"""

from sqlmodel import Session, col, select

from mip_app.accounts import lock_out, sessions
from mip_app.accounts.models import Membership, User
from mip_app.accounts.roles import permissions_of
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import ADMINISTRATIVE, Actor, Permission, needs
from mip_app.core.errors import Conflict, NotVisible


class NotOurs(Conflict):
    code = "doctor.kept_elsewhere"


class OnlyThemselves(Conflict):
    code = "doctor.only_themselves"


class Above(Conflict):
    code = "doctor.above"


@needs(Permission.ADMIN_ACCOUNTS)
def found(session: Session, actor: Actor, account: object) -> tuple[User, Membership]:
    """The person with that account in the own institution. Raises NotVisible."""
    row = session.exec(
        select(User, Membership)
        .join(Membership, col(Membership.user_id) == User.id)
        .where(
            User.account == sessions.account_key(str(account)),
            Membership.institution_id == actor.institution,
            col(Membership.removed_at).is_(None),
        )
    ).one_or_none()
    if row is None:
        raise NotVisible("doctor.not_found")
    return row[0], row[1]


def _living(session: Session, user_id: int) -> list[Membership]:
    """Every membership the person has not been removed from, home first."""
    return list(
        session.exec(
            select(Membership)
            .where(Membership.user_id == user_id, col(Membership.removed_at).is_(None))
            .order_by(
                col(Membership.disabled), col(Membership.joined_at).asc().nulls_first(), col(Membership.id)
            )
        )
    )


def is_home(session: Session, membership: Membership) -> bool:
    """Whether that institution keeps the person's own data."""
    return _living(session, membership.user_id)[0].id == membership.id


def require_home(session: Session, membership: Membership) -> None:
    """Raises NotOurs."""
    if not is_home(session, membership):
        raise NotOurs()


def works_elsewhere(session: Session, membership: Membership) -> bool:
    return len(_living(session, membership.user_id)) > 1


@needs(Permission.ADMIN_ACCOUNTS)
def close_elsewhere(session: Session, actor: Actor, membership: Membership) -> None:
    """Before an administrator gives new credentials. Raises NotOurs; OnlyThemselves for those with a higher office."""
    require_home(session, membership)
    lock_out.one_at_a_time(session, [row.institution_id or 0 for row in _living(session, membership.user_id)])
    session.expire_all()  # somebody may have got an office while this waited
    others = [row for row in _living(session, membership.user_id) if row.id != membership.id]
    if any(row.institution_id is None or _administers(session, row) for row in others):
        raise OnlyThemselves()
    for row in others:
        if not row.disabled:
            row.disabled = True
            audit.record(session, actor, Act.USER_DISABLED, f"user:{row.user_id}", at=row.institution_id)
            # And where it happened: that institution reads no other's log.
            theirs, by = audit.institution_scope(row.institution_id or 0), actor.institution_id
            audit.record(session, actor, Act.USER_DISABLED, f"user:{row.user_id}", scope=theirs, by=by)
    sessions.end_sessions_at(session, [row.id or 0 for row in others])


def _administers(session: Session, membership: Membership) -> bool:
    sets = sessions.own_sets(session, membership.institution_id)
    allowed = permissions_of(membership.roles, membership.extra, sets, inside=True)
    return not membership.disabled and bool(lock_out.KEPT & allowed)


def require_not_above(session: Session, actor: Actor, *memberships: Membership) -> None:
    """Who only keeps accounts becomes nothing more by them: not by a role given, nor by a password reset.

    Of the administrative permissions that somebody here has, whoever acts on them has all. Raises Above.
    """
    sets = sessions.own_sets(session, actor.institution)
    for row in memberships:
        theirs = permissions_of(row.roles, row.extra, sets, inside=True) & ADMINISTRATIVE
        if row.user_id != actor.user_id and not theirs <= actor.permissions:
            raise Above()


def require_not_more(session: Session, actor: Actor, before: Membership | None, after: Membership) -> None:
    """Nobody gives an administrative permission that they have not. Raises Above."""
    sets = sessions.own_sets(session, actor.institution)
    had = permissions_of(before.roles, before.extra, sets, inside=True) if before else frozenset()
    given = permissions_of(after.roles, after.extra, sets, inside=True) & ADMINISTRATIVE
    if not given - had <= actor.permissions:
        raise Above(field="roles")
