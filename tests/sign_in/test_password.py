"""Guessing passwords: how far it gets, and that it harms nobody else."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select, update

from mip_app.accounts import known_devices, recognising
from mip_app.accounts.models import KnownDevice, User
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Side
from mip_app.core.addresses import household
from mip_app.core.clock import utc_now
from mip_app.core.settings import settings
from mip_app.sign_in import line, password
from mip_app.sign_in.entering import busy
from mip_app.sign_in.models import Budget
from tests.loops import run

HERE = "203.0.113.5"


def admit(account: str = "lin", address: str = HERE, device: str = "") -> password.Try:
    return database.write(password.admit, recognising.nobody(address), account, device)


def guess(account: str = "lin", address: str = HERE, device: str = "") -> timedelta:
    """One wrong password; how long the next one has to wait."""
    tried = admit(account, address, device)
    return database.write(password.refuse, recognising.nobody(address), tried)


def enter(account: str = "lin", address: str = HERE, device: str = "") -> password.Entered:
    tried = admit(account, address, device)
    return database.write(
        password.accept,
        recognising.nobody(address),
        tried,
        agent="",
        device=device,
        keep=False,
        side=Side.WORK,
    )


def let_time_pass() -> None:
    """A quarter of an hour later."""
    with Session(database.engine()) as session, session.begin():
        session.execute(update(Budget).values(until=utc_now() - timedelta(seconds=1)))


@pytest.mark.parametrize("account", ["lin", " LIN ", "nobody-of-that-name"])
def test_five_wrong_passwords_make_an_account_wait_here_existing_or_not(lin, account) -> None:
    for number in range(1, settings().sign_in_attempts + 1):
        wait = guess(account)
        assert bool(wait) == (number == settings().sign_in_attempts)
    with pytest.raises(password.SignInLocked) as told:
        admit(account)
    assert told.value.detail == {"minutes": "15"}
    admit(account, "198.51.100.7")  # elsewhere it goes on
    let_time_pass()
    admit(account)


def test_parallel_guesses_are_counted_before_any_is_verified(lin) -> None:
    def one(_: int) -> bool:
        try:
            admit()
        except password.SignInLocked:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        admitted = sum(pool.map(one, range(100)))
    assert admitted == settings().sign_in_attempts


def test_one_address_cannot_try_one_password_on_everybody(lin) -> None:
    for number in range(settings().sign_in_attempts_address):
        guess(f"somebody-{number}")
    with pytest.raises(password.SignInLocked):
        admit("lin")
    admit("lin", "198.51.100.7")


def test_an_ipv6_household_is_one_address() -> None:
    assert household("2001:db8:1:2:aaaa::1") == household("2001:db8:1:2:bbbb::2")
    assert household("2001:db8:1:2::1") != household("2001:db8:1:3::1")
    assert household("::ffff:203.0.113.5") == household("203.0.113.5")


@pytest.fixture
def besieged(lin) -> str:
    """Lin's browser, after the whole world has guessed at the account."""
    device = enter().device
    for number in range(settings().sign_in_attempts_account):
        guess(address=f"198.51.100.{number}")
    return device


def test_a_siege_of_an_account_stops_strangers_and_not_its_owner(besieged) -> None:
    with pytest.raises(password.SignInLocked):
        admit(address="192.0.2.1")
    for _ in range(3):
        besieged = enter(device=besieged).device
        with pytest.raises(password.SignInLocked):
            admit(address="192.0.2.1")  # the owner's success does not open it for the others


def test_a_siege_looks_the_same_for_an_account_that_does_not_exist(lin) -> None:
    for number in range(settings().sign_in_attempts_account):
        guess("nobody", f"198.51.100.{number}")
    with pytest.raises(password.SignInLocked):
        admit("nobody", "192.0.2.1")


def test_a_known_device_has_five_tries_too(besieged) -> None:
    for _ in range(settings().sign_in_attempts):
        guess(device=besieged)
    with pytest.raises(password.SignInLocked):
        admit(device=besieged)


def test_a_device_is_known_to_its_people_alone(besieged, actor) -> None:
    from mip_app.accounts.models import Role

    colleague = actor(Role.REPORTER)
    with Session(database.engine()) as session:
        account = session.get_one(User, colleague.user_id).account
    for number in range(settings().sign_in_attempts_account):
        guess(account, f"198.51.100.{number}")
    with pytest.raises(password.SignInLocked):
        admit(account, device=besieged)
    for forged in ("", "x" * 43):
        with pytest.raises(password.SignInLocked):
            admit("lin", "192.0.2.1", device=forged)


