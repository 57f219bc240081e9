"""Data maintenance in a browser: a conflict is decided and taken back, two files are compared, two people delete."""

import re
import uuid

import httpx
import pytest
from playwright.sync_api import Page, expect

from mip_app.accounts.models import Role
from tests.e2e.test_doctors import administers
from tests.images import Made, study
from tests.site import Site


def line(page: Page, listed: str, text: str):
    return page.locator(f"#{listed} > li").filter(has_text=text)


def reason(page: Page, mode: str, words: str = "登记时写错") -> None:
    page.fill("#data-why", words)
    page.click(f"#do-{mode}")
    expect(page.locator(f"#data-{mode}")).to_be_hidden()


def answered(client: httpx.Client, uid: str) -> str:
    found = client.get("/dicom-web/studies", params={"StudyInstanceUID": uid}).json()
    return found[0]["00100010"]["Value"][0]["Ideographic"] if found else ""


@pytest.mark.browser
@pytest.mark.parametrize("viewport", ["desktop"])
def test_a_conflict_is_decided_and_taken_back(site: Site, someone, viewport):
    number = f"C{uuid.uuid4().hex[:8]}"
    first = study("JIANG^He=江^河", number, slices=1)
    later = study("JIANG^Hai=江^海", number, slices=1)
    site.store([Made(first[0]), Made(later[0])])
    reader = site.sign_in("linwangshu")
    page = administers(someone("guanli", viewport), "/admin/data")
    row = line(page, "data-conflicts", number)
    expect(row).to_contain_text("江海")
    row.locator("[data-act=merge]").click()
    page.click("#do-merge")  # without a reason
    expect(page.locator("#data-merge [role=alert]")).to_have_text("请填写原因")
    reason(page, "merge")
    expect(row).to_have_count(0)
    assert answered(reader, later[0].StudyInstanceUID) == "江^河"
    change = line(page, "data-changes", number).first
    change.locator("[data-act=undo]").click()
    page.click("#do-undo")
    expect(row).to_contain_text("江海")
    assert answered(reader, later[0].StudyInstanceUID) == "江^海"
    row.locator("[data-act=apart]").click()
    page.fill("#data-patient-id", number)
    page.fill("#data-why", "共用患者号")
    page.click("#do-apart")
    expect(page.locator("#data-apart [role=alert]")).to_have_text("没有任何改动")
    page.fill("#data-patient-id", number + "B")
    reason(page, "apart")
    expect(row).to_have_count(0)
    page.fill("#data-search", number + "B")
    page.click("#data-search-do")
    line(page, "data-found", number + "B").locator("[data-act=correct]").click()
    page.fill("#data-name", "JIANG^Hu=江^湖")
    reason(page, "correct")
    assert answered(reader, later[0].StudyInstanceUID) == "江^湖"


@pytest.mark.browser
@pytest.mark.parametrize("viewport", ["phone"])
def test_two_files_are_compared_and_one_is_chosen(site: Site, someone, viewport):
    [data] = study(slices=1)
    site.store([Made(data)])
    data.InstanceNumber = 77
    site.store([Made(data)])
    page = administers(someone("guanli", viewport), "/admin/data")
    page.click("[data-tab=aside]")
    row = line(page, "data-asides", data.SOPInstanceUID)
    row.locator("[data-act=compare]").click()
    expect(page.locator("#data-differences tbody tr")).to_have_count(1)
    expect(page.locator("#data-differences")).to_contain_text("InstanceNumber")
    for side in ("kept", "aside"):
        picture = page.locator(f"#data-compare img[src$='/{side}']")
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 100
    page.click("#to-replace")
    page.click("#do-replace")
    expect(row).to_contain_text("已替换")
    header = site.sign_in("linwangshu").get(f"/dicom-web/studies/{data.StudyInstanceUID}/metadata").json()[0]
    assert header["00200013"]["Value"] == [77]


@pytest.mark.browser
def test_two_administrators_delete_a_study(site: Site, someone):
    number = f"D{uuid.uuid4().hex[:8]}"
    data = study("BAI^Ye=白^夜", number, slices=2)
    uid = data[0].StudyInstanceUID
    site.store([Made(one) for one in data])
    reader = site.sign_in("linwangshu")
    first = administers(someone("guanli"), "/admin/data")
    first.click("[data-tab=erasures]")
    first.fill("#data-search", number)
    first.click("#data-search-do")
    line(first, "data-found", number).locator("[data-act=ask]").click()
    expect(first.locator("#data-extent")).to_contain_text("白夜")
    reason(first, "ask", "重复上传")
    mine = line(first, "data-erasures", uid)
    expect(mine).to_contain_text("等待另一名管理员确认")
    second = administers(someone(site.newcomer("许管", JN1=[Role.INSTITUTION_ADMIN])), "/admin/data")
    second.click("[data-tab=erasures]")
    line(second, "data-erasures", uid).locator("[data-act=confirm]").click()
    expect(second.locator("#data-extent dd").filter(has_text=re.compile("^2$"))).to_be_visible()
    second.click("#do-confirm")
    expect(mine).to_contain_text("已删除")  # the first one is told
    assert reader.get(f"/dicom-web/studies/{uid}/metadata").status_code == 404
    assert answered(reader, uid) == ""
    assert [o.code for o in site.store([Made(one) for one in data])] == ["ingest.stored"] * 2
