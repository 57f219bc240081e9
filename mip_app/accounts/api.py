"""Signing in and out: native form posts, so that a password travels before and after hydration alike."""

import asyncio
from typing import Annotated
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse

from mip_app.accounts import passwords, service
from mip_app.core.actor import Actor
from mip_app.core.database import read, write
from mip_app.core.errors import MipError
from mip_app.core.gate import COOKIE, Open
from mip_app.core.http import Needs
from mip_app.core.settings import settings

router = APIRouter(prefix="/auth")


@router.post("/login", dependencies=[Depends(Needs(Open.TO_ALL))])
async def sign_in(
    request: Request,
    account: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    keep: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    target = next_page(request.headers.get("referer", ""))
    anybody = service.nobody(request.scope["mip_address"])
    device = request.headers.get("user-agent", "")
    try:
        signed_in = await asyncio.to_thread(_sign_in, anybody, account, password, device, keep)
    except MipError as error:
        return RedirectResponse(_login_page(error, target), 303)
    before: Actor | None = request.scope.get("mip_actor")
    if before and before.session_id:  # this browser signs in anew: its former sign-in is over
        await asyncio.to_thread(write, service.close_session, before)
    answer = RedirectResponse(target or "/studies", 303)
    answer.set_cookie(
        COOKIE,
        signed_in.token,
        max_age=int(signed_in.keep_for.total_seconds()) if signed_in.keep_for else None,
        httponly=True,
        samesite="lax",
        secure=settings().secure_cookies,
    )
    return answer


@router.post("/logout")
async def sign_out(actor: Annotated[Actor | None, Depends(Needs(Open.TO_ALL))]) -> RedirectResponse:
    if actor and actor.session_id:
        await asyncio.to_thread(write, service.close_session, actor)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=settings().secure_cookies)
    return answer


def _sign_in(anybody: Actor, account: str, password: str, device: str, keep: bool) -> service.SignedIn:
    read(service.check_wait, anybody, account)
    password_hash = read(service.password_hash_of, anybody, account)
    # Outside of any transaction: it takes 50 ms on purpose.
    if passwords.matches(password_hash, password):
        return write(service.open_session, anybody, account, device, keep)
    if write(service.refuse, anybody, account):
        read(service.check_wait, anybody, account)
    raise service.SignInRefused()


def next_page(referer: str) -> str:
    """Where the sign-in page was asked to go on to: a path of ours, or ''."""
    try:
        asked = parse_qs(urlsplit(referer).query).get("next", [""])[0]
    except ValueError:  # not an address
        return ""
    inside = (
        asked.startswith("/") and not asked.startswith("//") and "\\" not in asked and asked.isprintable()
    )
    return asked if inside else ""


def _login_page(error: MipError, target: str) -> str:
    return "/login?" + urlencode(
        {"error": error.code, **error.detail, **({"next": target} if target else {})}
    )
