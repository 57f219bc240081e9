"""One person in two institutions: a visible switch, and no tab that mixes them up."""

import pytest
from playwright.sync_api import expect

from mip_app.accounts.models import Role
from tests.images import Made, study
from tests.site import Site

HERE, THERE = "江南市第一人民医院", "清河县人民医院"
NAME = "欧阳文澜"


@pytest.fixture
def patient_here(site: Site) -> None:
    site.store([Made(data) for data in study("OUYANG^WenLan=欧阳^文澜", slices=1)])


def switch(page, viewport: str) -> None:
    if viewport == "desktop":
        page.locator("#places").click()
    else:
        page.locator("#phone-account-menu").click()
    page.get_by_role("button", name=THERE).filter(visible=True).click()
    expect(page.get_by_text(THERE).filter(visible=True).first).to_be_visible()


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_switching_institution_shows_the_other_place_and_blanks_every_other_tab(
    someone, site, patient_here, viewport
) -> None:
    person = someone(site.newcomer("许言", JN1=[Role.REVIEWER], QH2=[Role.CLINICIAN]), viewport)
    person.forgiven = ("401",)  # a picture of the other tab that was on its way
    person.signs_in("/studies?days=all")
    other = person.page
    expect(other.get_by_text(NAME).filter(visible=True).first).to_be_visible()
    frames: list[str] = []
    page = person.context.new_page()
    page.goto(f"{site.url}/studies?days=all")
    expect(page.get_by_text(NAME).filter(visible=True).first).to_be_visible()
    page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: frames.append(str(frame))))
    switch(page, viewport)
    # The other tab shows nothing of the former place, and goes on in the new one.
    expect(other.get_by_text(NAME).filter(visible=True)).to_have_count(0)
    expect(other.get_by_text(THERE).filter(visible=True).first).to_be_visible()
    expect(other.get_by_text(HERE).filter(visible=True)).to_have_count(0)
    assert not any(NAME in frame for frame in frames)


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_who_has_both_sides_crosses_to_the_one_that_sees_no_patients(someone, site, viewport) -> None:
    person = someone(site.newcomer("许言", JN1=[Role.REVIEWER, Role.INSTITUTION_ADMIN]), viewport)
    page = person.signs_in()
    if viewport == "phone":
        page.locator("#phone-account-menu").click()
    page.get_by_role("button", name="管理").filter(visible=True).click()
    page.wait_for_url("**/admin**")
    expect(page.get_by_role("link", name="医生管理")).to_be_visible()
    person.goes_to("/studies")
    page.wait_for_url("**/forbidden**")
    # And back: what is the administration's is not the doctors'.
    person.goes_to("/admin")
    page.wait_for_load_state("networkidle")
    page.locator("#account-menu").click() if viewport == "phone" else None
    page.get_by_role("button", name="返回诊断").filter(visible=True).click()
    page.wait_for_url("**/studies**")
    expect(page.get_by_role("searchbox").filter(visible=True).first).to_be_visible()
    person.goes_to("/admin/doctors")
    page.wait_for_url("**/forbidden**")


def test_who_works_in_one_place_is_offered_no_switch(someone) -> None:
    page = someone("linwangshu").signs_in()
    expect(page.locator("#account-menu")).to_contain_text("林望舒")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#places")).to_have_count(0)
    expect(page.locator("#other-side")).to_have_count(0)
