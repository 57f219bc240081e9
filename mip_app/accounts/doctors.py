"""The list of doctors of the own institution, a page at a time, and one doctor as the form shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, String, case, cast, func, or_, select
from sqlmodel import Session, col

from mip_app.accounts import entries, phones, standing
from mip_app.accounts.models import Department, Institution, Membership, Role, RoleSet, User
from mip_app.accounts.roles import GRANTABLE, OUTSIDE
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.dicom.names import search_term

PAGE = 50
STATES = ("active", "new", "disabled")


class Choice(TypedDict):
    """One of a list; `name` is empty where the catalogue names it."""

    key: str
    name: str


class Doctor(TypedDict):
    account: str
    name: str
    title: str
    department: str
    roles: list[Choice]
    phone: str  # masked
    state: str  # one of STATES
    last: str  # 2026-11-24 14:32, or ''
    avatar: str  # its address, or ''
    me: bool


class Card(TypedDict):
    """One doctor as the form shows them."""

    account: str
    name: str
    title: str
    department: str  # its number
    department_name: str
    department_gone: bool  # disabled: not to be chosen by anybody else
    phone: str  # masked
    roles: list[str]
    extra: list[str]
    home: bool  # the person's own data are kept here
    elsewhere: bool  # of those kept here: they work in another institution, too
    second_factor: bool
    disabled: bool
    avatar: str
    signature: str
    me: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What the list is asked for; empty asks for everything."""

    keyword: str = ""
    department: str = ""
    role: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class DoctorPage:
    rows: list[Doctor]
    more: bool  # in the direction that was asked for
    total: int
    new: int  # of them not signed in for the first time yet
    today: date


@needs(Permission.ADMIN_ACCOUNTS)
def page(
    session: Session,
    actor: Actor,
    asked: Asked,
    beyond: str = "",
    forward: bool = True,
    including: bool = False,
) -> DoctorPage:
    """Those after the account `beyond` (before it, when not `forward`; with it, when `including`), by account."""
    conditions = _conditions(actor, asked)
    statement = _people().where(*conditions)
    if beyond:
        account = col(User.account)
        after = account >= beyond if including else account > beyond
        statement = statement.where(after if forward else account < beyond)
    order = col(User.account).asc() if forward else col(User.account).desc()
    found = session.execute(statement.order_by(order).limit(PAGE + 1)).all()
    kept = found[:PAGE] if forward else found[:PAGE][::-1]
    total, new = session.execute(
        select(func.count(), func.coalesce(func.sum(case((_state("new"), 1), else_=0)), 0))
        .select_from(Membership)
        .join(User, col(User.id) == Membership.user_id)
        .where(*conditions)
    ).one()
    zone = _zone(session, actor)
    rows = rows_of(session, actor, kept, zone)
    return DoctorPage(rows, len(found) > PAGE, total, int(new), utc_now().astimezone(zone).date())


@needs(Permission.ADMIN_ACCOUNTS)
def everybody(session: Session, actor: Actor, asked: Asked) -> list[Doctor]:
    """All that the filters find."""
    found = session.execute(_people().where(*_conditions(actor, asked)).order_by(col(User.account))).all()
    return rows_of(session, actor, found, _zone(session, actor))


@needs(Permission.ADMIN_ACCOUNTS)
def card(session: Session, actor: Actor, account: str) -> Card:
    """Raises NotVisible."""
    user, row = standing.found(session, actor, account)
    home = standing.is_home(session, row)
    department = session.get(Department, row.department_id) if row.department_id else None
    return Card(
        account=user.account,
        name=user.name,
        title=user.title,
        department=str(row.department_id or ""),
        department_name=department.name if department else "",
        department_gone=department.disabled if department else False,
        phone=phones.masked(phones.opened(user.phone, user.id or 0)),
        roles=list(row.roles),
        extra=list(row.extra),
        home=home,
        elsewhere=home and standing.works_elsewhere(session, row),
        second_factor=user.second_factor_since is not None,
        disabled=row.disabled,
        avatar=picture_address(user.account, "avatar", user.avatar),
        signature=picture_address(user.account, "signature", user.signature),
        me=user.id == actor.user_id,
    )


