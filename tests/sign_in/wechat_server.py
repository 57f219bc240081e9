"""WeChat and WeCom as a server of our own: it speaks their protocols, and is as strict as they are."""

import base64
import hashlib
import html
import json
import re
import secrets
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

WEBSITE, WEBSITE_SECRET = "wx0000000000website", "websitesecret0123456789abcdef000"
OFFICIAL, OFFICIAL_SECRET = "wx000000000official", "officialsecret0123456789abcdef00"
CORP, AGENT, CORP_SECRET = "ww0123456789abcdef", "1000002", "corpsecret-0123456789-abcdef"
HOSPITAL, HOSPITAL_SECRET = "wx000000000hospital", "hospitalsecret0123456789abcdef00"
HOSPITAL_TOKEN = "hospitaltoken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

# WeChat matches the link against a pattern: parameters in another order are refused.
ORDER = {
    "/connect/qrconnect": ["appid", "redirect_uri", "response_type", "scope", "state"],
    "/connect/oauth2/authorize": ["appid", "redirect_uri", "response_type", "scope", "state"],
    "/wwlogin/sso/login": ["login_type", "appid", "agentid", "redirect_uri", "state"],
}


@dataclass
class Human:
    """Somebody with WeChat and WeCom on their phone."""

    name: str
    userid: str = ""  # '' : not in the company's directory

    @property
    def unionid(self) -> str:
        return "union-" + hashlib.sha256(self.name.encode()).hexdigest()[:20]

    def openid(self, app: str) -> str:
        return "o" + hashlib.sha256(f"{self.name}{app}".encode()).hexdigest()[:27]


