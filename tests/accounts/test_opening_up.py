"""Operators open alliances, alliance administrators open institutions; neither goes further, neither sees a patient."""

from collections.abc import Callable

import pytest
from sqlmodel import Session, select

from mip_app.accounts import (
    alliances,
    institutions,
    known_devices,
    opening,
    operators,
    passwords,
    phones,
    recognising,
    sessions,
)
from mip_app.accounts.lock_out import LastAdministrator
from mip_app.accounts.models import Institution, KnownDevice, LoginSession, Membership, Role, User
from mip_app.accounts.roles import OUTSIDE, PERMISSIONS
from mip_app.audit.models import AuditEntry
from mip_app.core.actor import ADMINISTRATIVE, Actor, Side
from mip_app.core.database import engine, read, write
from mip_app.core.errors import Conflict, Invalid, MipError, NotPermitted, NotVisible
from mip_app.studies import door, worklist
from mip_app.studies.filters import Filters

PASSWORD = "correct horse battery"
HASH = passwords.hashed(PASSWORD)
ANYBODY = recognising.nobody("10.0.0.1")

LEADER = {"account": "gu.lan", "person": "顾岚", "mobile": "138 0000 0001"}
ALLIANCE = {"name": "江北医联体", "name_en": "North Alliance", **LEADER}
HEAD = {"account": "gao.yuan", "person": "高远", "mobile": "13800000002"}
HOSPITAL = {"code": "jb-1", "name": "江北市人民医院", "level": "三级甲等", "phone": "0579-1", **HEAD}


def signed_in(account: str, side: Side = Side.ADMIN) -> Actor:
    """Somebody at work, with the steps of a first sign-in behind them."""
    with Session(engine()) as session, session.begin():
        user = session.exec(select(User).where(User.account == account)).one()
        user.first_login = False
        user_id = user.id or 0
    return write(sessions.open_session, ANYBODY, user_id, side=side).actor


def again(actor: Actor) -> Actor | None:
    return read(recognising.actor_again, actor)


@pytest.fixture
def operator(db: str) -> Actor:
    write(opening.open_account, opening.CONSOLE, "yunying", "运营", PASSWORD, Role.OPERATOR)
    return signed_in("yunying")


@pytest.fixture
def leader(operator: Actor) -> Actor:
    write(alliances.open_alliance, operator, ALLIANCE, HASH)
    return signed_in("gu.lan")


@pytest.fixture
def other_leader(operator: Actor) -> Actor:
    form = {**ALLIANCE, "name": "岭南医联体", "account": "other"}
    write(alliances.open_alliance, operator, form, HASH)
    return signed_in("other")


@pytest.fixture
def hospital(leader: Actor) -> int:
    return write(institutions.open_institution, leader, HOSPITAL, HASH)


def test_from_operator_to_institution_administrator(operator: Actor, leader: Actor, hospital: int) -> None:
    (line,) = read(alliances.alliances, operator)
    assert (line["name"], line["institutions"], line["administrators"]) == ("江北医联体", 1, 1)
    (shown,) = read(institutions.institutions, leader)
    assert (shown["code"], shown["name"], shown["level"]) == ("JB-1", "江北市人民医院", "三级甲等")
    (person,) = read(institutions.administrators_of, leader, hospital)
    assert (person["name"], person["mobile"], person["state"]) == ("高远", "138****0002", "first_login")
    admin = signed_in("gao.yuan")
    assert admin.institution == hospital
    assert admin.permissions == PERMISSIONS[Role.INSTITUTION_ADMIN] & ADMINISTRATIVE


def test_a_new_administrator_may_do_nothing_before_the_first_sign_in_is_finished(leader, hospital) -> None:
    with Session(engine()) as session:
        user = session.exec(select(User).where(User.account == "gao.yuan")).one()
        assert user.first_login
        assert "13800000002" not in user.phone
        assert user.phone_index == phones.index_of("13800000002")
    actor = write(sessions.open_session, ANYBODY, user.id or 0, side=Side.ADMIN).actor
    assert actor.pending == "phone"
    assert actor.permissions == frozenset()


@pytest.mark.parametrize("role", sorted(OUTSIDE))
def test_operators_and_alliance_administrators_have_nothing_that_touches_a_patient(role: Role) -> None:
    assert PERMISSIONS[role] <= ADMINISTRATIVE


