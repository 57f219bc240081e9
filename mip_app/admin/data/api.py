"""Pictures of the two files of a pair that is compared: the one kept, the one set aside."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.responses import Response

from mip_app.core.actor import Actor, Permission
from mip_app.core.blobs import blobs
from mip_app.core.database import looking
from mip_app.core.http import Needs
from mip_app.dicom import pixels
from mip_app.dicom.pixels import CannotDraw
from mip_app.maintenance import quarantine

PATH = "/data/picture"
SIZE = 320  # pixels, the longer side

router = APIRouter(prefix=PATH)


@router.get("/{aside}/{side}")
async def give_picture(
    aside: Annotated[int, Path(ge=1, lt=2**31)],
    side: str,
    actor: Annotated[Actor, Depends(Needs(Permission.ADMIN_DATA))],
) -> Response:
    """A JPEG of the first frame; 204 where there is nothing to draw."""
    item = await looking(quarantine.picture, aside, side)
    try:
        made = await asyncio.to_thread(_drawn, item.blob)
    except CannotDraw:
        return Response(status_code=204)
    # What it shows may be decided otherwise a moment later.
    return Response(made, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


def _drawn(blob: str) -> bytes:
    with blobs().local(blob) as path:
        return pixels.render(path, 1, pixels.Picture(size=SIZE))
