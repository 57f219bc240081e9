"""The sign-in page, on both viewports and in both languages."""

import pytest
from playwright.sync_api import expect

from tests.site import PASSWORD


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_wrong_password_is_said_and_a_right_one_leads_to_where_one_wanted_to_go(someone, viewport) -> None:
    person = someone("linwangshu", viewport)
    page = person.goes_to("/studies?days=week")
    page.wait_for_url("**/login**")
    page.fill("#account", "linwangshu")
    page.fill("#password", "not the password")
    page.click("#sign-in")
    expect(page.get_by_role("alert")).to_have_text("账号或密码不正确")
    page.fill("#account", "linwangshu")
    page.fill("#password", PASSWORD)
    page.click("#sign-in")
    page.wait_for_url("**/studies**")
    assert "password" not in page.url
    cookie = next(c for c in person.context.cookies() if c["name"] == "mip_session")
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")


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