@needs(Permission.ADMIN_ACCOUNTS)
def departments_to_choose(session: Session, actor: Actor) -> list[Choice]:
    rows = session.scalars(
        select(Department)
        .where(col(Department.institution_id) == actor.institution, col(Department.disabled).is_(False))
        .order_by(col(Department.id))
    )
    return [Choice(key=str(row.id), name=row.name) for row in rows]


@needs(Permission.ADMIN_ACCOUNTS)
def roles_to_choose(session: Session, actor: Actor) -> list[Choice]:
    """Those delivered for institutions, then the institution's own."""
    own = own_role_names(session, actor)
    delivered = [Choice(key=role.value, name="") for role in Role if role not in OUTSIDE]
    return delivered + [Choice(key=code, name=name) for code, name in own.items()]


def permissions_to_choose() -> list[str]:
    return sorted(GRANTABLE)


def own_role_names(session: Session, actor: Actor) -> dict[str, str]:
    rows = session.execute(
        select(col(RoleSet.code), col(RoleSet.name))
        .where(col(RoleSet.institution_id) == actor.institution, col(RoleSet.code).not_in(list(Role)))
        .order_by(col(RoleSet.code))
    )
    return {row.code: row.name or row.code for row in rows}


def picture_address(account: str, kind: str, key: str) -> str:
    """Changes with the picture, so that a browser shows no former one."""
    return f"/people/of/{account}/{kind}?v={key.rpartition('/')[2][:12]}" if key else ""


def _people() -> Any:
    return (
        select(User, Membership, col(Department.name))
        .join(Membership, col(Membership.user_id) == User.id)
        .join(Department, col(Department.id) == Membership.department_id, isouter=True)
    )


def _conditions(actor: Actor, asked: Asked) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        col(Membership.institution_id) == actor.institution,
        col(Membership.removed_at).is_(None),
    ]
    if keyword := entries.plain(asked.keyword)[:64]:
        conditions.append(_named(keyword))
    if asked.department.isascii() and asked.department.isdigit():
        conditions.append(col(Membership.department_id) == int(asked.department[:9]))
    if asked.role:
        conditions.append(cast(Membership.roles, String).contains(f'"{asked.role[:60]}"', autoescape=True))
    if asked.state in STATES:
        conditions.append(_state(asked.state))
    return conditions


def _named(keyword: str) -> ColumnElement[bool]:
    """By the beginning of account, name or one of its readings; by the whole phone number."""
    ways = [col(User.name).contains(keyword, autoescape=True)]
    if term := search_term(keyword):
        ways.append(col(User.keywords).contains(f" {term}", autoescape=True))
    if phone := phones.normalised(keyword):
        ways.append(col(User.phone_index) == phones.index_of(phone))
    return or_(*ways)


def _state(state: str) -> ColumnElement[bool]:
    off = col(Membership.disabled) | col(User.disabled)
    if state == "disabled":
        return off
    return ~off & (col(User.first_login).is_(True) if state == "new" else col(User.first_login).is_(False))


@needs(Permission.ADMIN_ACCOUNTS)
def rows_of(session: Session, actor: Actor, found: Any, zone: ZoneInfo) -> list[Doctor]:
    names = own_role_names(session, actor)
    return [_row(user, row, department or "", names, zone, actor) for user, row, department in found]


def _row(
    user: User, row: Membership, department: str, names: Mapping[str, str], zone: ZoneInfo, actor: Actor
) -> Doctor:
    off = row.disabled or user.disabled
    return Doctor(
        account=user.account,
        name=user.name,
        title=user.title,
        department=department,
        roles=[Choice(key=code, name=names.get(code, "")) for code in row.roles],
        phone=phones.masked(phones.opened(user.phone, user.id or 0)),
        state="disabled" if off else "new" if user.first_login else "active",
        last=f"{user.last_sign_in_at.astimezone(zone):%Y-%m-%d %H:%M}" if user.last_sign_in_at else "",
        avatar=picture_address(user.account, "avatar", user.avatar),
        me=user.id == actor.user_id,
    )


def _zone(session: Session, actor: Actor) -> ZoneInfo:
    return ZoneInfo(session.get_one(Institution, actor.institution).time_zone)
