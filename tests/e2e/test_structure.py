"""From the operator to a hospital's administrator, and what a change of rights does on an open page."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from mip_app.accounts import opening
from mip_app.accounts.models import Role
from mip_app.core import database
from tests.e2e.conftest import Person
from tests.e2e.steps import first_sign_in, new_phone
from tests.site import PASSWORD, Site, inside

NASTY = "<img src=x onerror=window.__hit=1>"


def administers(person: Person, path: str) -> Page:
    """Signs in to the administration and opens a page of it."""
    answer = person.context.request.post(
        f"{person.site.url}/auth/login",
        form={"account": person.account, "password": PASSWORD, "side": "admin"},
        headers={"Origin": person.site.url},
    )
    assert answer.ok
    page = person.goes_to(path)
    page.wait_for_load_state("networkidle")
    return page


def says_where(page: Page, name: str, viewport: str) -> None:
    """On the PC in the bar, and on both in the account's menu."""
    if viewport == "desktop":
        expect(page.locator("header").get_by_text(name, exact=True).first).to_be_visible()
    page.locator("#account-menu").click()
    expect(page.locator("details[open]").get_by_text(name, exact=True)).to_be_visible()
    page.keyboard.press("Escape")


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        page.fill(f"#{name}", value)


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_operator_opens_an_alliance_its_administrator_a_hospital_whose_administrator_begins(
    someone: Callable[..., Person], site: Site, viewport: str
) -> None:
    tag = uuid.uuid4().hex[:6]
    leaders_phone, heads_phone = new_phone(), new_phone()
    alliance, hospital = f"{NASTY}{tag}", f"医院{NASTY}{tag}"
    page = administers(someone("yunying", viewport), "/admin/alliances")
    says_where(page, "平台", viewport)
    page.click("#open-place")
    fill(
        page,
        name=alliance,
        account="x",
        person=NASTY,
        mobile=f"{leaders_phone[:3]} {leaders_phone[3:7]} {leaders_phone[7:]}",
    )
    page.click("#do-open")
    expect(page.locator("#account[aria-invalid=true]")).to_be_visible()
    assert page.input_value("#name") == alliance  # what was typed stays
    page.fill("#account", f"leader-{tag}")
    page.click("#do-open")
    expect(page.locator("#secret-account")).to_have_text(f"leader-{tag}")
    initial = page.locator("#secret-password").inner_text()
    assert len(initial) >= 12
    page.click("#secret-noted")
    expect(page.locator("#secret-password")).to_have_count(0)
    assert initial not in page.content()
    expect(page.get_by_text(alliance)).to_be_visible()

    page = first_sign_in(someone(f"leader-{tag}", viewport), initial, leaders_phone, "/login?side=admin")
    page.wait_for_url(re.compile("/admin/institutions/?$"))
    says_where(page, alliance, viewport)
    expect(page.get_by_text("还没有机构")).to_be_visible()
    page.click("#open-place")
    fill(page, name=hospital, name_en="Hospital", code=f"H-{tag}", level="三级甲等")
    fill(page, account=f"head-{tag}", person=NASTY, mobile=heads_phone)
    page.click("#do-open")
    initial = page.locator("#secret-password").inner_text()
    page.click("#secret-noted")
    page.locator("[data-place] button").click()
    expect(page.locator(f"[data-account=head-{tag}]")).to_contain_text(NASTY)
    expect(page.locator(f"[data-account=head-{tag}]")).to_contain_text("未首次登录")

    page = first_sign_in(someone(f"head-{tag}", viewport), initial, heads_phone, "/login?side=admin")
    page.wait_for_url(re.compile("/admin/institution/?$"))
    expect(page.get_by_role("link", name="医生管理")).to_be_visible()
    expect(page.locator("#figure-people")).to_have_text("1")
    expect(page.get_by_text(heads_phone)).to_have_count(0)
    assert page.evaluate("window.__hit") is None


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_hospital_changes_what_it_says_of_itself(
    someone: Callable[..., Person], ward, viewport: str
) -> None:
    person = someone(ward.admin, viewport)
    person.forgiven = ("400",)
    page = administers(person, "/admin/institution")
    page.click("#change-institution")
    fill(page, name="", level="二级甲等")
    page.click("#do-change")
    expect(page.locator("#name[aria-invalid=true]")).to_be_visible()
    fill(page, name=NASTY, address=NASTY)
    page.click("#do-change")
    expect(page.locator("#change-dialog h2")).to_have_count(0)
    expect(page.get_by_text(NASTY).first).to_be_visible()
    expect(page.get_by_text("二级甲等")).to_be_visible()
    page.set_input_files("#logo-file", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.get_by_text("无法读取图片")).to_be_visible()
    made = BytesIO()
    Image.new("RGB", (90, 30), "teal").save(made, "PNG")
    page.set_input_files("#logo-file", {"name": "b.png", "mimeType": "image/png", "buffer": made.getvalue()})
    expect(page.locator("#logo")).to_be_visible()
    page.click("#remove-logo")
    expect(page.locator("#logo")).to_have_count(0)
    assert page.evaluate("window.__hit") is None


