"""HTTP that no browser of ours sends: too large, too slow, malformed; and what every answer carries."""

import contextlib
import re
import socket as sockets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from mip_app.core.http import PAGES
from mip_app.mip_app import ROUTERS
from mip_app.serving import bundle
from tests.site import PASSWORD, Site, inside

SECRET = "Xq7Withheld"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation behind HTTPS that waits two seconds for who stalls."""
    site = Site(tmp_path_factory.mktemp("hasty"))
    with inside(site.data):
        site.open_up()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIP_STALL_SECONDS", "2")
        patch.setenv("MIP_SECURE_COOKIES", "true")
        site.start()
    yield site
    site.stop()


def connect(site: Site, request: str | bytes = b"") -> sockets.socket:
    connection = sockets.create_connection(("127.0.0.1", site.port), timeout=30)
    connection.sendall(request.encode("latin-1") if isinstance(request, str) else request)
    return connection


def heard(connection: sockets.socket) -> bytes:
    """All that comes until the server closes."""
    said = b""
    with contextlib.suppress(ConnectionError):
        while block := connection.recv(65536):
            said += block
    return said


def status(said: bytes) -> int:
    return int(said.split(b" ", 2)[1])


HEAD = "POST /auth/login HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.mark.parametrize("said_length", [True, False], ids=["as it says itself", "in chunks without end"])
def test_a_sign_in_form_of_100_megabytes_is_cut_off_early(site: Site, said_length: bool) -> None:
    (worker,) = site.workers()
    before = worker.memory_info().rss
    sent = 0
    with connect(site, HEAD) as connection:
        length = "Content-Length: 104857600" if said_length else "Transfer-Encoding: chunked"
        connection.sendall(
            f"{length}\r\n\r\naccount=".encode() if said_length else f"{length}\r\n\r\n".encode()
        )
        block = b"a" * 65536
        with contextlib.suppress(OSError):
            while sent < 100 * 1024 * 1024:
                connection.sendall(block if said_length else b"10000\r\n" + block + b"\r\n")
                sent += len(block)
        with contextlib.suppress(OSError):
            assert status(heard(connection)) == 413
    assert sent < 20 * 1024 * 1024
    assert worker.memory_info().rss - before < 40 * 1024 * 1024


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        (route.path, kind)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "POST" in route.methods
        for kind in (FORM, "application/json")
        if not route.path.startswith(("/ingest", "/dicom-web"))
    ],
)
def test_no_form_is_larger_than_a_form(site: Site, path: str, content_type: str) -> None:
    body = b"a" * (2 * 1024 * 1024)
    key = {"Authorization": f"Bearer {site.keys['JN1']}"}
    with contextlib.suppress(httpx.WriteError, httpx.ReadError, httpx.RemoteProtocolError):
        answer = httpx.post(site.url + path, content=body, headers={"Content-Type": content_type, **key})
        assert answer.status_code in (401, 403, 413)
        assert len(answer.content) < 200


@pytest.mark.parametrize("size", [40_000, 300_000, 900_000])
def test_headers_and_cookies_of_any_length_are_turned_away(site: Site, size: int) -> None:
    for name in ("Cookie", "X-Anything", "Authorization", "Referer"):
        with connect(site) as connection, contextlib.suppress(OSError):
            connection.sendall(
                f"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{name}: {'a' * size}\r\n\r\n".encode()
            )
            assert status(heard(connection)) == 431


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300,
        b"GET\r\n\r\n",
        b"GET /login\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /\x00login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /%00%ff%fe HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /assets/../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /external/%2e%2e/%2e%2e/%2e%2e/pyproject.toml HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nabcde",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\nabcde",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        b"POST /auth/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nffffffffffffffff1\r\n",
        b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: a\r\n b: folded\r\n\r\n",
        b"GET /login HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes=0-0,-1,5-1,99999999999999999999-\r\n\r\n",
        b"GET /login?" + b"a=1&" * 5000 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /studies?q=张三 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode(),
    ],
    ids=lambda sent: repr(sent[:50]),
)
def test_malformed_requests_get_a_short_answer_or_none(hasty: Site, request_: bytes) -> None:
    with connect(hasty, request_) as connection:
        said = heard(connection)
    assert not said or status(said) < 500
    assert b"Traceback" not in said and b"root:" not in said and b"[project]" not in said
    assert httpx.get(f"{hasty.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    "beginning",
    [
        "",
        "GET /heal",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        f"{HEAD}Content-Length: 1000\r\n\r\naccount=",
        f"{HEAD}Transfer-Encoding: chunked\r\n\r\n1\r\n",
    ],
    ids=["silence", "half a line", "half the headers", "an idle connection", "half a form", "half a chunk"],
)
def test_who_stalls_is_hung_up_on(hasty: Site, beginning: str) -> None:
    with connect(hasty, beginning) as connection:
        heard(connection)  # to its end, or the test's time is over


def test_who_sends_a_byte_now_and_then_is_hung_up_on(hasty: Site) -> None:
    with connect(hasty, f"{HEAD}Content-Length: 1000\r\n\r\n") as connection:
        connection.settimeout(0.5)
        for _ in range(60):
            with contextlib.suppress(TimeoutError):
                said = connection.recv(65536)
                assert not said or status(said) == 408
                return
            connection.sendall(b"a")
    pytest.fail("still listening after half a minute")


def addresses() -> list[str]:
    routes = {route.path for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)}
    pages = {re.sub(r"\[[^]]*\]", "1.2.3", page) or "/" for page in PAGES}
    assets = [
        f"/{path.relative_to(bundle.client())}" for path in bundle.client().rglob("*") if path.is_file()
    ]
    some = sorted(assets)[:: max(1, len(assets) // 25)]
    odd = [
        "/nothing",
        "/nothing.js",
        "/assets/nothing.js",
        "/_event",
        "/_event/",
        "/ping",
        "/_health",
        "/_upload",
    ]
    return sorted(re.sub(r"\{[^}]*\}", "1.2.3", path) for path in routes | pages) + some + odd


@pytest.mark.parametrize("who", ["", "hewei", "guanli"], ids=["nobody", "a doctor", "an administrator"])
def test_every_answer_of_every_address_carries_the_policies(site: Site, who: str) -> None:
    seen = set()
    with contextlib.closing(site.sign_in(who) if who else httpx.Client(base_url=site.url)) as client:
        for path in addresses():
            for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "PROPFIND"):
                if path == "/auth/logout":
                    continue
                for more in ({}, {"Accept": "text/html"}, {"Origin": "http://evil.example"}):
                    asked = {**more, "Access-Control-Request-Method": "POST"} if method == "OPTIONS" else more
                    answer = client.request(method, path, headers=asked)
                    check_policies(path, answer)
                    seen.add(answer.status_code)
        odd = client.post("/auth/login", data={"account": "x" * 200}, headers={"Origin": site.url})
        check_policies("/auth/login", odd)
        seen.add(odd.status_code)
    assert {200, 303, 403, 404, 405, 422} <= seen
    assert not [code for code in seen if code >= 500]


def check_policies(path: str, answer: httpx.Response) -> None:
    headers, told = answer.headers, f"{answer.request.method} {path} {answer.status_code}"
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    script = policy.get("script-src", policy.get("default-src", ""))
    assert "unsafe-inline" not in script and "unsafe-eval" not in script.replace("'wasm-unsafe-eval'", ""), (
        told
    )
    assert "*" not in " ".join(policy.values()) and "http:" not in " ".join(policy.values()), told
    assert headers["x-content-type-options"] == "nosniff", told
    assert headers["referrer-policy"] == "same-origin", told
    assert headers["x-frame-options"] == "SAMEORIGIN", told
    assert headers["cross-origin-opener-policy"] == "same-origin", told
    assert headers["cross-origin-resource-policy"] == "same-origin", told
    assert headers["permissions-policy"], told
    assert headers["cache-control"], told
    assert not {name for name in headers if name.startswith("access-control-allow")}, told
    assert not re.search(r"\d", headers.get("server", "")) and "x-powered-by" not in headers, told
    assert "Traceback" not in answer.text, told


def test_the_policy_names_the_hash_of_every_inline_script_and_nothing_else(site: Site) -> None:
    import base64
    import hashlib

    policy = httpx.get(f"{site.url}/login/").headers["content-security-policy"]
    script = next(part for part in policy.split(";") if part.strip().startswith("script-src")).split()
    assert script[:2] == ["script-src", "'self'"]
    assert all(source.startswith("'sha256-") for source in script[2:])
    page: Path = bundle.client() / "login" / "index.html"
    for inline in re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", page.read_text(), re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in script


def test_behind_https_browsers_are_told_to_stay_there(hasty: Site) -> None:
    assert "max-age=" in httpx.get(f"{hasty.url}/login/").headers["strict-transport-security"]


def test_over_http_nothing_is_said_of_https(site: Site) -> None:
    assert "strict-transport-security" not in httpx.get(f"{site.url}/login/").headers


def test_behind_https_the_cookie_is_taken_from_this_host_and_over_tls_alone(hasty: Site) -> None:
    form = {"account": "hewei", "password": "correct horse battery"}
    answer = httpx.post(f"{hasty.url}/auth/login", data=form, headers={"Origin": hasty.url})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-mip_session=")
    for flag in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"):
        assert flag in cookie
    assert "Domain" not in cookie
    token = cookie.split(";")[0].partition("=")[2]
    for name, right in (("__Host-mip_session", 200), ("mip_session", 401)):
        answer = httpx.get(f"{hasty.url}/dicom-web/studies", headers={"Cookie": f"{name}={token}"})
        assert answer.status_code == right  # a name without the prefix, anybody's page may have set


@pytest.mark.parametrize(
    ("account", "path", "code"),
    [
        ("hewei", "/people/me/avatar", "picture"),
        ("guanli", "/people/of/hewei/signature", "picture"),
        ("guanli", "/people/import", "import"),
        ("guanli", "/institution/logo", "picture"),
    ],
)
def test_files_are_larger_than_forms_and_refused_in_words(
    site: Site, account: str, path: str, code: str
) -> None:
    form = {"account": account, "password": PASSWORD, "side": "work" if account == "hewei" else "admin"}
    with httpx.Client(base_url=site.url, headers={"Origin": site.url}, timeout=60) as client:
        assert client.post("/auth/login", data=form).status_code == 303
        answers = [client.post(path, content=b"\x00" * size) for size in (1_500_000, 3_000_000)]
    told = [(answer.status_code, answer.json()["code"]) for answer in answers]
    assert told[0][0] == 400 and told[0][1].startswith(code)
    assert told[1] == (413, f"{code}.too_large")
