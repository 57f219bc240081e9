"""`mip operator`: the first account of an installation, and the way back in."""

import subprocess
import sys

import pytest
from sqlmodel import Session, select

from mip_app.accounts import password_policy, passwords
from mip_app.accounts.models import User
from mip_app.core.database import engine
from tests.site import REPOSITORY


def mip(*words: str, typed: str = "") -> tuple[int, str]:
    """The exit code and everything said."""
    ran = subprocess.run(
        [sys.executable, "-m", "mip_app.cli", *words],
        cwd=REPOSITORY,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.returncode, ran.stdout + ran.stderr


def opens_with(account: str, password: str) -> bool:
    with Session(engine()) as session:
        known = session.exec(select(User.password_hash).where(User.account == account)).first()
    return passwords.matches(known, password)


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_an_operator_is_created_listed_and_reset(db: str) -> None:
    create = ("operator", "create", "--account", "Yunying", "--name", "运营")
    code, said = mip(*create, typed="first password here\n")
    assert (code, "can sign in" in said) == (0, True)
    assert opens_with("yunying", "first password here")

    code, said = mip(*create, typed="another password\n")
    assert code == 1
    assert "taken" in said

    code, said = mip("operator", "list")
    assert code == 0
    assert said.splitlines() == ["yunying\t运营\tactive\tnever signed in"]

    code, said = mip("operator", "reset", "--account", "yunying", typed="second password here\n")
    assert code == 0
    assert opens_with("yunying", "second password here")
    assert not opens_with("yunying", "first password here")


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_what_goes_wrong_is_said_in_words_and_told_by_the_exit_code(db: str) -> None:
    for password, why in (
        ("qxvzk", "10 to 200"),
        ("password123456", "too common"),
        ("my yunying lantern vq7", "must not contain"),
    ):
        code, said = mip("operator", "create", "--account", "yunying", "--name", "x", typed=f"{password}\n")
        assert code == 1
        assert why in said
        assert password not in said
    code, said = mip("operator", "reset", "--account", "nobody", typed="a long password\n")
    assert code == 1
    assert "nobody" in said
    assert "Traceback" not in said
    assert mip("operator", "list") == (0, "")


def test_initial_passwords_pass_the_policy_that_people_are_held_to() -> None:
    assert all(password_policy.judge(passwords.random_password()).good for _ in range(50))
