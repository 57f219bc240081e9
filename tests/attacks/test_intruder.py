"""Somebody with a foot in the door: a device left lying about, another hospital's office, an account of before."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select
from starlette.datastructures import Headers

from mip_app.accounts import institutions, opening, recognising, role_sets, sessions, staffing, standing
from mip_app.accounts.models import LoginSession, Membership, Role
from mip_app.accounts.sessions import PasswordNeeded
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Actor, Permission, Side
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotPermitted, NotSignedIn, NotVisible
from mip_app.core.http import client_address
from mip_app.core.lane import WAITING, Lane, LaneFull
from mip_app.core.settings import settings
from mip_app.sign_in import identities, qr
from mip_app.sign_in.forgot import service as forgot
from mip_app.sign_in.models import Budget, Provider
from mip_app.sign_in.welcome import service as welcome
from tests.accounts.conftest import added, admin, other_admin, said
from tests.loops import run
from tests.sign_in.conftest import PHONE, later, open_person, sent_count

__all__ = ["admin", "open_person", "other_admin"]
PASSWORD = "correct horse battery"
NEW = "seven lanterns over water"


def entered(user_id: int, method: str = "password", side: Side = Side.WORK) -> Actor:
    return database.write(
        sessions.open_session, recognising.nobody("203.0.113.5"), user_id, side=side, method=method
    ).actor


def age(actor: Actor, **much: float) -> None:
    """As if the password had been given so long before."""
    with Session(database.engine()) as session, session.begin():
        session.get_one(LoginSession, actor.session_id).password_at = utc_now() - timedelta(**much)


def place_of(user_id: int) -> int:
    with Session(database.engine()) as session:
        return session.exec(select(Membership.id).where(Membership.user_id == user_id)).one() or 0


@pytest.fixture
def guanli(open_person) -> int:
    """An administrator who works on both sides."""
    return open_person("guanli", role=Role.INSTITUTION_ADMIN)


@pytest.mark.parametrize("method", ["qr", "wechat", "wecom"])
def test_what_a_phone_vouched_for_does_not_open_the_administration(guanli: int, method: str) -> None:
    actor = entered(guanli, method)
    with pytest.raises(PasswordNeeded):
        database.write(sessions.switch, actor, place_of(guanli), Side.ADMIN)


def test_a_sign_in_kept_for_days_does_not_open_the_administration(guanli: int) -> None:
    actor = entered(guanli)
    age(actor, hours=13)
    # Nor after a switch that leaves everything as it is.
    actor = database.write(sessions.switch, actor, place_of(guanli), Side.WORK).actor
    with pytest.raises(PasswordNeeded):
        database.write(sessions.switch, actor, place_of(guanli), Side.ADMIN)
    fresh = entered(guanli)
    assert database.write(sessions.switch, fresh, place_of(guanli), Side.ADMIN).actor.side is Side.ADMIN


def test_nobody_enrols_a_second_factor_at_a_desk_left_alone(guanli: int, monkeypatch) -> None:
    monkeypatch.setenv("MIP_ADMIN_SECOND_FACTOR", "true")
    settings.cache_clear()
    actor = entered(guanli)
    age(actor, minutes=11)
    with pytest.raises(PasswordNeeded):
        database.write(sessions.switch, actor, place_of(guanli), Side.ADMIN)


def test_one_sign_in_by_code_makes_no_others_without_end(guanli: int) -> None:
    issued = database.write(qr.issue, recognising.nobody(), "", "")
    with pytest.raises(NotPermitted):
        database.write(qr.decide, entered(guanli, "qr"), issued.code, True)
    database.write(qr.decide, entered(guanli, "wechat"), issued.code, True)


def bound_by(actor: Actor, subject: str = "union:thief") -> None:
    token = database.write(identities.keep_for_binding, recognising.nobody(), Provider.WECHAT, subject)
    database.write(identities.bind, actor, token)


def test_a_way_in_is_bound_with_the_password_alone(guanli: int) -> None:
    left_alone, by_code = entered(guanli), entered(guanli, "qr")
    age(left_alone, minutes=11)
    switched = database.write(sessions.switch, left_alone, place_of(guanli), Side.WORK).actor
    for actor in (switched, by_code):
        with pytest.raises(PasswordNeeded):
            bound_by(actor)
    bound_by(entered(guanli))


def test_what_an_intruder_bound_does_not_survive_a_reset(
    open_person: Callable[..., int], admin: Actor, jn1: int
) -> None:
    lin = open_person("lin", phone=PHONE, verified=True)
    bound_by(entered(lin))
    database.write(staffing.reset_password, admin, "lin", "not a hash")

    def thief() -> object:
        return database.write(
            identities.enter, recognising.nobody(), Provider.WECHAT, ["union:thief"], "Chrome"
        )

    with pytest.raises(NotSignedIn):  # or the intruder would set the new password
        thief()
    database.write(welcome.keep_phone, entered(lin), PHONE)  # as after its code
    welcome.set_password(entered(lin), NEW, NEW)
    assert thief() is None


def test_whom_an_institution_removed_nobody_above_lets_in_again(
    admin: Actor, open_person: Callable[..., int], jn1: int
) -> None:
    gone = open_person("former", role=Role.INSTITUTION_ADMIN)
    database.write(staffing.remove, admin, "former")
    above = database.write(
        opening.open_account,
        opening.CONSOLE,
        "lianmeng",
        "联盟",
        PASSWORD,
        Role.ALLIANCE_ADMIN,
        alliance_id=1,
    )
    above_actor = entered(above, side=Side.ADMIN)
    for act in (
        lambda: database.write(institutions.disable_administrator, above_actor, place_of(gone), False),
        lambda: database.write(institutions.reset_administrator, above_actor, place_of(gone), "not a hash"),
    ):
        with pytest.raises(NotVisible):
            act()


@pytest.fixture
def clerk(admin: Actor, jn1: int) -> Actor:
    """Keeps the accounts of JN1, and nothing else."""
    role = database.write(role_sets.add, admin, {"name": "人事"})
    database.write(role_sets.give, admin, role, Permission.ADMIN_ACCOUNTS, True)
    user = added(admin, "clerk", said("人事", role))
    return Actor(user, "人事", jn1, frozenset({Permission.ADMIN_ACCOUNTS}), side=Side.ADMIN)


def test_who_keeps_accounts_makes_nobody_an_administrator(clerk: Actor, admin: Actor) -> None:
    added(admin, "chief", said("主任", "institution_admin"))
    added(clerk, "lin")
    tries = [
        lambda: added(clerk, "straw", said("草人", "institution_admin")),
        lambda: database.write(staffing.edit, clerk, "clerk", said("人事", extra=("admin.roles",))),
        lambda: database.write(staffing.edit, clerk, "lin", said("林望舒", "auditor")),
        lambda: database.write(staffing.edit, clerk, "chief", said("主任", phone="13800000123")),
        lambda: database.write(staffing.reset_password, clerk, "chief", "not a hash"),
        lambda: database.write(staffing.reset_second_factor, clerk, "chief"),
        lambda: database.write(staffing.set_disabled, clerk, ["chief"], True),
        lambda: database.write(staffing.remove, clerk, "chief"),
    ]
    for attempt in tries:
        with pytest.raises(standing.Above):
            attempt()
    database.write(staffing.edit, clerk, "lin", said("林望舒", "reviewer"))
    database.write(staffing.reset_password, clerk, "lin", "not a hash")


def acts_in(scope: str) -> list[str]:
    with Session(database.engine()) as session:
        return list(session.exec(select(AuditEntry.act).where(col(AuditEntry.scope) == scope)))


def test_what_others_do_to_our_people_stands_in_our_log(
    admin: Actor, other_admin: Actor, jn1: int, qh2: int, open_person: Callable[..., int]
) -> None:
    """Their home is QH2, so QH2's office resets them; JN1 reads only its own log."""
    lin = open_person("lin")
    with Session(database.engine()) as session, session.begin():
        row = session.exec(select(Membership).where(Membership.user_id == lin)).one()
        row.joined_at = utc_now()
        session.add(Membership(user_id=lin, institution_id=qh2, roles=[Role.REPORTER]))
    database.write(staffing.reset_password, other_admin, "lin", "not a hash")
    assert Act.USER_DISABLED in acts_in(f"i:{jn1}")
    assert Act.USER_RESET in acts_in(f"i:{qh2}")