def test_a_shared_computer_is_known_to_all_who_work_there(lin, actor) -> None:
    from mip_app.accounts.models import Role

    colleague = actor(Role.REPORTER)
    with Session(database.engine()) as session:
        account = session.get_one(User, colleague.user_id).account
    former = enter().device
    shared = enter(account, device=former).device
    with Session(database.engine()) as session:
        known = session.exec(select(KnownDevice.user_id)).all()
        assert set(known) == {lin, colleague.user_id}
        hashes = session.exec(select(KnownDevice.token_hash)).all()
    assert set(hashes) == {recognising.hash_of(shared)}  # and the former token is worth nothing


def test_a_success_clears_what_was_wrong_before(lin) -> None:
    for _ in range(settings().sign_in_attempts - 1):
        guess()
    enter()
    for _ in range(settings().sign_in_attempts - 1):
        assert not guess()


def test_a_working_account_does_not_buy_more_guesses_at_others(lin) -> None:
    for number in range(settings().sign_in_attempts_address):
        if number % 3 == 0:
            enter()
        guess(f"somebody-{number}")
    with pytest.raises(password.SignInLocked):
        admit("lin")


def test_a_disabled_account_is_one_that_does_not_exist(lin) -> None:
    with Session(database.engine()) as session, session.begin():
        session.get_one(User, lin).disabled = True
    assert admit().password_hash is None


def test_refused_tries_are_in_the_audit_of_the_institution_and_never_what_was_typed(lin, jn1) -> None:
    guess()
    guess("my secret password")
    with Session(database.engine()) as session:
        found = session.exec(select(AuditEntry).where(AuditEntry.act == Act.SIGN_IN_REFUSED)).all()
        keys = session.exec(select(Budget.key)).all()
    assert [(e.scope, e.subject, e.address) for e in found] == [
        (f"i:{jn1}", f"user:{lin}", HERE),
        ("p", "", HERE),
    ]
    assert "secret" not in repr([(entry.actor, entry.detail) for entry in found]) + repr(keys)


def test_whoever_goes_on_trying_while_they_wait_is_in_the_audit_once(lin, jn1) -> None:
    most = settings().sign_in_attempts
    for _ in range(most):
        guess()
    for _ in range(7):
        with pytest.raises(password.SignInLocked):
            admit()
    with Session(database.engine()) as session:
        found = session.exec(select(AuditEntry).where(AuditEntry.act == Act.SIGN_IN_REFUSED)).all()
    assert [entry.scope for entry in found] == [f"i:{jn1}"] * (most + 1)
    assert [entry.detail for entry in found[most - 1 :]] == [{"waits": True}, {"waiting": True}]


def test_old_counts_are_forgotten(lin) -> None:
    guess("long-ago")
    with Session(database.engine()) as session, session.begin():
        session.execute(update(Budget).values(until=utc_now() - timedelta(hours=2)))
        session.execute(update(KnownDevice).values(last_at=utc_now() - timedelta(days=999)))
    former = enter().device
    with Session(database.engine()) as session, session.begin():
        assert len(session.exec(select(Budget).where(col(Budget.count) > 0)).all()) <= 2
        session.execute(update(KnownDevice).values(last_at=utc_now() - timedelta(days=999)))
    assert not database.read(lambda s, a: known_devices.is_known(s, lin, former), recognising.nobody())
    enter()
    with Session(database.engine()) as session:
        assert len(session.exec(select(KnownDevice)).all()) == 1


def test_who_comes_when_the_line_is_full_is_told_so_and_those_in_it_are_served() -> None:
    room = settings().password_checks + settings().password_checks_waiting
    go_on = threading.Event()

    async def crowd() -> list:
        inside = [asyncio.create_task(line.in_line(go_on.wait)) for _ in range(room)]
        await asyncio.sleep(0)
        with pytest.raises(line.Busy) as told:
            await line.in_line(go_on.wait)
        answer = busy(told.value, "/studies")
        assert answer.status_code == 503
        assert answer.headers["refresh"] == "0; url=/login?error=sign_in.busy&next=%2Fstudies"
        go_on.set()
        served = await asyncio.gather(*inside)
        return [*served, await line.in_line(go_on.wait)]

    assert run(crowd()) == [True] * (room + 1)
