"""The departments of the own institution."""

from typing import TypedDict

from sqlalchemy import func
from sqlmodel import Session, col, select

from mip_app.accounts import entries
from mip_app.accounts.models import Department, Membership
from mip_app.accounts.particulars import department_name_of
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Conflict, NotVisible


class DepartmentRow(TypedDict):
    key: str
    name: str
    people: int
    disabled: bool


class DepartmentTaken(Conflict):
    code = "department.taken"


class DepartmentInUse(Conflict):
    code = "department.in_use"


@needs(Permission.ADMIN_ACCOUNTS)
def listed(session: Session, actor: Actor) -> list[DepartmentRow]:
    """All of them with how many people each has; those in use first."""
    people = (
        select(Membership.department_id, func.count().label("people"))
        .where(col(Membership.removed_at).is_(None))
        .group_by(col(Membership.department_id))
        .subquery()
    )
    rows = session.execute(
        select(Department, people.c.people)
        .join(people, people.c.department_id == Department.id, isouter=True)
        .where(Department.institution_id == actor.institution)
        .order_by(col(Department.disabled), col(Department.id))
    )
    return [
        DepartmentRow(key=str(row.id), name=row.name, people=count or 0, disabled=row.disabled)
        for row, count in rows
    ]


@needs(Permission.ADMIN_ACCOUNTS)
def add(session: Session, actor: Actor, name: object) -> int:
    """Raises Invalid, DepartmentTaken."""
    text = department_name_of(name)
    _refuse_taken(session, actor, text)
    row = Department(institution_id=actor.institution, name=text)
    session.add(row)
    session.flush()
    audit.record(session, actor, Act.DEPARTMENT_ADDED, f"department:{row.id}", name=text)
    return row.id or 0


@needs(Permission.ADMIN_ACCOUNTS)
def rename(session: Session, actor: Actor, key: str, name: object) -> None:
    """Raises NotVisible, Invalid, DepartmentTaken."""
    row = department(session, actor, key)
    text = department_name_of(name)
    if text == row.name:
        return
    _refuse_taken(session, actor, text, but=row.id)
    before, row.name = row.name, text
    subject = f"department:{row.id}"
    audit.record(session, actor, Act.DEPARTMENT_CHANGED, subject, name=text, name_before=before)


@needs(Permission.ADMIN_ACCOUNTS)
def set_disabled(session: Session, actor: Actor, key: str, disabled: bool) -> None:
    """A disabled department keeps its people and takes no new ones. Raises NotVisible."""
    row = department(session, actor, key)
    if row.disabled != bool(disabled):
        row.disabled = bool(disabled)
        subject = f"department:{row.id}"
        audit.record(session, actor, Act.DEPARTMENT_CHANGED, subject, name=row.name, disabled=bool(disabled))


@needs(Permission.ADMIN_ACCOUNTS)
def delete(session: Session, actor: Actor, key: str) -> None:
    """Raises NotVisible, DepartmentInUse."""
    row = department(session, actor, key)
    if session.exec(select(Membership.id).where(Membership.department_id == row.id).limit(1)).first():
        raise DepartmentInUse()
    session.delete(row)
    audit.record(session, actor, Act.DEPARTMENT_DELETED, f"department:{row.id}", name=row.name)


@needs(Permission.ADMIN_ACCOUNTS)
def department(session: Session, actor: Actor, key: object) -> Department:
    """The own institution's department of that number. Raises NotVisible."""
    row = session.get(Department, entries.key(key))
    if row is None or row.institution_id != actor.institution:
        raise NotVisible("department.not_found", field="department")
    return row


def _refuse_taken(session: Session, actor: Actor, name: str, but: int | None = None) -> None:
    statement = select(Department.id).where(
        Department.institution_id == actor.institution,
        func.lower(Department.name) == name.lower(),
        col(Department.id) != (but or 0),
    )
    if session.exec(statement).first():
        raise DepartmentTaken(field="department")
