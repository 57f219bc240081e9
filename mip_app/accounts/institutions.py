"""What an alliance's administrator does: institutions of the own alliance and their administrators, nothing else."""

from typing import TypedDict

import sqlalchemy as sa
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from mip_app.accounts import administrators, entries
from mip_app.accounts.administrators import Administrator, Person
from mip_app.accounts.institution_form import InstitutionForm
from mip_app.accounts.models import Institution, Membership, Role
from mip_app.accounts.sessions import end_sessions_at
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Conflict, NotPermitted, NotVisible


class InstitutionLine(TypedDict):
    id: int
    code: str
    name: str
    name_en: str
    level: str
    address: str
    phone: str
    time_zone: str
    disabled: bool
    people: int


@needs(Permission.ADMIN_INSTITUTIONS)
def institutions(session: Session, actor: Actor) -> list[InstitutionLine]:
    """Those of the own alliance, in the order in which they were opened."""
    rows = session.exec(
        select(Institution).where(Institution.alliance_id == _own(actor)).order_by(col(Institution.id))
    ).all()
    counted = session.exec(
        select(Membership.institution_id, func.count())
        .where(
            col(Membership.institution_id).in_([row.id for row in rows]), col(Membership.disabled).is_(False)
        )
        .group_by(col(Membership.institution_id))
    )
    people = dict(counted.all())
    return [_line(row, people.get(row.id, 0)) for row in rows]


@needs(Permission.ADMIN_INSTITUTIONS)
def open_institution(session: Session, actor: Actor, form: entries.Form, password_hash: str) -> int:
    """With its first administrator. `form`: code, those of InstitutionForm, and account, person, mobile."""
    code = entries.institution_code(form)
    said, person = InstitutionForm.of(form), Person.of(form)
    if session.exec(select(Institution.id).where(Institution.code == code)).first():
        raise Conflict("institution.code_taken", field="code")
    row = Institution(alliance_id=_own(actor), code=code, **said.values())
    session.add(row)
    session.flush()
    institution_id = row.id or 0
    audit.record(session, actor, Act.INSTITUTION_OPENED, f"institution:{institution_id}")
    administrators.add(
        session, actor, person, password_hash, Role.INSTITUTION_ADMIN, institution_id=institution_id
    )
    return institution_id


@needs(Permission.ADMIN_INSTITUTIONS)
def change(session: Session, actor: Actor, institution_id: object, form: entries.Form) -> None:
    """Everything but the code, which commands and accounts name. Raises Invalid, NotVisible."""
    row = _institution(session, actor, institution_id)
    changed = InstitutionForm.of(form).put(row)
    audit.record(session, actor, Act.INSTITUTION_CHANGED, f"institution:{row.id}", changed=changed)


@needs(Permission.ADMIN_INSTITUTIONS)
def set_disabled(session: Session, actor: Actor, institution_id: object, disabled: bool) -> None:
    """Disabled, everybody in it loses access at once, its machines as well."""
    row = _institution(session, actor, institution_id)
    row.disabled = disabled is True
    if row.disabled:
        end_sessions_at(session, select(Membership.id).where(Membership.institution_id == row.id))
    act = Act.INSTITUTION_DISABLED if row.disabled else Act.INSTITUTION_ENABLED
    audit.record(session, actor, act, f"institution:{row.id}")


@needs(Permission.ADMIN_INSTITUTIONS)
def administrators_of(session: Session, actor: Actor, institution_id: object) -> list[Administrator]:
    row = _institution(session, actor, institution_id)
    return administrators.listed(
        session, _administers(actor) & (col(Membership.institution_id) == row.id), row.time_zone
    )


@needs(Permission.ADMIN_INSTITUTIONS)
def add_administrator(
    session: Session, actor: Actor, institution_id: object, form: entries.Form, password_hash: str
) -> int:
    """`form`: account, person, mobile. Raises Invalid, Conflict, NotVisible."""
    row = _institution(session, actor, institution_id)
    person = Person.of(form)
    return administrators.add(
        session, actor, person, password_hash, Role.INSTITUTION_ADMIN, institution_id=row.id
    )


@needs(Permission.ADMIN_INSTITUTIONS)
def reset_administrator(session: Session, actor: Actor, membership_id: object, password_hash: str) -> str:
    membership = administrators.found(session, membership_id, _administers(actor))
    return administrators.reset(session, actor, membership, password_hash, _inside(actor))


@needs(Permission.ADMIN_INSTITUTIONS)
def disable_administrator(session: Session, actor: Actor, membership_id: object, disabled: bool) -> None:
    membership = administrators.found(session, membership_id, _administers(actor))
    administrators.set_disabled(session, actor, membership, disabled is True)


def _own(actor: Actor) -> int:
    if actor.alliance_id is None:
        raise NotPermitted(permission=Permission.ADMIN_INSTITUTIONS)
    return actor.alliance_id


def _institution(session: Session, actor: Actor, institution_id: object) -> Institution:
    row = session.get(Institution, entries.key(institution_id))
    if row is None or row.alliance_id != _own(actor):
        raise NotVisible("admin.not_there")
    return row


def _inside(actor: Actor) -> ColumnElement[bool]:
    """Memberships of the own alliance's institutions."""
    own = select(Institution.id).where(Institution.alliance_id == _own(actor))
    return col(Membership.institution_id).in_(own)


def _administers(actor: Actor) -> ColumnElement[bool]:
    roles = sa.cast(Membership.roles, sa.String)  # a list of words, as JSON writes it
    still_there = col(Membership.removed_at).is_(
        None
    )  # whom an institution let go comes back through it alone
    return _inside(actor) & still_there & roles.contains(f'"{Role.INSTITUTION_ADMIN}"', autoescape=True)


def _line(row: Institution, people: int) -> InstitutionLine:
    return InstitutionLine(
        id=row.id or 0,
        code=row.code,
        name=row.name,
        name_en=row.name_en,
        level=row.level,
        address=row.address,
        phone=row.phone,
        time_zone=row.time_zone,
        disabled=row.disabled,
        people=people,
    )
