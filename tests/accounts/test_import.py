"""A list of people is looked through line by line, and taken over in whole or not at all."""

import os
import signal
import subprocess
import sys

import pytest
from sqlmodel import Session, select

from mip_app.accounts import departments, doctors, importing, lists, passwords
from mip_app.accounts.doctors import Asked
from mip_app.accounts.importing import Gone, ImportChanged
from mip_app.accounts.models import ImportDraft, User
from mip_app.core import database
from mip_app.core.actor import Actor
from tests.accounts.conftest import added, said

GOOD = """账号,姓名,职称,科室,角色,手机
zhangsan,张三,主治医师,影像科,报告医师、审核医师,138 0000 0001
ji,𠮷野,,新科,reporter,
ayi,阿依古丽·买买提江,,,Clinician,13800000002
"""
BAD = """lin,林望舒,,,报告医师,
ZHANGSAN,张三丰,,,报告医师,
x1,=HYPERLINK("evil"),,,报告医师,
x2,,,,报告医师,
x3,某人,,,院长,
x4,某人,,,报告医师,12345
x5,某人,,,,
x6,某人,,,报告医师,13800000001
x7,长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长长,,,报告医师,
"""


def kept(admin: Actor, text: str) -> str:
    return database.write(importing.keep, admin, lists.read(text.encode()))


def initial(count: int) -> list[tuple[str, str]]:
    return [(f"password-{n}", f"hash-{n}") for n in range(count)]


def accounts() -> set[str]:
    with Session(database.engine()) as session:
        return set(session.exec(select(User.account)))


def test_every_bad_line_says_what_is_wrong_with_it(admin: Actor) -> None:
    database.write(departments.add, admin, "影像科")
    added(admin, "lin")
    shown = database.read(importing.preview, admin, kept(admin, GOOD + BAD))
    reasons = {line["account"]: [reason["code"] for reason in line["reasons"]] for line in shown["bad_lines"]}
    assert reasons == {
        "ji": ["import.department_unknown"],
        "lin": ["import.account_exists"],
        "ZHANGSAN": ["import.account_twice"],
        "x1": ["doctor.formula"],
        "x2": ["doctor.name_missing"],
        "x3": ["import.role_unknown"],
        "x4": ["entry.mobile_odd"],
        "x5": ["doctor.role_missing"],
        "x6": ["import.phone_twice"],
        "x7": ["entry.too_long"],
    }
    assert (shown["good"], shown["new_departments"]) == (2, ["新科"])
    assert {line["phone"] for line in shown["good_lines"]} == {"138****0001", "138****0002"}


def test_the_good_lines_become_people_whose_passwords_are_handed_out_once(admin: Actor) -> None:
    database.write(departments.add, admin, "影像科")
    key = kept(admin, GOOD + BAD)
    made = database.write(importing.take_in, admin, key, initial(10), create_departments=True)
    rows = {row["account"]: row for row in database.read(doctors.page, admin, Asked()).rows}
    assert made == 4
    assert rows["zhangsan"]["roles"] == [{"key": "reporter", "name": ""}, {"key": "reviewer", "name": ""}]
    assert (rows["zhangsan"]["department"], rows["ji"]["department"]) == ("影像科", "新科")
    assert rows["ayi"]["state"] == "new"
    data = database.write(importing.hand_out_passwords, admin, key, "csv", "zh")
    handed = [cells for _, cells in lists.read(data)]
    assert handed[0] == ["账号", "姓名", "初始密码"]
    assert handed[1] == ["zhangsan", "张三", "password-0"]
    with pytest.raises(Gone):
        database.write(importing.hand_out_passwords, admin, key, "csv", "zh")
    with pytest.raises(ImportChanged):
        database.write(importing.take_in, admin, key, initial(10), create_departments=True)


