"""WeChat and WeCom in front of a real browser, on both viewports."""

import re
import uuid
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, select

from mip_app.accounts import opening
from mip_app.accounts.models import Role, User
from mip_app.core import database
from mip_app.core.actor import Actor
from mip_app.sign_in import identities, official_account
from mip_app.sign_in.models import Provider
from tests.e2e.test_doctors import administers
from tests.sign_in.wechat_server import AES_KEY, HOSPITAL, HOSPITAL_SECRET, HOSPITAL_TOKEN, Human, WeChat
from tests.site import PASSWORD, Site, inside

LIST = re.compile("/studies/?(#|$)")  # a fragment outlives redirects
INSIDE_WECOM = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) wxwork/4.1.20 MicroMessenger/7.0.1"


@pytest.fixture(scope="module")
def wechat() -> Iterator[WeChat]:
    with WeChat() as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, wechat: WeChat) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("wechat"))
    with inside(made.data):
        made.open_up()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in wechat.settings().items():
            patch.setenv(name, value)
        made.start()
    wechat.trusted = made.url
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _well(wechat: WeChat) -> None:
    wechat.trouble = ""


def proves(page: Page, account: str) -> None:
    page.fill("#account", account)
    page.fill("#password", PASSWORD)
    page.click("#sign-in")


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
@pytest.mark.parametrize(("way", "name"), [("wechat", "微信"), ("wecom", "企业微信")])
def test_bound_once_with_the_password_then_in_by_a_click(someone, wechat, viewport, way, name) -> None:
    wechat.human = Human(uuid.uuid4().hex, userid=uuid.uuid4().hex)
    person = someone("linwangshu", viewport)
    page = person.goes_to("/login?next=/studies%3Fdays%3Dweek")
    page.get_by_role("link", name=name, exact=True).click()
    page.click("#yes")
    expect(page.get_by_role("status")).to_have_text(f"这个{name}还没有绑定账号，请用账号密码登录一次")
    proves(page, "linwangshu")
    expect(page.get_by_role("heading")).to_have_text(f"绑定刚才使用的{name}？")
    expect(page.get_by_text("林望舒 的账号")).to_be_visible()
    page.click("#bind")
    page.wait_for_url(re.compile(r"/studies/?\?days=week"))
    person.context.clear_cookies()
    page = person.goes_to("/login")
    page.click(f"#sign-in-{way}")
    page.click("#yes")
    page.wait_for_url(LIST)
    assert not any(c["name"] in ("mip_external", "mip_binding") for c in person.context.cookies())


def test_the_workbench_of_wecom_opens_the_list_without_a_touch(someone, wechat, browser, site) -> None:
    wechat.human = Human(uuid.uuid4().hex, userid="hewei")
    with inside(site.data), pytest.MonkeyPatch.context() as patch:
        for name, value in wechat.settings().items():
            patch.setenv(name, value)
        identities.settings.cache_clear()
        database.write(identities.bind_wecom, site.person("guanli"), site.person("hewei").user, "HeWei")
    person = someone("hewei", "phone")
    person.page.set_extra_http_headers({"User-Agent": INSIDE_WECOM})
    person.page.goto(f"{site.url}/auth/wecom/entry")
    person.page.wait_for_url(LIST)
    expect(person.page.get_by_role("searchbox")).to_be_visible()


def test_an_administrator_says_in_the_doctors_form_what_they_are_called_in_wecom(someone, wechat) -> None:
    page = administers(someone("guanli"), "/admin/doctors")
    line = page.locator('[data-account="chensu"]:visible')
    line.get_by_role("button", name="编辑").click()
    page.fill("#doctor-wecom", "<script>")
    page.click("#save-doctor")
    expect(page.locator("#doctor-wecom-fault")).to_contain_text("企业微信账号只能由")
    page.fill("#doctor-wecom", "ChenSu")
    page.click("#save-doctor")
    expect(page.locator("#doctor-wecom")).to_have_count(0)
    line.get_by_role("button", name="编辑").click()
    expect(page.locator("#doctor-wecom")).to_have_value("chensu")
    page.keyboard.press("Escape")
    page.locator('[data-account="wuji"]:visible').get_by_role("button", name="编辑").click()
    page.fill("#doctor-wecom", "chensu")
    page.click("#save-doctor")
    expect(page.locator("#doctor-wecom-fault")).to_contain_text("已绑定给另一个人")
    wechat.human = Human(uuid.uuid4().hex, userid="chensu")
    doctor = someone("chensu", "phone")
    doctor.page.set_extra_http_headers({"User-Agent": INSIDE_WECOM})
    doctor.page.goto(f"{doctor.site.url}/auth/wecom/entry")
    doctor.page.wait_for_url(LIST)