@dataclass
class WeChat:
    human: Human = field(default_factory=lambda: Human("nobody"))
    trusted: str = ""  # where it may send back to: what is registered with the application
    trouble: str = ""  # html, error, busy, slow, odd: what its interface answers instead
    codes: dict[str, tuple[str, Human]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    scenes: dict[str, str] = field(default_factory=dict)  # address in the code → scene
    asked: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "WeChat":
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                owner._serve(self, {})

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                owner._serve(self, json.loads(self.rfile.read(length) or b"{}"))

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def settings(self) -> dict[str, str]:
        """What makes an installation talk to this server."""
        return {
            "MIP_WECHAT_APP_ID": WEBSITE,
            "MIP_WECHAT_APP_SECRET": WEBSITE_SECRET,
            "MIP_WECHAT_OFFICIAL_APP_ID": OFFICIAL,
            "MIP_WECHAT_OFFICIAL_APP_SECRET": OFFICIAL_SECRET,
            "MIP_WECOM_CORP_ID": CORP,
            "MIP_WECOM_AGENT_ID": AGENT,
            "MIP_WECOM_SECRET": CORP_SECRET,
            "MIP_WECHAT_OPEN_URL": self.url,
            "MIP_WECHAT_API_URL": self.url,
            "MIP_WECOM_LOGIN_URL": self.url,
            "MIP_WECOM_API_URL": self.url,
            "MIP_OUTSIDE_SECONDS": "2",
        }

    def new_code(self, app: str) -> str:
        code = secrets.token_hex(16)
        self.codes[code] = (app, self.human)
        return code

    # what it answers

    def _serve(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/favicon.ico":
            return _send(handler, 204, "image/x-icon", "")
        self.asked.append(parts.path)
        if parts.path in ORDER:
            self._authorise(handler, parts.path, query)
        elif not self._troubled(handler):
            answer = getattr(self, "_" + parts.path.strip("/").replace("/", "_").replace("-", "_"))(
                query, body
            )
            _send(handler, 200, "text/plain", json.dumps(answer))
        return None

    def _troubled(self, handler: BaseHTTPRequestHandler) -> bool:
        if self.trouble == "slow":
            self.released.wait(30)
            return True
        answers = {
            "html": (200, "text/html", "<html>502 Bad Gateway <b>nginx</b></html>"),
            "error": (502, "text/html", "<html>502</html>"),
            "busy": (200, "text/plain", json.dumps({"errcode": -1, "errmsg": "system error"})),
            "odd": (200, "text/plain", json.dumps({"access_token": ["x"], "openid": {"a": 1}, "userid": 7})),
            "list": (200, "text/plain", "[]"),
        }
        if self.trouble not in answers:
            return False
        _send(handler, *answers[self.trouble])
        return True

    def _authorise(self, handler: BaseHTTPRequestHandler, path: str, query: dict[str, str]) -> None:
        order = list(query)
        wanted = ORDER[path] + (["agentid"] if path.endswith("authorize") and query["appid"] == CORP else [])
        known = {WEBSITE, OFFICIAL, CORP}
        agent = query.get("agentid", AGENT)
        if order != wanted or query["appid"] not in known or agent != AGENT:
            return _send(handler, 400, "text/html", "该链接无法访问")
        if not query["redirect_uri"].startswith(f"{self.trusted}/auth/"):
            return _send(handler, 400, "text/html", "redirect_uri 参数错误")
        if not re.fullmatch("[a-zA-Z0-9]{1,128}", query["state"]):
            return _send(handler, 400, "text/html", "state 参数错误")
        back = {"state": query["state"]}
        yes = f"{query['redirect_uri']}?{urlencode({'code': self.new_code(query['appid']), **back})}"
        if path == "/connect/oauth2/authorize":
            return _send(handler, 302, "text/html", "", location=yes)
        no = f"{query['redirect_uri']}?{urlencode(back)}"
        page = f'<a id="yes" href="{html.escape(yes)}">允许</a> <a id="no" href="{html.escape(no)}">取消</a>'
        return _send(handler, 200, "text/html; charset=utf-8", page)

    def _sns_oauth2_access_token(self, query: dict[str, str], _: object) -> dict[str, Any]:
        secret = {WEBSITE: WEBSITE_SECRET, OFFICIAL: OFFICIAL_SECRET}.get(query.get("appid", ""))
        if secret is None:
            return _no(40013, "invalid appid")
        if query.get("secret") != secret:
            return _no(40125, "invalid appsecret")
        if query.get("grant_type") != "authorization_code":
            return _no(40002, "invalid grant_type")
        app, human = self.codes.pop(query.get("code", ""), ("", None))
        if human is None or app != query["appid"]:
            return _no(40029, "invalid code")
        token = secrets.token_hex(16)
        self.tokens[token] = f"sns:{human.openid(app)}:{human.unionid}"
        found = {"access_token": token, "expires_in": 7200, "refresh_token": "r", "openid": human.openid(app)}
        # The website's token names the unionid at once, the official account's only in /sns/userinfo.
        if app == WEBSITE:
            return {**found, "scope": "snsapi_login", "unionid": human.unionid}
        return {**found, "scope": "snsapi_userinfo"}

    def _sns_userinfo(self, query: dict[str, str], _: object) -> dict[str, Any]:
        kind, openid, unionid = (self.tokens.get(query.get("access_token", ""), "::")).split(":")
        if kind != "sns" or openid != query.get("openid"):
            return _no(40001, "invalid credential")
        return {"openid": openid, "unionid": unionid, "nickname": "某某"}

    def _cgi_bin_gettoken(self, query: dict[str, str], _: object) -> dict[str, Any]:
        if query.get("corpid") != CORP:
            return _no(40013, "invalid corpid")
        if query.get("corpsecret") != CORP_SECRET:
            return _no(40001, "invalid credential")
        return {"errcode": 0, "errmsg": "ok", **self._new_token("wecom")}

    def _cgi_bin_auth_getuserinfo(self, query: dict[str, str], _: object) -> dict[str, Any]:
        if self.tokens.get(query.get("access_token", "")) != "wecom":
            return _no(40014, "invalid access_token")
        app, human = self.codes.pop(query.get("code", ""), ("", None))
        if human is None or app != CORP:
            return _no(40029, "invalid code")
        if not human.userid:
            return {"errcode": 0, "errmsg": "ok", "openid": human.openid(CORP)}
        return {"errcode": 0, "errmsg": "ok", "userid": human.userid}

    def _cgi_bin_stable_token(self, _: object, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("grant_type") != "client_credential" or body.get("appid") != HOSPITAL:
            return _no(40013, "invalid appid")
        if body.get("secret") != HOSPITAL_SECRET:
            return _no(40125, "invalid appsecret")
        return self._new_token("official")

    def _cgi_bin_qrcode_create(self, query: dict[str, str], body: dict[str, Any]) -> dict[str, Any]:
        if self.tokens.get(query.get("access_token", "")) != "official":
            return _no(40001, "invalid credential, access_token is invalid or not latest")
        scene = body["action_info"]["scene"]["scene_str"]
        if body["action_name"] != "QR_STR_SCENE" or not 1 <= len(scene) <= 64:
            return _no(40053, "invalid action info")
        address = f"http://weixin.qq.com/q/{secrets.token_hex(8)}"
        self.scenes[address] = scene
        return {"ticket": secrets.token_hex(16), "expire_seconds": body["expire_seconds"], "url": address}

    def _new_token(self, kind: str) -> dict[str, Any]:
        token = secrets.token_hex(16)
        self.tokens[token] = kind
        return {"access_token": token, "expires_in": 7200}

    # what it posts

    def posts(self, callback: str, scene: str, human: Human, **odd: Any) -> httpx.Response:
        """`human` scanned the code of `scene` and follows (or already did): the event, as WeChat posts it."""
        openid = odd.get("openid") or human.openid(HOSPITAL)
        letter = event_letter(openid, odd.get("kind", "subscribe"), scene)
        query, body = signed_letter(letter, **{k: v for k, v in odd.items() if k in SIGNING})
        return httpx.post(callback, params=query, content=body, timeout=10)


SIGNING = ("token", "aes_key", "app_id", "timestamp", "nonce")


def event_letter(openid: str, kind: str, scene: str) -> bytes:
    key = f"qrscene_{scene}" if kind == "subscribe" else scene
    return (
        f"<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName><FromUserName><![CDATA[{openid}]]>"
        f"</FromUserName><CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[{kind}]]></Event><EventKey><![CDATA[{key}]]></EventKey>"
        "<Ticket><![CDATA[gQ]]></Ticket></xml>"
    ).encode()


def signed_letter(
    letter: bytes,
    token: str = HOSPITAL_TOKEN,
    aes_key: str = "",
    app_id: str = HOSPITAL,
    timestamp: int = 0,
    nonce: str = "",
) -> tuple[dict[str, str], bytes]:
    """A letter with its query, in plain mode or, with a key, in the safe one."""
    at, nonce = str(timestamp or int(time.time())), nonce or str(secrets.randbelow(10**9))
    query = {"signature": sign(token, at, nonce), "timestamp": at, "nonce": nonce, "openid": "o"}
    if not aes_key:
        return query, letter
    secret = _sealed(letter, aes_key, app_id)
    query |= {"encrypt_type": "aes", "msg_signature": sign(token, at, nonce, secret)}
    body = f"<xml><ToUserName><![CDATA[gh_0]]></ToUserName><Encrypt><![CDATA[{secret}]]></Encrypt></xml>"
    return query, body.encode()


def sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def opened(sealed: str, aes_key: str, app_id: str) -> str:
    """What a sealed reply says; WeChat's side, written apart from the product's."""
    key = base64.b64decode(aes_key + "=")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    plain = decryptor.update(base64.b64decode(sealed)) + decryptor.finalize()
    plain = plain[: -plain[-1]]
    length = int.from_bytes(plain[16:20], "big")
    assert plain[20 + length :] == app_id.encode()
    return plain[20 : 20 + length].decode()


def _sealed(letter: bytes, aes_key: str, app_id: str) -> str:
    key = base64.b64decode(aes_key + "=")
    plain = secrets.token_bytes(16) + struct.pack(">I", len(letter)) + letter + app_id.encode()
    missing = 32 - len(plain) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(
        encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()
    ).decode()


def _no(errcode: int, errmsg: str) -> dict[str, Any]:
    return {"errcode": errcode, "errmsg": errmsg}


def _send(handler: BaseHTTPRequestHandler, status: int, kind: str, text: str, location: str = "") -> None:
    body = text.encode()
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    if location:
        handler.send_header("Location", location)
    handler.end_headers()
    handler.wfile.write(body)
