"""A computer signed in by a phone: two browsers, and the code between them read from the screen."""

import io
import re

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect


def shown_code(page: Page) -> str:
    """What a phone's camera reads from the page."""
    picture = page.get_by_role("img", name="登录二维码")
    expect(page.get_by_text("只能使用一次")).to_be_visible()
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture.screenshot())))
    assert len(found) == 1
    return found[0].text


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_phone_lets_a_computer_in(someone, viewport) -> None:
    phone, computer = someone("linwangshu", "phone"), someone("nobody", viewport)
    phone.signs_in()
    page = computer.goes_to("/studies?days=week")
    page.wait_for_url("**/login**")
    page.get_by_text("扫码登录").click()
    phone.page.goto(shown_code(page))
    expect(phone.page.get_by_text("在这台电脑上登录？")).to_be_visible()
    expect(phone.page.get_by_text("林望舒")).to_be_visible()
    expect(phone.page.get_by_text("127.0.**.**")).to_be_visible()
    expect(page.get_by_text("已扫码，请在手机上确认")).to_be_visible()
    phone.page.get_by_role("button", name="确认登录").click()
    expect(phone.page.get_by_text("已确认，电脑正在登录")).to_be_visible()
    page.wait_for_url(re.compile(r"/studies/?\?days=week"))
    expect(page.locator("#account-menu, #phone-account-menu").filter(visible=True)).to_contain_text("林")
    # The code is spent: the phone that opens it once more is told so.
    phone.page.reload()
    expect(phone.page.get_by_text("二维码已失效")).to_be_visible()


def test_a_phone_declines_and_another_code_can_be_had(someone) -> None:
    phone, computer = someone("linwangshu", "phone"), someone("nobody")
    phone.signs_in()
    page = computer.goes_to("/login?way=qr")
    first = shown_code(page)
    phone.page.goto(first)
    phone.page.get_by_role("button", name="拒绝").click()
    expect(phone.page.get_by_text("已拒绝这次登录")).to_be_visible()
    expect(page.get_by_text("手机上拒绝了这次登录")).to_be_visible()
    page.get_by_role("button", name="换一个").click()
    assert shown_code(page) != first
    assert "mip_session" not in {cookie["name"] for cookie in computer.context.cookies()}


def test_a_phone_that_is_not_signed_in_signs_in_first(someone) -> None:
    phone, computer = someone("hewei", "phone"), someone("nobody")
    code = shown_code(computer.goes_to("/login?way=qr"))
    page = phone.page
    page.goto(code)
    page.wait_for_url("**/login**")
    page.fill("#account", "hewei")
    page.fill("#password", "correct horse battery")
    page.click("#sign-in")
    page.get_by_role("button", name="确认登录").click()
    computer.page.wait_for_url("**/studies**")


def test_the_administration_side_approves_nothing(someone) -> None:
    phone, computer = someone("guanli", "phone"), someone("nobody")
    phone.forgiven = ("404",)
    page = phone.goes_to("/login?side=admin")
    expect(page.get_by_role("heading", name="登录管理端")).to_be_visible()
    page.fill("#account", "guanli")
    page.fill("#password", "correct horse battery")
    page.click("#sign-in")
    page.wait_for_url("**/admin**")
    page.goto(shown_code(computer.goes_to("/login?way=qr")))
    expect(page.get_by_text("管理端不能确认扫码登录")).to_be_visible()
    expect(computer.page.get_by_text("只能使用一次")).to_be_visible()


def test_a_code_in_other_hands_opens_nothing(someone) -> None:
    phone, computer, thief = someone("linwangshu", "phone"), someone("nobody"), someone("nobody")
    phone.signs_in()
    code = shown_code(computer.goes_to("/login?way=qr"))
    thief.goes_to("/login?way=qr")
    expect(thief.page.get_by_text("只能使用一次")).to_be_visible()
    thief.context.add_cookies(
        [{"name": "mip_qr", "value": code.split("=")[1], "url": f"{thief.site.url}/auth/qr"}]
    )
    phone.page.goto(code)
    phone.page.get_by_role("button", name="确认登录").click()
    answer = thief.context.request.post(
        f"{thief.site.url}/auth/qr/enter", headers={"Origin": thief.site.url}, max_redirects=0
    )
    assert "sign_in.qr_gone" in answer.headers["location"]
    assert "mip_session" not in {cookie["name"] for cookie in thief.context.cookies()}
    computer.page.wait_for_url("**/studies**")
