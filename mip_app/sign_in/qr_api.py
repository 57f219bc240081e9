"""What the computer asks while it shows a QR code. Its secret is a cookie that no script reads."""

import asyncio
from typing import Annotated

import segno
from fastapi import APIRouter, Cookie, Depends, Request
from fastapi.responses import JSONResponse, Response

from mip_app.accounts import recognising
from mip_app.core import bus
from mip_app.core.actor import Actor
from mip_app.core.database import read, write
from mip_app.core.errors import MipError
from mip_app.core.gate import Open
from mip_app.core.http import Needs
from mip_app.core.settings import settings
from mip_app.sign_in import qr
from mip_app.sign_in.api import over
from mip_app.sign_in.entering import DEVICE, entered, next_page, refused

router = APIRouter(prefix="/auth/qr")

COOKIE = "mip_qr"
PATH = "/auth/qr"
ANSWER_WITHIN = 8.0  # seconds; a connection that hangs longer meets impatient proxies
LOOK_EVERY = 4.0

Secret = Annotated[str, Cookie(alias=COOKIE, max_length=100)]


@router.post("", dependencies=[Depends(Needs(Open.TO_ALL))])
async def issue(request: Request, secret: Secret = "") -> Response:
    """A new code: its picture, and the seconds it lives."""
    agent = request.headers.get("user-agent", "")
    issued = await asyncio.to_thread(write, qr.issue, _anybody(request), agent, secret)
    answer = JSONResponse({"image": _picture(request, issued.code), "seconds": issued.seconds})
    answer.set_cookie(
        COOKIE,
        issued.secret,
        max_age=issued.seconds + int(qr.COLLECT_WITHIN.total_seconds()),
        path=PATH,
        httponly=True,
        samesite="strict",
        secure=settings().secure_cookies,
    )
    return answer


@router.get("", dependencies=[Depends(Needs(Open.TO_ALL))])
async def look(request: Request, known: str = "", secret: Secret = "") -> dict[str, object]:
    """How far the code is; answers when that is no longer `known`, or after some seconds."""
    found = await _seen(request, secret)
    if found.state == known and found.topic:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                async for _ in bus.changes(found.topic, every=LOOK_EVERY):
                    found = await _seen(request, secret)
                    if found.state != known:
                        break
        except TimeoutError:
            pass
    return {"state": found.state, "seconds": found.seconds}


@router.post("/enter", dependencies=[Depends(Needs(Open.TO_ALL))])
async def enter(
    request: Request,
    secret: Secret = "",
    mip_device: Annotated[str, Cookie(alias=DEVICE, max_length=100)] = "",
) -> Response:
    """After the approval: a native form post of the page that showed the code."""
    target = next_page(request.headers.get("referer", ""))
    agent = request.headers.get("user-agent", "")
    try:
        let_in = await asyncio.to_thread(
            write, qr.enter, _anybody(request), secret, agent=agent, device=mip_device
        )
    except MipError as error:
        return refused(error, target, way="qr")
    await over(request.scope.get("mip_actor"))
    answer = entered(let_in.signed_in, target, device=let_in.device)
    answer.delete_cookie(
        COOKIE, path=PATH, httponly=True, samesite="strict", secure=settings().secure_cookies
    )
    return answer


async def _seen(request: Request, secret: str) -> qr.Seen:
    return await asyncio.to_thread(read, qr.seen, _anybody(request), secret)


def _anybody(request: Request) -> Actor:
    return recognising.nobody(request.scope["mip_address"])


def _picture(request: Request, code: str) -> str:
    # The guard has compared Origin with Host; behind a proxy only the browser knows whether it is https.
    origin = request.headers.get("origin") or f"{request.url.scheme}://{request.headers.get('host', '')}"
    return segno.make(f"{origin}/approve?code={code}", error="m").svg_data_uri(
        border=2, dark="#0b1418", light="#fff", scale=4
    )