def test_strangers_use_up_nothing_of_what_somebody_may_ask_for(open_person: Callable[..., int]) -> None:
    lin = open_person("lin", phone=PHONE, verified=True)
    new = open_person("new", phone="13800000999", first_login=True)

    def ask(account: str, phone: str, address: str) -> str:
        return database.write(forgot.send_code, recognising.nobody(address), account, phone).error

    for number in range(30):
        address = f"198.51.100.{number}"
        ask("lin", f"1390000{number:04}", address)  # the account, with phones made up
        ask(f"made-up-{number}", PHONE, address)  # the phone, with accounts made up
        ask(str(new), f"1370000{number:04}", address)  # an account that looks like a number of ours
        later(seconds=61)
    assert ask("lin", PHONE, "203.0.113.5") == ""
    assert sent_count() == 1
    assert database.write(welcome.send_code, entered(new), "").error == ""
    assert lin


def test_a_phone_of_several_accounts_is_not_flooded_either(open_person: Callable[..., int]) -> None:
    for number in range(4):
        open_person(f"lin{number}", phone=PHONE, verified=True)
    answers = {
        database.write(forgot.send_code, recognising.nobody(f"198.51.{n}.{k}"), f"lin{k}", PHONE).error
        for n in range(3)
        for k in range(4)
        if later(seconds=61) is None
    }
    assert (answers, sent_count()) == ({""}, 5)


