"""The institution's logo: taken in by one route, given out by another, always the own institution's."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response

from mip_app.accounts import logo, own_institution
from mip_app.core import lane
from mip_app.core.actor import Actor, Open, Permission
from mip_app.core.blobs import blobs
from mip_app.core.database import changing, looking
from mip_app.core.errors import NotVisible, TooLarge
from mip_app.core.http import Needs

router = APIRouter(prefix="/institution")


@router.post("/logo", status_code=204)
async def take_logo(
    request: Request,
    actor: Annotated[Actor, Depends(Needs(Permission.ADMIN_INSTITUTION))],
    content_length: Annotated[str, Header()] = "",
) -> None:
    """The picture as the raw body; what is stored is drawn anew."""
    if content_length.isdecimal() and int(content_length) > logo.MOST_BYTES:
        raise TooLarge("logo.too_large")
    body = bytearray()
    async for block in request.stream():
        body += block
        if len(body) > logo.MOST_BYTES:
            raise TooLarge("logo.too_large")
    key = await lane.files.run(_kept, actor.institution, bytes(body))
    await changing(own_institution.set_logo, key)


@router.get("/logo")
async def give_logo(actor: Annotated[Actor | None, Depends(Needs(Open.TO_SIGNED_IN))]) -> Response:
    key = await looking(own_institution.logo)
    png = await asyncio.to_thread(blobs().get, key) if key else None
    if png is None:
        raise NotVisible("admin.not_there")
    return Response(png, media_type="image/png", headers={"Cache-Control": "private, no-cache"})


def _kept(institution_id: int, picture: bytes) -> str:
    """Redrawn and on the disk; gives its key."""
    png = logo.redrawn(picture)
    key = logo.key_of(institution_id, png)
    arriving = blobs().arriving(len(png))
    arriving.write(png)
    blobs().keep(arriving.complete(), key)
    return key
