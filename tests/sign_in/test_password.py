"""Signing in: who gets in, who has to wait, and what ends it."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from mip_app.accounts import opening, sessions
from mip_app.accounts.models import LoginSession, Role, User
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Permission
from mip_app.core.clock import utc_now
from mip_app.core.settings import settings
from mip_app.sign_in import password

ANYBODY = sessions.nobody("203.0.113.5")


@pytest.fixture
def token(jn1: int) -> str:
    user = database.write(
        opening.open_account,
        opening.CONSOLE,
        "lin",
        "林望舒",
        "correct horse",
        Role.REPORTER,
        institution_id=jn1,
    )
    return database.write(sessions.open_session, ANYBODY, user, device="Firefox").token


def who(token: str):
    return database.read(sessions.actor_of_token, ANYBODY, token)


def test_a_sign_in_acts_for_its_person_and_institution(token: str, jn1: int) -> None:
    actor = who(token)
    assert (actor.name, actor.institution_id, actor.institution_name) == ("林望舒", jn1, "江南市第一人民医院")
    assert Permission.REPORT_WRITE in actor.permissions
    assert Permission.REPORT_REVIEW not in actor.permissions
    assert who("forged") is None


def test_signing_out_ends_it_at_once_and_is_in_the_audit(token: str) -> None:
    database.write(sessions.close_session, who(token))
    assert who(token) is None
    with Session(database.engine()) as session:
        acts = session.exec(select(AuditEntry.act).order_by(col(AuditEntry.id))).all()
    assert acts[-2:] == [Act.SIGNED_IN, Act.SIGNED_OUT]


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (User, {"disabled": True}),
        (LoginSession, {"last_seen_at": utc_now() - timedelta(hours=settings().session_idle_hours + 1)}),
        (LoginSession, {"expires_at": utc_now() - timedelta(seconds=1)}),
    ],
    ids=["disabled", "idle", "expired"],
)
def test_what_else_ends_it(token: str, table: type, change: dict) -> None:
    with Session(database.engine()) as session, session.begin():
        row = session.exec(select(table)).one()
        for name, value in change.items():
            setattr(row, name, value)
    assert who(token) is None


@pytest.mark.parametrize("account", ["lin", "nobody-of-that-name"])
def test_wrong_passwords_make_any_account_wait_existing_or_not(token: str, account: str) -> None:
    for attempt in range(settings().sign_in_attempts):
        database.read(password.check_wait, ANYBODY, account)
        locked = database.write(password.refuse, ANYBODY, account)
        assert locked == (attempt == settings().sign_in_attempts - 1)
    with pytest.raises(password.SignInLocked) as told:
        database.read(password.check_wait, ANYBODY, account)
    assert told.value.detail == {"minutes": "15"}
