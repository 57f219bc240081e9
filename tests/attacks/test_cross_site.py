"""A page of another site, open in the same browser, makes nothing happen here: generated over every route."""

import http.server
import json
import re
import socket as sockets
import threading
from collections.abc import Iterator

import httpx
import pytest
import websocket
from fastapi.routing import APIRoute

from mip_app.mip_app import ROUTERS
from tests.loops import run
from tests.site import Site

UNSAFE = sorted(
    (method, route.path)
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods - {"GET", "HEAD", "OPTIONS"}
)
READING = sorted(
    route.path
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute) and "GET" in route.methods
)
FOREIGN = {
    "another origin": {"Origin": "http://evil.example"},
    "no origin at all, from a sandbox": {"Origin": "null"},
    "the same name on another port": {"Origin": "http://127.0.0.1:1"},
    "our name as a part of theirs": {"Origin": "http://127.0.0.1.evil.example"},
    "our name as their user": {"Origin": "http://127.0.0.1@evil.example"},
    "two origins": {"Origin": "{us}, http://evil.example"},
    "a cookie and no origin": {},
    "marked cross-site by the browser": {"Sec-Fetch-Site": "cross-site"},
    "marked same-site by the browser": {"Sec-Fetch-Site": "same-site"},
}
BODIES = {
    "text/plain": b'{"a": "=1"}',
    "application/x-www-form-urlencoded": b"account=a&password=b&membership=1",
    "multipart/form-data; boundary=x": b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n",
    "application/json": b"{}",
}


def somewhere(path: str) -> str:
    """The route with something in its places."""
    return re.sub(r"\{[^}]*\}", "1", path)


@pytest.mark.parametrize("foreign", FOREIGN)
@pytest.mark.parametrize(("method", "path"), UNSAFE, ids=[" ".join(route) for route in UNSAFE])
def test_no_route_changes_anything_for_another_site(site: Site, method: str, path: str, foreign: str) -> None:
    headers = {name: value.format(us=site.url) for name, value in FOREIGN[foreign].items()}
    with httpx.Client(base_url=site.url, cookies={"mip_session": "a" * 43}, headers=headers) as browser:
        for kind, body in BODIES.items():
            answer = browser.request(method, somewhere(path), content=body, headers={"Content-Type": kind})
            assert (answer.status_code, answer.text) == (403, "cross-origin request refused")


def test_there_are_routes_to_attack() -> None:
    assert len(UNSAFE) > 5 and ("POST", "/auth/logout") in UNSAFE


@pytest.mark.parametrize("path", READING)
def test_no_route_changes_anything_by_being_read(site: Site, path: str) -> None:
    # A link and an image are sent with the cookie: reading must be all they can do.
    assert not re.search("logout|switch|enter|leave|delete|revoke|approve", path)


