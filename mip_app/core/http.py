"""The guard in front of everything HTTP: where a request may come from, who is behind it, how answers go out."""

import base64
import hashlib
import ipaddress
import re
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mip_app.core.actor import Actor, Open, Rule, Side, acting_as, allows
from mip_app.core.addresses import household
from mip_app.core.errors import MipError, NotPermitted, NotSignedIn, TooLarge
from mip_app.core.gate import COOKIE, session_token
from mip_app.core.limits import HEADER_BYTES, Body, Gone, Shares, Socket, header_bytes, most_bytes, strangers
from mip_app.core.logs import note
from mip_app.core.settings import settings
from mip_app.core.shortcut import Find, Shortcut

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HOME = {Side.WORK: "/studies", Side.ADMIN: "/admin"}
SIGN_IN = "/login"
ENTRY = "/welcome"  # where the steps of signing in are done
FORBIDDEN = "/forbidden"
# Every page and who may open it, by route; filled by `declare_page`.
PAGES: dict[str, Rule] = {}
_page_patterns: list[tuple[re.Pattern[str], Rule]] = []


def declare_page(route: str, rule: Rule) -> None:
    """A page says who may open it; the guard leads everybody else away before anything of it is served."""
    if route not in PAGES:
        pattern = re.compile(re.sub(r"\\\[[^/]*\\\]", "[^/]+", re.escape(route)))
        _page_patterns.append((pattern, rule))
    PAGES[route] = rule


def rule_of_page(path: str) -> Rule:
    """The rule of the page at `path`; what is no page of ours needs a sign-in to learn that."""
    for pattern, rule in _page_patterns:
        if pattern.fullmatch(path):
            return rule
    return Open.TO_SIGNED_IN


def is_path(asked: str) -> bool:
    """Whether `asked` leads to a page of this site and nowhere else."""
    return asked.startswith("/") and not asked.startswith("//") and "\\" not in asked and asked.isprintable()


# The worker that decodes images compiles WebAssembly: it may, in its own answer, and the pages never.
CODEC_WORKER = "/assets/decodeImageFrameWorker"
CODEC_POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
# What a sender put into images is data, and no browser opens it as a page of ours.
DATA = "/dicom-web/"
DATA_POLICY = "sandbox; default-src 'none'; frame-ancestors 'none'"
NOT_PAGES = (
    *("/dicom-web", "/wado", "/auth/", "/healthz", "/_event", "/assets/", "/external/", "/portraits/"),
    "/wechat/",
)
FILES = (".js", ".css", ".map", ".json", ".webp", ".svg", ".ico", ".png", ".woff2", ".wasm", ".txt")


class Needs:
    """A route's dependency: who may call it. Gives the Actor (None only where everybody may)."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    async def __call__(self, request: Request) -> Actor | None:
        actor: Actor | None = request.scope.get("mip_actor")
        acting_as(actor)
        if allows(self.rule, actor):
            return actor
        if actor is None or actor.pending:
            raise NotSignedIn()
        raise NotPermitted(permission=self.rule)


async def body_of(request: Request, most: int, code: str) -> bytes:
    """What was sent, no more than `most` of it in memory. Raises TooLarge with `code`."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:15]) > most:
        raise TooLarge(code, limit=most >> 20)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise TooLarge(code, limit=most >> 20)
    return bytes(data)


def error_answer(request: Request, error: Exception) -> Response:
    """MipError as a status and its code: the words are the client's."""
    assert isinstance(error, MipError)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
    return JSONResponse({"code": error.code, "detail": error.detail}, error.status, headers=headers)


async def unexpected(request: Request, error: Exception) -> Response:
    """What nobody foresaw: a number, which the log knows too."""
    number = request.scope["mip_trouble"] = note(error)
    return trouble(number)


def trouble(number: str) -> Response:
    return JSONResponse({"code": "error.unexpected", "detail": {"number": number}}, 500)


async def malformed(request: Request, error: Exception) -> Response:
    """In place of FastAPI's own answer, which repeats what was sent."""
    return JSONResponse({"code": "error.invalid", "detail": {}}, 422)


