"""The second factor: asked for before anything else, counted, and each code once."""

import time
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from sqlmodel import Session, select

from mip_app.accounts import recognising, sessions
from mip_app.accounts.models import Role, User
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Permission, Side
from mip_app.core.errors import Conflict, NotPermitted
from mip_app.core.settings import settings
from mip_app.sign_in import second_factor
from mip_app.sign_in.account import service as own
from mip_app.sign_in.welcome import service as welcome
from tests.sign_in.conftest import PASSWORD, enters, later, now


def app_of(user_id: int) -> pyotp.TOTP:
    """What the person's phone knows."""
    from mip_app.core.sealing import unseal

    with Session(database.engine()) as session:
        sealed = session.get_one(User, user_id).second_factor
    return pyotp.TOTP(unseal(sealed, "user.second_factor", user_id))


def code_at(user_id: int, step: int = 0) -> str:
    return app_of(user_id).generate_otp(int(time.time()) // 30 + step)


def forget_steps(user_id: int) -> None:
    with Session(database.engine()) as session, session.begin():
        session.get_one(User, user_id).second_factor_step = 0


@pytest.fixture
def lin(open_person) -> int:
    """Somebody with a second factor."""
    user_id = open_person("lin")
    actor = enters(user_id)
    database.write(own.begin_enrolment, actor)
    assert own.turn_on(actor, PASSWORD, code_at(user_id)) == ""
    forget_steps(user_id)
    return user_id


def prove(actor, code: str) -> str:
    return database.write(welcome.prove, actor, code)


def test_after_the_password_nothing_is_allowed_before_the_code(lin: int) -> None:
    actor = enters(lin)
    assert (actor.pending, actor.permissions) == ("second_factor", frozenset())
    assert prove(actor, code_at(lin)) == ""
    after = now(actor)
    assert after
    assert after.pending == ""
    assert Permission.REPORT_WRITE in after.permissions


def test_a_code_counts_once_also_when_it_comes_twice_at_once(lin: int) -> None:
    code = code_at(lin)
    first, second = enters(lin), enters(lin)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda actor: prove(actor, code), (first, second)))
    assert sorted(answers) == ["", "second_factor.wrong"]
    assert prove(enters(lin), code) == "second_factor.wrong"
    assert prove(enters(lin), code_at(lin, -1)) == "second_factor.wrong"  # nor one of before


def test_a_clock_may_be_half_a_minute_wrong_and_not_more(lin: int) -> None:
    for step, good in ((-1, True), (1, True), (-3, False), (3, False)):
        forget_steps(lin)
        assert (prove(enters(lin), code_at(lin, step)) == "") is good, step


def test_five_wrong_codes_end_the_sign_in(lin: int) -> None:
    actor = enters(lin)
    answers = [prove(actor, "000000") for _ in range(5)]
    assert answers == ["second_factor.wrong"] * 4 + ["second_factor.too_many"]
    assert now(actor) is None


def test_new_sign_ins_buy_no_tries_without_end_and_the_owner_comes_in_an_hour_later(lin: int) -> None:
    wrong = 0
    for _ in range(8):
        actor = enters(lin)
        for _ in range(5):
            wrong += prove(actor, "000000") == "second_factor.wrong"
    assert wrong <= 20
    assert prove(enters(lin), code_at(lin)) == "second_factor.too_many"
    later(hours=1, seconds=1)
    assert prove(enters(lin), code_at(lin)) == ""


def test_tries_at_once_count_as_well(lin: int) -> None:
    actor = enters(lin)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda number: prove(actor, f"{number:06}"), range(10)))
    assert answers.count("second_factor.wrong") <= 5
    assert now(actor) is None


@pytest.mark.parametrize("odd", [None, 5, "", "12345", "１２３４５６", [], {"code": 1}])
def test_odd_codes_are_wrong_codes(lin: int, odd) -> None:
    assert prove(enters(lin), odd) == "second_factor.wrong"