def test_somebody_elses_scan_is_left_unbound(someone, wechat) -> None:
    wechat.human = Human(uuid.uuid4().hex)
    person = someone("hewei")
    page = person.goes_to("/login")
    page.click("#sign-in-wechat")
    page.click("#yes")
    proves(page, "hewei")
    page.click("#do-not-bind")
    page.wait_for_url(LIST)
    person.context.clear_cookies()
    person.goes_to("/login").click("#sign-in-wechat")
    page.click("#yes")
    expect(page.get_by_role("status")).to_contain_text("还没有绑定账号")


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("html", "微信没有回应。请稍后再试，或用账号密码登录。"),
        ("slow", "微信没有回应。请稍后再试，或用账号密码登录。"),
    ],
)
def test_what_went_wrong_there_is_said_here(someone, wechat, trouble, said) -> None:
    page = someone("hewei").goes_to("/login?next=/studies")
    page.click("#sign-in-wechat")
    wechat.trouble = trouble
    page.click("#yes")
    expect(page.get_by_role("alert")).to_have_text(said)
    proves(page, "hewei")
    page.wait_for_url(LIST)


def test_cancelled_there_and_tried_in_english(someone, wechat) -> None:
    page = someone("hewei").goes_to("/login")
    page.get_by_role("button", name="English").click()
    page.get_by_role("link", name="WeCom").click()
    page.click("#no")
    expect(page.get_by_role("alert")).to_have_text("You cancelled the sign-in in WeCom")