def test_operators_and_alliance_administrators_see_no_patient_data(operator: Actor, leader: Actor) -> None:
    for actor in (operator, leader, signed_in("gu.lan", Side.WORK), signed_in("yunying", Side.WORK)):
        with pytest.raises(NotPermitted):
            _ = actor.institution
        with pytest.raises(NotPermitted):
            door.visible(actor)
        with pytest.raises(MipError):
            read(worklist.page, actor, Filters())


def test_another_alliance_answers_as_what_does_not_exist(leader, other_leader, hospital) -> None:
    (person,) = read(institutions.administrators_of, leader, hospital)
    assert read(institutions.institutions, other_leader) == []
    for number in (hospital, 987654, "x", None, {"a": 1}, -1, 10**30, True):
        for service, more in (
            (institutions.change, (HOSPITAL,)),
            (institutions.set_disabled, (True,)),
            (institutions.administrators_of, ()),
            (institutions.add_administrator, ({**HEAD, "account": "spy"}, HASH)),
        ):
            with pytest.raises(NotVisible) as told:
                write(service, other_leader, number, *more)
            assert (told.value.code, told.value.detail) == ("admin.not_there", {})
    for number in (person["id"], 987654):
        for service, more in (
            (institutions.reset_administrator, HASH),
            (institutions.disable_administrator, True),
        ):
            with pytest.raises(NotVisible) as told:
                write(service, other_leader, number, more)
            assert told.value.code == "admin.not_there"
    (same,) = read(institutions.administrators_of, leader, hospital)
    assert same["state"] == person["state"]


def test_each_level_does_only_its_own(operator: Actor, leader: Actor, hospital: int) -> None:
    head = signed_in("gao.yuan")
    for actor in (leader, head):
        with pytest.raises(NotPermitted):
            write(alliances.open_alliance, actor, {**ALLIANCE, "name": "又一个"}, HASH)
    for actor in (operator, head):
        with pytest.raises(NotPermitted):
            write(institutions.open_institution, actor, {**HOSPITAL, "code": "JB-2"}, HASH)
    # On the other side the same person has none of it.
    with pytest.raises(NotPermitted):
        write(
            institutions.set_disabled,
            Actor(head.user_id, head.name, head.institution_id, PERMISSIONS[Role.REVIEWER]),
            hospital,
            True,
        )


@pytest.mark.parametrize("service", [opening.open_alliance, opening.open_account, opening.create_api_key])
def test_what_the_console_does_nobody_else_does(operator: Actor, service: Callable) -> None:
    everything = Actor(operator.user_id, "x", None, ADMINISTRATIVE, side=Side.ADMIN)
    copy = Actor(None, "console", None, ADMINISTRATIVE, side=Side.ADMIN)
    given = {opening.open_alliance: ("a",), opening.create_api_key: (1, "k")}
    for actor in (operator, everything, copy):
        with pytest.raises(NotPermitted):
            write(service, actor, *given.get(service, ("a", "b", PASSWORD, Role.OPERATOR)))
    for actor in (operator, everything, copy):
        with pytest.raises(NotPermitted):
            write(operators.reset_operator, actor, "yunying", HASH)


def test_a_disabled_alliance_closes_everything_in_it_at_once(
    operator: Actor, leader: Actor, other_leader: Actor, hospital: int
) -> None:
    head, key = (
        signed_in("gao.yuan"),
        write(opening.create_api_key, opening.CONSOLE, hospital, "gateway"),
    )
    (alliance,) = (row["id"] for row in read(alliances.alliances, operator) if row["institutions"])
    write(alliances.set_disabled, operator, alliance, True)
    assert again(leader) is None
    assert again(head) is None
    assert read(recognising.actor_of_key, ANYBODY, key) is None
    for account in ("gao.yuan", "gu.lan"):
        with pytest.raises(sessions.SignInRefused):
            signed_in(account)
    assert again(other_leader) is not None
    assert again(operator) is not None
    write(alliances.set_disabled, operator, alliance, False)
    assert again(head) is None  # the former sign-in stays ended
    assert signed_in("gao.yuan").institution == hospital
    assert read(recognising.actor_of_key, ANYBODY, key) is not None


