"""What the platform's operator does: alliances and their administrators. No institution's people, no patient."""

from collections import Counter
from typing import TypedDict

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from mip_app.accounts import administrators, entries
from mip_app.accounts.administrators import Administrator, Person
from mip_app.accounts.models import Alliance, Institution, Membership, Role
from mip_app.accounts.sessions import end_sessions_at
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Conflict, NotVisible


class AllianceLine(TypedDict):
    id: int
    name: str
    name_en: str
    disabled: bool
    institutions: int
    administrators: int


@needs(Permission.ADMIN_ALLIANCES)
def alliances(session: Session, actor: Actor) -> list[AllianceLine]:
    """All of them, in the order in which they were opened."""
    institutions = Counter(
        dict(
            session.exec(
                select(Institution.alliance_id, func.count()).group_by(col(Institution.alliance_id))
            ).all()
        )
    )
    people = Counter(
        dict(
            session.exec(
                select(Membership.alliance_id, func.count()).group_by(col(Membership.alliance_id))
            ).all()
        )
    )
    return [
        AllianceLine(
            id=row.id or 0,
            name=row.name,
            name_en=row.name_en,
            disabled=row.disabled,
            institutions=institutions[row.id or 0],
            administrators=people[row.id],
        )
        for row in session.exec(select(Alliance).order_by(col(Alliance.id)))
    ]


@needs(Permission.ADMIN_ALLIANCES)
def open_alliance(session: Session, actor: Actor, form: entries.Form, password_hash: str) -> int:
    """With its first administrator. `form`: name, name_en, account, person, mobile. Raises Invalid, Conflict."""
    name, name_en = _names(session, form)
    person = Person.of(form)
    row = Alliance(name=name, name_en=name_en)
    session.add(row)
    session.flush()
    alliance_id = row.id or 0
    audit.record(session, actor, Act.ALLIANCE_OPENED, f"alliance:{alliance_id}", name=name)
    administrators.add(session, actor, person, password_hash, Role.ALLIANCE_ADMIN, alliance_id=alliance_id)
    return alliance_id


@needs(Permission.ADMIN_ALLIANCES)
def rename(session: Session, actor: Actor, alliance_id: object, form: entries.Form) -> None:
    row = _alliance(session, alliance_id)
    before = (row.name, row.name_en)
    row.name, row.name_en = _names(session, form, row.id)
    fields = zip(("name", "name_en"), before, (row.name, row.name_en), strict=True)
    changed = [field for field, then, now in fields if then != now]
    audit.record(session, actor, Act.ALLIANCE_CHANGED, f"alliance:{row.id}", changed=changed)


@needs(Permission.ADMIN_ALLIANCES)
def set_disabled(session: Session, actor: Actor, alliance_id: object, disabled: bool) -> None:
    """Disabled, everybody in it loses access at once, its institutions' machines as well."""
    row = _alliance(session, alliance_id)
    row.disabled = disabled is True
    if row.disabled:
        inside = select(Institution.id).where(Institution.alliance_id == row.id)
        everybody = or_(col(Membership.alliance_id) == row.id, col(Membership.institution_id).in_(inside))
        end_sessions_at(session, select(Membership.id).where(everybody))
    act = Act.ALLIANCE_DISABLED if row.disabled else Act.ALLIANCE_ENABLED
    audit.record(session, actor, act, f"alliance:{row.id}")


@needs(Permission.ADMIN_ALLIANCES)
def administrators_of(session: Session, actor: Actor, alliance_id: object) -> list[Administrator]:
    row = _alliance(session, alliance_id)
    return administrators.listed(session, col(Membership.alliance_id) == row.id)


@needs(Permission.ADMIN_ALLIANCES)
def add_administrator(
    session: Session, actor: Actor, alliance_id: object, form: entries.Form, password_hash: str
) -> int:
    """`form`: account, person, mobile. Raises Invalid, Conflict, NotVisible."""
    row = _alliance(session, alliance_id)
    person = Person.of(form)
    return administrators.add(session, actor, person, password_hash, Role.ALLIANCE_ADMIN, alliance_id=row.id)


@needs(Permission.ADMIN_ALLIANCES)
def reset_administrator(session: Session, actor: Actor, membership_id: object, password_hash: str) -> str:
    membership = administrators.found(session, membership_id, _leads_an_alliance())
    return administrators.reset(session, actor, membership, password_hash, _leads_an_alliance())


@needs(Permission.ADMIN_ALLIANCES)
def disable_administrator(session: Session, actor: Actor, membership_id: object, disabled: bool) -> None:
    membership = administrators.found(session, membership_id, _leads_an_alliance())
    administrators.set_disabled(session, actor, membership, disabled is True)


def _leads_an_alliance() -> ColumnElement[bool]:
    return col(Membership.alliance_id).is_not(None)


def _alliance(session: Session, alliance_id: object) -> Alliance:
    if (row := session.get(Alliance, entries.key(alliance_id))) is None:
        raise NotVisible("admin.not_there")
    return row


def _names(session: Session, form: entries.Form, but: int | None = None) -> tuple[str, str]:
    name = entries.line(form, "name", 60, required=True)
    taken = session.exec(select(Alliance.id).where(Alliance.name == name)).first()
    if taken is not None and taken != but:
        raise Conflict("alliance.name_taken", field="name")
    return name, entries.line(form, "name_en", 120)
