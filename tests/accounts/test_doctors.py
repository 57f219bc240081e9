"""An administrator manages the people of their own institution, and nothing beyond it."""

import threading
from collections.abc import Callable

import pytest
from sqlmodel import Session, select

from mip_app.accounts import departments, doctors, known_devices, opening, recognising, sessions, staffing
from mip_app.accounts.doctors import Asked
from mip_app.accounts.lock_out import KEPT, LastAdministrator, OwnRights
from mip_app.accounts.models import KnownDevice, Membership, Role, RoleSet, User
from mip_app.accounts.standing import NotOurs, OnlyThemselves
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Actor, Permission
from mip_app.core.errors import Invalid, MipError, NotPermitted, NotVisible
from tests.accounts.conftest import added, said, signed_in


def found(admin: Actor, **asked: str) -> list[str]:
    return [row["account"] for row in database.read(doctors.page, admin, Asked(**asked)).rows]


def person(account: str) -> User:
    with Session(database.engine()) as session:
        return session.exec(select(User).where(User.account == account)).one()


def acts() -> list[str]:
    with Session(database.engine()) as session:
        return [entry.act for entry in session.exec(select(AuditEntry).order_by(AuditEntry.id))]


def test_a_new_doctor_signs_in_for_the_first_time_before_anything_else(admin: Actor) -> None:
    user = added(admin, "Lin", said(phone="+86 138-0000-0210", title="主治医师"))
    assert person("lin").first_login
    assert "13800000210" not in person("lin").phone
    assert signed_in(user)() == frozenset()
    row = next(r for r in database.read(doctors.page, admin, Asked()).rows if r["account"] == "lin")
    assert (row["state"], row["phone"], row["title"]) == ("new", "138****0210", "主治医师")


def test_a_doctor_is_found_by_name_by_every_reading_by_account_and_by_the_whole_phone(admin: Actor) -> None:
    added(admin, "shanxi", said("单雄信", phone="13911112222"))
    added(admin, "ayi", said("阿依古丽·买买提江"))
    added(admin, "rare", said("𠮷野"))
    for keyword in ("单雄信", "shan xiong", "danxiong", "sxx", "SHANXI", "139 1111 2222"):
        assert found(admin, keyword=keyword) == ["shanxi"], keyword
    assert found(admin, keyword="阿依古丽") == ["ayi"]
    assert found(admin, keyword="𠮷") == ["rare"]
    for keyword in ("1391111", "%", "_", "' OR 1=1 --", "'"):
        assert found(admin, keyword=keyword) == [], keyword


def test_the_list_narrows_by_department_role_and_state(admin: Actor) -> None:
    place = str(database.write(departments.add, admin, "影像科"))
    added(admin, "aa", said("甲", "reporter", "reviewer", department=place))
    added(admin, "bb", said("乙", "consultation_reviewer"))
    database.write(staffing.set_disabled, admin, ["bb"], True)
    assert found(admin, department=place) == ["aa"]
    assert found(admin, role="reviewer") == ["aa"]
    assert found(admin, state="disabled") == ["bb"]
    assert found(admin, state="new") == ["aa"]
    page = database.read(doctors.page, admin, Asked())
    assert (page.total, page.new) == (3, 1)


def test_pages_follow_each_other_without_gap_or_repetition(admin: Actor) -> None:
    for n in range(doctors.PAGE + 5):
        added(admin, f"d{n:03}", said(f"医生{n}"))
    first = database.read(doctors.page, admin, Asked(role="reporter"))
    last = first.rows[-1]["account"]
    second = database.read(doctors.page, admin, Asked(role="reporter"), last)
    back = database.read(doctors.page, admin, Asked(role="reporter"), second.rows[0]["account"], False)
    assert (len(first.rows), first.more, len(second.rows), second.more) == (50, True, 5, False)
    assert [row["account"] for row in back.rows] == [row["account"] for row in first.rows]