def test_a_disabled_institution_closes_everything_in_it_and_nothing_else(
    leader: Actor, hospital: int
) -> None:
    second = {**HOSPITAL, "code": "JB-2", "name": "江北二院", "account": "second"}
    other = write(institutions.open_institution, leader, second, HASH)
    head, there = signed_in("gao.yuan"), signed_in("second")
    key = write(opening.create_api_key, opening.CONSOLE, hospital, "gateway")
    write(institutions.set_disabled, leader, hospital, True)
    assert again(head) is None
    assert read(recognising.actor_of_key, ANYBODY, key) is None
    assert again(there) is not None
    assert there.institution == other
    assert again(leader) is not None


def test_somebody_of_two_places_loses_only_the_one(leader: Actor, hospital: int) -> None:
    second = {**HOSPITAL, "code": "JB-2", "name": "江北二院", "account": "second"}
    other = write(institutions.open_institution, leader, second, HASH)
    head = signed_in("gao.yuan")
    write(opening.add_place, opening.CONSOLE, head.user, other, [Role.REPORTER])
    write(institutions.set_disabled, leader, hospital, True)
    assert again(head) is None
    assert signed_in("gao.yuan", Side.WORK).institution == other


def test_a_reset_ends_every_sign_in_and_the_second_factor(leader: Actor, hospital: int) -> None:
    head = signed_in("gao.yuan")
    with Session(engine()) as session, session.begin():
        user = session.get_one(User, head.user)
        user.second_factor, user.second_factor_since = "sealed", user.created_at
        user.phone_verified_at = user.created_at
        known_devices.remember(session, head.user, "a token")
    (person,) = read(institutions.administrators_of, leader, hospital)
    initial = passwords.initial_password()
    assert write(institutions.reset_administrator, leader, person["id"], initial.hashed) == "gao.yuan"
    assert again(head) is None
    with Session(engine()) as session:
        user = session.get_one(User, head.user)
        assert passwords.matches(user.password_hash, initial.shown)
        assert not passwords.matches(user.password_hash, PASSWORD)
        assert (user.first_login, user.phone_verified_at) == (True, None)
        assert (user.second_factor, user.second_factor_since) == ("", None)
        assert session.exec(select(KnownDevice)).all() == []


def test_nobody_is_reset_by_whoever_has_no_say_in_all_that_they_are(
    operator: Actor, leader: Actor, other_leader: Actor, hospital: int
) -> None:
    """An initial password opens all of an account: also the hospital of another alliance, also patient data."""
    far = {**HOSPITAL, "code": "LN-1", "name": "岭南医院", "account": "far"}
    elsewhere = write(institutions.open_institution, other_leader, far, HASH)
    head = signed_in("gao.yuan")
    write(opening.add_place, opening.CONSOLE, head.user, elsewhere, [Role.REPORTER])
    (person,) = read(institutions.administrators_of, leader, hospital)
    with pytest.raises(Conflict, match=r"admin\.works_elsewhere"):
        write(institutions.reset_administrator, leader, person["id"], HASH)
    write(opening.add_place, opening.CONSOLE, leader.user, elsewhere, [Role.REPORTER])
    (boss,) = [
        one
        for row in read(alliances.alliances, operator)
        for one in read(alliances.administrators_of, operator, row["id"])
        if one["account"] == "gu.lan"
    ]
    with pytest.raises(Conflict, match=r"admin\.works_elsewhere"):
        write(alliances.reset_administrator, operator, boss["id"], HASH)


def test_a_disabled_administrator_is_out_and_comes_back(leader: Actor, hospital: int) -> None:
    head = signed_in("gao.yuan")
    (person,) = read(institutions.administrators_of, leader, hospital)
    with pytest.raises(LastAdministrator):
        write(institutions.disable_administrator, leader, person["id"], True)
    assert again(head) is not None
    write(institutions.add_administrator, leader, hospital, {**HEAD, "account": "second"}, HASH)
    write(institutions.disable_administrator, leader, person["id"], True)
    assert again(head) is None
    with pytest.raises(sessions.SignInRefused):
        signed_in("gao.yuan")
    write(institutions.disable_administrator, leader, person["id"], False)
    assert again(signed_in("gao.yuan")) is not None


