"""A doctor of another hospital sees what was granted in their list, and whose it is; withdrawn, it goes from the list."""

import os

import pytest
from playwright.sync_api import expect

from mip_app.accounts import opening
from mip_app.core import database
from mip_app.studies import grants
from mip_app.studies.grants import Wanted
from tests.images import Made, study
from tests.site import Site, inside


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_granted_study_says_whose_it_is_and_opens(someone, site: Site, viewport: str) -> None:
    slices = study("SHEN^Yun=沈^云", slices=2)
    uid = str(slices[0].StudyInstanceUID)
    site.store([Made(data) for data in slices])
    wanted = Wanted(to_institution=site.institutions["QH2"], reason="会诊", study_uid=uid)
    with inside(site.data):
        number = database.write(grants.give_for, opening.CONSOLE, site.institutions["JN1"], wanted)
    person = someone("qinghe", viewport)
    page = person.signs_in()
    row = page.locator(f"[data-uid='{uid}']:visible")
    expect(row.locator("[data-whose]")).to_contain_text("江南市第一人民医院")
    expect(row.locator("[data-act=send]")).to_have_count(0)
    expect(row).not_to_contain_text("未写")  # nobody here is told
    if folder := os.environ.get("MIP_SHOTS"):
        page.screenshot(path=f"{folder}/granted-{viewport}.png")
    row.locator("[data-act=images]").first.click()
    expect(page.locator("[data-whose]:visible").first).to_contain_text("江南市第一人民医院")
    expect(page.locator("canvas").first).to_be_visible()
    if folder:
        page.screenshot(path=f"{folder}/granted-viewer-{viewport}.png")
    with inside(site.data):
        database.write(grants.withdraw_any, opening.CONSOLE, number)
    person.forgiven = ("404",)
    person.goes_to(f"/viewer/{uid}")
    expect(page.get_by_text("没有找到这项检查，或您没有查看权限。").first).to_be_visible()
    person.goes_to("/studies")
    expect(page.locator("#study-rows, #study-cards, h2").first).to_be_attached()
    expect(row).to_have_count(0)