@pytest.fixture(scope="module")
def evil() -> Iterator[str]:
    """A site of somebody else: whatever is asked for, a page with nothing on it."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>evil</title>")

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # Another host, and the same one on another port: for cookies the second is the same site.
    yield f"http://localhost:{server.server_address[1]}"
    server.shutdown()


@pytest.mark.browser
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_page_of_another_origin_in_a_real_browser_does_nothing(someone, evil: str, host: str) -> None:
    """`127.0.0.1` on another port gets our cookie sent along by the browser itself: the hardest case."""
    person = someone("wuji")
    person.forgiven = ("",)  # the browser complains aloud of what it refuses here
    page = person.signs_in()
    page.wait_for_load_state("networkidle")
    page.goto(evil.replace("localhost", host))
    us = person.site.url
    tried = page.evaluate(
        """async (us) => {
            const tries = {};
            const tell = (name, promise) => promise.then((v) => { tries[name] = v }, () => { tries[name] = "refused" });
            const ask = (path, options) => fetch(us + path, { credentials: "include", ...options });
            await tell("read", ask("/dicom-web/studies").then((r) => r.text()));
            await tell("post", ask("/auth/logout", { method: "POST", mode: "no-cors" }).then((r) => r.type));
            await tell("delete", ask("/dicom-web/studies", { method: "DELETE" }).then((r) => r.status));
            await tell("script", new Promise((done, no) => {
                const tag = Object.assign(document.createElement("script"), { src: us + "/dicom-web/studies" });
                tag.onload = () => done("loaded"); tag.onerror = no; document.head.append(tag);
            }));
            await tell("image", new Promise((done, no) => {
                const tag = Object.assign(new Image(), { src: us + "/mark.svg" });
                tag.onload = () => done("loaded"); tag.onerror = no;
            }));
            await tell("socket", new Promise((done, no) => {
                const s = new WebSocket(us.replace("http", "ws") + "/_event/?EIO=4&transport=websocket&token=x");
                s.onopen = () => done("open"); s.onerror = no;
            }));
            await tell("frame", new Promise((done) => {
                const tag = Object.assign(document.createElement("iframe"), { src: us + "/studies" });
                tag.onload = () => { try { done(tag.contentDocument ? "empty" : "refused") } catch { done("refused") } };
                document.body.append(tag);
            }));
            return tries;
        }""",
        us,
    )
    sent = tried.pop("post")  # it may be sent: what it did is asked below
    assert sent in ("opaque", "refused")
    assert set(tried.values()) == {"refused"}, tried
    page.evaluate(
        """(us) => {
            const form = Object.assign(document.createElement("form"), { method: "post", action: us + "/auth/logout" });
            document.body.append(form); form.submit();
        }""",
        us,
    )
    page.wait_for_url(f"{us}/auth/logout")
    assert page.inner_text("body") == "cross-origin request refused"
    person.goes_to("/studies")  # still signed in
    page.wait_for_url(re.compile(r"/studies/?$"))


SOCKET = "/_event/?token=x&EIO=4&transport=websocket"


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "http://127.0.0.1:1", "http://[", "file://", "", None],
    ids=["foreign", "null", "another port", "broken", "a file", "empty", "missing, with a cookie"],
)
def test_no_event_socket_opens_from_elsewhere(site: Site, origin: str | None) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(
            f"ws://127.0.0.1:{site.port}{SOCKET}",
            cookie=site.cookie("wuji"),
            origin=origin,
            suppress_origin=origin is None,
        )


def test_the_event_socket_opens_for_our_own_page(site: Site) -> None:
    cookie = site.cookie("wuji")
    opened = websocket.create_connection(
        f"ws://127.0.0.1:{site.port}{SOCKET}", cookie=cookie, origin=site.url
    )
    assert json.loads(opened.recv()[1:])["sid"]
    opened.close()


def raw(site: Site, request: str) -> str:
    with sockets.create_connection(("127.0.0.1", site.port), timeout=20) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode("latin-1"))
        return connection.recv(65536).decode("latin-1")


def test_two_hosts_are_no_host(site: Site) -> None:
    asked = f"GET /healthz HTTP/1.1\nHost: 127.0.0.1:{site.port}\nHost: evil.example\nConnection: close\n\n"
    assert " 421 " in raw(site, asked).splitlines()[0] or " 400 " in raw(site, asked).splitlines()[0]


def test_another_name_pointed_at_this_machine_finds_nobody_signed_in(site: Site) -> None:
    """A rebound name has its own cookies, of which none is ours: it sees what a stranger sees."""
    asked = "GET /dicom-web/studies HTTP/1.1\nHost: evil.example\nOrigin: http://evil.example\nConnection: close\n\n"
    assert " 401 " in raw(site, asked).splitlines()[0]


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("pacs.hospital.example", True),
        ("PACS.hospital.example:8443", True),
        ("localhost:3000", True),
        ("10.1.2.3:3000", True),
        ("[::1]:3000", True),
        ("[fe80::1]", True),
        ("evil.example", False),
        ("pacs.hospital.example.evil.example", False),
        ("10.1.2.3.evil.example", False),
        ("", False),
    ],
)
def test_where_the_hosts_are_named_no_other_is_answered(
    monkeypatch: pytest.MonkeyPatch, host: str, answered: bool
) -> None:

    from mip_app.core.http import Guard
    from mip_app.core.settings import settings

    monkeypatch.setenv("MIP_HOSTS", "pacs.hospital.example, 影像.hospital.example")
    settings.cache_clear()
    try:
        said: list = []

        async def app(scope, receive, send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        async def send(message) -> None:
            said.append(message)

        async def receive() -> dict:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def nobody(*_: object) -> None:
            return None

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/healthz",
            "query_string": b"",
            "headers": [(b"host", host.encode())],
            "client": ("127.0.0.1", 1),
        }
        run(Guard(app, nobody, None)(scope, receive, send))
        assert said[0]["status"] == (200 if answered else 421)
    finally:
        settings.cache_clear()
