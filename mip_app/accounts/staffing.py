"""Doctors of the own institution: adding, changing, disabling, resetting, removing. `standing.py` says who may what."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from mip_app.accounts import entries, notices, phones, resetting, sessions, standing
from mip_app.accounts.departments import department
from mip_app.accounts.lock_out import guarded
from mip_app.accounts.models import Institution, Membership, User
from mip_app.accounts.particulars import (
    Particulars,
    account_of,
    extra_of,
    keywords_of,
    name_of,
    phone_of,
    roles_of,
    title_of,
)
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, Invalid, NotVisible

AT_ONCE = 500  # people of one act


class AccountTaken(Conflict):
    code = "doctor.account_taken"


class AlreadyHere(Conflict):
    code = "doctor.already_here"


class NotOneself(Conflict):
    code = "doctor.not_oneself"


@needs(Permission.ADMIN_ACCOUNTS)
def add(session: Session, actor: Actor, account: object, given: Particulars, password_hash: str) -> int:
    """A new person with an initial password; at the first sign-in they set their own. Raises Invalid, AccountTaken."""
    checked = account_of(account)
    _refuse_taken_phone(session, actor, phone_of(given.phone))
    if session.exec(select(User.id).where(User.account == checked)).first():
        raise AccountTaken(field="account")
    return add_checked(session, actor, checked, given, password_hash)


@needs(Permission.ADMIN_ACCOUNTS)
def add_checked(session: Session, actor: Actor, account: str, given: Particulars, password_hash: str) -> int:
    """`add`, where account and phone are known to be free: many people of one list are looked up at once."""
    account, name, phone = account_of(account), name_of(given.name), phone_of(given.phone)
    place = _place(session, actor, given)
    user = User(
        account=account,
        name=name,
        keywords=keywords_of(account, name),
        title=title_of(given.title),
        password_hash=password_hash,
        first_login=True,
        phone_index=phones.index_of(phone),
        created_at=utc_now(),
    )
    try:
        with session.begin_nested():
            session.add(user)
            session.flush()
    except IntegrityError:  # somebody was faster
        raise AccountTaken(field="account") from None
    user.phone = phones.sealed(phone, user.id or 0)
    place.user_id = user.id or 0
    session.add(place)
    session.flush()
    audit.record(session, actor, Act.USER_CREATED, f"user:{user.id}", roles=place.roles, extra=place.extra)
    return user.id or 0


@needs(Permission.ADMIN_ACCOUNTS)
def add_existing(session: Session, actor: Actor, account: object, given: Particulars) -> None:
    """Somebody of the same alliance begins to work here, too. A wrong name answers like a wrong account."""
    place = _place(session, actor, given)
    asked = select(User).where(User.account == sessions.account_key(entries.plain(account)))
    # Held: a second administrator who adds the same person waits, and then sees that they are here.
    user = session.exec(asked.with_for_update()).first()
    if user is None or user.name != entries.plain(given.name) or not _of_alliance(session, actor, user):
        raise NotVisible("doctor.nobody_like_this", field="account")
    row = session.exec(
        select(Membership).where(
            Membership.user_id == user.id, Membership.institution_id == actor.institution
        )
    ).first()
    if row and row.removed_at is None:
        raise AlreadyHere(field="account")
    if row:
        row.removed_at, row.disabled = None, False
        row.department_id, row.roles, row.extra = place.department_id, place.roles, place.extra
        row.joined_at = place.joined_at
    else:
        place.user_id = user.id or 0
        session.add(place)
    audit.record(session, actor, Act.USER_ADDED, f"user:{user.id}", roles=place.roles, extra=place.extra)


def _of_alliance(session: Session, actor: Actor, user: User) -> bool:
    """Whether they work, or worked, in an institution of the actor's alliance."""
    own = select(Institution.alliance_id).where(Institution.id == actor.institution).scalar_subquery()
    statement = (
        select(Membership.id)
        .join(Institution, col(Institution.id) == Membership.institution_id)
        .where(Membership.user_id == user.id, Institution.alliance_id == own)
    )
    return not user.disabled and session.exec(statement).first() is not None


@needs(Permission.ADMIN_ACCOUNTS)
def edit(session: Session, actor: Actor, account: str, given: Particulars) -> None:
    """Raises NotVisible, Invalid, NotOurs for the person's own data, LastAdministrator, OwnRights."""
    user, membership = standing.found(session, actor, account)
    standing.require_not_above(session, actor, membership)
    place = _place(session, actor, given, before=membership)
    changed = _edit_person(session, actor, user, membership, given)
    before: dict[str, Any] = {}
    with guarded(session, actor, actor.institution):
        for field in ("department_id", "roles", "extra"):
            if getattr(membership, field) != getattr(place, field):
                if field != "department_id":
                    before[f"{field}_before"] = getattr(membership, field)
                setattr(membership, field, getattr(place, field))
                changed.append(field.removesuffix("_id"))
    if not changed:
        return
    if {"roles", "extra"} & set(changed):
        sessions.tell_sessions(session, [membership.id or 0])
    audit.record(
        session,
        actor,
        Act.USER_CHANGED,
        f"user:{user.id}",
        changed=changed,
        roles=membership.roles,
        extra=membership.extra,
        **before,
    )


