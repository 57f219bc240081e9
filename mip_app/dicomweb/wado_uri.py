"""WADO-URI (PS3.18 9): one instance by query parameters, for programs that ask no other way."""

from collections.abc import Mapping
from dataclasses import replace

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.errors import NotVisible
from mip_app.core.http import Needs
from mip_app.dicom.pixels import Picture
from mip_app.dicomweb import accepting, drawn, locating, noting, rendering_api, retrieving_api
from mip_app.dicomweb.accepting import DICOM, NotAcceptable
from mip_app.dicomweb.locating import ROOT, Located
from mip_app.dicomweb.rendered import BadParameter, NotSupported, quality, real, side, window
from mip_app.dicomweb.syntaxes import TARGETS

PATH = "/wado"
router = APIRouter(dependencies=[Depends(Needs(Permission.STUDY_READ))])
# What we do not do is refused where leaving it out would be believed done.
_REFUSED = ("anonymize", "presentationUID", "presentationSeriesUID")


@router.get(PATH)
@router.get(ROOT + PATH)
async def wado(
    request: Request, studyUID: str = "", seriesUID: str = "", objectUID: str = "", requestType: str = "WADO"
) -> Response:
    given = request.query_params
    if requestType != "WADO":
        raise BadParameter(name="requestType")
    for name, value in (("studyUID", studyUID), ("seriesUID", seriesUID), ("objectUID", objectUID)):
        if not value:
            raise BadParameter(name=name)
    for name in _REFUSED:
        if name in given:
            raise NotSupported(name=name)
    item = await looking(locating.instance, studyUID, seriesUID, objectUID)
    kind = _content_type(given, item)
    if kind == DICOM:
        await looking(locating.originals, studyUID, seriesUID, objectUID)
        if any(name in given for name in ("frameNumber", "rows", "columns", "region", "windowCenter")):
            raise BadParameter(name="contentType")
        return await retrieving_api.single_instance(request, item, _syntax(given))
    asked, frame = _picture(given, kind), drawn.frame_of(item)
    if "frameNumber" in given:
        number = given["frameNumber"]
        if not number.isdecimal() or not int(number[:8]) >= 1:
            raise BadParameter(name="frameNumber")
        frame = int(number[:8])
        if frame > item.frame_count:
            raise NotVisible(frame=frame)
    await noting.viewed(studyUID)
    return await rendering_api.drawn_answer(request, item, [frame], asked, False, "rendered")


def _content_type(given: Mapping[str, str], item: Located) -> str:
    """`contentType` first, Accept after it; images are drawn and the rest leaves as it is when nothing is said."""
    for wish in accepting.wishes(given.get("contentType", "*/*")):
        if wish.kind == DICOM or wish.kind in accepting.PICTURES:
            return wish.kind
        if wish.kind in ("*/*", "image/*"):
            return "image/jpeg" if item.index.count or wish.kind == "image/*" else DICOM
    raise NotAcceptable()


def _syntax(given: Mapping[str, str]) -> str:
    asked = given.get("transferSyntax", "")
    if asked not in ("", "*") and asked not in TARGETS:
        raise NotAcceptable()
    return asked.strip("*")


def _picture(given: Mapping[str, str], kind: str) -> Picture:
    """Raises BadParameter."""
    asked = Picture(form=kind)
    sides = {name: side(given[name], name) for name in ("rows", "columns") if name in given}
    if sides:
        asked = replace(asked, viewport=(sides.get("columns", 8192), sides.get("rows", 8192)))
    if "region" in given:
        corners = [real(part, "region") for part in given["region"].split(",")]
        if len(corners) != 4 or not all(0 <= corner <= 1 for corner in corners):
            raise BadParameter(name="region")
        if corners[0] >= corners[2] or corners[1] >= corners[3]:
            raise BadParameter(name="region")
        asked = replace(asked, share=(corners[0], corners[1], corners[2], corners[3]))
    if ("windowCenter" in given) != ("windowWidth" in given):
        raise BadParameter(name="windowWidth" if "windowCenter" in given else "windowCenter")
    if "windowCenter" in given:
        both = window(given["windowCenter"], given["windowWidth"], "windowWidth")
        asked = replace(asked, window=both)
    if "imageQuality" in given:
        asked = replace(asked, quality=quality(given["imageQuality"], "imageQuality"))
    return asked
