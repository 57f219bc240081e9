"""Guessing over HTTP, against a server that is reached from many addresses."""

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import pytest
from sqlmodel import Session, select

from mip_app.accounts.models import User
from mip_app.core import database
from mip_app.core.settings import settings
from tests.site import PASSWORD, Site, inside

ROUNDS = 12  # fewer than make an account wait


def post(client, account: str, password: str, **more: str):
    return client.post("/auth/login", data={"account": account, "password": password, **more})


def test_a_wrong_password_an_unknown_and_a_disabled_account_are_one_answer_in_the_same_time(
    behind_proxy: Site, from_address
) -> None:
    with inside(behind_proxy.data), Session(database.engine()) as session, session.begin():
        session.exec(select(User).where(User.account == "wuji")).one().disabled = True
    kinds = {
        "wrong": ("linwangshu", "wrong"),
        "unknown": ("nobody-here", "wrong"),
        "disabled": ("wuji", PASSWORD),
    }
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    answers = set()
    for number in range(ROUNDS):
        for kind, (account, password) in kinds.items():
            client = from_address(f"198.18.{number}.{len(kind)}")
            begun = time.perf_counter()
            answer = post(client, account, password)
            times[kind].append(time.perf_counter() - begun)
            answers.add((answer.status_code, answer.headers["location"], answer.headers.get("set-cookie")))
    assert answers == {(303, "/login?error=sign_in.refused", None)}
    medians = {kind: median(seconds) for kind, seconds in times.items()}
    # What would tell them apart is the hash: all of the time of an answer, not a part of it.
    assert max(medians.values()) < 1.6 * min(medians.values()), medians


def test_a_hundred_guesses_at_once_get_no_further_than_five(from_address) -> None:
    def one(number: int) -> str:
        answer = post(from_address("198.18.50.1"), "hewei", f"guess-{number}")
        return answer.headers.get("location", answer.headers.get("refresh", ""))

    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(one, range(100)))
    assert sum("sign_in.refused" in answer for answer in answers) < settings().sign_in_attempts
    assert all("sign_in." in answer for answer in answers)
    # Not even the right one is tried now, from there.
    assert "sign_in.locked" in post(from_address("198.18.50.1"), "hewei", PASSWORD).headers["location"]


def test_a_siege_of_an_account_does_not_keep_its_owner_out(from_address) -> None:
    owner = from_address("198.18.60.1")
    assert post(owner, "chensu", PASSWORD).headers["location"] == "/studies"
    device = next(cookie for cookie in owner.cookies.jar if cookie.name == "mip_device")
    assert device.path == "/auth" and device.has_nonstandard_attr("HttpOnly")
    owner.post("/auth/logout")
    for number in range(settings().sign_in_attempts_account):
        post(from_address(f"198.18.61.{number}"), "chensu", "guess")
    assert "sign_in.locked" in post(from_address("198.18.62.1"), "chensu", PASSWORD).headers["location"]
    assert post(owner, "chensu", PASSWORD).headers["location"] == "/studies"


@pytest.mark.parametrize(
    ("account", "side", "leads_to"),
    [
        ("guanli", "admin", "/admin"),
        ("guanli", "work", "/studies"),
        ("linwangshu", "admin", "/login?error=sign_in.not_admin&side=admin"),
    ],
)
def test_the_administration_is_entered_by_those_who_have_it(from_address, account, side, leads_to) -> None:
    answer = post(from_address("198.18.70.1"), account, PASSWORD, side=side, keep="true")
    assert answer.headers["location"] == leads_to
    cookie = answer.headers.get("set-cookie", "").split("mip_device")[0]
    assert ("Max-Age" in cookie) == (leads_to == "/studies")  # nobody stays in the administration for days


def test_signing_in_leads_only_to_what_the_new_sign_in_may_open(from_address) -> None:
    client = from_address("198.18.71.1")
    client.headers["Referer"] = f"{client.base_url}/login?next=/studies%3Fdays%3Dweek"
    assert post(client, "guanli", PASSWORD, side="admin").headers["location"] == "/admin"
    assert post(client, "guanli", PASSWORD).headers["location"] == "/studies?days=week"


def test_a_session_cookie_from_before_signing_in_is_not_taken_on(from_address) -> None:
    client = from_address("198.18.72.1")
    client.cookies.set("mip_session", "planted-by-somebody-else")
    post(client, "linwangshu", PASSWORD)
    values = [cookie.value for cookie in client.cookies.jar if cookie.name == "mip_session"]
    assert "planted-by-somebody-else" not in values[1:] and len(set(values)) == 2


def test_a_stolen_cookie_is_worth_nothing_after_signing_out(from_address) -> None:
    owner, thief = from_address("198.18.73.1"), from_address("198.18.73.2")
    post(owner, "linwangshu", PASSWORD)
    thief.cookies.set("mip_session", owner.cookies["mip_session"])
    assert thief.get("/dicom-web/studies").status_code == 200
    owner.post("/auth/logout")
    assert thief.get("/dicom-web/studies").status_code == 401
    assert thief.post("/auth/switch", data={"membership": 1}).status_code == 401
    assert thief.post("/auth/enter").status_code == 401
