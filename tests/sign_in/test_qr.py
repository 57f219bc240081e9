"""Signing in by QR code, attacked: the code alone, the cookie alone, late, twice, and by the wrong phone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select, update

from mip_app.accounts import recognising, sessions
from mip_app.accounts.models import LoginSession, Membership, User
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Actor, Permission, Side
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotPermitted
from mip_app.core.settings import settings
from mip_app.sign_in import qr

COMPUTER = recognising.nobody("10.2.7.9")
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"


@pytest.fixture
def phone(lin) -> Actor:
    return database.write(sessions.open_session, recognising.nobody("112.96.4.8"), lin).actor


@pytest.fixture
def issued(db) -> qr.Issued:
    return database.write(qr.issue, COMPUTER, WINDOWS, "")


def scan(phone: Actor, code: str) -> qr.Asking:
    return database.write(qr.scan, phone, code)


def decide(phone: Actor, code: str, yes: bool = True) -> None:
    database.write(qr.decide, phone, code, yes)


def enter(secret: str) -> sessions.SignedIn:
    return database.write(qr.enter, COMPUTER, secret, agent=WINDOWS, device="").signed_in


def state(secret: str) -> str:
    return database.read(qr.seen, COMPUTER, secret).state


def expire() -> None:
    with Session(database.engine()) as session, session.begin():
        session.execute(update(qr.QrSignIn).values(expires_at=utc_now()))


def test_the_phone_sees_which_computer_asks_and_the_computer_hears_of_every_step(issued, phone) -> None:
    assert state(issued.secret) == "waiting"
    asking = scan(phone, issued.code)
    assert (asking.device, asking.address, asking.network) == ("Windows · Chrome", "10.2.**.**", "inside")
    assert state(issued.secret) == "scanned"
    decide(phone, issued.code)
    assert state(issued.secret) == "approved"
    actor = enter(issued.secret).actor
    assert (actor.user_id, actor.membership_id, actor.side) == (phone.user_id, phone.membership_id, Side.WORK)
    assert Permission.REPORT_WRITE in actor.permissions
    assert state(issued.secret) == "gone"
    with Session(database.engine()) as session:
        assert session.get_one(LoginSession, actor.session_id).method == "qr"
        acts = session.exec(select(AuditEntry.act).order_by(col(AuditEntry.id).desc()).limit(2)).all()
    assert acts == [Act.SIGNED_IN, Act.SIGN_IN_APPROVED]


def test_a_declined_code_is_over(issued, phone) -> None:
    decide(phone, issued.code, False)
    assert state(issued.secret) == "refused"
    with pytest.raises(qr.QrGone):
        enter(issued.secret)
    with pytest.raises(qr.QrGone):
        decide(phone, issued.code)


def test_an_approved_code_lets_in_once_and_is_decided_once(issued, phone) -> None:
    decide(phone, issued.code)
    for again in (lambda: decide(phone, issued.code), lambda: scan(phone, issued.code)):
        with pytest.raises(qr.QrGone):
            again()
    enter(issued.secret)
    with pytest.raises(qr.QrGone):
        enter(issued.secret)


def test_nothing_is_let_in_before_the_phone_says_so(issued, phone) -> None:
    scan(phone, issued.code)
    with pytest.raises(qr.QrGone):
        enter(issued.secret)


def test_who_has_the_code_but_not_the_browser_gets_nothing(issued, phone) -> None:
    decide(phone, issued.code)
    for secret in (issued.code, "", "x" * 43):
        with pytest.raises(qr.QrGone):
            enter(secret)
    thief = database.write(qr.issue, recognising.nobody("198.51.100.1"), WINDOWS, "")
    with pytest.raises(qr.QrGone):
        enter(thief.secret)
    enter(issued.secret)


def test_a_guessed_an_expired_and_a_replaced_code_are_one_answer(issued, phone) -> None:
    newer = database.write(qr.issue, COMPUTER, WINDOWS, issued.secret)
    told = []
    for code in (issued.code, "guessed", "", "x" * 100_000):
        with pytest.raises(qr.QrGone) as error:
            scan(phone, code)
        told.append((error.value.code, error.value.detail))
    expire()
    with pytest.raises(qr.QrGone) as error:
        scan(phone, newer.code)
    assert {repr(each) for each in told} == {repr((error.value.code, error.value.detail))}
    with pytest.raises(qr.QrGone):
        decide(phone, newer.code)
    assert state(newer.secret) == state(issued.secret) == "gone"


def test_an_approval_that_nobody_collects_is_over(issued, phone) -> None:
    decide(phone, issued.code)
    expire()
    with pytest.raises(qr.QrGone):
        enter(issued.secret)


@pytest.mark.parametrize(
    "wrong",
    [
        {"side": Side.ADMIN},
        {"pending": "second_factor", "permissions": frozenset()},
        {"user_id": None, "session_id": None},
    ],
    ids=["the administration side", "not all the way in", "an API client"],
)
def test_only_a_finished_sign_in_of_the_doctors_side_approves(issued, phone, wrong) -> None:
    for act in (lambda who: scan(who, issued.code), lambda who: decide(who, issued.code)):
        with pytest.raises(NotPermitted):
            act(replace(phone, **wrong))
    assert state(issued.secret) == "waiting"


@pytest.mark.parametrize(
    ("table", "change"),
    [
        (User, {"disabled": True}),
        (Membership, {"disabled": True}),
        (LoginSession, {"revoked_at": utc_now()}),
        (User, {"first_login": True}),
    ],
    ids=["disabled", "no longer there", "signed out", "to set a password first"],
)
def test_an_approval_is_worth_what_the_phone_is_worth_when_it_is_used(issued, phone, table, change) -> None:
    decide(phone, issued.code)
    with Session(database.engine()) as session, session.begin():
        row = session.exec(select(table)).one()
        for name, value in change.items():
            setattr(row, name, value)
    with pytest.raises(qr.QrGone):
        enter(issued.secret)


@pytest.mark.parametrize("proved", [True, False])
def test_a_second_factor_given_on_the_phone_counts(issued, lin, proved) -> None:
    if proved:
        with Session(database.engine()) as session, session.begin():
            session.get_one(User, lin).second_factor_since = utc_now()
    phone = database.write(sessions.open_session, COMPUTER, lin, second_factor=proved).actor
    decide(phone, issued.code)
    actor = enter(issued.secret).actor
    assert actor.pending == ""
    with Session(database.engine()) as session:
        assert bool(session.get_one(LoginSession, actor.session_id).second_factor_at) == proved


def test_one_address_gets_only_so_many_codes(db) -> None:
    for _ in range(settings().qr_codes_address):
        database.write(qr.issue, COMPUTER, WINDOWS, "")
    with pytest.raises(qr.QrTooMany):
        database.write(qr.issue, COMPUTER, WINDOWS, "")
    database.write(qr.issue, recognising.nobody("198.51.100.1"), WINDOWS, "")


def test_old_codes_are_forgotten(issued) -> None:
    with Session(database.engine()) as session, session.begin():
        session.execute(update(qr.QrSignIn).values(expires_at=utc_now() - timedelta(hours=2)))
    database.write(qr.issue, COMPUTER, WINDOWS, "")
    with Session(database.engine()) as session:
        assert len(session.exec(select(qr.QrSignIn)).all()) == 1


@pytest.mark.parametrize(
    ("address", "shown"), [("112.96.4.8", "112.96.**.**"), ("2001:db8:7::1", "2001:db8:**:**"), ("", "")]
)
def test_addresses_are_masked(address: str, shown: str) -> None:
    assert qr.masked(address) == shown


def test_an_approval_of_a_sign_in_that_is_over_is_in_the_log_of_its_owner_once(issued, phone) -> None:
    decide(phone, issued.code)
    database.write(sessions.close_session, phone)
    for _ in range(3):
        with pytest.raises(qr.QrGone):
            enter(issued.secret)
    with Session(database.engine()) as session:
        found = session.exec(select(AuditEntry).where(AuditEntry.act == Act.SIGN_IN_REFUSED)).all()
    assert [(entry.scope, entry.subject) for entry in found] == [
        (f"i:{phone.institution_id}", f"user:{phone.user_id}")
    ]
