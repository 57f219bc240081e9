"""The cookie: nobody plants one, and one that is over opens nothing, on no tab and no route."""

import hashlib
from datetime import timedelta

import httpx
import pytest
from sqlmodel import Session, col, select, update

from mip_app.accounts import recognising, sessions
from mip_app.accounts.models import LoginSession, User
from mip_app.core import database
from mip_app.core.clock import utc_now
from tests.site import PASSWORD, Site, inside
from tests.socket import STATE, RawSocket

SHELL = f"{STATE}.mip_app___ui___state____shell"
PLANTED = "A" * 43


def reading(site: Site, cookie: str) -> int:
    return httpx.get(f"{site.url}/dicom-web/studies", headers={"Cookie": cookie}).status_code


def test_a_planted_cookie_is_not_the_one_that_a_sign_in_makes_valid(site: Site) -> None:
    with httpx.Client(base_url=site.url, headers={"Origin": site.url}) as victim:
        victim.cookies.set("mip_session", PLANTED)
        answer = victim.post("/auth/login", data={"account": "wuji", "password": PASSWORD})
        assert f"mip_session={PLANTED}" not in answer.headers["set-cookie"]
    assert reading(site, f"mip_session={PLANTED}") == 401


def test_of_two_cookies_neither_counts(site: Site) -> None:
    """Somebody on a neighbouring name of the same domain could have put one of them there, for their own account."""
    own, theirs = site.cookie("wuji"), site.cookie("qinghe")
    for both in (f"{own}; {theirs}", f"{theirs}; {own}", f"mip_session={PLANTED}; {own}"):
        assert reading(site, both) == 401
    assert reading(site, f"{own}; {own}") == 200


@pytest.mark.parametrize(
    "cookie",
    [
        "mip_session=",
        "mip_session=" + "A" * 20_000,
        "mip_session=' OR 1=1 --",
        "mip_session=\x00",
        "mip_session=%00; a=b",
        "mip_session",
        "MIP_SESSION={token}",
        ";" * 5000,
        "mip_session={token}x",
        "mip_session={short}",
        "mip_session={hash}",
    ],
    ids=lambda cookie: cookie[:24],
)
def test_no_other_cookie_opens_anything(site: Site, cookie: str) -> None:
    token = site.sign_in("wuji").cookies["mip_session"]
    digest = hashlib.sha256(token.encode()).hexdigest()
    forged = cookie.format(token=token, short=token[:-1], hash=digest)
    try:
        assert reading(site, forged) == 401
    except httpx.LocalProtocolError:
        pass  # no client sends that
    except httpx.RemoteProtocolError:
        pass  # hung up on


def test_the_database_holds_no_token(site: Site) -> None:
    token = site.sign_in("wuji").cookies["mip_session"]
    for file in site.data.glob("mip.sqlite3*"):
        assert token.encode() not in file.read_bytes()
    assert token not in site.log.read_text()


def signed_out(site: Site, account: str, client: httpx.Client) -> None:
    client.post("/auth/logout")


def expired(site: Site, account: str, client: httpx.Client) -> None:
    past = utc_now() - timedelta(seconds=1)
    _on_sessions(site, account, expires_at=past)


def idle(site: Site, account: str, client: httpx.Client) -> None:
    _on_sessions(site, account, last_seen_at=utc_now() - timedelta(hours=13))


def ended_by_others(site: Site, account: str, client: httpx.Client) -> None:
    """What a new password, a reset and a disabled account do to every other sign-in."""

    def end(session: Session, _: object) -> None:
        user = session.exec(select(User.id).where(User.account == account)).one()
        sessions.end_sessions(session, [user or 0])

    with inside(site.data):
        database.write(end, recognising.nobody())


def _on_sessions(site: Site, account: str, **values: object) -> None:
    with inside(site.data), Session(database.engine()) as session, session.begin():
        user = session.exec(select(User.id).where(User.account == account)).one()
        session.execute(update(LoginSession).where(col(LoginSession.user_id) == user).values(**values))


@pytest.mark.parametrize("over", [signed_out, expired, idle, ended_by_others])
def test_a_stolen_cookie_is_worth_nothing_once_its_sign_in_is_over(site: Site, over) -> None:
    client = site.sign_in("zhouzhibai")
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    second = RawSocket(site.url, cookie=cookie)
    with second:
        second.hydrate()
        second.send(f"{SHELL}.load")
        assert "周知白" in second.answers()
        over(site, "zhouzhibai", client)
        second.send(f"{SHELL}.load")
        second.send(f"{STATE}.mip_app___studies___state____studies.load")
        said = second.answers()
        assert "signed_out" in said
        assert "周知白" not in said
        assert "patient_id" not in said
    assert reading(site, cookie) == 401
    with RawSocket(site.url, cookie=cookie) as anew:
        anew.hydrate()
        anew.send(f"{SHELL}.load")
        assert "周知白" not in anew.answers()
    with RawSocket(site.url, token=second.token, cookie=cookie) as again:  # the same tab
        again.hydrate()
        assert "周知白" not in again.answers()


def test_a_forgotten_second_tab_shows_nothing_any_more(someone) -> None:
    person = someone("zhouzhibai")
    page = person.signs_in()
    second = person.context.new_page()
    second.goto(f"{person.site.url}/studies")
    second.get_by_text("周知白").first.wait_for()
    page.request.post(f"{person.site.url}/auth/logout", headers={"Origin": person.site.url})
    second.wait_for_url("**/login**")
    second.goto(f"{person.site.url}/studies")
    second.wait_for_url("**/login**")
    assert "周知白" not in second.inner_text("body")