def test_an_ipv6_network_is_one_address_for_codes(open_person: Callable[..., int]) -> None:
    answers = [
        database.write(
            forgot.send_code, recognising.nobody(f"2001:db8::{number:x}"), f"a{number}", f"1390000{number:04}"
        ).error
        for number in range(30)
    ]
    assert answers.count("code.too_many") == 10


def test_who_begins_without_end_at_wechat_fills_neither_tables_nor_the_log(
    db: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIP_EXTERNAL_STARTS_ADDRESS", "30")
    settings.cache_clear()
    here, over = recognising.nobody("2001:db8::1"), identities.AttemptOver()
    begun = {"inside": False, "binds": False, "target": ""}
    for _ in range(30):
        database.write(identities.begin, here, Provider.WECHAT, "browser", **begun)
        database.write(identities.note_refused, here, Provider.WECHAT, over)
    with pytest.raises(identities.TooManyStarts):
        database.write(
            identities.begin, recognising.nobody("2001:db8::2"), Provider.WECHAT, "browser", **begun
        )
    written = acts_in("p")
    database.write(identities.note_refused, here, Provider.WECHAT, over)
    assert acts_in("p") == written


def test_a_proxy_that_adds_a_line_of_its_own_is_believed_and_not_the_client(monkeypatch) -> None:
    monkeypatch.setenv("MIP_TRUSTED_PROXIES", "1")
    settings.cache_clear()
    lines = [(b"x-forwarded-for", b"198.51.100.66"), (b"x-forwarded-for", b"203.0.113.5")]
    scope = {"type": "http", "headers": lines, "client": ("127.0.0.1", 1)}
    assert client_address(scope, Headers(scope=scope)) == "203.0.113.5"
    settings.cache_clear()


def test_what_takes_long_stands_in_one_lane_that_ends() -> None:
    busy, lane = threading.Event(), Lane("test")

    async def everybody() -> list[object]:
        asked = [asyncio.create_task(lane.run(busy.wait)) for _ in range(3 * WAITING)]
        await asyncio.sleep(0)
        busy.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    done = run(everybody())
    assert [type(one) for one in done].count(LaneFull) == 3 * WAITING - WAITING - 1


def test_what_is_typed_as_an_account_is_not_kept(open_person: Callable[..., int]) -> None:
    database.write(forgot.send_code, recognising.nobody("198.51.100.1"), "my secret passw0rd", PHONE)
    with Session(database.engine()) as session:
        assert "passw0rd" not in repr(session.exec(select(Budget)).all())
