"""Codes by phone, and attacks on them: guessing, flooding, asking who exists."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from mip_app.accounts import recognising
from mip_app.accounts.models import LoginSession, User
from mip_app.accounts.passwords import matches
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.clock import utc_now
from mip_app.sign_in import codes
from mip_app.sign_in.codes import CodeRefused, Purpose
from mip_app.sign_in.forgot import service as forgot
from mip_app.sign_in.models import PhoneCode
from tests.sign_in.conftest import OTHER_PHONE, PHONE, enters, later, now, sent_code, sent_count, told, wrong

NEW = "seven lanterns over water"


def nobody(number: int = 1):
    return recognising.nobody(f"198.51.100.{number}")


def ask(account: str = "lin", phone: str = PHONE, by: int = 1) -> codes.Sent:
    return database.write(forgot.send_code, nobody(by), account, phone)


def try_it(ticket: str, code: str, by: int = 1) -> str:
    return database.write(forgot.verify, nobody(by), ticket, code).error


@pytest.fixture
def lin(open_person) -> int:
    return open_person("lin", phone=PHONE, verified=True)


def test_a_forgotten_password_is_set_anew_and_every_sign_in_ends(lin: int) -> None:
    device = enters(lin)
    ticket = ask().ticket
    assert try_it(ticket, sent_code()) == ""
    forgot.set_password(nobody(), ticket, NEW, NEW)
    assert now(device) is None
    assert told() == [("notice.password_reset", [])]
    with Session(database.engine()) as session:
        assert matches(session.get_one(User, lin).password_hash, NEW)
        assert Act.PASSWORD_RESET in session.exec(select(AuditEntry.act)).all()
    with pytest.raises(CodeRefused):  # once
        forgot.set_password(nobody(), ticket, NEW + " again", NEW + " again")


def test_without_the_code_there_is_no_new_password(lin: int) -> None:
    ticket = ask().ticket
    for forged in (ticket, "", "0" * 32):
        with pytest.raises(CodeRefused):
            forgot.set_password(nobody(), forged, NEW, NEW)
    assert try_it(ticket, wrong(sent_code())) == "code.wrong"
    with pytest.raises(CodeRefused):
        forgot.set_password(nobody(), ticket, NEW, NEW)


def test_a_code_counts_once_for_its_purpose_and_person_only(lin: int, open_person) -> None:
    ticket = ask().ticket
    code = sent_code()
    for purpose in (Purpose.BIND, Purpose.CHANGE_PHONE):
        assert database.write(codes.try_code, nobody(), ticket, purpose, code).error == "code.over"
    he = open_person("he", phone=OTHER_PHONE, verified=True)
    of_he = ask("he", OTHER_PHONE).ticket
    assert try_it(of_he, wrong(sent_code(OTHER_PHONE))) == "code.wrong"
    if code != sent_code(OTHER_PHONE):
        assert try_it(of_he, code) == "code.wrong"  # somebody else's
    assert he
    assert try_it(ticket, code) == ""
    assert try_it(ticket, code) == "code.over"


def test_after_five_minutes_or_a_newer_one_it_is_over(lin: int) -> None:
    former = ask()
    code = sent_code()
    later(seconds=61)
    newer = ask()
    assert try_it(former.ticket, code) == "code.over"
    with Session(database.engine()) as session, session.begin():
        session.get_one(PhoneCode, newer.ticket).expires_at = utc_now() - timedelta(seconds=1)
    assert try_it(newer.ticket, sent_code()) == "code.over"


def test_five_tries_and_the_right_code_is_worth_nothing(lin: int) -> None:
    ticket, code = ask().ticket, sent_code()
    for _ in range(5):
        assert try_it(ticket, wrong(code)) == "code.wrong"
    assert try_it(ticket, code) == "code.over"


def test_parallel_tries_are_no_more_than_one_after_another(lin: int) -> None:
    ticket, code = ask().ticket, sent_code()
    guesses = [f"{(int(code) + step) % 10**6:06}" for step in range(1, 13)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda guess: try_it(ticket, guess), guesses))
    assert answers.count("code.wrong") == 5
    assert try_it(ticket, code) == "code.over"


def test_asking_for_new_codes_buys_no_tries_without_end(lin: int) -> None:
    tries = 0
    for round_ in range(6):  # from ever new addresses
        sent = ask(by=round_)
        later(seconds=61)
        if sent.error:
            continue
        for _ in range(5):
            tries += try_it(sent.ticket, wrong(sent_code()), by=round_) == "code.wrong"
    assert tries == 15
    later(hours=1, seconds=1)
    assert ask(by=99).error == ""


def test_the_same_right_code_sent_twice_at_once_opens_once(lin: int) -> None:
    ticket, code = ask().ticket, sent_code()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: try_it(ticket, code), range(4)))
    assert answers.count("") == 1


def test_a_phone_is_not_flooded(lin: int) -> None:
    assert ask().error == ""
    assert (ask().error, sent_count()) == ("code.too_many", 1)
    for minute in range(12):
        later(seconds=61)
        ask(by=minute)
    assert sent_count() == 5  # an hour
    for _ in range(20):
        later(minutes=61)
        ask(by=7)
    assert sent_count() == 10  # a day


def test_many_at_once_are_one(lin: int) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda number: ask(by=number).error, range(10)))
    assert answers.count("") == 1
    assert sent_count() == 1


def test_one_address_cannot_send_to_everybody(lin: int, open_person) -> None:
    errors = [ask("anybody", f"1390000{number:04}").error for number in range(25)]
    assert errors.count("") == 20
    assert ask(by=2).error == ""  # from elsewhere it still works


def test_who_exists_is_not_told(lin: int, open_person) -> None:
    open_person("unverified", phone="13700000001")
    open_person("disabled", phone="13700000002", verified=True, disabled=True)
    asked = [
        ("lin", PHONE),
        ("lin", "13900000009"),
        ("no such account", "13900000008"),
        ("unverified", "13700000001"),
        ("disabled", "13700000002"),
    ]
    answers = [ask(*who, by=number) for number, who in enumerate(asked)]
    assert {(answer.error, answer.wait, len(answer.ticket)) for answer in answers} == {("", 60, 32)}
    assert sent_count() == 1
    for number, answer in enumerate(answers):
        said = [try_it(answer.ticket, "12345x", by=number) for _ in range(6)]
        assert said == ["code.wrong"] * 5 + ["code.over"]
    assert [ask(*who, by=number).error for number, who in enumerate(asked)] == ["code.too_many"] * 5


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_who_exists_is_not_told_by_time_either(open_person) -> None:
    for number in range(40):
        open_person(f"doctor{number}", phone=f"138000001{number:02}", verified=True)

    def seconds(account: str, phone: str, by: int) -> float:
        begun = time.perf_counter()
        assert ask(account, phone, by).error == ""
        return time.perf_counter() - begun

    there, not_there = [], []
    for number in range(40):
        there.append(seconds(f"doctor{number}", f"138000001{number:02}", number))
        not_there.append(seconds(f"nobody{number}", f"139000001{number:02}", number))
    middle, other = statistics.median(there), statistics.median(not_there)
    spread = statistics.quantiles(there, n=4)[2] - statistics.quantiles(there, n=4)[0]
    # Within the noise of a single answer: who measures cannot tell one from the other.
    assert abs(middle - other) < max(spread, 0.5 * middle)


def test_what_is_kept_of_a_code_does_not_give_it_away(lin: int) -> None:
    ask()
    with Session(database.engine()) as session:
        kept = repr(session.exec(select(PhoneCode)).one().model_dump())
        said = repr([entry.model_dump() for entry in session.exec(select(AuditEntry))])
    for secret in (sent_code(), PHONE):
        assert secret not in kept
        assert secret not in said


@pytest.mark.parametrize("odd", [None, 7, ["1"], {"a": 1}, "x" * 10_000, "１２３４５６", "\x00", "\ud800"])
def test_anything_may_be_sent(lin: int, odd) -> None:
    assert database.write(forgot.send_code, nobody(), odd, odd).error
    assert database.write(forgot.verify, nobody(), odd, odd).error
    with pytest.raises(CodeRefused):
        database.read(forgot.judged, nobody(), odd, odd)
    with Session(database.engine()) as session:
        assert session.exec(select(LoginSession).where(col(LoginSession.user_id) == lin)).all() == []


def refused(act: Act) -> list[AuditEntry]:
    with Session(database.engine()) as session:
        found = select(AuditEntry).where(AuditEntry.act == act, AuditEntry.result == "refused")
        return list(session.exec(found.order_by(col(AuditEntry.id))))


def test_what_is_refused_to_a_stranger_stands_in_the_log_of_those_whose_account_it_is(lin: int, jn1) -> None:
    asked = [ask(phone=OTHER_PHONE, by=1), ask(account="nobody-at-all", phone=OTHER_PHONE[:-1] + "7", by=2)]
    for each in asked:
        assert try_it(each.ticket, "000000", by=3) == "code.wrong"
    home = f"i:{jn1}"
    sent = [(entry.scope, entry.subject) for entry in refused(Act.CODE_SENT)]
    assert sent == [(home, f"user:{lin}"), ("p", "")]
    assert [entry.scope for entry in refused(Act.CODE_REFUSED)] == [home, "p"]
    assert not any(part in repr(refused(Act.CODE_SENT)) for part in (PHONE, OTHER_PHONE, "nobody-at-all"))


def test_asking_and_trying_while_one_has_to_wait_is_in_the_log_once(lin: int, jn1) -> None:
    ticket = ask().ticket
    for _ in range(5):
        assert ask().error == "code.too_many"
    entries = refused(Act.CODE_SENT)
    assert [(entry.scope, entry.detail["why"]) for entry in entries] == [
        (f"i:{jn1}", "audit.detail.too_many")
    ]
    errors = [try_it(ticket, "000000") for _ in range(25)]
    told = [entry.detail["why"] for entry in refused(Act.CODE_REFUSED)]
    assert errors.count("code.too_many_tries") > told.count("code.too_many_tries") == 1
