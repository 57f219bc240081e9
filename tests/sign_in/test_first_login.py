"""First login and one's own account, as services; and what goes round them, which nothing may."""

import httpx
import pytest
from reflex_base.registry import RegistrationContext
from sqlmodel import Session, select

import mip_app.mip_app  # noqa: F401  registers every state
from mip_app.accounts import opening, password_policy, passwords, staffing
from mip_app.accounts.models import LoginSession, Role, User
from mip_app.accounts.particulars import Particulars
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Open
from mip_app.core.errors import NotPermitted, NotVisible
from mip_app.core.gate import rule_of
from mip_app.sign_in.account import devices
from mip_app.sign_in.account import service as own
from mip_app.sign_in.welcome import service as welcome
from tests.sign_in.conftest import OTHER_PHONE, PASSWORD, PHONE, enters, later, now, sent_code, told, wrong
from tests.site import PASSWORD as SITE_PASSWORD
from tests.site import Site, inside
from tests.socket import STATE, RawSocket

NEW = "seven lanterns over water"


def is_password(user_id: int, password: str) -> bool:
    with Session(database.engine()) as session:
        return passwords.matches(session.get_one(User, user_id).password_hash, password)


@pytest.mark.parametrize("entered", [PHONE, ""], ids=["phone entered by the administrator", "own phone"])
def test_phone_then_password_then_in(open_person, entered: str) -> None:
    user_id = open_person("lin", phone=entered, first_login=True)
    actor, elsewhere = enters(user_id), enters(user_id)
    shown = database.read(welcome.progress, actor)
    assert (shown.step, shown.phone) == ("phone", "138****0210" if entered else "")
    # Another number cannot be put in place of the one that the administrator entered.
    assert database.write(welcome.send_code, actor, OTHER_PHONE if entered else PHONE).error == ""
    assert database.write(welcome.verify_phone, actor, wrong(sent_code())) == "code.wrong"
    assert database.write(welcome.verify_phone, actor, sent_code()) == ""
    actor = now(actor)
    assert (actor.pending, actor.permissions) == ("password", frozenset())
    welcome.set_password(actor, NEW, NEW)
    assert is_password(user_id, NEW)
    assert now(actor).pending == ""
    assert now(elsewhere) is None
    with Session(database.engine()) as session:
        user = session.get_one(User, user_id)
        assert (user.first_login, bool(user.phone_verified_at), PHONE in user.phone) == (False, True, False)
        acts = set(session.exec(select(AuditEntry.act)))
    assert {Act.CODE_SENT, Act.CODE_REFUSED, Act.PHONE_CHANGED, Act.PASSWORD_CHANGED} <= acts


def test_steps_are_not_skipped(open_person) -> None:
    actor = enters(open_person("lin", first_login=True))
    with pytest.raises(NotPermitted):
        welcome.set_password(actor, NEW, NEW)
    with pytest.raises(NotPermitted):
        own.change_password(actor, PASSWORD, NEW, NEW)
    with pytest.raises(NotPermitted):
        database.read(own.own, actor)
    assert database.write(welcome.verify_phone, actor, "000000") == "code.over"


def test_a_finished_step_is_not_done_again_by_a_stale_page(open_person) -> None:
    user_id = open_person("lin", phone=PHONE, verified=True, first_login=True)
    actor = enters(user_id)
    welcome.set_password(actor, NEW, NEW)
    with pytest.raises(NotPermitted):
        welcome.set_password(actor, "nine candles under snow", "nine candles under snow")
    assert is_password(user_id, NEW)


def test_a_code_of_one_person_does_not_verify_another(open_person) -> None:
    lin = enters(open_person("lin", phone=PHONE, first_login=True))
    he = enters(open_person("he", phone=OTHER_PHONE, first_login=True))
    database.write(welcome.send_code, lin, None)
    database.write(welcome.send_code, he, None)
    if sent_code(PHONE) != sent_code(OTHER_PHONE):
        assert database.write(welcome.verify_phone, he, sent_code(PHONE)) == "code.wrong"
    assert now(he).pending == "phone"


