"""Signing in through WeChat and WeCom, by HTTP: who gets in, how accounts are bound, and what is tried against it."""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
from sqlmodel import Session, col, select

from mip_app.accounts import recognising
from mip_app.accounts.models import LoginSession, Membership, Role, User
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, Invalid, NotPermitted, NotVisible
from mip_app.core.settings import settings
from mip_app.sign_in import budgets, identities
from mip_app.sign_in.models import Budget, ExternalAttempt, ExternalIdentity, Provider
from tests.sign_in.wechat_server import CORP, CORP_SECRET, WEBSITE_SECRET, Human, WeChat
from tests.site import PASSWORD, Site, inside

ANYBODY = recognising.nobody("203.0.113.5")
INSIDE_WECHAT = "Mozilla/5.0 (iPhone) MicroMessenger/8.0.50"
INSIDE_WECOM = "Mozilla/5.0 (iPhone) wxwork/4.1.20 MicroMessenger/7.0.1"


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
def _settings(wechat: WeChat, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in wechat.settings().items():
        monkeypatch.setenv(name, value)
    identities.settings.cache_clear()
    wechat.trouble = ""
    yield
    identities.settings.cache_clear()


def browser(site: Site, agent: str = "Mozilla/5.0 (Windows NT 10.0)") -> httpx.Client:
    headers = {"Origin": site.url, "User-Agent": agent}
    return httpx.Client(base_url=site.url, headers=headers, timeout=20)


def goes_out(client: httpx.Client, path: str, human: Human, wechat: WeChat) -> str:
    """To the provider and a yes there; gives the address that leads back."""
    wechat.human = human
    answer = client.get(path)
    assert answer.status_code == 303, answer.text
    there = httpx.get(answer.headers["location"])
    if there.status_code == 302:
        return there.headers["location"]
    assert there.status_code == 200, there.text
    return re.search('id="yes" href="([^"]+)"', there.text)[1].replace("&amp;", "&")


def through(client: httpx.Client, path: str, human: Human, wechat: WeChat) -> str:
    """The whole way; gives where it leads."""
    answer = client.get(goes_out(client, path, human, wechat))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def is_in(client: httpx.Client) -> bool:
    return client.get("/dicom-web/studies").status_code == 200


def binds(site: Site, account: str, human: Human, wechat: WeChat, way: str = "wechat") -> None:
    client = browser(site)
    place = through(client, f"/auth/{way}", human, wechat)
    assert place.startswith(f"/login?bind={way}&next=%2Fbind")
    client.post(
        "/auth/login", data={"account": account, "password": PASSWORD}, headers={"Referer": site.url + place}
    )
    assert client.post("/auth/bind", data={"accept": "true"}).status_code == 303


@pytest.mark.parametrize("way", ["wechat", "wecom"])
def test_unknown_at_first_then_bound_by_password_then_in_without_one(site, wechat, way) -> None:
    human = Human(f"known-{way}", userid="LinWangshu")
    client = browser(site)
    assert through(client, f"/auth/{way}?next=/studies%3Fdays%3Dweek", human, wechat).startswith(
        "/login?bind="
    )
    assert not is_in(client)
    binds(site, "linwangshu", human, wechat, way)
    client = browser(site)
    assert through(client, f"/auth/{way}?next=/studies%3Fdays%3Dweek", human, wechat) == "/studies?days=week"
    assert is_in(client)
    with inside(site.data), Session(database.engine()) as session:
        last = session.exec(select(LoginSession).order_by(col(LoginSession.id).desc()).limit(1)).one()
        entry = session.exec(select(AuditEntry).where(AuditEntry.act == Act.IDENTITY_BOUND)).all()[-1]
    assert last.method == way
    assert entry.detail == {"provider": way}


def test_bound_on_the_pc_counts_inside_wechat_too(site, wechat) -> None:
    human = Human("two places")
    binds(site, "hewei", human, wechat)
    client = browser(site, INSIDE_WECHAT)
    wechat.asked.clear()
    assert through(client, "/auth/wechat", human, wechat) == "/studies"
    assert wechat.asked == ["/connect/oauth2/authorize", "/sns/oauth2/access_token", "/sns/userinfo"]


def test_the_workbench_signs_in_without_a_touch_and_not_twice(site, wechat) -> None:
    human = Human("workbench", userid="ZhouZhiBai")
    binds(site, "zhouzhibai", human, wechat, "wecom")
    client = browser(site, INSIDE_WECOM)
    wechat.asked.clear()
    assert through(client, "/auth/wecom/entry", human, wechat) == "/studies"
    assert "/wwlogin/sso/login" not in wechat.asked
    assert "/cgi-bin/gettoken" not in wechat.asked  # its access token is kept
    cookie = client.cookies["mip_session"]
    assert through(client, "/auth/wecom/entry", human, wechat) == "/studies"
    assert client.cookies["mip_session"] == cookie


def test_an_access_token_that_wecom_no_longer_knows_is_fetched_anew(site, wechat) -> None:
    human = Human("stale", userid="stale")
    binds(site, "chensu", human, wechat, "wecom")
    wechat.tokens.clear()
    # The first try used the code up in vain only where WeCom looks at the code first; it looks at the token.
    assert through(browser(site), "/auth/wecom", human, wechat) == "/studies"


def test_a_second_factor_is_still_asked_for(site, wechat) -> None:
    human = Human("careful")
    binds(site, "wuji", human, wechat)
    with inside(site.data), Session(database.engine()) as session, session.begin():
        user = session.exec(select(User).where(User.account == "wuji")).one()
        user.second_factor_since = utc_now()
    client = browser(site)
    assert through(client, "/auth/wechat?next=/studies", human, wechat) == "/welcome?next=%2Fstudies"
    assert not is_in(client)


def test_a_disabled_account_does_not_get_in(site, wechat) -> None:
    human = Human("left the hospital")
    binds(site, "shenji", human, wechat)
    with inside(site.data), Session(database.engine()) as session, session.begin():
        session.exec(select(User).where(User.account == "shenji")).one().disabled = True
    place = through(browser(site), "/auth/wechat", human, wechat)
    assert place.startswith("/login?error=external.no_entry")
    with inside(site.data), Session(database.engine()) as session:
        person = session.exec(select(User).where(User.account == "shenji")).one()
        newest = select(AuditEntry).where(AuditEntry.act == Act.SIGN_IN_REFUSED)
        entry = session.exec(newest.order_by(col(AuditEntry.id).desc())).first()
    assert entry.subject == f"user:{person.id}" and entry.scope.startswith("i:")


def test_who_is_not_in_the_company_does_not_get_in(site, wechat) -> None:
    place = through(browser(site), "/auth/wecom", Human("visitor"), wechat)
    assert place.startswith("/login?error=external.not_member")


def test_saying_no_at_the_provider_leads_back_to_sign_in(site, wechat) -> None:
    client = browser(site)
    back = goes_out(client, "/auth/wechat?next=/studies", Human("no"), wechat)
    state = parse_qs(urlsplit(back).query)["state"][0]
    place = client.get(f"/auth/wechat/back?state={state}").headers["location"]
    assert place == "/login?error=external.cancelled&kind=wechat&next=%2Fstudies"


@pytest.mark.parametrize("trouble", ["html", "error", "busy", "slow", "odd", "list"])
@pytest.mark.parametrize("way", ["wechat", "wecom"])
def test_a_provider_in_trouble_is_said_and_signs_nobody_in(site, wechat, way, trouble) -> None:
    client = browser(site)
    back = goes_out(client, f"/auth/{way}", Human("patient", userid="patient"), wechat)
    wechat.trouble = trouble
    place = client.get(back).headers["location"]
    assert place == f"/login?error=external.away&kind={way}"
    assert not is_in(client)


class TestAttacks:
    """Whoever tries these has seen the protocol; nobody gets in, and nothing is bound."""

    HUMAN = Human("victim", userid="victim")

    @pytest.fixture(autouse=True)
    def _bound(self, site, wechat) -> None:
        with inside(site.data):
            admin = site.person("guanli")
            with Session(database.engine()) as session, session.begin():
                for provider, subject in (
                    (Provider.WECHAT, f"union:{self.HUMAN.unionid}"),
                    (Provider.WECOM, f"{CORP}:victim"),
                ):
                    identities.attach(session, admin, provider, subject, admin.user)

    @pytest.mark.parametrize("way", ["wechat", "wecom"])
    def test_a_way_back_counts_once(self, site, wechat, way) -> None:
        client = browser(site)
        back = goes_out(client, f"/auth/{way}", self.HUMAN, wechat)
        cookie = client.cookies["mip_external"]
        assert client.get(back).headers["location"] == "/studies"
        again = browser(site)
        again.cookies["mip_external"] = cookie
        assert again.get(back).headers["location"].startswith("/login?error=external.over")
        assert not is_in(again)

    def test_a_code_counts_once(self, site, wechat) -> None:
        client = browser(site)
        used = goes_out(client, "/auth/wechat", self.HUMAN, wechat)
        client.get(used)
        code = parse_qs(urlsplit(used).query)["code"][0]
        thief = browser(site)
        fresh = goes_out(thief, "/auth/wechat", Human("thief"), wechat)
        state = parse_qs(urlsplit(fresh).query)["state"][0]
        place = thief.get(f"/auth/wechat/back?code={code}&state={state}").headers["location"]
        assert place.startswith("/login?error=external.refused")
        assert not is_in(thief)

    @pytest.mark.parametrize("state", ["", "f" * 32, "0"])
    def test_a_forged_state(self, site, wechat, state) -> None:
        client = browser(site)
        goes_out(client, "/auth/wechat", self.HUMAN, wechat)
        code = wechat.new_code("wx0000000000website")
        answer = client.get(f"/auth/wechat/back?code={code}&state={state}")
        assert answer.headers["location"].startswith("/login?error=external.over")
        assert not is_in(client)

    def test_the_state_of_another_browser(self, site, wechat) -> None:
        """Login CSRF: the attacker's own way back, opened in somebody else's browser."""
        attacker, victim = browser(site), browser(site)
        back = goes_out(attacker, "/auth/wechat", self.HUMAN, wechat)
        goes_out(victim, "/auth/wechat", Human("somebody"), wechat)
        assert victim.get(back).headers["location"].startswith("/login?error=external.over")
        assert not is_in(victim)
        assert attacker.get(back).headers["location"].startswith("/login?error=external.over")

    def test_the_state_of_the_other_provider(self, site, wechat) -> None:
        client = browser(site)
        back = goes_out(client, "/auth/wechat", self.HUMAN, wechat)
        assert client.get(back.replace("/wechat/", "/wecom/")).headers["location"].startswith("/login?error=")

    def test_too_late(self, site, wechat) -> None:
        client = browser(site)
        back = goes_out(client, "/auth/wechat", self.HUMAN, wechat)
        with inside(site.data), Session(database.engine()) as session, session.begin():
            for row in session.exec(select(ExternalAttempt)):
                row.expires_at = utc_now()
        assert client.get(back).headers["location"].startswith("/login?error=external.over")

    @pytest.mark.parametrize(
        "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    )
    @pytest.mark.parametrize("how", ["asked", "referer"])
    def test_it_leads_nowhere_else(self, site, wechat, target, how) -> None:
        client = browser(site)
        if how == "referer":
            client.headers["Referer"] = f"{site.url}/login?next={target}"
        path = "/auth/wechat" + (f"?next={target}" if how == "asked" else "")
        assert through(client, path, self.HUMAN, wechat) == "/studies"
        answer = client.post("/auth/bind", data={"accept": "true", "next": target})
        assert urlsplit(answer.headers["location"]).netloc == ""
        assert "evil" not in answer.headers["location"]

    def test_the_cookie_is_for_this_site_and_no_script(self, site) -> None:
        flags = browser(site).get("/auth/wechat").headers["set-cookie"].lower()
        assert "httponly" in flags
        assert "samesite=lax" in flags
        assert "max-age=600" in flags

    def test_one_address_sets_out_so_often_and_then_waits(self, site) -> None:
        def attempts() -> int:
            with inside(site.data), Session(database.engine()) as session:
                return len(session.exec(select(ExternalAttempt)).all())

        def set_out_until(often: int) -> None:
            with inside(site.data), Session(database.engine()) as session, session.begin():
                row = session.get_one(Budget, budgets.limit(1, "external", "127.0.0.1").key)
                row.count = often

        assert "/auth/wechat/back" in unquote(browser(site).get("/auth/wechat").headers["location"])
        set_out_until(settings().external_starts_address)
        before = attempts()
        for way in ("wechat", "wecom", "wecom/entry"):
            place = browser(site).get(f"/auth/{way}").headers["location"]
            assert place == f"/login?error=external.too_many&kind={way.partition('/')[0]}"
        assert attempts() == before
        set_out_until(0)
        assert "/auth/wechat/back" in unquote(browser(site).get("/auth/wechat").headers["location"])

    def test_an_identity_of_somebody_else_cannot_be_taken(self, site, wechat) -> None:
        thief = site.sign_in("qinghe")
        back = goes_out(thief, "/auth/wechat?bind=1&next=/account", self.HUMAN, wechat)
        place = thief.get(back).headers["location"]
        assert place == "/bind?error=external.bound_elsewhere&next=%2Faccount"
        assert "mip_binding" not in thief.cookies
        with inside(site.data), Session(database.engine()) as session:
            rows = session.exec(select(ExternalIdentity)).all()
        assert {r.user_id for r in rows if r.subject == f"union:{self.HUMAN.unionid}"} == {
            _user(site, "guanli")
        }

    def test_a_waiting_identity_is_bound_only_where_it_was_shown_and_only_when_confirmed(
        self, site, wechat
    ) -> None:
        scanner = browser(site)
        human = Human("stranger at a shared computer")
        place = through(scanner, "/auth/wechat", human, wechat)
        # The next one signs in at the same computer, and is asked: it is not theirs.
        headers = {"Referer": site.url + place}
        answer = scanner.post(
            "/auth/login", data={"account": "qinghe", "password": PASSWORD}, headers=headers
        )
        assert answer.headers["location"] == "/bind"
        token = scanner.cookies["mip_binding"]
        assert scanner.post("/auth/bind", data={"next": "/studies"}).headers["location"] == "/studies"
        again = site.sign_in("hewei")
        again.cookies["mip_binding"] = token
        assert "binding_over" in again.post("/auth/bind", data={"accept": "true"}).headers["location"]
        assert through(browser(site), "/auth/wechat", human, wechat).startswith("/login?bind=wechat")

    def test_binding_is_no_act_of_other_pages_and_of_nobody(self, site) -> None:
        client = site.sign_in("hewei")
        odd = client.post("/auth/bind", data={"accept": "true"}, headers={"Origin": "http://evil.example"})
        assert odd.status_code == 403
        assert httpx.post(f"{site.url}/auth/bind", data={"accept": "true"}).status_code == 401

    def test_no_secret_code_or_token_is_in_the_log(self, site, wechat) -> None:
        client = browser(site)
        back = goes_out(client, "/auth/wecom", self.HUMAN, wechat)
        client.get(back)
        client.get("/auth/wechat/back?code=codeofsomebody&state=stateofsomebody")
        log = site.log.read_text()
        for secret in (WEBSITE_SECRET, CORP_SECRET, "codeofsomebody", "access_token", *wechat.tokens):
            assert secret not in log


def _user(site: Site, account: str) -> int:
    with inside(site.data), Session(database.engine()) as session:
        return session.exec(select(User.id).where(User.account == account)).one()


class TestGivingUpAndAdministrators:
    def test_unbinding_is_ones_own_act_and_ends_what_was_signed_in_that_way(self, actor, db) -> None:
        lin, he = actor(Role.REPORTER), actor(Role.REVIEWER)
        database.write(lambda s, a: identities.attach(s, a, Provider.WECHAT, "union:u", a.user), lin)
        signed_in = database.write(identities.enter, ANYBODY, Provider.WECHAT, ["union:u"], "")
        (mine,) = database.read(identities.bound, lin)
        with pytest.raises(NotVisible):
            database.write(identities.unbind, he, mine.id)
        for odd in ("1", None, [], 10**9):
            with pytest.raises(NotVisible):
                database.write(identities.unbind, lin, odd)
        database.write(identities.unbind, lin, mine.id)
        assert database.read(recognising.actor_of_token, ANYBODY, signed_in.token) is None
        assert database.write(identities.enter, ANYBODY, Provider.WECHAT, ["union:u"], "") is None

    def test_an_administrator_says_what_a_doctor_is_called_in_wecom(self, actor, db, jn1, qh2) -> None:
        admin, lin, far = (
            actor(Role.INSTITUTION_ADMIN),
            actor(Role.REPORTER),
            actor(Role.REPORTER, institution=qh2),
        )
        database.write(identities.bind_wecom, admin, lin.user, "LinWS")
        assert database.read(identities.wecom_of, admin, lin.user) == "linws"
        assert database.write(identities.enter, ANYBODY, Provider.WECOM, [f"{CORP}:linws"], "")
        with pytest.raises(NotVisible):
            database.write(identities.bind_wecom, admin, far.user, "far")
        with pytest.raises(NotVisible):
            database.read(identities.wecom_of, admin, far.user)
        with pytest.raises(NotPermitted):
            database.write(identities.bind_wecom, lin, lin.user, "x")
        with pytest.raises(Invalid):
            database.write(identities.bind_wecom, admin, lin.user, "a b<script>")
        with pytest.raises(identities.BoundElsewhere):
            database.write(identities.bind_wecom, admin, admin.user, "linws")
        database.write(identities.bind_wecom, admin, lin.user, "")
        assert database.read(identities.wecom_of, admin, lin.user) == ""

    def test_no_administrator_opens_another_hospitals_door_that_way(self, actor, db, jn1, qh2) -> None:
        admin, lin = actor(Role.INSTITUTION_ADMIN), actor(Role.REPORTER)
        database.write(identities.bind_wecom, admin, lin.user, "linws")
        with Session(database.engine()) as session, session.begin():
            session.add(Membership(user_id=lin.user, institution_id=qh2, roles=[Role.REPORTER]))
        # She works in two hospitals now: what one of them said is no longer enough.
        assert database.write(identities.enter, ANYBODY, Provider.WECOM, [f"{CORP}:linws"], "") is None
        with pytest.raises(Conflict):
            database.write(identities.bind_wecom, admin, lin.user, "another")
