"""The address that WeChat calls for an institution's official account, and the form of its settings."""

import asyncio
import logging
import time
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import PlainTextResponse, RedirectResponse
from sqlmodel import Session
from starlette.responses import Response

from mip_app.accounts import recognising
from mip_app.core.actor import Actor, Open, Permission
from mip_app.core.database import changing, read, write
from mip_app.core.errors import MipError, NotPermitted, NotVisible, TooLarge
from mip_app.core.http import Needs
from mip_app.core.texts import words
from mip_app.sign_in import envelope, follow, official_account
from mip_app.sign_in.official_account import Channel

log = logging.getLogger(__name__)
router = APIRouter()

MOST = 64 * 1024
SETTINGS_PAGE = "/admin/institution"
DONE = "success"  # what WeChat wants to hear where there is nothing to say; otherwise it asks again

Signed = Annotated[str, Query(max_length=128)]


@router.get("/wechat/callback/{institution}", dependencies=[Depends(Needs(Open.TO_ALL))])
async def verify(
    request: Request,
    institution: str,
    signature: Signed = "",
    timestamp: Signed = "",
    nonce: Signed = "",
    echostr: Annotated[str, Query(max_length=512)] = "",
) -> Response:
    """WeChat asks whether this is the address that the official account names."""
    channel = await _channel(request, institution)
    _check(channel, signature, timestamp, nonce)
    return PlainTextResponse(echostr)


@router.post("/wechat/callback/{institution}", dependencies=[Depends(Needs(Open.TO_ALL))])
async def receive(
    request: Request,
    institution: str,
    signature: Signed = "",
    timestamp: Signed = "",
    nonce: Signed = "",
    msg_signature: Signed = "",
) -> Response:
    """A letter: somebody followed the account, scanned a code of it, or wrote to it."""
    channel = await _channel(request, institution)
    _check(channel, signature, timestamp, nonce)
    letter = await _body(request)
    try:
        event = _event(channel, letter, timestamp, nonce, msg_signature)
    except envelope.BadLetter as error:
        log.warning("a letter to the official account of %d cannot be read", channel.institution_id)
        raise NotPermitted("official.bad_letter") from error
    said = await asyncio.to_thread(
        lambda: write(_take, _anybody(request), channel, nonce, msg_signature or signature, event)
    )
    return _answer(channel, event, said)


@router.post("/auth/official-account", dependencies=[Depends(Needs(Permission.ADMIN_INSTITUTION))])
async def change(
    name: Annotated[str, Form(max_length=200)] = "",
    app_id: Annotated[str, Form(max_length=200)] = "",
    secret: Annotated[str, Form(max_length=200)] = "",
    token: Annotated[str, Form(max_length=200)] = "",
    aes_key: Annotated[str, Form(max_length=200)] = "",
    remove: Annotated[bool, Form()] = False,
) -> RedirectResponse:
    """A native form post: secrets are never part of a page's state."""
    try:
        if remove:
            await changing(official_account.remove)
        else:
            given = {"name": name, "app_id": app_id, "secret": secret, "token": token, "aes_key": aes_key}
            await changing(official_account.change, **given)
    except MipError as error:
        return RedirectResponse(f"{SETTINGS_PAGE}?{urlencode({'official': error.code})}", 303)
    return RedirectResponse(f"{SETTINGS_PAGE}?official={'removed' if remove else 'saved'}", 303)


async def _channel(request: Request, institution: str) -> Channel:
    """Which institutions have an account is not told: without one there is nobody whose letter this could be."""
    try:
        return await asyncio.to_thread(read, official_account.channel_of, _anybody(request), institution)
    except NotVisible as error:
        raise NotPermitted("official.bad_letter") from error


def _check(channel: Channel, signature: str, timestamp: str, nonce: str) -> None:
    """Raises NotPermitted for what WeChat did not sign, or signed some time ago."""
    if envelope.is_signed(signature, channel.token, timestamp, nonce) and envelope.is_fresh(
        timestamp, time.time()
    ):
        return
    log.warning("a call for the official account of %d is not WeChat's", channel.institution_id)
    raise NotPermitted("official.bad_letter")


async def _body(request: Request) -> bytes:
    letter = b""
    async for part in request.stream():
        letter += part
        if len(letter) > MOST:
            raise TooLarge()
    return letter


def _event(channel: Channel, letter: bytes, timestamp: str, nonce: str, signed: str) -> envelope.Event:
    """What the letter says. Where a key is set only sealed ones count: an open one could be anybody's."""
    found = envelope.fields(letter)
    if channel.aes_key:
        sealed = found.get("Encrypt", "")
        if not envelope.is_signed(signed, channel.token, timestamp, nonce, sealed):
            raise envelope.BadLetter()
        found = envelope.fields(envelope.opened(sealed, channel.aes_key, channel.app_id))
    return envelope.event_of(found)


def _take(
    session: Session, actor: Actor, channel: Channel, nonce: str, signature: str, event: envelope.Event
) -> str:
    scene = envelope.scene_of(event)
    if not official_account.first_time(session, actor, channel, nonce, signature) or not scene:
        return ""
    return follow.scanned(session, actor, channel.institution_id, event.openid, scene)


def _answer(channel: Channel, event: envelope.Event, said: str) -> Response:
    if not said:
        return PlainTextResponse(DONE)
    now = int(time.time())
    letter = envelope.reply(event, words(said, in_language="zh"), now)
    if channel.aes_key:
        letter = envelope.sealed_reply(letter, channel.token, channel.aes_key, channel.app_id, now)
    return Response(letter, media_type="application/xml")


def _anybody(request: Request) -> Actor:
    return recognising.nobody(request.scope["mip_address"])
