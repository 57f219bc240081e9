"""The ways through WeChat and WeCom and back.

They change something by GET, as OAuth wants it: against requests of other pages stands `state`, which is random,
counts once and only in the browser that was sent on its way.
"""

import asyncio
import secrets
from functools import partial
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from mip_app.accounts import recognising, sessions
from mip_app.core.actor import Actor, Open
from mip_app.core.database import changing, looking, read, write
from mip_app.core.errors import MipError, NotVisible
from mip_app.core.http import HOME, Needs
from mip_app.core.settings import settings
from mip_app.sign_in import identities, wechat, wecom
from mip_app.sign_in.api import over
from mip_app.sign_in.entering import entered, forget, is_path, next_page, refused
from mip_app.sign_in.models import Provider

router = APIRouter(prefix="/auth")

ATTEMPT = "mip_external"
BINDING = "mip_binding"
BIND_PAGE = "/bind"

Code = Annotated[str, Query(max_length=512)]
State = Annotated[str, Query(max_length=128)]


@router.get("/wechat", dependencies=[Depends(Needs(Open.TO_ALL))])
async def to_wechat(request: Request) -> Response:
    agent = request.headers.get("user-agent", "").lower()
    return await _away(request, Provider.WECHAT, "micromessenger" in agent and "wxwork" not in agent)


@router.get("/wechat/back", dependencies=[Depends(Needs(Open.TO_ALL))])
async def from_wechat(request: Request, code: Code = "", state: State = "") -> Response:
    return await _back(request, Provider.WECHAT, code, state)


@router.get("/wecom", dependencies=[Depends(Needs(Open.TO_ALL))])
async def to_wecom(request: Request) -> Response:
    return await _away(request, Provider.WECOM, "wxwork" in request.headers.get("user-agent", "").lower())


@router.get("/wecom/entry", dependencies=[Depends(Needs(Open.TO_ALL))])
async def from_the_workbench(request: Request) -> Response:
    """What the application on WeCom's workbench opens: in, without a touch."""
    return await _away(request, Provider.WECOM, inside=True)


@router.get("/wecom/back", dependencies=[Depends(Needs(Open.TO_ALL))])
async def from_wecom(request: Request, code: Code = "", state: State = "") -> Response:
    return await _back(request, Provider.WECOM, code, state)