def test_an_address_makes_the_page_say_nothing_else(someone, site) -> None:
    page = someone("hewei").goes_to("/login?error=<b>call+0571-1234567</b>&kind=evil&bind=evil")
    expect(page.locator("#sign-in-wechat")).to_be_visible()
    expect(page.get_by_text("0571")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert urlsplit(page.url).netloc == urlsplit(site.url).netloc


@pytest.fixture
def newcomer(site, wechat) -> Iterator[str]:
    """Somebody at their first sign-in, in an institution that has an official account."""
    account = f"new-{uuid.uuid4().hex[:8]}"
    with inside(site.data):
        given = {"app_id": HOSPITAL, "secret": HOSPITAL_SECRET, "token": HOSPITAL_TOKEN, "aes_key": AES_KEY}
        admin = site.person("guanli")
        database.write(official_account.change, admin, name="江南一院", **given)
        where = site.institutions["JN1"]
        opened = (account, "新人", PASSWORD, Role.REPORTER)
        user = database.write(opening.open_account, opening.CONSOLE, *opened, institution_id=where)
        with Session(database.engine()) as session, session.begin():
            session.get_one(User, user).first_login = True
    yield account
    with inside(site.data):
        database.write(official_account.remove, site.person("guanli"))


def test_first_login_by_scanning_to_follow_the_official_account(someone, wechat, site, newcomer) -> None:
    page = someone(newcomer).goes_to("/login")
    proves(page, newcomer)
    expect(page.get_by_text("用微信扫码关注“江南一院”，不用短信验证码。")).to_be_visible()
    page.click("#follow-show")
    expect(page.locator("#follow-code")).to_be_visible()
    scene = list(wechat.scenes.values())[-1]
    callback = f"{site.url}/wechat/callback/JN1"
    assert wechat.posts(callback, scene, Human(newcomer), aes_key=AES_KEY).status_code == 200
    expect(page.get_by_role("heading", name="设置登录密码")).to_be_visible()
    page.fill("#new-password", "一匹 quiet river stone")
    page.fill("#new-password-again", "一匹 quiet river stone")
    page.click("#save-password")
    page.wait_for_url(LIST)


def test_a_wechat_account_of_somebody_else_is_said_and_so_is_a_silent_wechat(
    someone, wechat, site, newcomer
) -> None:
    with inside(site.data), Session(database.engine()) as session, session.begin():
        other = session.exec(select(User.id).where(User.account == "chensu")).one()
        subject = f"{HOSPITAL}:{Human(newcomer).openid(HOSPITAL)}"
        identities.attach(session, Actor(other, "", None, frozenset()), Provider.FOLLOW, subject, other)
    page = someone(newcomer).goes_to("/login")
    proves(page, newcomer)
    page.click("#follow-show")
    expect(page.locator("#follow-code")).to_be_visible()
    scene = list(wechat.scenes.values())[-1]
    wechat.posts(f"{site.url}/wechat/callback/JN1", scene, Human(newcomer), aes_key=AES_KEY)
    expect(page.get_by_text("这个微信已经绑定了另一个账号。请换一个微信，或用短信验证码。")).to_be_visible()
    wechat.trouble = "html"
    page.click("#follow-show")
    expect(page.get_by_text("公众号没有回应。请稍后再试，或用短信验证码。")).to_be_visible()


def test_on_the_phone_nobody_is_asked_to_scan_their_own_screen(someone, newcomer) -> None:
    page = someone(newcomer, "phone").goes_to("/login")
    proves(page, newcomer)
    expect(page.get_by_role("heading", name="验证手机")).to_be_visible()
    expect(page.locator("#follow-show")).not_to_be_visible()


@pytest.mark.parametrize("viewport", ["desktop", "phone"])
def test_bound_and_given_up_on_the_account_page(someone, wechat, viewport) -> None:
    wechat.human = Human(uuid.uuid4().hex)
    page = someone("zhouzhibai", viewport).signs_in("/account")
    page.click("#bind-wechat")
    page.click("#yes")
    page.click("#bind")
    page.wait_for_url(re.compile("/account"))
    expect(page.locator("#identities")).to_contain_text(re.compile(r"微信\d{4}-\d\d-\d\d 绑定"))
    page.get_by_role("button", name="解除绑定").click()
    expect(page.locator("#bind-wechat")).to_be_visible()


def test_what_somebody_else_has_bound_cannot_be_taken(someone, wechat) -> None:
    wechat.human = Human(uuid.uuid4().hex)
    owner = someone("chensu").signs_in("/account")
    owner.click("#bind-wechat")
    owner.click("#yes")
    owner.click("#bind")
    owner.wait_for_url(re.compile("/account"))
    page = someone("hewei").signs_in("/account")
    page.click("#bind-wechat")
    page.click("#yes")
    expect(page.get_by_role("alert")).to_have_text("这个微信已经绑定了另一个账号。请先在那个账号中解除绑定。")
    page.click("#go-on")
    expect(page.locator("#bind-wechat")).to_be_visible()


class TestNotConfigured:
    @pytest.fixture
    def site(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
        made = Site(tmp_path_factory.mktemp("without"))
        with inside(made.data):
            made.open_up()
        made.start()
        yield made
        made.stop()

    def test_the_ways_are_not_there(self, someone, site) -> None:
        page = someone("hewei").goes_to("/login?bind=wechat")
        proves(page, "hewei")
        page.wait_for_url(LIST)
        page.context.clear_cookies()
        page.goto(f"{site.url}/login")
        expect(page.locator("#sign-in")).to_be_visible()
        page.wait_for_load_state("networkidle")
        expect(page.locator("[id^=sign-in-we]")).to_have_count(0)
        expect(page.get_by_text(re.compile("微信"))).to_have_count(0)
        for path in ("wechat", "wechat/back", "wecom", "wecom/back", "wecom/entry"):
            assert httpx.get(f"{site.url}/auth/{path}?code=1&state=1").status_code == 404
