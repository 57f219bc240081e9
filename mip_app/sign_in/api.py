"""Signing in and out: native form posts, so that a password travels before and after hydration alike."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from mip_app.accounts import passwords, recognising, sessions
from mip_app.core.actor import Actor, Side
from mip_app.core.database import changing, write
from mip_app.core.errors import MipError
from mip_app.core.gate import Open
from mip_app.core.http import FORBIDDEN, Needs, is_path
from mip_app.sign_in import password as by_password
from mip_app.sign_in.entering import busy, entered, left, next_page, refused
from mip_app.sign_in.line import Busy, in_line

router = APIRouter(prefix="/auth")


@router.post("/login", dependencies=[Depends(Needs(Open.TO_ALL))])
async def sign_in(
    request: Request,
    account: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    keep: Annotated[bool, Form()] = False,
    side: Annotated[Side, Form()] = Side.WORK,
    mip_device: Annotated[str, Cookie(max_length=100)] = "",
) -> Response:
    target = next_page(request.headers.get("referer", ""))
    anybody = recognising.nobody(request.scope["mip_address"])
    agent = request.headers.get("user-agent", "")
    more = {"side": side} if side is Side.ADMIN else {}
    try:
        let_in = await in_line(
            _sign_in, anybody, account, password, agent=agent, device=mip_device, keep=keep, side=side
        )
    except Busy as error:
        return busy(error, target, **more)
    except MipError as error:
        return refused(error, target, **more)
    await over(request.scope.get("mip_actor"))
    return entered(let_in.signed_in, target, device=let_in.device)


@router.post("/logout")
async def sign_out(actor: Annotated[Actor | None, Depends(Needs(Open.TO_ALL))]) -> RedirectResponse:
    await over(actor)
    return left()


@router.post("/switch", dependencies=[Depends(Needs(Open.TO_SIGNED_IN))])
async def switch(
    request: Request,
    membership: Annotated[int, Form(ge=1, lt=2**31)],
    side: Annotated[Side, Form()] = Side.WORK,
) -> RedirectResponse:
    """Go on in another institution, or on the other side."""
    try:
        return entered(await changing(sessions.switch, membership, side))
    except sessions.PasswordNeeded as error:
        return refused(error, side=side)
    except MipError:
        # A menu from before a right was taken back leads to words, not to a page of JSON.
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(FORBIDDEN, 303)
        raise


@router.post("/enter", dependencies=[Depends(Needs(Open.TO_ENTERING))])
async def enter(next: Annotated[str, Form(max_length=2000)] = "") -> RedirectResponse:
    """After the last step of signing in: a fresh cookie, and in."""
    return entered(await changing(sessions.renew_token), next if is_path(next) else "")


async def over(before: Actor | None) -> None:
    """This browser signs in anew or out: its former sign-in is over."""
    if before and before.session_id:
        await asyncio.to_thread(write, sessions.close_session, before)


def _sign_in(
    anybody: Actor, account: str, password: str, *, agent: str, device: str, keep: bool, side: Side
) -> by_password.Entered:
    tried = write(by_password.admit, anybody, account, device)
    # Outside of any transaction: it takes 50 ms on purpose.
    if passwords.matches(tried.password_hash, password):
        try:
            return write(by_password.accept, anybody, tried, agent=agent, device=device, keep=keep, side=side)
        except MipError:
            write(by_password.refuse, anybody, tried)
            raise
    if wait := write(by_password.refuse, anybody, tried):
        raise by_password.SignInLocked(wait)
    raise sessions.SignInRefused()
