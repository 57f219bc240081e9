"""The sign-in page, on both viewports and in both languages."""

import re

import pytest
from playwright.sync_api import expect

from tests.site import PASSWORD


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_wrong_password_is_said_and_a_right_one_leads_to_where_one_wanted_to_go(someone, viewport) -> None:
    person = someone("linwangshu", viewport)
    page = person.goes_to("/studies?days=week")
    page.wait_for_url("**/login**")
    page.wait_for_load_state("networkidle")
    page.fill("#account", "linwangshu")
    page.fill("#password", "not the password")
    page.click("#sign-in")
    expect(page.get_by_role("alert")).to_have_text("账号或密码不正确")
    expect(page.locator("#account")).to_have_value("linwangshu")  # kept, and not in the address
    expect(page.locator("#password")).to_have_value("")
    assert "linwangshu" not in page.url
    page.fill("#password", PASSWORD)
    page.click("#sign-in")
    page.wait_for_url("**/studies**")
    assert "password" not in page.url
    cookie = next(c for c in person.context.cookies() if c["name"] == "mip_session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_an_administrator_signs_in_to_the_administration_and_back(someone, viewport) -> None:
    person = someone("guanli", viewport)
    person.forgiven = ("404",)  # an area that is not built here
    page = person.goes_to("/login")
    expect(page.get_by_text("在此设备上保持登录 7 天")).to_be_visible()
    page.get_by_text("管理员登录").click()
    expect(page.get_by_role("heading", name="登录管理端")).to_be_visible()
    expect(page.get_by_text("15 分钟无操作自动退出")).to_be_visible()
    expect(page.get_by_text("在此设备上保持登录 7 天")).to_be_hidden()
    expect(page.get_by_text("扫码登录")).to_be_hidden()
    page.fill("#account", "guanli")
    page.fill("#password", "wrong")
    page.click("#sign-in")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("heading", name="登录管理端")).to_be_visible()  # one stays on that side
    page.fill("#password", PASSWORD)
    page.click("#sign-in")
    page.wait_for_url("**/admin**")
    person.goes_to("/studies")
    page.wait_for_url("**/forbidden**")


def test_a_doctor_is_told_that_the_administration_is_not_theirs(someone) -> None:
    page = someone("linwangshu").goes_to("/login?side=admin")
    expect(page.get_by_role("heading", name="登录管理端")).to_be_visible()
    page.fill("#account", "linwangshu")
    page.fill("#password", PASSWORD)
    page.click("#sign-in")
    expect(page.get_by_role("alert")).to_have_text("您的账号没有管理权限，请用医生登录")


def test_who_is_quicker_than_the_script_loses_nothing(someone) -> None:
    person = someone("guanli")
    person.forgiven = ("net::ERR_FAILED", "import")
    # As on a slow line: the page is there, what brings it to life is not.
    person.page.route("**/assets/**/*.js", lambda route: route.abort())
    page = person.goes_to("/login?side=admin")
    expect(page.get_by_role("heading", name="登录管理端")).to_be_visible()
    page.fill("#account", "guanli")
    page.fill("#password", "wrong")
    page.click("#sign-in")
    page.wait_for_url(re.compile("error=sign_in.refused"))
    expect(page.get_by_role("heading", name="登录管理端")).to_be_visible()
    expect(page.locator("#account")).to_have_value("guanli")
    page.fill("#password", PASSWORD)
    page.click("#sign-in")
    page.wait_for_url("**/admin**")


def test_a_password_can_be_looked_at_before_it_is_sent(someone) -> None:
    page = someone("linwangshu").goes_to("/login")
    page.wait_for_load_state("networkidle")
    page.fill("#password", "what I typed")
    eye = page.get_by_role("button", name="显示密码")
    eye.click()
    expect(page.locator("#password")).to_have_attribute("type", "text")
    eye.click()
    expect(page.locator("#password")).to_have_attribute("type", "password")


def test_what_an_address_says_as_an_error_is_not_shown(someone) -> None:
    page = someone("nobody").goes_to("/login?error=ui.sign_out&minutes=9999")
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_english_is_one_click_away_and_stays(someone) -> None:
    page = someone("linwangshu").goes_to("/login")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading")).to_have_text("Sign in to MIP")
    expect(page).to_have_title("Sign in · MIP")
    page.reload()
    expect(page.locator("#sign-in")).to_have_text("Sign in")


def test_the_sign_in_page_loads_no_viewer(someone) -> None:
    person = someone("linwangshu")
    sizes: list[tuple[str, int]] = []
    person.page.on(
        "response",
        lambda answer: sizes.append((answer.url, len(answer.body()) if ".js" in answer.url else 0)),
    )
    person.goes_to("/login")
    person.page.wait_for_load_state("networkidle")
    assert sum(size for _, size in sizes) < 900_000
    assert not any("cornerstone" in url for url, _ in sizes)
