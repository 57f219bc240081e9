"""What an institution says of itself, and figures of its people. Always the actor's own institution."""

from datetime import datetime
from typing import TypedDict
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, func, select

from mip_app.accounts import entries
from mip_app.accounts.institution_form import InstitutionForm
from mip_app.accounts.models import Department, Institution, LoginSession, Membership, Role, User
from mip_app.accounts.phones import masked, opened
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, Permission, needs
from mip_app.core.clock import utc_now


class Said(TypedDict):
    code: str
    name: str
    name_en: str
    level: str
    address: str
    phone: str
    time_zone: str
    logo: str  # changes with the picture; '' without one
    administrators: list[str]  # 高远 · 139****7788


class PeopleFigures(TypedDict):
    people: int
    departments: int
    sign_ins_today: int


@needs(Permission.ADMIN_INSTITUTION)
def said(session: Session, actor: Actor) -> Said:
    row = session.get_one(Institution, actor.institution)
    return Said(
        code=row.code,
        name=row.name,
        name_en=row.name_en,
        level=row.level,
        address=row.address,
        phone=row.phone,
        time_zone=row.time_zone,
        logo=row.logo.removesuffix(".png")[-12:],
        administrators=_administrators(session, actor),
    )


@needs(Permission.ADMIN_INSTITUTION)
def change(session: Session, actor: Actor, form: entries.Form) -> None:
    """`form`: those of InstitutionForm. Raises Invalid."""
    row = session.get_one(Institution, actor.institution)
    changed = InstitutionForm.of(form).put(row)
    audit.record(session, actor, Act.INSTITUTION_CHANGED, f"institution:{row.id}", changed=changed)


@needs(Permission.ADMIN_INSTITUTION)
def set_logo(session: Session, actor: Actor, blob: str) -> None:
    """`blob`: key of a picture that this side has drawn and kept, '' for none."""
    session.get_one(Institution, actor.institution).logo = blob
    audit.record(
        session, actor, Act.INSTITUTION_CHANGED, f"institution:{actor.institution}", changed=["logo"]
    )


@needs(Open.TO_SIGNED_IN)
def logo(session: Session, actor: Actor) -> str:
    """The key of the own institution's logo, or ''."""
    return session.get_one(Institution, actor.institution).logo


@needs(Permission.ADMIN_INSTITUTION)
def people_figures(session: Session, actor: Actor) -> PeopleFigures:
    row = session.get_one(Institution, actor.institution)
    here = col(Membership.institution_id) == actor.institution
    active = (
        select(func.count())
        .select_from(Membership)
        .join(User, col(User.id) == Membership.user_id)
        .where(here, col(Membership.disabled).is_(False), col(User.disabled).is_(False))
    )
    departments = (
        select(func.count())
        .select_from(Department)
        .where(Department.institution_id == actor.institution, col(Department.disabled).is_(False))
    )
    sign_ins = (
        select(func.count())
        .select_from(LoginSession)
        .join(Membership, col(Membership.id) == LoginSession.membership_id)
        .where(here, LoginSession.created_at >= start_of(ZoneInfo(row.time_zone)))
    )
    return PeopleFigures(
        people=session.exec(active).one(),
        departments=session.exec(departments).one(),
        sign_ins_today=session.exec(sign_ins).one(),
    )


@needs(Permission.ADMIN_INSTITUTION)
def month_began(session: Session, actor: Actor) -> datetime:
    """When the current month began where the institution is."""
    zone = ZoneInfo(session.get_one(Institution, actor.institution).time_zone)
    return start_of(zone).astimezone(zone).replace(day=1)


def start_of(zone: ZoneInfo) -> datetime:
    """Midnight of today in that zone."""
    return utc_now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _administrators(session: Session, actor: Actor) -> list[str]:
    roles = sa.cast(Membership.roles, sa.String)
    statement = (
        select(User)
        .join(Membership, col(Membership.user_id) == User.id)
        .where(
            Membership.institution_id == actor.institution,
            col(Membership.disabled).is_(False),
            col(User.disabled).is_(False),
            roles.contains(f'"{Role.INSTITUTION_ADMIN}"', autoescape=True),
        )
        .order_by(col(User.id))
    )
    return [
        " · ".join(part for part in (user.name, masked(opened(user.phone, user.id or 0))) if part)
        for user in session.exec(statement)
    ]
