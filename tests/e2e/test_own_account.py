"""First login, a forgotten password, one's own account and the second factor, in a browser on both viewports."""

import io
import re
import time
import uuid

import httpx
import pyotp
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect
from pypdf import PdfReader
from sqlmodel import Session, select

from mip_app.accounts import opening, phones, recognising, sessions
from mip_app.accounts.models import Role, User
from mip_app.core import database
from mip_app.core.clock import utc_now
from mip_app.core.sealing import seal
from mip_app.reports import signing
from tests.e2e.steps import NEW, chooses, code_for, gives_password, new_phone, types_code
from tests.images import Made, study
from tests.reports.conftest import Window
from tests.site import PASSWORD, Site, inside

VIEWPORTS = pytest.mark.parametrize("viewport", ["desktop", "phone"])


def opened(site: Site, *, phone: str = "", verified: bool = False, first_login: bool = False) -> str:
    """A doctor of JN1 whom no other test touches; gives the account."""
    account = f"doctor-{uuid.uuid4().hex[:8]}"
    with inside(site.data):
        user_id = database.write(
            opening.open_account,
            opening.CONSOLE,
            account,
            "周知白",
            PASSWORD,
            Role.REVIEWER,
            institution_id=site.institutions["JN1"],
            title="主治医师",
        )
        with Session(database.engine()) as session, session.begin():
            user = session.get_one(User, user_id)
            user.phone, user.phone_index = phones.sealed(phone, user_id), phones.index_of(phone)
            user.phone_verified_at = utc_now() if verified else None
            user.first_login = first_login
    return account


@VIEWPORTS
@pytest.mark.parametrize("entered", [True, False], ids=["phone known", "own phone"])
def test_first_login(someone, site: Site, viewport: str, entered: bool) -> None:
    phone = new_phone()
    person = someone(opened(site, phone=phone if entered else "", first_login=True), viewport)
    page = person.goes_to("/studies?days=week")
    page.wait_for_url("**/login**")
    page.fill("#account", person.account)
    page.fill("#password", PASSWORD)
    page.click("#sign-in")
    page.wait_for_url("**/welcome**")
    expect(page.get_by_role("heading", name="验证手机")).to_be_visible()
    if entered:
        expect(page.locator("#known-phone")).to_have_text(phones.masked(phone))
    else:
        page.fill("#phone", "12345")
        page.click("#send-code")
        expect(page.get_by_role("alert")).to_have_text("请输入 11 位手机号")
        page.fill("#phone", phone)
    page.click("#send-code")
    expect(page.locator("#code-again")).to_be_disabled()
    code = code_for(site, phone)
    types_code(page, f"{(int(code) + 1) % 10**6:06}")
    expect(page.get_by_role("alert")).to_have_text("验证码不正确")
    types_code(page, code)
    expect(page.get_by_role("heading", name="设置登录密码")).to_be_visible()
    page.fill("#new-password", "password123456")
    expect(page.get_by_role("img", name="强度：弱")).to_be_visible()
    page.fill("#new-password", NEW)
    expect(page.get_by_role("img", name="强度：强")).to_be_visible()
    page.fill("#new-password-again", NEW + "x")
    page.click("#save-password")
    expect(page.get_by_role("alert")).to_have_text("两次输入不一致")
    former = next(c["value"] for c in person.context.cookies() if c["name"] == "mip_session")
    chooses(page, NEW)
    page.click("#save-password")
    page.wait_for_url(re.compile("/studies/?[?]days=week"))
    assert NEW not in page.url
    # What the browser held before the last step is worth nothing after it.
    answer = httpx.get(f"{site.url}/dicom-web/studies", headers={"Cookie": f"mip_session={former}"})
    assert answer.status_code == 401
    expect(page.locator("#account-menu:visible, #phone-account-menu:visible")).to_have_count(1)


@VIEWPORTS
def test_a_forgotten_password(someone, site: Site, viewport: str) -> None:
    phone = new_phone()
    person = someone(opened(site, phone=phone, verified=True), viewport)
    page = person.goes_to("/login")
    page.click("#forgot")
    expect(page.get_by_role("heading", name="忘记密码")).to_be_visible()
    page.fill("#account", person.account)
    page.fill("#phone", f"{phone[:3]} {phone[3:7]} {phone[7:]}")
    page.click("#send-code")
    expect(page.get_by_text("如果账号与手机号一致")).to_be_visible()
    types_code(page, code_for(site, phone))
    expect(page.get_by_role("heading", name="设置新密码")).to_be_visible()
    chooses(page, NEW)
    page.click("#save-password")
    expect(page.get_by_role("heading", name="密码已重置")).to_be_visible()
    page.click("#go-sign-in")
    page.fill("#account", person.account)
    page.fill("#password", NEW)
    page.click("#sign-in")
    page.wait_for_url("**/studies**")


