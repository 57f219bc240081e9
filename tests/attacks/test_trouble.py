"""Something breaks that nobody foresaw: the reader is told a number, and the log its place; values stay unsaid."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.site import REPOSITORY

SECRET = "Xq7Withheld"

# A route and handlers that break, planted into the real app in a process of its own.
PLANTED = """
import asyncio, json, logging, sys
import reflex as rx
from fastapi import APIRouter, Depends
from mip_app.core import http, logs
from mip_app.core.actor import Open
from mip_app.core.errors import Conflict
from mip_app.core.http import Needs
import mip_app.mip_app as root
logs.configure()  # after the app, as the server does
from mip_app.ui.trouble import said_aloud

router = APIRouter()
SECRET = "Xq7Withheld"

@router.get("/auth/broken", dependencies=[Depends(Needs(Open.TO_ALL))])
async def broken() -> None:
    name = SECRET
    raise ValueError(f"patient {name}")

@router.get("/auth/late", dependencies=[Depends(Needs(Open.TO_ALL))])
async def late():
    from starlette.responses import StreamingResponse
    async def parts():
        yield b"begun"
        raise ValueError(SECRET)
    return StreamingResponse(parts())

@router.get("/auth/model", dependencies=[Depends(Needs(Open.TO_ALL))])
async def model() -> int:
    return SECRET

root.ROUTERS = (*root.ROUTERS, router)

async def pages(scope, receive, send):
    raise RuntimeError(SECRET)

app = root.with_api(pages)

async def ask(path):
    said = []
    async def send(message): said.append(message)
    first = iter([{"type": "http.request", "body": b"", "more_body": False}])
    async def receive(): return next(first, None) or await asyncio.Event().wait()
    await app({"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
               "headers": [(b"host", b"x")], "client": ("127.0.0.1", 1), "server": ("x", 80), "scheme": "http",
               "http_version": "1.1", "root_path": ""}, receive, send)
    body = b"".join(part.get("body", b"") for part in said[1:])
    return said[0]["status"], body.decode(), {k.decode().lower(): v.decode() for k, v in said[0]["headers"]}

async def never_awaited():
    async def fails(): raise ValueError(SECRET)
    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    del task
    import gc; gc.collect()

answers = {path: asyncio.run(ask(path)) for path in ("/auth/broken", "/auth/late", "/auth/model", "/a-page")}
asyncio.run(never_awaited())
try:
    raise KeyError(SECRET)
except KeyError as error:
    spec = said_aloud(error)
known = said_aloud(Conflict(who=SECRET))
for name in ("reflex.app", "engineio.server", "socketio.server", "some.library", "sqlalchemy.pool"):
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger(name).exception("failed with %s", SECRET)
print(json.dumps({"answers": answers, "handler": str(spec.args), "known": str(known.args)}))
"""


def test_whatever_breaks_the_reader_sees_a_number_and_the_log_no_value(tmp_path: Path) -> None:
    script = tmp_path / "planted.py"
    script.write_text(textwrap.dedent(PLANTED))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=REPOSITORY,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), "MIP_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    for path in ("/auth/broken", "/auth/model", "/a-page"):
        status, body, headers = told["answers"][path]
        number = json.loads(body)["detail"]["number"]
        assert (status, json.loads(body)["code"]) == (500, "error.unexpected")
        assert done.stderr.count(f"unexpected {number}: ") == 1
        assert "script-src" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert told["answers"]["/auth/late"][1] == "begun"
    assert re.search(r"[0-9A-F]{6}", told["handler"])
    assert "error.conflict" in told["known"]
    for said in (done.stdout, done.stderr):
        assert SECRET not in said
        assert "Traceback" not in said
    assert "broken:" in done.stderr  # the place is there
