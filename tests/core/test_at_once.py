"""Two people who do at the same moment what can be done once: the second is told so in words."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest
from sqlalchemy import text

from mip_app.accounts import (
    alliances,
    departments,
    institutions,
    opening,
    recognising,
    role_sets,
    sessions,
    staffing,
)
from mip_app.accounts.models import Department, Role
from mip_app.accounts.particulars import Particulars
from mip_app.core import database
from mip_app.core.actor import Actor, Permission, Side
from mip_app.core.errors import Conflict, MipError
from mip_app.sign_in import identities
from mip_app.sign_in.models import Provider

Act = tuple[Actor, Callable[..., object]]


def _waits(other: Future) -> None:
    """Until `other` waits for what this transaction holds, or has answered; on SQLite every writer waits."""
    if database.engine().dialect.name == "sqlite":
        return
    waiting = text(
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    end = time.monotonic() + 20
    while not other.done() and time.monotonic() < end:
        with database.engine(read_only=True).connect() as connection:
            if connection.execute(waiting).scalar_one():
                return


def at_once(first: Act, second: Act) -> str:
    """`first` is done and not committed when `second` is asked; the code of what the second is told, or ''."""

    def hold(session, actor) -> Future:
        first[1](session, actor)
        session.flush()
        other = pool.submit(database.write, second[1], second[0])
        _waits(other)
        return other

    with ThreadPoolExecutor(1) as pool:
        error = database.write(hold, first[0]).exception(timeout=60)
    if error is None:
        return ""
    assert isinstance(error, MipError), repr(error)
    return error.code


def test_the_same_wechat_identity_is_one_persons(actor) -> None:
    acts = []
    for one in (actor(Role.REPORTER), actor(Role.REVIEWER)):
        who = database.write(sessions.open_session, recognising.nobody(), one.user).actor
        token = database.write(identities.keep_for_binding, who, Provider.WECHAT, "union:u")
        acts.append((who, lambda s, a, token=token: identities.bind(s, a, token)))
    assert at_once(*acts) == "external.bound_elsewhere"


def test_the_same_account_is_opened_once(actor) -> None:
    def add(session, admin) -> None:
        staffing.add(session, admin, "lin", Particulars("林望舒", roles=("reporter",)), "not a hash")

    admins = [actor(Role.INSTITUTION_ADMIN) for _ in range(2)]
    assert at_once(*((admin, add) for admin in admins)) == "doctor.account_taken"


def test_the_same_person_begins_here_once(actor, jn1, qh2) -> None:
    alliance = database.write(opening.open_alliance, opening.CONSOLE, "江南医联体")
    database.write(opening.open_institution, opening.CONSOLE, alliance, "X", "第三医院")
    known = Particulars("林望舒", roles=("reporter",))
    database.write(staffing.add, actor(Role.INSTITUTION_ADMIN, institution=qh2), "lin", known, "not a hash")
    admins = [actor(Role.INSTITUTION_ADMIN) for _ in range(2)]
    add = lambda s, a: staffing.add_existing(s, a, "lin", known)  # noqa: E731
    assert at_once(*((admin, add) for admin in admins)) == "doctor.already_here"


def test_the_same_department_is_added_once(actor) -> None:
    admins = [actor(Role.INSTITUTION_ADMIN) for _ in range(2)]
    assert at_once(*((a, lambda s, a: departments.add(s, a, "放射科")) for a in admins)) == "department.taken"


def test_a_role_changed_by_two_is_changed_by_both(actor) -> None:
    admins = [actor(Role.INSTITUTION_ADMIN) for _ in range(2)]
    changes = [
        (admin, lambda s, a, permission=permission: role_sets.give(s, a, "technician", permission, False))
        for admin, permission in zip(admins, ("study.read", "study.upload"), strict=True)
    ]
    assert at_once(*changes) == ""


def _outside(permission: Permission, **more: int) -> Actor:
    user = database.write(
        opening.open_account, opening.CONSOLE, "yunying", "运营", "a long password", Role.OPERATOR
    )
    return Actor(user, "运营", None, frozenset({permission}), side=Side.ADMIN, **more)


def test_the_same_code_of_an_institution_is_given_once(db: str) -> None:
    alliance = database.write(opening.open_alliance, opening.CONSOLE, "江南医联体")
    leader = _outside(Permission.ADMIN_INSTITUTIONS, alliance_id=alliance)
    form = {
        "code": "jb-1",
        "name": "江北市人民医院",
        "level": "三级甲等",
        "person": "高远",
        "mobile": "13800000002",
    }
    first, second = (
        partial(institutions.open_institution, form={**form, "account": account}, password_hash="not a hash")
        for account in ("gao", "yuan")
    )
    assert at_once((leader, first), (leader, second)) == "institution.code_taken"


def test_the_same_name_of_an_alliance_is_given_once(db: str) -> None:
    operator = _outside(Permission.ADMIN_ALLIANCES)
    form = {"name": "江北医联体", "person": "顾岚", "mobile": "13800000001"}
    first, second = (
        partial(alliances.open_alliance, form={**form, "account": account}, password_hash="not a hash")
        for account in ("gu.lan", "lan.gu")
    )
    assert at_once((operator, first), (operator, second)) == "alliance.name_taken"


def test_what_the_service_does_not_see_coming_is_a_conflict_that_names_nothing(actor, jn1) -> None:
    def blind(session, _actor) -> None:
        session.add(Department(institution_id=jn1, name="放射科"))

    admin = actor(Role.INSTITUTION_ADMIN)
    database.write(blind, admin)
    with pytest.raises(Conflict) as told:
        database.write(blind, admin)
    assert (told.value.code, told.value.detail) == ("error.conflict", {})
    assert told.value.__suppress_context__