@VIEWPORTS
def test_one_changes_phone_and_password_and_signs_other_devices_out(
    someone, site: Site, viewport: str
) -> None:
    old_phone, phone = new_phone(), new_phone()
    account = opened(site, phone=old_phone, verified=True)
    elsewhere = someone(account)
    elsewhere.signs_in()
    person = someone(account, viewport)
    person.signs_in()
    page = person.page
    page.locator("#account-menu:visible, #phone-account-menu:visible").click()
    page.locator("#own-account:visible, #phone-own-account:visible").click()
    page.wait_for_url("**/account**")
    expect(page.locator("#own-name")).to_have_text("周知白")
    expect(page.get_by_text("江南市第一人民医院")).not_to_have_count(0)
    expect(page.locator("#own-places")).to_contain_text("审核医师")
    expect(page.locator("#devices > li")).to_have_count(2)

    page.click("#open-phone")
    page.fill("#old-password", "not it")
    page.fill("#phone", phone)
    page.click("#do-it")
    expect(page.get_by_role("alert")).to_have_text("密码不正确")
    page.fill("#old-password", PASSWORD)
    page.click("#do-it")
    expect(page.locator("[data-code-input]")).to_be_visible()
    types_code(page, code_for(site, phone))
    expect(page.locator("#said")).to_have_text("手机已更换")
    expect(page.get_by_text(phones.masked(phone))).to_be_visible()

    page.click("#open-password")
    page.fill("#old-password", PASSWORD)
    chooses(page, NEW)
    page.click("#do-it")
    expect(page.locator("#said")).to_have_text("密码已修改，其他设备已退出登录")
    expect(page.locator("#devices > li")).to_have_count(1)
    elsewhere.page.wait_for_url("**/login**")


@VIEWPORTS
def test_a_second_factor_is_turned_on_and_asked_for(someone, site: Site, viewport: str) -> None:
    account = opened(site)
    person = someone(account, viewport)
    person.signs_in("/account")
    page = person.page
    page.click("#open-turn-on")
    key = page.locator("#second-factor-key")
    expect(key).to_have_text(re.compile(r"^[A-Z2-7 ]{39}$"))
    expect(page.get_by_role("img", name="两步验证二维码")).to_be_visible()
    app = pyotp.TOTP((key.text_content() or "").replace(" ", ""))
    page.fill("#old-password", PASSWORD)
    first = int(time.time()) // 30 - 1
    types_code(page, app.generate_otp(first))
    page.click("#do-it")
    expect(page.locator("#said")).to_contain_text("两步验证已开启")

    again = someone(account, viewport)
    page = gives_password(again)
    page.wait_for_url("**/welcome**")
    expect(page.get_by_role("heading", name="两步验证")).to_be_visible()
    types_code(page, app.generate_otp(first))
    expect(page.get_by_role("alert")).to_have_text("验证码不正确或已使用")
    types_code(page, app.generate_otp(int(time.time()) // 30 + 1))
    page.wait_for_url("**/studies**")


def test_a_pasted_code_fills_all_boxes(someone, site: Site) -> None:
    phone = new_phone()
    person = someone(opened(site, phone=phone, first_login=True))
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = gives_password(person)
    page.click("#send-code")
    expect(page.locator("[data-code-input]")).to_be_visible()
    page.evaluate("text => navigator.clipboard.writeText(text)", f" {code_for(site, phone)}\n")
    page.locator("[data-code-input] input").nth(2).click()
    page.keyboard.press("ControlOrMeta+V")
    expect(page.get_by_role("heading", name="设置登录密码")).to_be_visible()


def test_too_many_wrong_codes_of_the_app_end_the_sign_in(someone, site: Site) -> None:
    account = opened(site)
    with inside(site.data), Session(database.engine()) as session, session.begin():
        user = session.exec(select(User).where(User.account == account)).one()
        user.second_factor = seal(pyotp.random_base32(), "user.second_factor", user.id)
        user.second_factor_since = utc_now()
    page = gives_password(someone(account))
    for _ in range(4):
        types_code(page, "000000")
        expect(page.get_by_role("alert")).to_have_text("验证码不正确或已使用")
        expect(page.locator("[data-code-input] input").first).to_have_value("")
    types_code(page, "000000")
    page.wait_for_url("**/login**")
    expect(page.get_by_role("alert")).to_contain_text("验证器应用的验证码输错次数过多")


def scrawl(colour: str) -> dict:
    image = Image.new("RGB", (300, 120), "white")
    ImageDraw.Draw(image).line([(40, 90), (250, 30)], fill=colour, width=9)
    out = io.BytesIO()
    image.save(out, "PNG")
    return {"name": "drawn.png", "mimeType": "image/png", "buffer": out.getvalue()}


@VIEWPORTS
def test_ones_own_face_is_shown_and_ones_hand_is_on_the_next_report(
    someone, site: Site, viewport: str
) -> None:
    account = opened(site)
    person = someone(account, viewport)
    page = person.signs_in("/account")
    for kind, colour in (("avatar", "teal"), ("signature", "black")):
        part = page.locator(f"[data-picture={kind}]")
        expect(part.get_by_text("未上传")).to_be_visible()
        part.locator("input").set_input_files(scrawl(colour))
        expect(part.locator("img")).to_have_attribute("src", re.compile(f"/people/of/{account}/{kind}"))
        expect(part.locator("img")).to_have_js_property("complete", True)
        assert part.locator("img").evaluate("image => image.naturalWidth") > 100
    face = page.locator("main img.size-14").first  # beside the name
    expect(face).to_have_attribute("src", re.compile(f"/people/of/{account}/avatar"))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    heights = "all => all.map(each => each.getBoundingClientRect().height)"
    assert viewport != "phone" or min(page.locator("main .btn:visible").evaluate_all(heights)) >= 44

    made = study("SHAN^Xiao=单^晓", slices=1)
    site.store([Made(data) for data in made])
    uid = str(made[0].StudyInstanceUID)
    with inside(site.data):
        with Session(database.engine()) as session:
            user_id = session.exec(select(User.id).where(User.account == account)).one()
        signs = database.write(sessions.open_session, recognising.nobody(), user_id).actor
        window = Window(signs, uid)
        window.take()
        assert window.do(signing.sign, "两肺清晰。", "未见异常。").ok
    answer = person.context.request.get(f"{site.url}/print/{uid}.pdf")
    assert [image.image.mode for image in PdfReader(io.BytesIO(answer.body())).pages[0].images]
