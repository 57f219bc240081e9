"""An institution's official account: what WeChat may tell us, and what others only pretend to be WeChat's."""

import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from sqlmodel import Session, select

from mip_app.accounts import opening, recognising, sessions
from mip_app.accounts.models import Role, User
from mip_app.core import database
from mip_app.core.actor import Actor, Side
from mip_app.core.clock import utc_now
from mip_app.core.errors import Invalid, NotPermitted, NotVisible
from mip_app.sign_in import follow, identities, official_account, provider
from mip_app.sign_in.models import ExternalIdentity, FollowScene, OfficialAccount, Provider
from mip_app.sign_in.official import code_of_scene
from tests.loops import run
from tests.sign_in.wechat_server import (
    AES_KEY,
    HOSPITAL,
    HOSPITAL_SECRET,
    HOSPITAL_TOKEN,
    Human,
    WeChat,
    event_letter,
    opened,
    sign,
    signed_letter,
)
from tests.site import PASSWORD, Site, inside

ANYBODY = recognising.nobody("203.0.113.5")
ACCOUNT = {
    "name": "江南一院",
    "app_id": HOSPITAL,
    "secret": HOSPITAL_SECRET,
    "token": HOSPITAL_TOKEN,
    "aes_key": "",
}


@pytest.fixture(scope="module")
def wechat() -> Iterator[WeChat]:
    with WeChat() as server:
        yield server


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("official"))
    with inside(made.data):
        made.open_up()
    made.start()
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _settings(wechat: WeChat, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MIP_WECHAT_API_URL", wechat.url)
    monkeypatch.setenv("MIP_OUTSIDE_SECONDS", "2")
    identities.settings.cache_clear()
    wechat.trouble = ""
    yield
    identities.settings.cache_clear()


@dataclass
class Newcomer:
    """Somebody at a first sign-in, with a code on the screen."""

    user_id: int
    token: str
    scene: str

    def now(self) -> Actor:
        found = database.read(recognising.actor_of_token, ANYBODY, self.token)
        assert found
        return found


def newcomer(institution: int, wechat: WeChat) -> Newcomer:
    account = f"new-{uuid.uuid4().hex[:8]}"
    console = opening.CONSOLE
    user = database.write(
        opening.open_account,
        console,
        account,
        "新人",
        PASSWORD,
        Role.REPORTER,
        institution_id=institution,
    )
    with Session(database.engine()) as session, session.begin():
        session.get_one(User, user).first_login = True
    token = database.write(sessions.open_session, ANYBODY, user).token
    actor = database.read(recognising.actor_of_token, ANYBODY, token)
    account_, scene = database.write(follow.begin, actor)
    address = run(code_of_scene(account_, scene, 300))
    return Newcomer(user, token, wechat.scenes[address])


@pytest.fixture(params=["", AES_KEY], ids=["plain mode", "safe mode"])
def aes_key(request: pytest.FixtureRequest, site: Site) -> Iterator[str]:
    with inside(site.data):
        admin = site.person("guanli")
        database.write(official_account.change, admin, **{**ACCOUNT, "aes_key": request.param or "-"})
        yield request.param


@pytest.fixture
def callback(site: Site) -> str:
    return f"{site.url}/wechat/callback/JN1"


@pytest.fixture
def new(site: Site, wechat: WeChat, aes_key: str) -> Newcomer:
    return newcomer(site.institutions["JN1"], wechat)


def test_wechat_is_told_that_this_is_the_address(aes_key: str, callback: str) -> None:
    at = str(int(time.time()))
    query = {"signature": sign(HOSPITAL_TOKEN, at, "7"), "timestamp": at, "nonce": "7", "echostr": "1234<b>"}
    answer = httpx.get(callback, params=query)
    assert (answer.status_code, answer.text) == (200, "1234<b>")
    assert answer.headers["content-type"].startswith("text/plain")
    assert httpx.get(callback, params={**query, "signature": "0" * 40}).status_code == 403


@pytest.mark.parametrize("kind", ["subscribe", "SCAN"])
def test_who_scans_and_follows_has_done_the_phone_step(new, wechat, callback, aes_key, kind) -> None:
    human = Human(uuid.uuid4().hex)
    assert new.now().pending == "phone"
    answer = wechat.posts(callback, new.scene, human, aes_key=aes_key, kind=kind)
    assert answer.status_code == 200
    assert new.now().pending == "password"
    assert database.read(follow.outcome, new.now()) == "done"
    said = answer.text
    if aes_key:
        said = opened(re.search(r"<Encrypt><!\[CDATA\[(.+?)\]\]>", said)[1], AES_KEY, HOSPITAL)
    assert f"<ToUserName><![CDATA[{human.openid(HOSPITAL)}]]>" in said
    assert "验证完成" in said


def test_following_is_no_way_to_sign_in(new, wechat, callback, aes_key) -> None:
    human = Human(uuid.uuid4().hex)
    wechat.posts(callback, new.scene, human, aes_key=aes_key)
    subject = f"{HOSPITAL}:{human.openid(HOSPITAL)}"
    assert database.read(identities.owner_of, ANYBODY, Provider.FOLLOW, [subject]) == new.user_id
    for way in (Provider.WECHAT, Provider.WECOM):
        assert database.write(identities.enter, ANYBODY, way, [subject], "") is None


def test_the_same_letter_again_changes_nothing(new, wechat, callback, aes_key) -> None:
    letter = event_letter("o" * 28, "subscribe", new.scene)
    query, body = signed_letter(letter, aes_key=aes_key)
    assert "<xml>" in httpx.post(callback, params=query, content=body).text
    with Session(database.engine()) as session, session.begin():
        session.get_one(User, new.user_id).phone_verified_at = None
    assert httpx.post(callback, params=query, content=body).text == "success"
    # With a signature of its own it is still a code that was used.
    fresh, body = signed_letter(letter, aes_key=aes_key)
    assert httpx.post(callback, params=fresh, content=body).status_code == 200
    assert new.now().pending == "phone"


def test_a_wechat_account_stands_for_one_person(new, wechat, callback, aes_key, site) -> None:
    human, second = Human(uuid.uuid4().hex), newcomer(site.institutions["JN1"], wechat)
    wechat.posts(callback, new.scene, human, aes_key=aes_key)
    wechat.posts(callback, second.scene, human, aes_key=aes_key)
    assert second.now().pending == "phone"
    assert database.read(follow.outcome, second.now()) == "elsewhere"


def test_a_code_is_good_for_five_minutes(new, wechat, callback, aes_key) -> None:
    with Session(database.engine()) as session, session.begin():
        for row in session.exec(select(FollowScene).where(FollowScene.user_id == new.user_id)):
            assert row.expires_at - row.created_at == follow.KEEP
            row.expires_at = utc_now()
    wechat.posts(callback, new.scene, Human(uuid.uuid4().hex), aes_key=aes_key)
    assert new.now().pending == "phone"
    assert database.read(follow.outcome, new.now()) == "over"


@pytest.mark.parametrize(
    "odd",
    [
        {"token": "anothertoken"},
        {"timestamp": int(time.time()) - 3600},
        {"timestamp": int(time.time()) + 3600},
    ],
    ids=["another token", "an hour old", "of the future"],
)
def test_what_wechat_did_not_sign_or_not_now_is_refused(new, wechat, callback, aes_key, odd) -> None:
    answer = wechat.posts(callback, new.scene, Human("x"), aes_key=aes_key, **odd)
    assert answer.status_code == 403
    assert new.now().pending == "phone"


@pytest.mark.parametrize("aes_key", [AES_KEY], ids=["safe mode"], indirect=True)
class TestSafeMode:
    @pytest.mark.parametrize(
        "odd",
        [{"aes_key": ""}, {"app_id": "wx000000000stranger"}, {"aes_key": AES_KEY[::-1]}],
        ids=["an open letter", "for another account", "another key"],
    )
    def test_only_letters_sealed_for_this_account_count(self, new, wechat, callback, odd) -> None:
        answer = wechat.posts(callback, new.scene, Human("x"), **{"aes_key": AES_KEY, **odd})
        assert answer.status_code == 403
        assert new.now().pending == "phone"

    def test_a_changed_letter_under_a_good_signature(self, new, callback) -> None:
        query, body = signed_letter(event_letter("o" * 28, "SCAN", new.scene), aes_key=AES_KEY)
        _, other = signed_letter(event_letter("p" * 28, "SCAN", new.scene), aes_key=AES_KEY)
        for changed in (other, body.replace(b"<Encrypt><![CDATA[", b"<Encrypt><![CDATA[AAAA"), b"<xml/>"):
            assert httpx.post(callback, params=query, content=changed).status_code == 403
        assert new.now().pending == "phone"


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9))
    + b"]><xml><Encrypt>&j;</Encrypt></xml>"
)
THEFT = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    b"<xml><FromUserName>&f;</FromUserName></xml>"
)