class Guard:
    """ASGI middleware, outermost. `find(session token, api key, address)` tells who is asking."""

    def __init__(
        self, app: ASGIApp, find: Find, built: Path | None, shortcuts: Sequence[Shortcut] = ()
    ) -> None:
        self.app = app
        self.find = find
        self.shortcuts = shortcuts
        self.sockets, self.requests, self.strangers = Shares(), Shares(), strangers()
        self.policy = content_policy(built)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        address = client_address(scope, headers)
        scope["mip_address"] = address
        if scope["type"] == "websocket":
            try:
                await self._websocket(scope, headers, receive, send)
            except Gone:
                pass
            except Exception as error:
                note(error)
            return
        body = Body(scope["path"], receive, self._with_headers(scope, send))
        try:
            await self._http(scope, headers, body)
        except Gone:
            pass
        except Exception as error:
            await self._say_trouble(scope, error, body)
        finally:
            body.release()

    async def _http(self, scope: Scope, headers: Headers, body: Body) -> None:
        if refusal := _refusal(scope, headers):
            await PlainTextResponse(*refusal)(scope, body.receive, body.send)
            return
        short = next((one for one in self.shortcuts if one.takes(scope)), None)
        if _wants_identity(scope["path"], headers):
            key = headers.get("authorization", "").removeprefix("Bearer ").strip()
            token = session_token(headers.get("cookie", ""))
            find = short.find if short else self.find
            scope["mip_actor"] = await find(token, key, scope["mip_address"])
        if short and await short.answer(scope, headers, body.receive, body.send):
            return
        if _is_page(scope, headers) and (elsewhere := _elsewhere(scope)):
            await RedirectResponse(elsewhere, 303)(scope, body.receive, body.send)
            return
        if scope.get("mip_actor") or not _wants_identity(scope["path"], headers):
            await self.app(scope, body.receive, body.send)
            return
        # Who signs in is one of many behind the same address; nobody needs a thousand requests at once.
        with self.requests.one_of(
            household(scope["mip_address"]), settings().connections_per_address
        ) as free:
            busy = PlainTextResponse("too many requests at once", 503, {"Retry-After": "5"})
            await (self.app if free else busy)(scope, body.receive, body.send)

    async def _websocket(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        if _refusal(scope, headers):
            await _refuse(receive, send)
            return
        token = session_token(headers.get("cookie", ""))
        actor = await self.find(token, "", scope["mip_address"]) if token else None
        holder: object = actor.session_id if actor else household(scope["mip_address"])
        most = settings().sockets_per_sign_in if actor else settings().connections_per_address
        with self.sockets.one_of(holder, most) as free:
            if not free:
                await _refuse(receive, send)
                return
            socket = Socket(receive, send, None if actor else self.strangers)
            await self.app(scope, socket.receive, socket.send)

    async def _say_trouble(self, scope: Scope, error: Exception, body: Body) -> None:
        number = scope.get("mip_trouble") or note(error)
        if not body.answered:
            await trouble(number)(scope, body.receive, body.send)

    def _policy(self, path: str) -> str:
        if path.startswith(DATA):
            return DATA_POLICY
        return CODEC_POLICY if path.startswith(CODEC_WORKER) else self.policy

    def _standing(self, path: str) -> list[tuple[bytes, bytes]]:
        """What every answer says that does not say it otherwise."""
        policy = (b"content-security-policy", self._policy(path).encode())
        caching = (b"cache-control", _caching(path).encode())
        return [*_STANDING, *([_HSTS] if settings().secure_cookies else []), policy, caching]

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                said = {name.lower() for name, _ in headers}
                headers += [one for one in self._standing(scope["path"]) if one[0] not in said]
                message = {**message, "headers": headers}
            await send(message)

        return answer


_STANDING = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


def _caching(path: str) -> str:
    # Hashed names never change their content; everything else may be somebody's data.
    if path.startswith("/assets/"):
        return "public, max-age=31536000, immutable"
    if path.startswith(("/external/", "/portraits/", "/favicon")):
        return "public, max-age=86400"
    return "private, no-store"


def _wants_identity(path: str, headers: Headers) -> bool:
    return not path.startswith(("/assets/", "/_event", "/healthz"))


def _is_page(scope: Scope, headers: Headers) -> bool:
    # Sec-Fetch-Dest is absent from old browsers and scripts: Accept tells then.
    destination = headers.get("sec-fetch-dest")
    asks = destination == "document" if destination else "text/html" in headers.get("accept", "")
    last = scope["path"].rsplit("/", 1)[-1]
    return (
        scope["method"] in SAFE
        and asks
        and not scope["path"].startswith(NOT_PAGES)
        and not last.endswith(FILES)
    )


def _elsewhere(scope: Scope) -> str:
    """Where a page request is led instead: to sign-in and its steps, and from the root to the actor's home."""
    path = scope["path"].rstrip("/")
    rule, actor = rule_of_page(path), scope.get("mip_actor")
    if path == SIGN_IN and actor is not None:
        return _back_in(actor, scope["query_string"].decode("latin-1"))
    if rule is Open.TO_ALL:
        return ""
    asked = f"{path}?{scope['query_string'].decode('latin-1')}".rstrip("?")
    then = f"?next={quote(asked)}" if asked else ""
    if actor is None:
        return f"{SIGN_IN}{then}"
    if allows(rule, actor):
        return "" if path else HOME[actor.side]
    return f"{ENTRY}{then}" if actor.pending else FORBIDDEN


def _back_in(actor: Actor, query: str) -> str:
    """Another tab of this browser has signed in since, or switched: its sign-in is this one's too."""
    asked = parse_qs(query)
    if "ended" not in asked:
        return ""  # who is signed in may still sign in as somebody else
    target = asked.get("next", [""])[0]
    return target if is_path(target) else HOME[actor.side]


def _refusal(scope: Scope, headers: Headers) -> tuple[str, int] | None:
    """What is turned away before anything of it is looked at, and how."""
    if header_bytes(scope) > HEADER_BYTES:
        return "headers are too large", 431
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > most_bytes(scope["path"])[0]:
        return "the body is too large", 413
    if not _asked_by_our_name(scope, headers):
        return "this host is not served here", 421
    if not _same_origin(scope, headers):
        return "cross-origin request refused", 403
    return None


def _asked_by_our_name(scope: Scope, headers: Headers) -> bool:
    """Where the settings name the hosts, no other name is answered, whoever points it here."""
    hosts, ours = headers.getlist("host"), settings().hosts
    if len(hosts) > 1:
        return False
    if not ours:
        return True
    name = _PORT.sub("", hosts[0].lower()) if hosts else ""
    # By its address a machine is asked by monitors; no name can be pointed at that.
    return name in {host.strip().lower() for host in ours.split(",")} | {"localhost"} or _is_address(name)


_PORT = re.compile(r":\d*$")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _same_origin(scope: Scope, headers: Headers) -> bool:
    """Websockets and unsafe methods come from our own pages, or from no page at all and without a cookie."""
    if scope["type"] == "http" and scope["method"] in SAFE:
        return True
    if origins := headers.getlist("origin"):
        host = headers.get("host", "")
        return all(origin in (f"http://{host}", f"https://{host}") for origin in origins)
    # No Origin: not a browser, which has no cookie that it was not given.
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none") and COOKIE not in headers.get(
        "cookie", ""
    )


async def _refuse(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 1008})


def client_address(scope: MutableMapping[str, Any], headers: Headers) -> str:
    """The address of whoever asks, seen through as many proxies as the settings trust."""
    hops = settings().trusted_proxies
    if hops:
        # All of its lines: some proxies add one of their own below what the client sent.
        chain = [
            part.strip() for part in ",".join(headers.getlist("x-forwarded-for")).split(",") if part.strip()
        ]
        if len(chain) >= hops:
            return chain[-hops]
    client = scope.get("client")
    return client[0] if client else ""


_INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)


def content_policy(built: Path | None) -> str:
    """The Content-Security-Policy: our own scripts and the inline ones of the built pages, by hash; no eval."""
    hashes = set()
    for page in sorted(built.rglob("*.html")) if built else ():
        for script in _INLINE.findall(page.read_text("utf-8")):
            digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
            hashes.add(f"'sha256-{digest}'")
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {' '.join(sorted(hashes))}".strip(),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' blob: data:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'self' blob:",
            "frame-ancestors 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        )
    )
