"""WADO-RS pictures: rendered resources and thumbnails at every level (PS3.18 10.4.1.1.3 and 10.4.1.1.4).

Of a study or series the picture is that of the instance that stands for it, of a cine that of its middle frame.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response

from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.errors import NotVisible
from mip_app.core.http import Needs
from mip_app.dicom.pixels import CannotDraw, Picture
from mip_app.dicomweb import accepting, drawn, locating, noting, partial, rendered
from mip_app.dicomweb.locating import ROOT, Located
from mip_app.dicomweb.multipart import Part, Related
from mip_app.dicomweb.numbers import frame_numbers
from mip_app.dicomweb.partial import AGAIN
from mip_app.dicomweb.rendered import BadParameter

router = APIRouter(prefix=ROOT, dependencies=[Depends(Needs(Permission.STUDY_READ))])
Accept = Annotated[str, Header()]
Wish = tuple[Picture, bool]

STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
FRAMES = INSTANCE + "/frames/{numbers}"


@router.get(STUDY + "/rendered")
@router.get(SERIES + "/rendered")
@router.get(INSTANCE + "/rendered")
async def rendered_instance(
    request: Request, study: str, series: str = "", instance: str = "", accept: Accept = "*/*"
) -> Response:
    wanted = wish(request, accept)
    item = await looking(locating.representative, study, series, instance)
    return await picture_of(request, study, item, wanted)


def wish(request: Request, accept: str) -> Wish:
    """What is to be drawn, and whether it leaves as one of several parts. Raises NotAcceptable, BadParameter."""
    form = accepting.picture(accepting.wishes(accept, request.query_params.get("accept", "")))
    return rendered.asked(request.query_params, form.kind), form.related


async def picture_of(request: Request, study: str, item: Located | None, wanted: Wish) -> Response:
    """Of an instance, by its middle frame. Raises CannotDraw."""
    if item is None:
        raise CannotDraw(reason="no_pixels")
    await noting.viewed(study)
    return await drawn_answer(request, item, [drawn.frame_of(item)], *wanted, "rendered")


@router.get(FRAMES + "/rendered")
async def rendered_frames(
    request: Request, study: str, series: str, instance: str, numbers: str, accept: Accept = "*/*"
) -> Response:
    asked, related = wish(request, accept)
    wanted = frame_numbers(numbers)
    item = await looking(locating.instance, study, series, instance)
    if max(wanted) > item.frame_count:
        raise NotVisible(frame=max(wanted))
    await noting.viewed(study)
    return await drawn_answer(request, item, wanted, asked, related or len(wanted) > 1, "rendered")


@router.get(STUDY + "/thumbnail")
@router.get(SERIES + "/thumbnail")
@router.get(INSTANCE + "/thumbnail")
@router.get(FRAMES + "/thumbnail")
async def thumbnail(
    request: Request, study: str, series: str = "", instance: str = "", numbers: str = ""
) -> Response:
    item = await looking(locating.representative, study, series, instance)
    return await thumbnail_of(request, item, numbers)


async def thumbnail_of(request: Request, item: Located | None, numbers: str = "") -> Response:
    """204 where there is nothing to draw: the page that asks shows a tile of its own and does not ask again."""
    if item is None:
        return Response(status_code=204)
    frame = drawn.frame_of(item)
    if numbers:
        (frame, *more) = frame_numbers(numbers)
        if more:
            raise BadParameter(name="frames")
        if frame > item.frame_count:
            raise NotVisible(frame=frame)
    tag = drawn.tag_of(item, frame, Picture(size=drawn.THUMBNAIL))
    headers = {"ETag": tag, "Cache-Control": AGAIN}
    if same := partial.unchanged(request.headers, tag, headers):
        return same
    try:
        picture = await drawn.thumbnail(item, frame)
    except CannotDraw:
        return Response(status_code=204, headers=headers)
    return Response(picture, media_type="image/jpeg", headers=headers)


async def drawn_answer(
    request: Request, item: Located, frames: Sequence[int], asked: Picture, related: bool, what: str
) -> Response:
    tag = drawn.tag_of(item, frames[0], asked)
    if related:
        tag = f'{tag[:-1]}-{hashlib.sha256(repr(list(frames)).encode()).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": AGAIN, "Vary": "Accept"}
    if "annotation" in request.query_params:
        headers["Warning"] = rendered.NO_ANNOTATION
    if same := partial.unchanged(request.headers, tag, headers):
        return same
    first = await _picture(item, frames[0], asked)
    if not related:
        headers["Content-Location"] = f"{item.address}/frames/{frames[0]}/{what}"
        return Response(first, media_type=asked.form, headers=headers)

    async def parts() -> AsyncIterator[Part]:
        for number in frames:
            picture = first if number == frames[0] else await _picture(item, number, asked)
            yield Part(asked.form, f"{item.address}/frames/{number}/{what}", iter([picture]))

    return Related(parts(), asked.form, headers)


async def _picture(item: Located, frame: int, asked: Picture) -> bytes:
    try:
        return await drawn.picture(item, frame, asked)
    except CannotDraw as error:
        if error.detail.get("reason") == "region":
            raise BadParameter(name="viewport") from error
        raise
