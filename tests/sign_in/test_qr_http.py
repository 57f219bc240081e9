"""Signing in by QR code over HTTP: what the computer is given, and what nobody else can do with it."""

import httpx
import pytest

from mip_app.accounts import recognising
from mip_app.core import database
from mip_app.core.settings import settings
from mip_app.sign_in import qr
from tests.site import PASSWORD, inside
from tests.socket import STATE, RawSocket

APPROVAL = f"{STATE}.mip_app___sign_in___state____approval"


def test_the_computers_secret_is_a_cookie_that_no_script_and_no_other_page_reads(from_address) -> None:
    answer = from_address("198.18.80.1").post("/auth/qr")
    assert answer.json()["seconds"] == settings().qr_seconds
    assert answer.json()["image"].startswith("data:image/svg+xml")
    flags = answer.headers["set-cookie"]
    for flag in ("HttpOnly", "SameSite=strict", "Path=/auth/qr"):
        assert flag in flags
    secret = answer.cookies["mip_qr"]
    assert secret not in answer.text


def test_a_computer_without_a_code_is_told_at_once(from_address) -> None:
    stranger = from_address("198.18.81.1")
    for secret in ("", "x" * 43):
        stranger.cookies.set("mip_qr", secret, path="/auth/qr")
        assert stranger.get("/auth/qr?known=gone").json() == {"state": "gone", "seconds": 0}
    answer = stranger.post("/auth/qr/enter")
    assert answer.headers["location"] == "/login?error=sign_in.qr_gone&way=qr"
    assert "mip_session" not in answer.cookies


def test_codes_are_limited_for_each_address(from_address) -> None:
    greedy = from_address("198.18.82.1")
    answers = [greedy.post("/auth/qr").status_code for _ in range(settings().qr_codes_address + 3)]
    assert answers[-4:] == [200, 429, 429, 429]
    assert from_address("198.18.82.2").post("/auth/qr").status_code == 200


def test_a_page_of_another_origin_asks_for_nothing(behind_proxy) -> None:
    for path in ("/auth/qr", "/auth/qr/enter", "/auth/switch", "/auth/enter"):
        answer = httpx.post(
            behind_proxy.url + path, headers={"Origin": "http://evil.example", "Cookie": "mip_qr=x"}
        )
        assert answer.status_code == 403


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_it_lets_in_and_leads_nowhere_else(behind_proxy, from_address, target) -> None:
    phone, computer = from_address("198.18.83.1"), from_address("198.18.83.2")
    phone.post("/auth/login", data={"account": "linwangshu", "password": PASSWORD})
    with inside(behind_proxy.data):
        actor = database.read(
            recognising.actor_of_token, recognising.nobody("198.18.83.1"), phone.cookies["mip_session"]
        )
        issued = database.write(qr.issue, recognising.nobody("198.18.83.2"), "", "")
        database.write(qr.decide, actor, issued.code, True)
    computer.cookies.set("mip_qr", issued.secret, path="/auth/qr")
    computer.headers["Referer"] = f"{computer.base_url}/login?next={target}"
    answer = computer.post("/auth/qr/enter")
    assert answer.headers["location"] == "/studies"
    assert computer.cookies["mip_session"] != phone.cookies["mip_session"]
    assert computer.get("/dicom-web/studies").status_code == 200
    replayed = from_address("198.18.83.3")
    replayed.cookies.set("mip_qr", issued.secret, path="/auth/qr")
    assert "sign_in.qr_gone" in replayed.post("/auth/qr/enter").headers["location"]


def test_a_phone_cannot_be_made_to_approve_what_it_has_not_opened(behind_proxy, from_address) -> None:
    phone = from_address("198.18.84.1")
    phone.post("/auth/login", data={"account": "hewei", "password": PASSWORD})
    with inside(behind_proxy.data):
        issued = database.write(qr.issue, recognising.nobody("198.18.84.2"), "", "")
    with RawSocket(behind_proxy.url, cookie=f"mip_session={phone.cookies['mip_session']}") as tab:
        tab.hydrate()
        tab.send(f"{APPROVAL}.setvar", var_name="_code", value=issued.code)
        tab.send(f"{APPROVAL}.approve")
        tab.send(f"{APPROVAL}.approve", code=issued.code)
        tab.answers()
    with inside(behind_proxy.data):
        assert database.read(qr.seen, recognising.nobody(), issued.secret).state == "waiting"