def test_bad_lines_are_taken_away_with_their_reasons_and_come_back_mended(admin: Actor) -> None:
    added(admin, "lin")
    key = kept(admin, GOOD + BAD)
    back = [cells for _, cells in lists.read(database.read(importing.bad_lines, admin, key, "xlsx", "zh"))]
    assert back[0][-1] == "原因"
    assert next(row for row in back if row[0] == "lin")[-1] == "账号 lin 已存在"
    assert next(row for row in back if row[0] == "x1")[1].startswith("'=")
    english = database.read(importing.bad_lines, admin, key, "csv", "en").decode("utf-8-sig")
    assert "Account lin exists" in english


def test_a_draft_is_nobody_elses_and_ends_with_its_day(admin: Actor, other_admin: Actor, actor) -> None:
    from datetime import timedelta

    colleague = actor("institution_admin", "同事")
    key = kept(admin, GOOD)
    for who in (other_admin, colleague):
        with pytest.raises(Gone):
            database.read(importing.preview, who, key)
        with pytest.raises(Gone):
            database.write(importing.take_in, who, key, initial(5))
    with Session(database.engine()) as session:
        draft = session.get_one(ImportDraft, key)
        assert "张三" not in draft.lines
        draft.expires_at -= timedelta(days=2)
        session.commit()
    with pytest.raises(Gone):
        database.read(importing.preview, admin, key)


def test_what_changed_since_the_preview_is_looked_at_again(admin: Actor) -> None:
    key = kept(admin, "账号,姓名,角色\naa,甲,reporter\nbb,乙,reporter\n")
    added(admin, "aa", said("别人"))
    assert database.write(importing.take_in, admin, key, initial(2)) == 1
    key = kept(admin, "账号,姓名,角色\ncc,丙,reporter\n")
    with pytest.raises(ImportChanged):  # more people than passwords were made for
        database.write(importing.take_in, admin, key, [])


def test_a_file_without_the_needed_columns_is_refused(admin: Actor) -> None:
    for text in ("", "姓名,角色\n张三,reporter\n", "a,b,c\n"):
        with pytest.raises(importing.checking.NoColumns):
            kept(admin, text)


def test_english_heads_and_role_names_are_understood(admin: Actor) -> None:
    shown = database.read(
        importing.preview,
        admin,
        kept(
            admin,
            "Account;Name;Roles;Mobile\nsmith;SMITH, Jonathan;Reporting doctor/technician;+8613800000009\n",
        ),
    )
    assert (shown["good"], shown["bad"]) == (1, 0)


def test_the_template_can_be_uploaded_as_it_is(admin: Actor) -> None:
    for form in ("csv", "xlsx"):
        for language in ("zh", "en"):
            data = database.read(importing.template, admin, form, language)
            shown = database.read(
                importing.preview, admin, database.write(importing.keep, admin, lists.read(data)), True
            )
            assert (shown["good"], shown["bad"]) == (1, 0)


KILLED = """
import os, signal, sys
from mip_app.accounts import importing, staffing
from mip_app.core import database
from mip_app.core.actor import Actor, Permission
user, institution, key = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
actor = Actor(user, "", institution, frozenset({Permission.ADMIN_ACCOUNTS}))
add, calls = staffing.add_checked, []
def dying(*args, **more):
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return add(*args, **more)
staffing.add_checked = dying
database.write(importing.take_in, actor, key, [(f"p{n}", f"h{n}") for n in range(5)], create_departments=True)
"""


def test_a_kill_in_the_middle_leaves_nothing_behind_and_it_can_be_done_again(admin: Actor) -> None:
    key = kept(admin, GOOD)
    before = accounts()
    environment = {**os.environ}
    arguments = [str(admin.user_id), str(admin.institution_id), key]
    died = subprocess.run([sys.executable, "-c", KILLED, *arguments], env=environment, check=False)
    assert died.returncode == -signal.SIGKILL
    assert accounts() == before
    assert database.read(departments.listed, admin) == []
    assert database.write(importing.take_in, admin, key, initial(3), create_departments=True) == 3


def test_initial_passwords_are_long_and_never_the_same() -> None:
    made = {passwords.random_password() for _ in range(200)}
    assert len(made) == 200
    assert min(map(len, made)) >= 15