def test_one_who_has_it_to_prove_can_do_no_other_step(lin: int) -> None:
    actor = enters(lin)
    for step in (welcome.begin_enrolment, own.begin_enrolment, own.own):
        with pytest.raises(NotPermitted):
            database.write(step, actor)
    with pytest.raises(NotPermitted):
        database.write(welcome.confirm_enrolment, actor, code_at(lin))
    with pytest.raises(NotPermitted):
        database.write(welcome.verify_phone, actor, "000000")
    with pytest.raises(NotPermitted):
        welcome.set_password(actor, "seven lanterns over water", "seven lanterns over water")
    with pytest.raises(NotPermitted):
        own.turn_off(actor, PASSWORD, code_at(lin))


def test_turning_it_on_and_off_needs_password_and_code(open_person) -> None:
    user_id = open_person("he")
    here, elsewhere = enters(user_id), enters(user_id)
    database.write(own.begin_enrolment, here)
    with pytest.raises(own.WrongPassword):
        own.turn_on(here, "not it", code_at(user_id))
    assert own.turn_on(here, PASSWORD, "000000") == "second_factor.wrong"
    assert enters(user_id).pending == ""  # begun is not on
    assert own.turn_on(here, PASSWORD, code_at(user_id)) == ""
    assert now(here)
    assert now(elsewhere) is None
    with pytest.raises(Conflict):
        database.write(own.begin_enrolment, here)
    forget_steps(user_id)
    with pytest.raises(own.WrongPassword):
        own.turn_off(here, "not it", code_at(user_id))
    assert own.turn_off(here, PASSWORD, "000000") == "second_factor.wrong"
    assert own.turn_off(here, PASSWORD, code_at(user_id)) == ""
    assert enters(user_id).pending == ""
    with Session(database.engine()) as session:
        acts = session.exec(select(AuditEntry.act)).all()
    assert {Act.SECOND_FACTOR_TURNED_ON, Act.SECOND_FACTOR_TURNED_OFF, Act.PASSWORD_REFUSED} <= set(acts)


def test_the_step_of_enrolling_cannot_be_used_to_go_round_the_password(open_person) -> None:
    actor = enters(open_person("he"))
    with pytest.raises(NotPermitted):
        database.write(welcome.begin_enrolment, actor)
    with pytest.raises(NotPermitted):
        database.write(welcome.confirm_enrolment, actor, "000000")


def test_an_administrator_enrols_before_anything_else_where_the_setting_asks(
    open_person, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = open_person("guanli", role=Role.INSTITUTION_ADMIN)
    monkeypatch.setenv("MIP_ADMIN_SECOND_FACTOR", "true")
    settings.cache_clear()
    assert enters(user_id).pending == ""
    actor = enters(user_id, side=Side.ADMIN)
    assert (actor.pending, actor.permissions) == ("enrol", frozenset())
    enrolment = database.write(welcome.begin_enrolment, actor)
    assert enrolment.qr.startswith("data:image/svg+xml")
    assert app_of(user_id).secret == enrolment.key.replace(" ", "")
    assert database.write(welcome.confirm_enrolment, actor, code_at(user_id)) == ""
    after = now(actor)
    assert after
    assert Permission.ADMIN_ACCOUNTS in after.permissions
    forget_steps(user_id)
    with pytest.raises(NotPermitted):
        own.turn_off(after, PASSWORD, code_at(user_id))


def test_the_secret_is_sealed(lin: int) -> None:
    with Session(database.engine()) as session:
        stored = session.get_one(User, lin).second_factor
    assert app_of(lin).secret not in stored
    assert second_factor.STEP == 30


def test_who_proved_it_elsewhere_is_not_asked_again(lin: int) -> None:
    opened = database.write(
        sessions.open_session, recognising.nobody(), lin, method="wechat", second_factor=True
    )
    assert opened.actor.pending == ""
