"""The gate and the guard, attacked by a raw socket and by requests of no browser."""

import httpx
import pytest
import websocket
from reflex_base.registry import RegistrationContext

import mip_app.mip_app  # noqa: F401  registers every state
from mip_app.core.gate import rule_of, undeclared
from tests.images import Made, study
from tests.site import PASSWORD, Site
from tests.socket import STATE, RawSocket

LIST = f"{STATE}.mip_app___studies___state____studies"
SHELL = f"{STATE}.mip_app___ui___state____shell"


def test_every_event_handler_says_who_may_call_it() -> None:
    # Reflex's own: `setvar` of every state, and what fills variables from the browser's storage, which none of ours is.
    assert [name for name in undeclared() if not name.endswith((".setvar", ".update_vars_internal"))] == []


def test_what_declares_nothing_is_found() -> None:
    import reflex as rx

    with RegistrationContext.get().fork():

        class Planted(rx.State):
            def undecorated(self) -> None: ...

            @rx.event
            def bare(self) -> None: ...

        names = [name.rsplit(".", 1)[1] for name in undeclared() if "planted" in name]
        assert sorted(names) == ["bare", "setvar", "undecorated"]
        assert all(rule_of(RegistrationContext.get().event_handlers[n]) is None for n in undeclared())


def test_every_http_route_says_who_may_call_it() -> None:
    from fastapi.routing import APIRoute

    from mip_app.core.http import Needs
    from mip_app.mip_app import ROUTERS

    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) == sum(len(router.routes) for router in ROUTERS)
    assert len(routes) > 5
    for route in routes:
        calls = [dependency.call for dependency in route.dependant.dependencies]
        assert any(isinstance(call, Needs) for call in calls), route.path


def test_a_person_gets_their_own_name_and_a_socket_without_a_cookie_gets_nothing(site: Site) -> None:
    with RawSocket(site.url, cookie=site.cookie("linwangshu")) as own:
        own.hydrate()
        own.send(f"{SHELL}.load")
        assert "林望舒" in own.answers()
        with RawSocket(site.url) as stranger:
            stranger.hydrate()
            stranger.send(f"{SHELL}.load")
            assert "林望舒" not in stranger.answers()


@pytest.mark.parametrize("thief", ["", "qinghe"], ids=["no cookie", "another hospital's cookie"])
@pytest.mark.parametrize("owner_is_there", [True, False])
def test_a_replayed_tab_token_gives_nothing(site: Site, thief: str, owner_is_there: bool) -> None:
    owner = RawSocket(site.url, cookie=site.cookie("linwangshu"))
    owner.hydrate()
    owner.send(f"{SHELL}.load")
    assert "林望舒" in owner.answers()
    if not owner_is_there:
        owner.client.disconnect()
    cookie = site.cookie(thief) if thief else ""
    with RawSocket(site.url, token=owner.token, cookie=cookie) as stolen:
        stolen.hydrate()
        stolen.send(f"{STATE}.hydrate_and_load", hashes=None)
        stolen.send(f"{SHELL}.load")
        answers = stolen.answers()
    assert "林望舒" not in answers
    assert "江南市第一人民医院" not in answers
    if owner_is_there:
        owner.send(f"{SHELL}.load")
        owner.client.disconnect()


@pytest.mark.parametrize(
    "thief", ["", "qinghe", "chensu"], ids=["no cookie", "another hospital's", "a colleague's"]
)
def test_a_taken_tab_token_hears_nothing_of_what_its_watchers_say(site: Site, thief: str) -> None:
    owner = RawSocket(site.url, cookie=site.cookie("linwangshu"))
    owner.hydrate()
    owner.send(f"{LIST}.load")
    owner.answers()
    owner.client.disconnect()
    with RawSocket(site.url, token=owner.token, cookie=site.cookie(thief) if thief else "") as stolen:
        with RawSocket(site.url, cookie=site.cookie("linwangshu")) as witness:
            witness.hydrate()
            witness.send(f"{LIST}.load")
            witness.answers()
            site.store([Made(data) for data in study("OUYANG^WenLan=欧阳^文澜", slices=1)])
            assert witness.answers() != "[]"  # the change is told to those whose list it is
        said = stolen.answers()
        assert "new_token" in said
        assert "文澜" not in said
        assert "patient_id" not in said


