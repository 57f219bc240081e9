"""A sign-in: for whom it acts, and what ends it."""

from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from mip_app.accounts import recognising, sessions
from mip_app.accounts.models import Institution, LoginSession, Membership, User
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Permission, Side
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotPermitted, NotVisible
from mip_app.core.settings import settings

ANYBODY = recognising.nobody("203.0.113.5")


@pytest.fixture
def token(lin: int) -> str:
    return database.write(sessions.open_session, ANYBODY, lin, device="Firefox").token


def who(token: str):
    return database.read(recognising.actor_of_token, ANYBODY, token)


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
        (Membership, {"disabled": True}),
        (Institution, {"disabled": True}),
        (LoginSession, {"last_seen_at": utc_now() - timedelta(hours=settings().session_idle_hours + 1)}),
        (LoginSession, {"expires_at": utc_now() - timedelta(seconds=1)}),
    ],
    ids=["person disabled", "membership disabled", "institution disabled", "idle", "expired"],
)
def test_what_else_ends_it(token: str, table: type, change: dict) -> None:
    with Session(database.engine()) as session, session.begin():
        row = session.exec(select(table)).one()
        for name, value in change.items():
            setattr(row, name, value)
    assert who(token) is None


@pytest.fixture
def elsewhere(lin: int, qh2: int) -> int:
    """Lin's membership in a second institution."""
    with Session(database.engine()) as session, session.begin():
        row = Membership(user_id=lin, institution_id=qh2, roles=["reviewer"])
        session.add(row)
        session.flush()
        return row.id or 0


def test_switching_is_a_new_sign_in_with_the_rights_of_the_other_place(token, elsewhere, qh2) -> None:
    switched = database.write(sessions.switch, who(token), elsewhere, Side.WORK)
    assert who(token) is None
    there = who(switched.token)
    assert (there.institution_id, Permission.REPORT_REVIEW in there.permissions) == (qh2, True)


def test_switching_never_makes_a_sign_in_longer(token, elsewhere) -> None:
    end = utc_now() + timedelta(minutes=7)
    with Session(database.engine()) as session, session.begin():
        session.exec(select(LoginSession)).one().expires_at = end
    switched = database.write(sessions.switch, who(token), elsewhere, Side.WORK)
    with Session(database.engine()) as session:
        assert session.get_one(LoginSession, switched.actor.session_id).expires_at == end


def test_nobody_switches_to_a_place_or_a_side_that_is_not_theirs(token, actor, jn1) -> None:
    from mip_app.accounts.models import Role

    others = actor(Role.REVIEWER)
    with Session(database.engine()) as session:
        foreign = session.exec(select(Membership.id).where(Membership.user_id == others.user_id)).one()
        own = session.exec(select(Membership.id).where(Membership.user_id == who(token).user_id)).one()
    for membership in (foreign, 999_999):
        with pytest.raises(NotVisible):
            database.write(sessions.switch, who(token), membership, Side.WORK)
    with pytest.raises(NotPermitted):
        database.write(sessions.switch, who(token), own, Side.ADMIN)
    assert who(token) is not None  # a refused switch leaves one where one was
