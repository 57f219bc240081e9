"""A server that takes text messages as Tencent Cloud does: it checks what is signed, by its own reckoning."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET_ID, SECRET_KEY = "AKIDtestTESTtest", "a key of the tests"

Answer = Callable[[dict[str, Any]], tuple[int, Any]]


def taken(body: dict[str, Any]) -> tuple[int, Any]:
    sets = [{"SerialNo": "1", "PhoneNumber": p, "Fee": 1, "Code": "Ok"} for p in body["PhoneNumberSet"]]
    return 200, {"Response": {"SendStatusSet": sets, "RequestId": "r"}}


def refused(code: str, *, whole: bool = False) -> Answer:
    """For this phone, or as an answer to the whole request."""

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        if whole:
            return 200, {"Response": {"Error": {"Code": code, "Message": "words"}, "RequestId": "r"}}
        status = {"SerialNo": "", "PhoneNumber": body["PhoneNumberSet"][0], "Fee": 0, "Code": code}
        return 200, {"Response": {"SendStatusSet": [status], "RequestId": "r"}}

    return answer


@dataclass
class Provider:
    url: str = ""
    answers: list[Answer] = field(default_factory=list)  # the next ones; then everything is taken
    got: list[dict[str, Any]] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)


def _why_not(handler: BaseHTTPRequestHandler, body: bytes) -> str:
    """'' for a request that is signed rightly, by the description of the signature (TC3-HMAC-SHA256)."""
    given = handler.headers
    if (given["X-TC-Action"], given["X-TC-Version"], given["X-TC-Region"]) != (
        "SendSms",
        "2021-01-11",
        "ap-guangzhou",
    ):
        return "not SendSms"
    stamp = int(given["X-TC-Timestamp"])
    if abs(time.time() - stamp) > 300:
        return "too old"
    date = time.strftime("%Y-%m-%d", time.gmtime(stamp))
    canonical = "\n".join(
        [
            "POST",
            "/",
            "",
            f"content-type:{given['Content-Type']}",
            f"host:{given['Host']}",
            f"x-tc-action:{given['X-TC-Action'].lower()}",
            "",
            "content-type;host;x-tc-action",
            hashlib.sha256(body).hexdigest(),
        ]
    )
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"TC3-HMAC-SHA256\n{stamp}\n{date}/sms/tc3_request\n{hashed}"

    def keyed(key: bytes, text: str) -> bytes:
        return hmac.new(key, text.encode(), hashlib.sha256).digest()

    key = keyed(keyed(keyed(b"TC3" + SECRET_KEY.encode(), date), "sms"), "tc3_request")
    expected = (
        f"TC3-HMAC-SHA256 Credential={SECRET_ID}/{date}/sms/tc3_request, "
        f"SignedHeaders=content-type;host;x-tc-action, Signature={keyed(key, to_sign).hex()}"
    )
    return "" if given["Authorization"] == expected else "wrong signature"


@contextmanager
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            if why := _why_not(self, raw):
                made.unsigned.append(why)
                status, answer = refused("AuthFailure.SignatureFailure", whole=True)({})
            else:
                body = json.loads(raw)
                made.got.append(body)
                status, answer = (made.answers.pop(0) if made.answers else taken)(body)
            if status == 0:  # says nothing at all
                self.connection.close()
                return
            said = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"tencent+http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