@pytest.mark.parametrize(
    ("letter", "status"),
    [
        (BOMB, 403),
        (THEFT, 403),
        (b"not xml", 403),
        (b"", 403),
        (b'{"openid": 1}', 403),
        (b"<xml>" + b"x" * 100_000 + b"</xml>", 413),
    ],
    ids=["bomb", "file", "text", "nothing", "json", "huge"],
)
def test_odd_letters_are_refused(callback, aes_key, letter, status) -> None:
    query, _ = signed_letter(b"")
    answer = httpx.post(callback, params=query, content=letter)
    assert answer.status_code == status
    assert "root:" not in answer.text


def test_other_letters_are_thanked_for(callback, aes_key) -> None:
    for letter in (
        event_letter("o" * 28, "unsubscribe", ""),
        event_letter("o" * 28, "subscribe", ""),
        event_letter("o" * 28, "SCAN", "a scene of another program"),
        b"<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><MsgType>text</MsgType></xml>",
    ):
        query, body = signed_letter(letter, aes_key=aes_key)
        answer = httpx.post(callback, params=query, content=body)
        assert (answer.status_code, answer.text) == (200, "success")


def test_whether_an_institution_has_an_account_is_not_told(site: Site, aes_key: str) -> None:
    at = str(int(time.time()))
    query = {"signature": sign("", at, "7"), "timestamp": at, "nonce": "7", "echostr": "1"}
    answers = [
        httpx.get(f"{site.url}/wechat/callback/{code}", params=query) for code in ("JN1", "QH2", "NONE")
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert len({answer.content for answer in answers}) == 1


def test_a_code_of_another_institution_counts_nothing(new, wechat, site, aes_key) -> None:
    with Session(database.engine()) as session, session.begin():
        actor = Actor(None, "", site.institutions["QH2"], frozenset())
        assert follow.scanned(session, actor, site.institutions["QH2"], "o1", new.scene) == ""
    assert new.now().pending == "phone"


@pytest.mark.parametrize("trouble", ["html", "slow", "odd"])
def test_a_silent_wechat_is_said_and_an_old_access_token_is_renewed(
    site, wechat, aes_key, monkeypatch, trouble
) -> None:
    person = newcomer(site.institutions["JN1"], wechat)
    account, scene = database.write(follow.begin, person.now())
    wechat.tokens.clear()  # as after a reset of the secret, or two hours
    assert run(code_of_scene(account, scene, 300)) in wechat.scenes
    wechat.trouble = trouble
    with pytest.raises(provider.ProviderAway):
        run(code_of_scene(account, scene, 300))


def test_codes_are_given_out_to_those_at_that_step_and_not_for_ever(site, wechat, aes_key) -> None:
    with pytest.raises(NotVisible):
        database.write(follow.begin, site.person("hewei"))
    person = newcomer(site.institutions["JN1"], wechat)
    for _ in range(follow.MOST - 1):
        database.write(follow.begin, person.now())
    with pytest.raises(follow.TooManyCodes):
        database.write(follow.begin, person.now())


class TestSettings:
    def test_secrets_are_sealed_and_never_shown(self, jn1, actor) -> None:
        admin = actor(Role.INSTITUTION_ADMIN)
        database.write(official_account.change, admin, **{**ACCOUNT, "aes_key": AES_KEY})
        with Session(database.engine()) as session:
            row = session.exec(select(OfficialAccount)).one()
        for secret in (HOSPITAL_SECRET, HOSPITAL_TOKEN, AES_KEY):
            assert secret not in repr(row)
            assert secret not in repr(database.read(official_account.shown, admin))
        kept = {**ACCOUNT, "secret": "", "token": "", "name": "新名称"}
        database.write(official_account.change, admin, **kept)
        channel = database.read(official_account.channel_of, ANYBODY, "JN1")
        assert (channel.token, channel.aes_key) == (HOSPITAL_TOKEN, AES_KEY)

    def test_secrets_of_another_account_are_asked_for_anew(self, jn1, actor) -> None:
        admin = actor(Role.INSTITUTION_ADMIN)
        database.write(official_account.change, admin, **ACCOUNT)
        other = {**ACCOUNT, "app_id": "wx00000000another", "secret": "", "token": ""}
        with pytest.raises(Invalid):
            database.write(official_account.change, admin, **other)

    @pytest.mark.parametrize(
        "odd",
        [
            {"app_id": "ww0123456789"},
            {"app_id": "wx<script>alert(1)</script>"},
            {"secret": "short"},
            {"token": "with space"},
            {"aes_key": "x" * 42},
            {"name": "  "},
        ],
    )
    def test_what_cannot_be_right_is_refused(self, jn1, actor, odd) -> None:
        with pytest.raises(Invalid):
            database.write(official_account.change, actor(Role.INSTITUTION_ADMIN), **{**ACCOUNT, **odd})

    def test_only_the_institutions_administrator_sees_and_changes_them(self, jn1, qh2, actor) -> None:
        database.write(official_account.change, actor(Role.INSTITUTION_ADMIN), **ACCOUNT)
        far = actor(Role.INSTITUTION_ADMIN, institution=qh2)
        assert database.read(official_account.shown, far).app_id == ""
        database.write(official_account.remove, far)
        assert database.read(official_account.channel_of, ANYBODY, "JN1").app_id == HOSPITAL
        for role in (Role.REVIEWER, Role.AUDITOR, Role.ALLIANCE_ADMIN, Role.OPERATOR):
            with pytest.raises(NotPermitted):
                database.read(official_account.shown, actor(role))

    def test_the_form_posts_and_says_what_was_wrong(self, site: Site) -> None:
        client = httpx.Client(base_url=site.url, headers={"Origin": site.url})
        sign_in = {"account": "guanli", "password": PASSWORD, "side": Side.ADMIN.value}
        client.post("/auth/login", data=sign_in)
        answer = client.post("/auth/official-account", data=ACCOUNT)
        assert answer.headers["location"] == "/admin/institution?official=saved"
        answer = client.post("/auth/official-account", data={**ACCOUNT, "app_id": "x"})
        assert answer.headers["location"] == "/admin/institution?official=official.bad_app_id"
        doctor = site.sign_in("hewei")
        assert doctor.post("/auth/official-account", data=ACCOUNT).status_code == 403
        assert httpx.post(f"{site.url}/auth/official-account", data=ACCOUNT).status_code == 401
        assert HOSPITAL_SECRET not in site.log.read_text()


def test_what_is_bound_is_written_once(new, wechat, callback, aes_key) -> None:
    human = Human(uuid.uuid4().hex)
    wechat.posts(callback, new.scene, human, aes_key=aes_key)
    with Session(database.engine()) as session:
        rows = session.exec(select(ExternalIdentity).where(ExternalIdentity.user_id == new.user_id)).all()
    assert [(row.provider, row.bound_by) for row in rows] == [("follow", new.user_id)]
