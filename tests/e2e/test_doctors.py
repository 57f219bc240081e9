"""An administrator at work on the people of the hospital, on the PC and on the phone."""

import io
import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.site import PASSWORD

SCRIPT = "<script>alert(1)</script>"


def administers(person, path: str) -> Page:
    """Signs in to the administration and opens a page of it."""
    person.context.request.post(
        person.site.url + "/auth/login",
        form={"account": person.account, "password": PASSWORD, "side": "admin"},
        headers={"Origin": person.site.url},
        max_redirects=0,
    )
    return person.goes_to(path)


def row(page: Page, account: str):
    return page.locator(f'[data-account="{account}"]').locator("visible=true")


def signs_in(site, account: str, password: str) -> httpx.Response:
    form = {"account": account, "password": password}
    return httpx.post(f"{site.url}/auth/login", data=form, headers={"Origin": site.url})


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_doctor_is_added_and_begins_with_the_first_sign_in(someone, site, viewport: str) -> None:
    page = administers(someone("guanli", viewport), "/admin/doctors")
    expect(page.locator("[data-account]:visible").first).to_be_visible()
    page.click("#add-doctor")
    page.click("#save-doctor")
    expect(page.locator("#doctor-account")).to_be_focused()
    expect(page.get_by_text("请填写账号")).to_be_visible()
    account = f"xin{viewport}"
    page.fill("#doctor-account", account)
    page.fill("#doctor-name", SCRIPT)
    page.fill("#doctor-title", "<b>x</b>")
    page.get_by_label("审核医师").check()
    page.click("#save-doctor")
    expect(page.locator("#secret-password")).to_be_visible()
    password = page.locator("#secret-password").inner_text()
    page.click("#secret-noted")
    expect(page.locator("#secret-password")).to_be_hidden()
    expect(row(page, account)).to_contain_text(SCRIPT)
    expect(row(page, account)).to_contain_text("未首次登录")
    expect(row(page, account)).to_contain_text("报告医师、审核医师")
    assert signs_in(site, account, password).headers["location"].startswith("/welcome")


def test_a_doctor_is_found_changed_disabled_and_let_in_again(someone, site) -> None:
    page = administers(someone("guanli"), "/admin/doctors")
    expect(row(page, "zhouzhibai")).to_be_visible()
    page.fill("#search-doctors", "zhouzhi")
    expect(page.locator("#doctor-rows tr")).to_have_count(1)
    row(page, "zhouzhibai").get_by_role("button", name="编辑").click()
    page.fill("#doctor-title", "主任医师")
    page.click("#save-doctor")
    expect(row(page, "zhouzhibai")).to_contain_text("主任医师")
    assert signs_in(site, "zhouzhibai", PASSWORD).headers["location"] == "/studies"
    row(page, "zhouzhibai").get_by_role("checkbox").click()
    page.click("#disable-selected")
    page.get_by_role("dialog").get_by_role("button", name="停用").click()
    expect(row(page, "zhouzhibai")).to_contain_text("已停用")
    assert "/login" in signs_in(site, "zhouzhibai", PASSWORD).headers["location"]
    row(page, "zhouzhibai").locator("summary").click()
    row(page, "zhouzhibai").locator('[data-act="enable"]').click()
    expect(row(page, "zhouzhibai")).to_contain_text("在用")
    assert signs_in(site, "zhouzhibai", PASSWORD).headers["location"] == "/studies"


def test_a_disabled_doctors_open_page_is_blanked(someone) -> None:
    doctor = someone("wuji")
    doctor.signs_in()
    page = administers(someone("guanli"), "/admin/doctors")
    row(page, "wuji").locator("summary").click()
    row(page, "wuji").locator('[data-act="disable"]').click()
    page.click("#do-doctor-act")
    expect(row(page, "wuji")).to_contain_text("已停用")
    doctor.page.wait_for_url("**/login**")
    row(page, "wuji").locator("summary").click()
    row(page, "wuji").locator('[data-act="enable"]').click()
    expect(row(page, "wuji")).to_contain_text("在用")


