"""What an institution makes of its roles: which permissions each has, and roles of its own."""

import secrets
from collections import Counter
from typing import TypedDict

from sqlmodel import Session, select

from mip_app.accounts import entries
from mip_app.accounts.lock_out import guarded, one_at_a_time
from mip_app.accounts.models import Membership, Role, RoleSet
from mip_app.accounts.roles import GRANTABLE, OUTSIDE, PERMISSIONS
from mip_app.accounts.sessions import tell_sessions
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Conflict, Invalid, NotVisible

DELIVERED = tuple(role for role in Role if role not in OUTSIDE)
MOST_OWN = 30
NAME = 20  # characters


class RoleLine(TypedDict):
    code: str
    name: str  # of an own role; a delivered one is named by the catalogue, `role.<code>`
    own: bool
    changed: bool  # a delivered role that is not as delivered
    permissions: list[str]
    people: int  # who have it, disabled ones included


@needs(Permission.ADMIN_ROLES)
def roles(session: Session, actor: Actor) -> list[RoleLine]:
    """The delivered ones, then the institution's own."""
    sets = _sets(session, actor)
    people = _people(session, actor)
    own = sorted((row for row in sets.values() if row.code not in DELIVERED), key=lambda row: row.code)
    lines = [
        RoleLine(
            code=role,
            name="",
            own=False,
            changed=role in sets,
            permissions=sorted(sets[role].permissions if role in sets else PERMISSIONS[role]),
            people=people[role],
        )
        for role in DELIVERED
    ]
    return lines + [
        RoleLine(
            code=row.code,
            name=row.name,
            own=True,
            changed=False,
            permissions=sorted(row.permissions),
            people=people[row.code],
        )
        for row in own
    ]


@needs(Permission.ADMIN_ROLES)
def give(session: Session, actor: Actor, code: object, permission: object, given: object) -> None:
    """Let a role have a permission, or not. Counts at once. Raises Invalid, Conflict, NotVisible."""
    word = str(permission)
    if word not in GRANTABLE:
        raise Invalid("role.not_grantable")
    with guarded(session, actor, actor.institution):
        before = _permissions(session, actor, code)
        after = before | {word} if given is True else before - {word}
        _put(session, actor, str(code), after)
    _done(session, actor, str(code), Act.ROLE_CHANGED, before, after)


@needs(Permission.ADMIN_ROLES)
def restore(session: Session, actor: Actor, code: object) -> None:
    """A delivered role as delivered."""
    if str(code) not in DELIVERED:
        raise NotVisible("admin.not_there")
    with guarded(session, actor, actor.institution):
        before = _permissions(session, actor, code)
        after = {str(word) for word in PERMISSIONS[Role(str(code))]}
        _put(session, actor, str(code), after)
    _done(session, actor, str(code), Act.ROLE_RESTORED, before, after)


@needs(Permission.ADMIN_ROLES)
def add(session: Session, actor: Actor, form: entries.Form) -> str:
    """A role of the institution's own; `form`: name, and `like`, the role whose permissions it starts with."""
    one_at_a_time(session, [actor.institution])
    name = _name(session, actor, form)
    if sum(code not in DELIVERED for code in _sets(session, actor)) >= MOST_OWN:
        raise Conflict("role.too_many", n=MOST_OWN)
    like = form.get("like", "")
    words = _permissions(session, actor, like) if like else set()
    code = f"own-{secrets.token_hex(8)}"
    session.add(RoleSet(institution_id=actor.institution, code=code, name=name, permissions=sorted(words)))
    audit.record(session, actor, Act.ROLE_ADDED, f"role:{code}", name=name, after=sorted(words))
    return code


@needs(Permission.ADMIN_ROLES)
def rename(session: Session, actor: Actor, code: object, form: entries.Form) -> None:
    row = _own(session, actor, code)
    before, row.name = row.name, _name(session, actor, form, row.code)
    audit.record(session, actor, Act.ROLE_RENAMED, f"role:{row.code}", name=row.name, name_before=before)


@needs(Permission.ADMIN_ROLES)
def delete(session: Session, actor: Actor, code: object) -> None:
    """Raises Conflict while anybody has it."""
    one_at_a_time(session, [actor.institution])
    row = _own(session, actor, code)
    if _people(session, actor)[row.code]:
        raise Conflict("role.in_use")
    session.delete(row)
    before = sorted(row.permissions)
    audit.record(session, actor, Act.ROLE_DELETED, f"role:{row.code}", name=row.name, before=before)


def _done(session: Session, actor: Actor, code: str, act: Act, before: set[str], after: set[str]) -> None:
    statement = select(Membership.id, Membership.roles).where(Membership.institution_id == actor.institution)
    tell_sessions(session, [key for key, has in session.exec(statement) if key and code in has])
    audit.record(session, actor, act, f"role:{code}", before=sorted(before), after=sorted(after))


def _put(session: Session, actor: Actor, code: str, words: set[str]) -> None:
    row = session.get(RoleSet, (actor.institution, code))
    if code in DELIVERED and words == set(PERMISSIONS[Role(code)]):
        if row is not None:  # as delivered: nothing of one's own is kept, so that a later delivery counts
            session.delete(row)
        return
    row = row or RoleSet(institution_id=actor.institution, code=code)
    row.permissions = sorted(words)
    session.add(row)


def _permissions(session: Session, actor: Actor, code: object) -> set[str]:
    """What a role has now. Raises NotVisible for what is no role of this institution."""
    sets = _sets(session, actor)
    if str(code) in sets:
        return set(sets[str(code)].permissions)
    if str(code) not in DELIVERED:
        raise NotVisible("admin.not_there")
    return {str(word) for word in PERMISSIONS[Role(str(code))]}


def _own(session: Session, actor: Actor, code: object) -> RoleSet:
    row = _sets(session, actor).get(str(code))
    if row is None or row.code in DELIVERED:
        raise NotVisible("admin.not_there")
    return row


def _name(session: Session, actor: Actor, form: entries.Form, but: str = "") -> str:
    name = entries.line(form, "name", NAME, required=True)
    if any(row.name == name and row.code != but for row in _sets(session, actor).values()):
        raise Conflict("role.name_taken", field="name")
    return name


def _sets(session: Session, actor: Actor) -> dict[str, RoleSet]:
    rows = session.exec(select(RoleSet).where(RoleSet.institution_id == actor.institution))
    return {row.code: row for row in rows}


def _people(session: Session, actor: Actor) -> Counter[str]:
    statement = select(Membership.roles).where(Membership.institution_id == actor.institution)
    return Counter(code for roles in session.exec(statement) for code in set(roles))
