"""An institution decides what its roles may; never more than it can give, and never so that nobody is left to decide."""

import threading

import pytest
from sqlmodel import Session, col, select, update

from mip_app.accounts import lock_out, opening, recognising, role_sets, sessions
from mip_app.accounts.models import LoginSession, Membership, Role, RoleSet, User
from mip_app.accounts.roles import GRANTABLE, PERMISSIONS
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, Side
from mip_app.core.database import engine, read, write
from mip_app.core.errors import Conflict, Invalid, NotPermitted, NotVisible

PASSWORD = "correct horse battery"
ANYBODY = recognising.nobody("10.0.0.1")


def person(account: str, institution: int, *roles: Role, side: Side = Side.ADMIN) -> Actor:
    user = write(
        opening.open_account,
        opening.CONSOLE,
        account,
        account,
        PASSWORD,
        roles[0],
        more_roles=roles[1:],
        institution_id=institution,
    )
    return write(sessions.open_session, ANYBODY, user, side=side).actor


def now(actor: Actor) -> frozenset[Permission]:
    again = read(recognising.actor_again, actor)
    assert again
    return again.permissions


def line(actor: Actor, code: str) -> role_sets.RoleLine:
    return next(row for row in read(role_sets.roles, actor) if row["code"] == code)


@pytest.fixture
def admin(jn1: int) -> Actor:
    return person("admin", jn1, Role.INSTITUTION_ADMIN)


@pytest.fixture
def there(qh2: int) -> Actor:
    return person("there", qh2, Role.INSTITUTION_ADMIN)


def test_the_delivered_roles_are_there_and_those_outside_of_institutions_are_not(admin: Actor) -> None:
    rows = read(role_sets.roles, admin)
    assert {row["code"] for row in rows} == set(Role) - {Role.OPERATOR, Role.ALLIANCE_ADMIN}
    assert all(set(row["permissions"]) == set(PERMISSIONS[Role(row["code"])]) for row in rows)
    assert line(admin, Role.INSTITUTION_ADMIN)["people"] == 1


def test_a_change_counts_at_once_for_who_is_signed_in_and_is_told_to_their_pages(
    admin: Actor, jn1: int
) -> None:
    doctor = person("doctor", jn1, Role.CLINICIAN, side=Side.WORK)
    auditor = person("auditor", jn1, Role.AUDITOR)
    write(role_sets.give, admin, Role.CLINICIAN, "report.write", True)
    assert Permission.REPORT_WRITE in now(doctor)
    write(role_sets.give, admin, Role.CLINICIAN, "report.print", False)
    assert Permission.REPORT_PRINT not in now(doctor)
    assert line(admin, Role.CLINICIAN)["changed"]
    with Session(engine()) as session:
        told = set(session.exec(select(bus.Change.topic)))
    assert bus.session_topic(doctor.session_id) in told
    assert bus.session_topic(auditor.session_id) not in told


def test_back_to_delivered(admin: Actor, jn1: int) -> None:
    doctor = person("doctor", jn1, Role.CLINICIAN, side=Side.WORK)
    write(role_sets.give, admin, Role.CLINICIAN, "report.write", True)
    write(role_sets.restore, admin, Role.CLINICIAN)
    assert now(doctor) == PERMISSIONS[Role.CLINICIAN]
    assert not line(admin, Role.CLINICIAN)["changed"]
    write(role_sets.give, admin, Role.CLINICIAN, "report.write", True)
    write(role_sets.give, admin, Role.CLINICIAN, "report.write", False)
    with Session(engine()) as session:
        assert session.exec(select(RoleSet)).all() == []  # so that what is delivered later counts