LIST = """账号,姓名,职称,科室,角色,手机
{0}1,张三,主治医师,{0}科,报告医师、审核医师,
{0}2,阿依古丽·买买提江,,,临床医师,
hewei,何为,,,报告医师,
{0}3,<img src=x onerror=alert(1)>,,,院长,
"""


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_list_is_imported_and_the_passwords_are_taken_once(someone, site, viewport: str) -> None:
    page = administers(someone("guanli", viewport), "/admin/doctors/import")
    data = LIST.format(viewport).encode("gb18030")
    page.set_input_files("#import-file", {"name": "list.csv", "mimeType": "text/csv", "buffer": data})
    expect(page.locator("#import-good")).to_contain_text("1 人")
    expect(page.locator("#bad-lines")).to_contain_text("账号 hewei 已存在")
    expect(page.locator("#bad-lines")).to_contain_text("没有角色“院长”")
    expect(page.locator("#bad-lines")).to_contain_text("<img src=x onerror=alert(1)>")
    with page.expect_download() as bad:
        page.click("#download-bad")
    assert bad.value.suggested_filename == "refused.xlsx"
    page.locator("#create-departments").click()
    expect(page.locator("#import-good")).to_contain_text("2 人")
    page.click("#do-import")
    expect(page.locator("#import-done")).to_contain_text("已导入 2 人")
    with page.expect_download() as taken:
        page.click("#take-passwords")
    lines = taken.value.path().read_text("utf-8-sig").splitlines()
    expect(page.get_by_text("初始密码已下载过")).to_be_visible()
    account, name, password = lines[2].split(",")
    assert (account, name) == (f"{viewport}2", "阿依古丽·买买提江")
    assert signs_in(site, account, password).headers["location"].startswith("/welcome")


def test_departments_are_added_renamed_and_deleted(someone) -> None:
    page = administers(someone("guanli"), "/admin/departments")
    expect(page.get_by_text("还没有科室").or_(page.locator("#department-rows")).first).to_be_visible()
    page.click("#add-department")
    page.fill("#department-name", "介入科")
    page.click("#save-department")
    line = page.locator("#department-rows li").filter(has_text="介入")
    expect(line).to_have_count(1)
    page.click("#add-department")
    page.fill("#department-name", "介入科")
    page.click("#save-department")
    expect(page.get_by_role("alert")).to_contain_text("已有同名科室")
    page.keyboard.press("Escape")
    line.locator('[data-act="rename"]').click()
    page.fill("#department-name", "介入放射科")
    page.click("#save-department")
    expect(line).to_contain_text("介入放射科")
    line.locator('[data-act="delete"]').click()
    page.click("#do-delete-department")
    expect(line).to_have_count(0)


def test_a_signature_is_uploaded_and_shown(someone) -> None:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (300, 120), "white")
    ImageDraw.Draw(image).line([(40, 90), (250, 30)], fill="black", width=9)
    out = io.BytesIO()
    image.save(out, "PNG")
    page = administers(someone("guanli"), "/admin/doctors")
    row(page, "chensu").get_by_role("button", name="编辑").click()
    field = page.locator('[data-picture="signature"]')
    field.locator("input").set_input_files(
        {"name": "s.png", "mimeType": "image/png", "buffer": out.getvalue()}
    )
    expect(field.locator("img")).to_have_attribute("src", re.compile("/people/of/chensu/signature"))
    expect(field.locator("img")).to_have_js_property("complete", True)
    assert field.locator("img").evaluate("image => image.naturalWidth") > 100


def test_the_phone_opens_everything_from_the_line(someone) -> None:
    page = administers(someone("guanli", "phone", "en-US"), "/admin/doctors")
    expect(page.locator("[data-account]:visible").first).to_be_visible()
    page.click("#add-doctor")
    page.fill("#doctor-account", "wangji")
    page.fill("#doctor-name", "汪记")
    page.click("#save-doctor")
    expect(page.locator("#secret-password")).to_be_visible()
    first = page.locator("#secret-password").inner_text()
    page.keyboard.press("Escape")
    expect(page.locator("#secret-password")).to_be_hidden()
    row(page, "wangji").get_by_role("button").click()
    page.locator("#doctor-form").locator('[data-act="reset_password"]').click()
    page.click("#do-doctor-act")
    expect(page.locator("#secret-password")).to_be_visible()
    assert page.locator("#secret-password").inner_text() != first
