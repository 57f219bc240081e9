"""The institution's logo: taken in by one route, given out by another, always the own institution's."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from mip_app.accounts import own_institution, pictures, portraits
from mip_app.core import lane
from mip_app.core.actor import Actor, Open, Permission
from mip_app.core.blobs import blobs
from mip_app.core.database import changing, looking
from mip_app.core.errors import NotVisible
from mip_app.core.http import Needs, body_of
from mip_app.core.limits import declare_body

router = APIRouter(prefix="/institution")
declare_body("/institution/logo", 4 * pictures.BYTES)  # the route says in words what is too large


@router.post("/logo", status_code=204)
async def take_logo(
    request: Request, actor: Annotated[Actor, Depends(Needs(Permission.ADMIN_INSTITUTION))]
) -> None:
    """The picture as the raw body; what is stored is drawn anew."""
    data = await body_of(request, pictures.BYTES, "picture.too_large")
    key = await lane.files.run(_stored, actor.institution, data)
    await changing(own_institution.set_logo, key)


@router.get("/logo")
async def give_logo(actor: Annotated[Actor | None, Depends(Needs(Open.TO_SIGNED_IN))]) -> Response:
    # Operators and alliance administrators belong to no institution: there is none to show.
    key = await looking(own_institution.logo) if actor and actor.institution_id else ""
    png = await asyncio.to_thread(blobs().get, key) if key else None
    if png is None:
        raise NotVisible("admin.not_there")
    return Response(png, media_type="image/png", headers={"Cache-Control": "private, no-cache"})


def _stored(institution_id: int, data: bytes) -> str:
    return portraits.stored(pictures.logo_anew(data), f"institutions/{institution_id}")
