"""Where a person can work: their memberships, and which sides of the product each has for them."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from mip_app.accounts.models import Alliance, Institution, Membership, RoleSet
from mip_app.accounts.roles import on_side, permissions_of
from mip_app.core.actor import Actor, Open, Side, needs


@dataclass(frozen=True, slots=True)
class Place:
    membership_id: int
    name: str
    name_en: str
    sides: tuple[Side, ...]


@needs(Open.TO_SIGNED_IN)
def places(session: Session, actor: Actor) -> list[Place]:
    """All of the actor's own that have something for them, the oldest first; none for API clients."""
    if actor.user_id is None:
        return []
    rows = session.execute(
        select(Membership, Institution, Alliance)
        .join(Institution, col(Institution.id) == Membership.institution_id, isouter=True)
        .join(
            Alliance,
            (col(Alliance.id) == Membership.alliance_id) | (col(Alliance.id) == Institution.alliance_id),
            isouter=True,
        )
        .where(
            Membership.user_id == actor.user_id,
            col(Membership.disabled).is_(False),
            col(Institution.disabled).is_not(True),
            col(Alliance.disabled).is_not(True),
        )
        .order_by(col(Membership.id))
    ).all()
    sets = _sets(session, [row[0].institution_id for row in rows if row[0].institution_id])
    found = (_place(row[0], row[1], row[2], sets.get(row[0].institution_id or 0, {})) for row in rows)
    return [place for place in found if place.sides]


def _place(
    membership: Membership,
    institution: Institution | None,
    alliance: Alliance | None,
    sets: dict[str, list[str]],
) -> Place:
    allowed = permissions_of(membership.roles, membership.extra, sets, inside=institution is not None)
    named = institution or alliance
    return Place(
        membership_id=membership.id or 0,
        name=named.name if named else "",
        name_en=named.name_en if named else "",
        sides=tuple(side for side in Side if on_side(allowed, side)),
    )


def _sets(session: Session, institution_ids: list[int]) -> dict[int, dict[str, list[str]]]:
    found: dict[int, dict[str, list[str]]] = {}
    for row in session.exec(select(RoleSet).where(col(RoleSet.institution_id).in_(institution_ids))):
        found.setdefault(row.institution_id, {})[row.code] = row.permissions
    return found