def test_people_and_departments_of_another_hospital_do_not_exist(admin: Actor, other_admin: Actor) -> None:
    added(other_admin, "theirs")
    place = str(database.write(departments.add, other_admin, "外科"))
    assert found(admin, keyword="theirs") == []
    for act in (
        lambda account: database.read(doctors.card, admin, account),
        lambda account: database.write(staffing.edit, admin, account, said()),
        lambda account: database.write(staffing.set_disabled, admin, [account], True),
        lambda account: database.write(staffing.reset_password, admin, account, "x"),
        lambda account: database.write(staffing.reset_second_factor, admin, account),
        lambda account: database.write(staffing.remove, admin, account),
    ):
        answers = []
        for account in ("theirs", "nobody-at-all"):
            with pytest.raises(NotVisible) as refused:
                act(account)
            answers.append((refused.value.code, refused.value.detail))
        assert answers[0] == answers[1]
    for key in (place, "999999", "-1", "x", "1e9"):
        with pytest.raises(NotVisible):
            database.write(departments.rename, admin, key, "改名")
        with pytest.raises(NotVisible):
            added(admin, "new", said(department=key))


def test_nobody_without_the_permission_does_any_of_it(actor) -> None:
    reviewer = actor(Role.REVIEWER)
    with pytest.raises(NotPermitted):
        database.read(doctors.page, reviewer, Asked())
    with pytest.raises(NotPermitted):
        added(reviewer)
    with pytest.raises(NotPermitted):
        database.write(departments.add, reviewer, "影像科")


@pytest.mark.parametrize(
    "given",
    [
        said("林", "operator"),
        said("林", "alliance_admin"),
        said("林", "own-of-nobody"),
        said("林", extra=("admin.alliances",)),
        said("林", extra=("admin.institutions",)),
        said("林", extra=("everything",)),
    ],
)
def test_what_an_institution_does_not_have_it_cannot_give(admin: Actor, given) -> None:
    with pytest.raises(Invalid):
        added(admin, "lin", given)
    added(admin, "lin2", said())
    with pytest.raises(Invalid):
        database.write(staffing.edit, admin, "lin2", given)


def test_a_role_of_the_institutions_own_can_be_given_there_alone(admin: Actor, other_admin: Actor) -> None:
    with Session(database.engine()) as session:
        session.add(
            RoleSet(institution_id=admin.institution, code="own-1", name="夜班", permissions=["report.read"])
        )
        session.commit()
    added(admin, "lin", said("林", "own-1"))
    roles = next(r for r in database.read(doctors.page, admin, Asked()).rows if r["account"] == "lin")[
        "roles"
    ]
    assert roles == [{"key": "own-1", "name": "夜班"}]
    with pytest.raises(Invalid):
        added(other_admin, "lin2", said("林", "own-1"))