def test_one_institution_changes_nothing_of_another(admin: Actor, there: Actor, qh2: int) -> None:
    doctor = person("doctor", qh2, Role.CLINICIAN, side=Side.WORK)
    own = write(role_sets.add, there, {"name": "进修医师", "like": "clinician"})
    write(role_sets.give, admin, Role.CLINICIAN, "report.print", False)
    assert now(doctor) == PERMISSIONS[Role.CLINICIAN]
    for service, more in (
        (role_sets.rename, ({"name": "x"},)),
        (role_sets.delete, ()),
        (role_sets.give, ("study.read", True)),
        (role_sets.restore, ()),
    ):
        for code in (own, "own-0000", "operator", "alliance_admin", "", None, {"a": 1}):
            with pytest.raises(NotVisible) as told:
                write(service, admin, code, *more)
            assert (told.value.code, told.value.detail) == ("admin.not_there", {})
    assert line(there, own)["name"] == "进修医师"


def test_nothing_is_given_that_an_institution_cannot_give(admin: Actor) -> None:
    for word in ("admin.alliances", "admin.institutions", "everything", "", None, ["study.read"]):
        with pytest.raises(Invalid):
            write(role_sets.give, admin, Role.CLINICIAN, word, True)
    assert set(line(admin, Role.CLINICIAN)["permissions"]) <= GRANTABLE
    # Were it written by other hands, it would still not count.
    with Session(engine()) as session, session.begin():
        session.add(
            RoleSet(
                institution_id=admin.institution,
                code="institution_admin",
                permissions=["admin.alliances", "admin.roles", "nonsense"],
            )
        )
    assert now(admin) == {Permission.ADMIN_ROLES}


def test_only_those_who_may_edit_roles_do(jn1: int, admin: Actor) -> None:
    for role in set(Role) - {Role.OPERATOR, Role.ALLIANCE_ADMIN, Role.INSTITUTION_ADMIN}:
        who = person(f"p-{role}", jn1, role, side=Side.WORK)
        for service, more in ((role_sets.roles, ()), (role_sets.give, (role, "admin.roles", True))):
            with pytest.raises(NotPermitted):
                write(service, who, *more)
    with pytest.raises(NotPermitted):
        write(role_sets.roles, opening.CONSOLE)  # the console belongs to no institution


def test_own_roles(admin: Actor, jn1: int) -> None:
    code = write(role_sets.add, admin, {"name": "进修医师", "like": "clinician"})
    assert set(line(admin, code)["permissions"]) == PERMISSIONS[Role.CLINICIAN]
    write(role_sets.rename, admin, code, {"name": "规培医师"})
    write(role_sets.give, admin, code, "report.read_draft", True)
    with pytest.raises(Conflict, match=r"role\.name_taken"):
        write(role_sets.add, admin, {"name": "规培医师"})
    with pytest.raises(NotVisible):
        write(role_sets.delete, admin, Role.CLINICIAN)
    doctor = person("doctor", jn1, Role.TECHNICIAN, side=Side.WORK)
    with Session(engine()) as session, session.begin():
        session.get_one(Membership, doctor.membership_id).roles = [code]
    assert Permission.REPORT_READ_DRAFT in now(doctor)
    with pytest.raises(Conflict, match=r"role\.in_use"):
        write(role_sets.delete, admin, code)
    with Session(engine()) as session, session.begin():
        session.get_one(Membership, doctor.membership_id).roles = ["technician"]
    write(role_sets.delete, admin, code)
    assert not [row for row in read(role_sets.roles, admin) if row["own"]]


@pytest.mark.parametrize("kept", sorted(lock_out.KEPT))
def test_nobody_takes_their_own_administration_rights(admin: Actor, jn1: int, kept: Permission) -> None:
    person("second", jn1, Role.INSTITUTION_ADMIN)
    with pytest.raises(Conflict, match=r"role\.own_rights"):
        write(role_sets.give, admin, Role.INSTITUTION_ADMIN, kept, False)
    assert kept in now(admin)