@router.post("/bind")
async def bind(
    request: Request,
    actor: Annotated[Actor, Depends(Needs(Open.TO_SIGNED_IN))],
    accept: Annotated[bool, Form()] = False,
    next: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """The person says that the identity in this browser is theirs, or that it is not."""
    target = next if is_path(next) else HOME[actor.side]
    token = request.cookies.get(BINDING, "")
    try:
        await changing(identities.bind if accept else identities.decline, token)
    except sessions.PasswordNeeded:
        waits = await looking(identities.waiting, token)
        return _to_prove(Provider(waits), target)  # the identity goes on waiting
    except MipError as error:
        target = f"{BIND_PAGE}?{urlencode({'error': error.code, 'next': target})}"
    answer = RedirectResponse(target, 303)
    forget(answer, BINDING)
    return answer


async def _away(request: Request, provider: Provider, inside: bool) -> Response:
    """To the provider, with a state and the cookie that belongs to it."""
    _must_be_configured(provider)
    asked = request.query_params.get("next", "")
    target = asked if is_path(asked) else next_page(request.headers.get("referer", ""))
    binds = request.query_params.get("bind") == "1" and _signed_in(request) is not None
    browser = secrets.token_urlsafe(32)
    begin = partial(identities.begin, inside=inside, binds=binds, target=target)
    try:
        state = await asyncio.to_thread(write, begin, _anybody(request), provider, browser)
    except MipError as error:
        return refused(error, target, kind=provider.value)
    link = (wechat.link if provider is Provider.WECHAT else wecom.link)(
        _own_address(request, provider), state, inside
    )
    answer = RedirectResponse(link, 303)
    _keep(answer, ATTEMPT, browser)
    return answer


async def _back(request: Request, provider: Provider, code: str, state: str) -> Response:
    """From the provider. Whatever went wrong is said on the sign-in page."""
    _must_be_configured(provider)
    anybody = _anybody(request)
    attempt = await asyncio.to_thread(
        write, identities.take_up, anybody, provider, state, request.cookies.get(ATTEMPT, "")
    )
    try:
        answer = await _received(request, attempt, code)
    except MipError as error:
        who = _signed_in(request) or anybody
        await asyncio.to_thread(write, identities.note_refused, who, provider, error)
        answer = refused(error, attempt.target if attempt else "", kind=provider.value)
    forget(answer, ATTEMPT)
    return answer


async def _received(request: Request, attempt: identities.Attempt | None, code: str) -> RedirectResponse:
    if attempt is None:
        raise identities.AttemptOver()
    if not code:
        raise identities.Cancelled()
    anybody, provider, here = _anybody(request), attempt.provider, _signed_in(request)
    subjects = await (
        wechat.subjects(code, attempt.inside) if provider is Provider.WECHAT else wecom.subjects(code)
    )
    owner = await asyncio.to_thread(read, identities.owner_of, anybody, provider, subjects)
    if here and owner == here.user_id:  # signed in already, and as this very person
        return RedirectResponse(attempt.target or HOME[here.side], 303)
    if here and attempt.binds and owner is not None:
        return _to_bind(attempt.target, error=identities.BoundElsewhere.code)
    if not (here and attempt.binds) and owner is not None:
        return await _in(request, attempt, subjects)
    token = await asyncio.to_thread(write, identities.keep_for_binding, anybody, provider, subjects[0])
    answer = _to_bind(attempt.target) if here else _to_prove(provider, attempt.target)
    _keep(answer, BINDING, token)
    return answer


async def _in(request: Request, attempt: identities.Attempt, subjects: list[str]) -> RedirectResponse:
    device = request.headers.get("user-agent", "")
    signed_in = await asyncio.to_thread(
        write, identities.enter, _anybody(request), attempt.provider, subjects, device
    )
    if signed_in is None:  # unbound between two looks
        raise identities.AttemptOver()
    await over(request.scope.get("mip_actor"))
    return entered(signed_in, attempt.target)


def _to_bind(target: str, **more: str) -> RedirectResponse:
    onward = {"next": target} if target else {}
    query = urlencode({**more, **onward})
    return RedirectResponse(f"{BIND_PAGE}?{query}" if query else BIND_PAGE, 303)


def _to_prove(provider: Provider, target: str) -> RedirectResponse:
    """To the sign-in page, which says why, and from there to where the binding is confirmed."""
    then = _to_bind(target).headers["location"]
    return RedirectResponse(f"/login?{urlencode({'bind': provider.value, 'next': then})}", 303)


def _must_be_configured(provider: Provider) -> None:
    if provider.value not in identities.external_kinds():
        raise NotVisible()


def _own_address(request: Request, provider: Provider) -> str:
    """Where the provider sends back to: fixed by the settings, or by the host that was asked."""
    host = request.headers.get("host", "")
    scheme = "https" if settings().secure_cookies else request.url.scheme
    return f"{settings().public_url.rstrip('/') or f'{scheme}://{host}'}/auth/{provider.value}/back"


def _anybody(request: Request) -> Actor:
    return recognising.nobody(request.scope["mip_address"])


def _signed_in(request: Request) -> Actor | None:
    """Who is signed in in this browser, with every step done; not an API client."""
    actor: Actor | None = request.scope.get("mip_actor")
    return actor if actor and actor.session_id and not actor.pending else None


def _keep(answer: Response, cookie: str, value: str) -> None:
    answer.set_cookie(
        cookie,
        value,
        max_age=int(identities.KEEP.total_seconds()),
        httponly=True,
        samesite="lax",  # the way back from the provider is a navigation from another site
        secure=settings().secure_cookies,
    )