@pytest.mark.parametrize(
    ("new", "again", "why"),
    [
        ("short pw", "short pw", "password.weak"),
        ("password123456", "password123456", "password.weak"),
        ("linwangshu-2024-x9", "linwangshu-2024-x9", "password.weak"),
        ("my LIN-ACCOUNT qx7 rug", "my LIN-ACCOUNT qx7 rug", "password.weak"),
        ("林望舒 lantern over water", "林望舒 lantern over water", "password.weak"),
        ("x7 13800000210 vq lamp", "x7 13800000210 vq lamp", "password.weak"),
        (NEW, NEW + "x", "password.differ"),
        (PASSWORD, PASSWORD, "password.same"),
        (None, None, "password.weak"),
        ("seven \ud800 lanterns over", "seven \ud800 lanterns over", "password.weak"),
        (["a"] * 12, ["a"] * 12, "password.weak"),
        ("é" * 201, "é" * 201, "password.weak"),
    ],
)
def test_which_passwords_are_refused(open_person, new, again, why: str) -> None:
    user_id = open_person("lin-account", phone=PHONE, verified=True, first_login=True)
    with pytest.raises(password_policy.PasswordRefused) as refused:
        welcome.set_password(enters(user_id), new, again)
    assert refused.value.code == why
    assert is_password(user_id, PASSWORD)


def test_what_a_password_still_lacks_is_shown() -> None:
    assert password_policy.judge("") == password_policy.Judgement()
    weak = password_policy.judge("qwertyuiop12")
    assert (weak.long, weak.uncommon, weak.bars) == (True, False, 1)
    good = password_policy.judge(NEW, ["lin"])
    assert (good.good, good.bars) == (True, 3)
    assert not password_policy.judge("林望舒的灯笼与水面一二", ["林望舒"]).other


def test_changing_the_password_needs_the_old_one_and_ends_the_other_sign_ins(open_person) -> None:
    user_id = open_person("lin")
    here, elsewhere = enters(user_id), enters(user_id)
    with pytest.raises(own.WrongPassword):
        own.change_password(here, "not it", NEW, NEW)
    own.change_password(here, PASSWORD, NEW, NEW)
    assert is_password(user_id, NEW)
    assert now(here)
    assert now(elsewhere) is None


def test_a_taken_sign_in_cannot_guess_the_password(open_person) -> None:
    actor = enters(open_person("lin"))
    for _ in range(5):
        with pytest.raises(own.WrongPassword) as refused:
            own.change_password(actor, "a guess", NEW, NEW)
        assert refused.value.code == "password.wrong"
    with pytest.raises(own.WrongPassword) as refused:
        own.change_password(actor, PASSWORD, NEW, NEW)
    assert refused.value.code == "password.too_many"
    later(minutes=15, seconds=1)
    own.change_password(actor, PASSWORD, NEW, NEW)


def test_a_new_phone_is_proved_and_needs_the_password(open_person) -> None:
    user_id = open_person("lin", phone=PHONE, verified=True)
    actor = enters(user_id)
    with pytest.raises(own.WrongPassword):
        own.send_phone_code(actor, "not it", OTHER_PHONE)
    assert own.send_phone_code(actor, PASSWORD, "12345").error == "phone.not_a_number"
    assert own.send_phone_code(actor, PASSWORD, OTHER_PHONE).error == ""
    assert database.read(own.own, actor).phone == "138****0210"  # not yet
    assert database.write(own.confirm_phone, actor, sent_code(OTHER_PHONE)) == ""
    assert database.read(own.own, actor).phone == "139****0001"
    # Whoever holds the former one learns of it: it may have been somebody else.
    assert (told(PHONE), told(OTHER_PHONE)) == ([("notice.phone_changed", ["0001"])], [])


@pytest.mark.parametrize("verified", [True, False])
def test_an_administrator_who_changes_a_phone_is_told_on_to_the_one_that_was_proved(
    open_person, actor, verified: bool
) -> None:
    open_person("lin", phone=PHONE, verified=verified)
    given = Particulars("林望舒", roles=("reporter",), phone=OTHER_PHONE)
    database.write(staffing.edit, actor(Role.INSTITUTION_ADMIN), "lin", given)
    assert told(PHONE) == ([("notice.phone_changed", ["0001"])] if verified else [])