def test_nobody_takes_what_only_the_last_person_has(jn1: int, admin: Actor) -> None:
    """Somebody who may edit roles alone takes account administration from the only one who has it."""
    editor = _editor(admin, jn1)
    with pytest.raises(Conflict, match=r"role\.last_administrator"):
        write(role_sets.give, editor, Role.INSTITUTION_ADMIN, "admin.accounts", False)
    second = person("second", jn1, Role.INSTITUTION_ADMIN)
    with pytest.raises(Conflict, match=r"role\.last_administrator"):
        write(role_sets.give, editor, Role.INSTITUTION_ADMIN, "admin.accounts", False)
    with Session(engine()) as session, session.begin():
        session.get_one(Membership, second.membership_id).extra = ["admin.accounts"]
        session.exec(update(User).where(col(User.id) == second.user).values(disabled=True))
    with pytest.raises(Conflict, match=r"role\.last_administrator"):  # who is disabled does not count
        write(role_sets.give, editor, Role.INSTITUTION_ADMIN, "admin.accounts", False)


def _editor(admin: Actor, jn1: int) -> Actor:
    code = write(role_sets.add, admin, {"name": "权限管理"})
    write(role_sets.give, admin, code, "admin.roles", True)
    user = write(
        opening.open_account,
        opening.CONSOLE,
        "editor",
        "权限",
        PASSWORD,
        Role.AUDITOR,
        institution_id=jn1,
    )
    with Session(engine()) as session, session.begin():
        session.exec(update(Membership).where(col(Membership.user_id) == user).values(roles=[code]))
    return write(sessions.open_session, ANYBODY, user, side=Side.ADMIN).actor


def test_two_who_take_from_each_other_at_once_do_not_both_succeed(admin: Actor, jn1: int) -> None:
    """Each leaves the other as the last one; together they would leave nobody."""
    codes = [write(role_sets.add, admin, {"name": name, "like": "institution_admin"}) for name in "甲乙"]
    people = [person(f"p{n}", jn1, Role.AUDITOR) for n in (1, 2)]
    with Session(engine()) as session, session.begin():
        for who, code in zip(people, codes, strict=True):
            session.get_one(Membership, who.membership_id).roles = [code]
        session.get_one(Membership, admin.membership_id).disabled = True
    actors = [read(recognising.actor_again, who) for who in people]
    refused: list[Exception] = []

    def take(actor: Actor, code: str) -> None:
        try:
            for kept in lock_out.KEPT:
                write(role_sets.give, actor, code, kept, False)
        except (Conflict, NotPermitted) as error:
            refused.append(error)

    threads = [threading.Thread(target=take, args=pair) for pair in zip(actors, reversed(codes), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused
    left = [now(who) for who in people]
    assert all(any(kept in allowed for allowed in left) for kept in lock_out.KEPT)


def test_changes_are_in_the_audit_with_before_and_after(admin: Actor) -> None:
    write(role_sets.give, admin, Role.AUDITOR, "audit.export", False)
    with Session(engine()) as session:
        (entry,) = session.exec(select(AuditEntry).where(AuditEntry.act == Act.ROLE_CHANGED)).all()
    assert entry.subject == "role:auditor"
    assert entry.detail == {"before": ["audit.export", "audit.read"], "after": ["audit.read"]}
    assert entry.institution_id == admin.institution


def test_a_sign_in_keeps_living_through_a_change_of_its_rights(admin: Actor, jn1: int) -> None:
    doctor = person("doctor", jn1, Role.CLINICIAN, side=Side.WORK)
    write(role_sets.give, admin, Role.CLINICIAN, "study.read", False)
    assert Permission.STUDY_READ not in now(doctor)
    with Session(engine()) as session:
        assert session.get_one(LoginSession, doctor.session_id).revoked_at is None


def test_every_permission_that_can_be_given_has_its_place_on_the_page_and_its_words() -> None:
    from mip_app.admin.roles.pages import BY_GROUP
    from mip_app.core.texts import LANGUAGES, catalogue

    shown = [permission for group in BY_GROUP.values() for permission in group]
    assert sorted(shown) == sorted(GRANTABLE)
    for language in LANGUAGES:
        words = catalogue(language)
        assert all(f"permission.{p}" in words and f"permission.{p}_more" in words for p in Permission)
        assert all(f"role.{role}" in words for role in Role)