def _edit_person(
    session: Session, actor: Actor, user: User, membership: Membership, given: Particulars
) -> list[str]:
    """What belongs to the person, where it is said to be another than it is."""
    home = standing.is_home(session, membership)
    name = name_of(given.name) if home else user.name
    title = title_of(given.title) if home else user.title
    phone = phone_of(given.phone)
    changed = []
    if (name, title) != (user.name, user.title):
        changed += ["name"] if name != user.name else []
        changed += ["title"] if title != user.title else []
        user.name, user.title, user.keywords = name, title, keywords_of(user.account, name)
    if phone and phones.index_of(phone) != user.phone_index:
        _refuse_taken_phone(session, actor, phone)
        standing.close_elsewhere(session, actor, membership)
        notices.tell_former_phone(session, user, phone)
        user.phone, user.phone_index = phones.sealed(phone, user.id or 0), phones.index_of(phone)
        user.phone_verified_at = None
        changed.append("phone")
    return changed


@needs(Permission.ADMIN_ACCOUNTS)
def set_disabled(session: Session, actor: Actor, accounts: Iterable[str], disabled: bool) -> int:
    """All of them or none; gives how many changed. Raises NotVisible, NotOneself, LastAdministrator."""
    with guarded(session, actor, actor.institution):
        people = [standing.found(session, actor, account) for account in list(accounts)[:AT_ONCE]]
        changing = [(user, row) for user, row in people if row.disabled != bool(disabled)]
        if disabled and any(user.id == actor.user_id for user, _ in changing):
            raise NotOneself()
        standing.require_not_above(session, actor, *(row for _, row in changing))
        for user, row in changing:
            row.disabled = bool(disabled)
            act = Act.USER_DISABLED if disabled else Act.USER_ENABLED
            audit.record(session, actor, act, f"user:{user.id}")
    if disabled:
        sessions.end_sessions_at(session, [row.id or 0 for _, row in changing])
    return len(changing)


@needs(Permission.ADMIN_ACCOUNTS)
def reset_password(session: Session, actor: Actor, account: str, password_hash: str) -> None:
    """As on the first day. Raises NotVisible, NotOurs, OnlyThemselves, NotOneself."""
    resetting.to_the_first_day(session, actor, _to_reset(session, actor, account), password_hash)


@needs(Permission.ADMIN_ACCOUNTS)
def reset_second_factor(session: Session, actor: Actor, account: str) -> None:
    """For who lost the device with the codes. Raises NotVisible, NotOurs, OnlyThemselves, NotOneself."""
    resetting.second_factor(session, actor, _to_reset(session, actor, account))


def _to_reset(session: Session, actor: Actor, account: str) -> User:
    user, membership = standing.found(session, actor, account)
    if user.id == actor.user_id:
        raise NotOneself()
    standing.require_not_above(session, actor, membership)
    standing.close_elsewhere(session, actor, membership)
    return user


@needs(Permission.ADMIN_ACCOUNTS)
def remove(session: Session, actor: Actor, account: str) -> None:
    """They are no longer one of the institution; what they wrote and did stays. Raises NotOneself, LastAdministrator."""
    with guarded(session, actor, actor.institution):
        user, membership = standing.found(session, actor, account)
        if user.id == actor.user_id:
            raise NotOneself()
        standing.require_not_above(session, actor, membership)
        membership.disabled, membership.removed_at, membership.department_id = True, utc_now(), None
    sessions.end_sessions_at(session, [membership.id or 0])
    audit.record(session, actor, Act.USER_REMOVED, f"user:{user.id}")


def _place(
    session: Session, actor: Actor, given: Particulars, before: Membership | None = None
) -> Membership:
    """What the form makes of somebody here, checked; not added yet. Raises Invalid, NotVisible, Above."""
    sets = sessions.own_sets(session, actor.institution)
    department_id = None
    if given.department:
        row = department(session, actor, given.department)
        if row.disabled and (before is None or before.department_id != row.id):
            raise Invalid("doctor.department_disabled", field="department")
        department_id = row.id
    place = Membership(
        user_id=0,
        institution_id=actor.institution,
        department_id=department_id,
        roles=roles_of(given.roles, sets),
        extra=extra_of(given.extra),
        joined_at=utc_now(),
    )
    standing.require_not_more(session, actor, before, place)
    return place


def _refuse_taken_phone(session: Session, actor: Actor, phone: str) -> None:
    if phone and taken_phones(session, actor, [phone]):
        raise Invalid("doctor.phone_taken", field="phone")


@needs(Permission.ADMIN_ACCOUNTS)
def taken_phones(session: Session, actor: Actor, asked: Iterable[str]) -> set[str]:
    """Of these numbers those somebody of the own institution has."""
    by_index = {phones.index_of(phone): phone for phone in asked if phone}
    statement = (
        select(User.phone_index)
        .join(Membership, col(Membership.user_id) == User.id)
        .where(
            Membership.institution_id == actor.institution,
            col(Membership.removed_at).is_(None),
            col(User.phone_index) != "",
        )
    )
    return {by_index[index] for index in session.exec(statement) if index in by_index}
