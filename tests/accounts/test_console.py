"""`mip operator`: the first account of an installation, and the way back in."""

import subprocess
import sys

from mip_app.accounts import passwords, sessions
from mip_app.core.database import read
from mip_app.sign_in.password import password_of
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
    known = read(password_of, sessions.nobody(), account)
    return passwords.matches(known.password_hash if known else None, password)


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


def test_what_goes_wrong_is_said_in_words_and_told_by_the_exit_code(db: str) -> None:
    code, said = mip("operator", "create", "--account", "x", "--name", "x", typed="short\n")
    assert code == 1
    assert "at least 8" in said
    assert "short" not in said
    code, said = mip("operator", "reset", "--account", "nobody", typed="a long password\n")
    assert code == 1
    assert "nobody" in said
    assert "Traceback" not in said
    assert mip("operator", "list") == (0, "")