@pytest.mark.parametrize(
    ("account", "given", "field"),
    [
        ("", said(), "account"),
        ("=cmd", said(), "account"),
        ("林望舒", said(), "account"),
        ("lin", said(""), "name"),
        ("lin", said("x" * 51), "name"),
        ("lin", said("=HYPERLINK(1)"), "name"),
        ("lin", said(title="长" * 31), "title"),
        ("lin", said(phone="12345"), "phone"),
        ("lin", said("林", ""), "roles"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(admin: Actor, account: str, given, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        added(admin, account, given)
    assert refused.value.detail["field"] == field


def test_a_name_reads_everywhere_as_it_was_written(admin: Actor) -> None:
    added(admin, "lin", said(" 林\u202e望\u200b\t舒\n"))
    assert person("lin").name == "林望 舒"


def test_changed_rights_count_at_once_and_a_disabled_doctor_is_out_at_once(admin: Actor) -> None:
    user = added(admin)
    with Session(database.engine()) as session:
        session.get_one(User, user).first_login = False
        session.commit()
    may = signed_in(user)
    assert Permission.REPORT_REVIEW not in (may() or ())
    database.write(staffing.edit, admin, "lin", said("林望舒", "reviewer"))
    assert Permission.REPORT_REVIEW in (may() or ())
    database.write(staffing.set_disabled, admin, ["lin"], True)
    assert may() is None
    with pytest.raises(MipError):
        signed_in(user)
    database.write(staffing.set_disabled, admin, ["lin"], False)
    assert may() is None  # that sign-in is over, a new one is not
    assert signed_in(user)() is not None


def test_a_reset_makes_everything_as_on_the_first_day(admin: Actor) -> None:
    user = added(admin)
    may = begun(user)
    database.write(staffing.reset_password, admin, "lin", "another hash")
    assert may() is None
    lin = person("lin")
    assert (lin.password_hash, lin.first_login, lin.phone_verified_at) == ("another hash", True, None)
    assert (lin.second_factor, lin.second_factor_since) == ("", None)
    assert devices_of(user) == []


def test_a_reset_of_the_second_factor_leaves_the_password(admin: Actor) -> None:
    user = added(admin)
    may = begun(user)
    database.write(staffing.reset_second_factor, admin, "lin")
    assert may() is None
    lin = person("lin")
    assert (lin.password_hash, lin.first_login, lin.second_factor_since) == ("not a hash", False, None)
    assert devices_of(user) == []


def begun(user: int) -> Callable[[], object]:
    """Somebody long at work: phone proved, second factor on, signed in on a device that is known."""
    with Session(database.engine()) as session, session.begin():
        row = session.get_one(User, user)
        row.first_login, row.phone_verified_at = False, row.created_at
        row.second_factor, row.second_factor_since = "sealed", row.created_at
    database.write(lambda session, _: known_devices.remember(session, user, "a token"), recognising.nobody())
    assert devices_of(user)
    return signed_in(user)


def devices_of(user: int) -> list[KnownDevice]:
    with Session(database.engine()) as session:
        return list(session.exec(select(KnownDevice).where(KnownDevice.user_id == user)))


def test_a_hospital_never_loses_its_last_administrator(admin: Actor, actor) -> None:
    second = actor(Role.INSTITUTION_ADMIN, "副管理")
    account = next(a for a in found(admin) if person(a).id == second.user_id)
    own = next(a for a in found(admin) if person(a).id == admin.user_id)
    for refused in (
        lambda: database.write(staffing.set_disabled, admin, [own], True),
        lambda: database.write(staffing.remove, admin, own),
        lambda: database.write(staffing.reset_password, admin, own, "x"),
    ):
        with pytest.raises(staffing.NotOneself):
            refused()
    with pytest.raises(OwnRights):
        database.write(staffing.edit, admin, own, said("管理", "reporter"))
    database.write(staffing.edit, admin, account, said("副管理", "reporter"))
    added(admin, "clerk", said("文员", extra=("admin.accounts",)))
    clerk = Actor(person("clerk").id, "文员", admin.institution, admin.permissions)
    with pytest.raises(LastAdministrator):  # nobody else may edit roles
        database.write(staffing.set_disabled, clerk, [own], True)
    database.write(staffing.edit, admin, "clerk", said("文员", extra=("admin.accounts", "admin.roles")))
    database.write(staffing.set_disabled, clerk, [own], True)
    with pytest.raises(staffing.NotOneself):
        database.write(staffing.set_disabled, clerk, ["clerk"], True)
    stale = admin  # was put out, and acts with what it was
    with pytest.raises(LastAdministrator):
        database.write(staffing.set_disabled, stale, ["clerk"], True)
    with pytest.raises(LastAdministrator):
        database.write(staffing.remove, stale, "clerk")


def test_two_administrators_who_put_out_each_other_at_once_do_not_both_succeed(admin: Actor) -> None:
    added(admin, "one", said("甲", "institution_admin"))
    added(admin, "two", said("乙", "institution_admin"))
    own = next(account for account in found(admin) if person(account).id == admin.user_id)
    one, two = (Actor(person(a).id, a, admin.institution, admin.permissions) for a in ("one", "two"))
    database.write(staffing.set_disabled, one, [own], True)
    refused: list[Exception] = []

    def put_out(actor: Actor, account: str) -> None:
        try:
            database.write(staffing.set_disabled, actor, [account], True)
        except LastAdministrator as error:
            refused.append(error)

    threads = [threading.Thread(target=put_out, args=pair) for pair in ((one, "two"), (two, "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert found(one, state="disabled", role="institution_admin") in (
        [own, "one"],
        [own, "two"],
        ["one", own],
        ["two", own],
    )


@pytest.mark.parametrize("kept", sorted(KEPT))
def test_a_reset_never_disables_an_office_held_elsewhere(
    admin: Actor, other_admin: Actor, kept: Permission
) -> None:
    added(admin, "boss", said("双岗"))
    database.write(staffing.add_existing, other_admin, "boss", said("双岗", extra=(kept.value,)))
    with pytest.raises(OnlyThemselves):
        database.write(staffing.reset_password, admin, "boss", "x")


def test_all_of_a_selection_or_none(admin: Actor) -> None:
    added(admin, "aa")
    with pytest.raises(NotVisible):
        database.write(staffing.set_disabled, admin, ["aa", "nobody"], True)
    assert found(admin, state="disabled") == []


@pytest.fixture
def both(admin: Actor, other_admin: Actor) -> int:
    """A doctor of JN1 who works in QH2, too."""
    user = added(admin, "lin", said("林望舒", phone="13800000210"))
    database.write(staffing.add_existing, other_admin, "lin", said("林望舒", "reviewer"))
    with Session(database.engine()) as session:
        session.get_one(User, user).first_login = False
        session.commit()
    return user


def test_somebody_of_the_alliance_is_added_by_account_and_name_alone(
    admin: Actor, other_admin: Actor, actor, far: int
) -> None:
    added(admin, "lin")
    stranger = actor(Role.INSTITUTION_ADMIN, institution=far)
    answers = set()
    for who, account, name in (
        (other_admin, "lin", "林"),
        (other_admin, "nobody", "林望舒"),
        (stranger, "lin", "林望舒"),
    ):
        with pytest.raises(NotVisible) as refused:
            database.write(staffing.add_existing, who, account, said(name))
        answers.add((refused.value.code, tuple(refused.value.detail.items())))
    assert len(answers) == 1
    database.write(staffing.add_existing, other_admin, "lin", said())
    assert found(other_admin, keyword="lin") == ["lin"]
    with pytest.raises(staffing.AlreadyHere):
        database.write(staffing.add_existing, other_admin, "lin", said())


def test_each_hospital_decides_what_a_person_is_there_and_one_keeps_their_data(
    admin: Actor, other_admin: Actor, both: int
) -> None:
    database.write(staffing.edit, other_admin, "lin", said("别的名字", "technician"))
    assert person("lin").name == "林望舒"
    for refused in (
        lambda: database.write(staffing.edit, other_admin, "lin", said(phone="13800000999")),
        lambda: database.write(staffing.reset_password, other_admin, "lin", "x"),
        lambda: database.write(staffing.reset_second_factor, other_admin, "lin"),
    ):
        with pytest.raises(NotOurs):
            refused()
    with Session(database.engine()) as session:
        here, there = session.exec(
            select(Membership).where(Membership.user_id == both).order_by(Membership.id)
        )
    at_home, elsewhere = signed_in(both, membership_id=here.id), signed_in(both, membership_id=there.id)
    database.write(staffing.set_disabled, other_admin, ["lin"], True)
    assert elsewhere() is None
    assert at_home() is not None


def test_a_reset_at_home_opens_no_door_elsewhere(admin: Actor, other_admin: Actor, both: int) -> None:
    database.write(staffing.reset_password, admin, "lin", "known to the administrator of JN1")
    there = database.write(sessions.open_session, recognising.nobody(), both)
    assert there.actor.institution_id == admin.institution
    assert found(other_admin, state="disabled") == ["lin"]
    database.write(staffing.set_disabled, other_admin, ["lin"], False)  # known there, and let in again
    assert found(other_admin, state="disabled") == []


def test_nobody_resets_those_who_hold_an_office_elsewhere(admin: Actor, other_admin: Actor) -> None:
    added(admin, "boss", said("双岗"))
    database.write(staffing.add_existing, other_admin, "boss", said("双岗", "institution_admin"))
    with pytest.raises(OnlyThemselves):
        database.write(staffing.reset_password, admin, "boss", "x")
    with pytest.raises(OnlyThemselves):
        database.write(staffing.edit, admin, "boss", said("双岗", phone="13800000111"))


def test_who_was_removed_is_gone_and_may_come_back(admin: Actor, other_admin: Actor, both: int) -> None:
    with Session(database.engine()) as session:
        here = session.exec(
            select(Membership).where(Membership.user_id == both).order_by(Membership.id)
        ).first()
    may = signed_in(both, membership_id=here.id)
    database.write(staffing.remove, admin, "lin")
    assert may() is None
    assert "lin" not in found(admin)
    database.write(staffing.edit, other_admin, "lin", said("林望舒", title="主任医师"))  # kept there now
    assert person("lin").title == "主任医师"
    database.write(staffing.add_existing, admin, "lin", said())
    with pytest.raises(NotOurs):
        database.write(staffing.reset_password, admin, "lin", "x")


def test_a_department_with_people_is_disabled_not_deleted(admin: Actor) -> None:
    key = str(database.write(departments.add, admin, "影像科"))
    empty = str(database.write(departments.add, admin, "空"))
    added(admin, "lin", said(department=key))
    for taken in ("影像科", " 影像科 "):
        with pytest.raises(departments.DepartmentTaken):
            database.write(departments.add, admin, taken)
    with pytest.raises(departments.DepartmentInUse):
        database.write(departments.delete, admin, key)
    database.write(departments.delete, admin, empty)
    database.write(departments.set_disabled, admin, key, True)
    with pytest.raises(Invalid):
        added(admin, "chen", said(department=key))
    database.write(staffing.edit, admin, "lin", said(title="医师", department=key))  # who is there stays
    rows = database.read(departments.listed, admin)
    assert [(row["name"], row["people"], row["disabled"]) for row in rows] == [("影像科", 1, True)]


def test_every_change_is_in_the_audit_without_name_or_phone(admin: Actor) -> None:
    added(admin, "lin", said("林望舒", phone="13800000210"))
    database.write(staffing.edit, admin, "lin", said("林望舒", "reviewer", phone="13800000211"))
    database.write(staffing.set_disabled, admin, ["lin"], True)
    database.write(staffing.reset_password, admin, "lin", "x")
    database.write(staffing.remove, admin, "lin")
    expected = [
        Act.USER_CREATED,
        Act.USER_CHANGED,
        Act.USER_DISABLED,
        Act.USER_RESET,
        Act.USER_REMOVED,
    ]
    assert acts()[-5:] == expected
    with Session(database.engine()) as session:
        written = repr([(e.subject, e.detail) for e in session.exec(select(AuditEntry))])
    assert "林望舒" not in written
    assert "1380000" not in written


def test_two_administrators_cannot_open_the_same_account(admin: Actor) -> None:
    added(admin, "lin")
    with pytest.raises(staffing.AccountTaken):
        added(admin, "LIN ", said("另一人"))


def test_people_opened_on_the_console_are_found_by_pinyin(admin: Actor) -> None:
    database.write(
        opening.open_account,
        opening.CONSOLE,
        "n1",
        "张三",
        "seven lanterns over water",
        Role.REPORTER,
        institution_id=admin.institution,
    )
    assert found(admin, keyword="zhangsan") == ["n1"]