def test_doctors_are_not_for_the_alliance_to_touch(leader: Actor, hospital: int) -> None:
    write(
        opening.open_account,
        opening.CONSOLE,
        "doctor",
        "医生",
        PASSWORD,
        Role.REPORTER,
        institution_id=hospital,
    )
    with Session(engine()) as session:
        doctor = session.exec(
            select(Membership.id).join(User, User.id == Membership.user_id).where(User.account == "doctor")
        ).one()
    assert [one["account"] for one in read(institutions.administrators_of, leader, hospital)] == ["gao.yuan"]
    with pytest.raises(NotVisible):
        write(institutions.reset_administrator, leader, doctor, HASH)


@pytest.mark.parametrize(
    ("wrong", "field", "code"),
    [
        ({"name": " \u202e\u200b "}, "name", "entry.missing"),
        ({"name": "院" * 61}, "name", "entry.too_long"),
        ({"name": ["x"]}, "name", "entry.invalid"),
        ({"code": "a b"}, "code", "entry.code_odd"),
        ({"time_zone": "../../etc/passwd"}, "time_zone", "entry.time_zone_odd"),
        ({"account": "高远"}, "account", "entry.account_odd"),
        ({"account": "x'--"}, "account", "entry.account_odd"),
        ({"mobile": "12345"}, "mobile", "entry.mobile_odd"),
        ({"person": ""}, "person", "entry.missing"),
    ],
)
def test_what_cannot_be_used_names_its_field_and_changes_nothing(leader, wrong, field, code) -> None:
    with pytest.raises(Invalid) as told:
        write(institutions.open_institution, leader, {**HOSPITAL, **wrong}, HASH)
    assert (told.value.code, told.value.detail["field"]) == (code, field)
    assert read(institutions.institutions, leader) == []


def test_names_and_codes_are_taken_once(operator: Actor, leader: Actor, hospital: int) -> None:
    with pytest.raises(Conflict, match=r"alliance\.name_taken"):
        write(alliances.open_alliance, operator, {**ALLIANCE, "account": "new"}, HASH)
    with pytest.raises(Conflict, match=r"account\.exists"):
        write(alliances.open_alliance, operator, {**ALLIANCE, "name": "新", "account": "GAO.yuan"}, HASH)
    with pytest.raises(Conflict, match=r"institution\.code_taken"):
        write(institutions.open_institution, leader, {**HOSPITAL, "account": "new"}, HASH)
    assert len(read(alliances.alliances, operator)) == 1  # the refused ones left nothing behind


def test_everything_is_in_the_audit_without_names_or_numbers(operator, leader, hospital) -> None:
    write(institutions.change, leader, hospital, {**HOSPITAL, "name": "改名医院"})
    write(institutions.set_disabled, leader, hospital, True)
    write(alliances.rename, operator, leader.alliance_id, {"name": "新名医联体"})
    with Session(engine()) as session:
        entries = session.exec(select(AuditEntry)).all()
    acts = [str(entry.act) for entry in entries]
    assert {"alliance.opened", "institution.opened", "institution.changed", "institution.disabled"} <= set(
        acts
    )
    assert {"alliance.changed", "account.created"} <= set(acts)
    told = " ".join(f"{entry.subject} {entry.detail}" for entry in entries)
    assert not any(word in told for word in ("高远", "13800000002", "改名", "gao.yuan"))


def test_an_operator_is_reset_from_the_console(operator: Actor, leader: Actor) -> None:
    assert [one.account for one in read(operators.operators, opening.CONSOLE)] == ["yunying"]
    write(operators.reset_operator, opening.CONSOLE, " YunYing ", HASH)
    assert again(operator) is None
    for account in ("gu.lan", "nobody"):
        with pytest.raises(NotVisible):
            write(operators.reset_operator, opening.CONSOLE, account, HASH)
    assert again(leader) is not None


def test_a_person_in_two_alliances_signs_in_where_it_is_open(
    operator, leader, other_leader, hospital
) -> None:
    far = {**HOSPITAL, "code": "LN-1", "name": "岭南医院", "account": "far"}
    elsewhere = write(institutions.open_institution, other_leader, far, HASH)
    head = signed_in("gao.yuan")
    write(opening.add_place, opening.CONSOLE, head.user, elsewhere, [Role.REPORTER])
    write(alliances.set_disabled, operator, leader.alliance_id, True)
    assert signed_in("gao.yuan", Side.WORK).institution == elsewhere
    with Session(engine()) as session:
        assert session.exec(select(LoginSession).where(LoginSession.user_id == head.user)).all()
        assert session.get_one(Institution, hospital).disabled is False