@dataclass
class Ward:
    """A hospital of the test's own: its rights are changed without anybody else noticing."""

    admin: str
    technician: str


@pytest.fixture
def ward(site: Site) -> Ward:
    tag = uuid.uuid4().hex[:6]
    console = opening.CONSOLE
    with inside(site.data):
        alliance = database.write(opening.open_alliance, console, "江南医联体")
        key = database.write(opening.open_institution, console, alliance, f"W-{tag}", f"医院 {tag}")
        for who, role in (("a", Role.INSTITUTION_ADMIN), ("t", Role.TECHNICIAN)):
            database.write(
                opening.open_account, console, f"{who}-{tag}", who, PASSWORD, role, institution_id=key
            )
    return Ward(f"a-{tag}", f"t-{tag}")


def box(page: Page, role: str, permission: str, viewport: str) -> None:
    """Ticks or unticks one permission of one role."""
    if viewport == "phone":
        page.select_option("#choose-role", role)
    device = "phone-" if viewport == "phone" else ""
    page.locator(f"[data-role={role}][data-permission='{device}{permission}']").click()


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_a_changed_role_is_felt_on_open_pages_within_two_seconds(
    someone: Callable[..., Person], ward: Ward, viewport: str
) -> None:
    worker = someone(ward.technician, viewport).signs_in()
    upload = worker.locator("[commandfor=upload]:visible").first
    expect(upload).to_be_visible()
    page = administers(someone(ward.admin, viewport), "/admin/roles")
    box(page, "technician", "study.upload", viewport)
    expect(upload).to_be_hidden(timeout=2000)
    box(page, "technician", "study.upload", viewport)
    expect(upload).to_be_visible(timeout=2000)
    box(page, "technician", "study.read", viewport)
    expect(worker.get_by_text("您没有权限打开这个页面")).to_be_visible(timeout=2000)


def test_own_roles_are_added_named_and_deleted_and_delivered_ones_come_back(
    someone: Callable[..., Person], ward: Ward
) -> None:
    page = administers(someone(ward.admin), "/admin/roles")
    page.click("#add-role")
    page.fill("#add-name", NASTY[:20])
    page.select_option("#like", "clinician")
    page.click("#do-add")
    head = page.locator("#matrix th", has_text=NASTY[:20])
    expect(head).to_be_visible()
    head.locator("summary").click()
    head.get_by_role("button", name="删除角色").click()
    page.click("#do-delete")
    expect(head).to_have_count(0)
    box(page, "clinician", "report.write", "desktop")
    changed = page.locator("#matrix th", has_text="临床医师")
    changed.locator("summary").click()
    changed.get_by_role("button", name="恢复默认").click()
    page.click("#do-restore")
    expect(page.locator("[data-role=clinician][data-permission='report.write']")).not_to_be_checked()
    expect(changed.locator("summary")).to_have_count(0)


def test_the_last_administrator_cannot_take_their_own_rights(
    someone: Callable[..., Person], ward: Ward
) -> None:
    page = administers(someone(ward.admin), "/admin/roles")
    box(page, "institution_admin", "admin.roles", "desktop")
    expect(page.get_by_text("不能取消自己的管理权限")).to_be_visible()
    expect(page.locator("[data-role=institution_admin][data-permission='admin.roles']")).to_be_checked()


def test_a_disabled_hospital_blanks_the_open_pages_of_its_people(
    someone: Callable[..., Person], ward: Ward
) -> None:
    worker = someone(ward.technician).signs_in()
    expect(worker.locator("[commandfor=upload]:visible").first).to_be_visible()
    page = administers(someone("lianmeng"), "/admin/institutions")
    page.locator(f"[data-place='医院 {ward.admin[2:]}'] button").click()
    page.click("#disable-place")
    page.click("#do-disable")
    expect(worker.locator("#sign-in")).to_be_visible(timeout=4000)
    page.click("#enable-place")
    expect(page.locator("#disable-place")).to_be_visible()