def test_own_devices_are_listed_and_ended_and_nobody_elses(open_person) -> None:
    user_id = open_person("lin")
    here, there, third = (enters(user_id, f"112.32.7.{n}") for n in (8, 9, 10))
    stranger = enters(open_person("he"))
    listed = database.read(devices.devices, here)
    assert [device.here for device in listed] == [True, False, False]
    assert listed[0].address == "112.**.**.8"
    database.write(devices.end_device, here, there.session_id)
    assert now(there) is None
    for other in (stranger.session_id, 10**9, there.session_id, "1", None, 1.5, 10**30):
        with pytest.raises(NotVisible) as refused:
            database.write(devices.end_device, here, other)
        assert refused.value.code == "own.no_device"
    assert now(stranger)
    database.write(devices.end_others, here)
    assert now(here)
    assert now(third) is None


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537 Chrome/140.0 Safari/537",
            "Chrome · Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537 Edg/140.0", "Edge · Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E MicroMessenger/8.0",
            "WeChat · iPhone",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18 Safari/605", "Safari · macOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko Firefox/140.0", "Firefox · Linux"),
        ("curl/8", ""),
    ],
)
def test_a_device_is_named_in_words(agent: str, words: str) -> None:
    assert devices.device_words(agent) == words


@pytest.fixture(scope="module")
def newcomer(site: Site) -> httpx.Client:
    """Somebody whose first login is not finished, with the cookie of their password."""
    with inside(site.data):
        user_id = database.write(
            opening.open_account,
            opening.CONSOLE,
            "newcomer",
            "新来",
            SITE_PASSWORD,
            Role.REVIEWER,
            institution_id=site.institutions["JN1"],
        )
        with Session(database.engine()) as session, session.begin():
            session.get_one(User, user_id).first_login = True
    client = httpx.Client(base_url=site.url, headers={"Origin": site.url}, timeout=20)
    answer = client.post("/auth/login", data={"account": "newcomer", "password": SITE_PASSWORD})
    assert answer.headers["location"] == "/welcome"
    return client


def test_until_first_login_is_finished_no_page_and_no_route_answers(
    site: Site, newcomer: httpx.Client
) -> None:
    from mip_app.core.actor import Actor
    from mip_app.core.http import PAGES, Needs, allows
    from mip_app.mip_app import ROUTERS

    pending = Actor(1, "x", 1, frozenset(), session_id=1, pending="phone")
    for route, rule in PAGES.items():
        path = route.replace("[", "").replace("]", "")
        answer = newcomer.get(path, headers={"Accept": "text/html"}, follow_redirects=False)
        leads = answer.headers.get("location", "")
        assert allows(rule, pending) or leads.startswith("/welcome?next="), route
    refused = 0
    for router in ROUTERS:
        for route in router.routes:
            rules = [d.call.rule for d in route.dependant.dependencies if isinstance(d.call, Needs)]
            if any(allows(rule, pending) for rule in rules):
                continue
            path = route.path.replace("{", "").replace("}", "").replace(":path", "")
            for method in route.methods:
                answer = newcomer.request(method, path)
                assert answer.status_code == 401, (method, path, answer.status_code)
                refused += 1
    assert refused > 10


def test_until_first_login_is_finished_no_event_answers(site: Site, newcomer: httpx.Client) -> None:
    handlers = RegistrationContext.get().event_handlers
    ours = {
        name: rule
        for name, registered in handlers.items()
        if (rule := rule_of(registered)) not in (None, Open.TO_ALL, Open.TO_ENTERING)
    }
    assert len(ours) > 30
    cookie = "; ".join(f"{name}={value}" for name, value in newcomer.cookies.items())
    with RawSocket(site.url, cookie=cookie) as tab:
        tab.hydrate()
        tab.answers()
        for name in ours:
            tab.send(name)
        said = tab.answers()
    assert said.count("'pending'") >= len(ours)
    assert "江南市第一人民医院" not in said
    assert "林望舒" not in said
    with inside(site.data), Session(database.engine()) as session:
        user = session.exec(select(User).where(User.account == "newcomer")).one()
        assert (user.first_login, user.phone_verified_at) == (True, None)
        assert session.exec(select(LoginSession).where(LoginSession.user_id == user.id)).all()


def test_calling_the_last_step_first_changes_nothing(site: Site, newcomer: httpx.Client) -> None:
    state = f"{STATE}.mip_app___sign_in___welcome___state____welcome"
    cookie = "; ".join(f"{name}={value}" for name, value in newcomer.cookies.items())
    with RawSocket(site.url, cookie=cookie) as tab:
        tab.hydrate()
        tab.answers()
        tab.send(f"{state}.save", form={"password": NEW, "again": NEW})
        tab.send(f"{state}.verify", form={"code": "000000"})
        tab.send(f"{state}.prove", form={"code": "000000"})
        tab.send(f"{state}.confirm", form="not a form")
        tab.send(f"{state}.begin")
        said = tab.answers()
    assert "error.not_permitted" in said
    answer = newcomer.post("/auth/enter")
    assert answer.headers["location"] == "/welcome"