def test_framework_handlers_that_set_state_are_refused(site: Site) -> None:
    with RawSocket(site.url, cookie=site.cookie("linwangshu")) as own:
        own.hydrate()
        own.answers()
        own.send(f"{SHELL}.setvar", var_name="name", value="somebody else")
        own.send(f"{SHELL}.load")
        assert "somebody else" not in own.answers()


def test_after_signing_out_every_tab_is_told_and_gets_nothing_more(site: Site) -> None:
    client = site.sign_in("hewei")
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    with RawSocket(site.url, cookie=cookie) as tab:
        tab.hydrate()
        tab.send(f"{SHELL}.load")
        tab.send(f"{SHELL}.watch")
        tab.answers()
        client.post("/auth/logout")
        assert "signed_out" in tab.answers()
        tab.send(f"{SHELL}.load")
        assert "何为" not in tab.answers()


def test_a_page_of_another_origin_opens_no_socket_and_posts_nothing(site: Site) -> None:
    cookie = site.cookie("linwangshu")
    socket = f"ws://127.0.0.1:{site.port}/_event/?token=x&EIO=4&transport=websocket"
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(socket, origin="http://evil.example", cookie=cookie)
    websocket.create_connection(socket, origin=site.url, cookie=cookie).close()
    for path in ("/auth/login", "/auth/logout", "/dicom-web/studies"):
        answer = httpx.post(site.url + path, headers={"Origin": "http://evil.example", "Cookie": cookie})
        assert answer.status_code == 403
    for odd in ("null", "http://[", "//127.0.0.1", f"ftp://127.0.0.1:{site.port}"):
        answer = httpx.post(f"{site.url}/auth/logout", headers={"Origin": odd, "Cookie": cookie})
        assert answer.status_code == 403
    answer = httpx.post(f"{site.url}/auth/logout", headers={"Cookie": cookie})  # no Origin, but a cookie
    assert answer.status_code == 403


def test_without_a_cookie_every_page_leads_to_sign_in_and_every_route_says_401(site: Site) -> None:
    for path in ("/studies", "/viewer/1.2.3", "/reports/1.2.3", "/", "/no-such-page"):
        answer = httpx.get(site.url + path, headers={"Accept": "text/html"})
        assert (answer.status_code, answer.headers["location"][:6]) == (303, "/login")
    for path in ("/dicom-web/studies", "/dicom-web/studies/1.2.3/metadata", "/dicom-web/studies/1/thumbnail"):
        assert httpx.get(site.url + path).status_code == 401


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1"]
)
def test_sign_in_leads_nowhere_else(site: Site, target: str) -> None:
    answer = httpx.post(
        f"{site.url}/auth/login",
        data={"account": "chensu", "password": PASSWORD},
        headers={"Origin": site.url, "Referer": f"{site.url}/login?next={target}"},
    )
    assert answer.headers["location"] == "/studies"
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=lax" in flags


def test_every_answer_carries_the_policies(site: Site) -> None:
    for path, policy in (
        ("/login/", "script-src 'self'"),
        ("/healthz", "script-src 'self'"),
        ("/dicom-web/studies", "default-src 'none'"),
    ):
        headers = httpx.get(site.url + path).headers
        assert policy in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_signing_in_anew_ends_the_former_sign_in_of_this_browser(site: Site) -> None:
    client = site.sign_in("hewei")
    former = client.cookies["mip_session"]
    client.post("/auth/login", data={"account": "linwangshu", "password": PASSWORD})
    assert client.cookies["mip_session"] != former
    answer = httpx.get(f"{site.url}/dicom-web/studies", headers={"Cookie": f"mip_session={former}"})
    assert answer.status_code == 401


def test_an_odd_cookie_of_another_program_signs_nobody_out(site: Site) -> None:
    cookie = f"bad[]=;;; a=b; {site.cookie('hewei')}"
    assert httpx.get(f"{site.url}/dicom-web/studies", headers={"Cookie": cookie}).status_code == 200


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("/auth/login", {"data": {"account": "x", "password": "secret" * 100}}),
        ("/reports/leave", {"json": ["secret"]}),
    ],
)
def test_what_cannot_be_understood_is_not_repeated(site: Site, path: str, sent: dict) -> None:
    answer = httpx.post(site.url + path, headers={"Authorization": f"Bearer {site.keys['JN1']}"}, **sent)
    assert "secret" not in answer.text
    assert answer.status_code < 500
