"""Signing in and out: native form posts, so that a password travels before and after hydration alike."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse

from mip_app.accounts import passwords, sessions
from mip_app.core.actor import Actor, Side
from mip_app.core.database import changing, read, write
from mip_app.core.errors import MipError
from mip_app.core.gate import Open
from mip_app.core.http import Needs
from mip_app.sign_in import password as by_password
from mip_app.sign_in.entering import entered, is_path, left, next_page, refused

router = APIRouter(prefix="/auth")


@router.post("/login", dependencies=[Depends(Needs(Open.TO_ALL))])
async def sign_in(
    request: Request,
    account: Annotated[str, Form(max_length=100)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    keep: Annotated[bool, Form()] = False,
    side: Annotated[Side, Form()] = Side.WORK,
) -> RedirectResponse:
    target = next_page(request.headers.get("referer", ""))
    anybody = sessions.nobody(request.scope["mip_address"])
    device = request.headers.get("user-agent", "")
    try:
        signed_in = await asyncio.to_thread(_sign_in, anybody, account, password, device, keep, side)
    except MipError as error:
        return refused(error, target, **({"side": side} if side is Side.ADMIN else {}))
    await over(request.scope.get("mip_actor"))
    return entered(signed_in, target)


@router.post("/logout")
async def sign_out(actor: Annotated[Actor | None, Depends(Needs(Open.TO_ALL))]) -> RedirectResponse:
    await over(actor)
    return left()


@router.post("/switch", dependencies=[Depends(Needs(Open.TO_SIGNED_IN))])
async def switch(
    membership: Annotated[int, Form()], side: Annotated[Side, Form()] = Side.WORK
) -> RedirectResponse:
    """Go on in another institution, or on the other side."""
    return entered(await changing(sessions.switch, membership, side))


@router.post("/enter", dependencies=[Depends(Needs(Open.TO_ENTERING))])
async def enter(next: Annotated[str, Form(max_length=2000)] = "") -> RedirectResponse:
    """After the last step of signing in: a fresh cookie, and in."""
    return entered(await changing(sessions.renew_token), next if is_path(next) else "")


async def over(before: Actor | None) -> None:
    """This browser signs in anew or out: its former sign-in is over."""
    if before and before.session_id:
        await asyncio.to_thread(write, sessions.close_session, before)


def _sign_in(
    anybody: Actor, account: str, password: str, device: str, keep: bool, side: Side
) -> sessions.SignedIn:
    read(by_password.check_wait, anybody, account)
    known = read(by_password.password_of, anybody, account)
    # Outside of any transaction: it takes 50 ms on purpose.
    if passwords.matches(known.password_hash if known else None, password) and known:
        return write(by_password.accept, anybody, account, known.user_id, device=device, keep=keep, side=side)
    if write(by_password.refuse, anybody, account):
        read(by_password.check_wait, anybody, account)
    raise sessions.SignInRefused()
