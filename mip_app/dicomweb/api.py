"""WADO-RS: reading over DICOMweb (PS3.18 section 10.4)."""

import asyncio
import gzip
import re
from collections.abc import Callable, Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import Response

from mip_app.audit import looks
from mip_app.core.actor import Actor, Permission, current_actor
from mip_app.core.database import changing, looking
from mip_app.core.errors import Invalid, NotVisible
from mip_app.core.http import Needs
from mip_app.dicom.pixels import CannotDraw
from mip_app.dicomweb import locating, metadata, retrieve
from mip_app.dicomweb.locating import Located
from mip_app.dicomweb.multipart import Part, Related
from mip_app.dicomweb.syntaxes import EXPLICIT_LITTLE_ENDIAN, MEDIA_TYPES, leaving_syntax

router = APIRouter(prefix=metadata.ROOT, dependencies=[Depends(Needs(Permission.STUDY_READ))])
Reader = Annotated[Actor, Depends(Needs(Permission.STUDY_READ))]
Accept = Annotated[str, Header()]

STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
DICOM_JSON = "application/dicom+json"
# Every use is authorised anew; unchanged bytes do not travel twice.
AGAIN = "private, no-cache"


@router.get(STUDY + "/metadata")
@router.get(SERIES + "/metadata")
@router.get(INSTANCE + "/metadata")
async def study_metadata(
    study: str,
    series: str = "",
    instance: str = "",
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    parts = await looking(metadata.documents, study, series, instance)
    await _viewed(study)
    packed = await asyncio.to_thread(metadata.joined, parts)
    if "gzip" in accept_encoding:
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(packed, media_type=DICOM_JSON, headers=headers)
    return Response(await asyncio.to_thread(gzip.decompress, packed), media_type=DICOM_JSON)


@router.get(INSTANCE + "/frames/{numbers}")
async def frames(
    study: str,
    series: str,
    instance: str,
    numbers: str,
    accept: Accept = "*/*",
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    item = await looking(locating.instance, study, series, instance)
    await _viewed(study)
    wanted = _frame_numbers(numbers)
    if max(wanted) > item.frame_count:
        raise NotVisible(frame=max(wanted))
    decoded = wants_decoded(accept, item)
    tag = f'"{item.sha256[:32]}-{numbers[:40]}{"d" if decoded else ""}"'
    headers = {"ETag": tag, "Cache-Control": AGAIN, "Vary": "Accept"}
    if if_none_match == tag:
        return Response(status_code=304, headers=headers)
    # The first frame is read before anything is sent: what is not there answers with a status, not a torn body.
    first = await asyncio.to_thread(retrieve.frame, item, wanted[0], decoded)
    syntax = EXPLICIT_LITTLE_ENDIAN if decoded else leaving_syntax(item.transfer_syntax_uid)
    kind, content_type = _frame_type(accept, syntax)
    at = f"{metadata.ROOT}/studies/{study}/series/{series}/instances/{instance}/frames"

    def parts() -> Iterator[Part]:
        yield Part(content_type, f"{at}/{wanted[0]}", first)
        for number in wanted[1:]:
            yield Part(content_type, f"{at}/{number}", retrieve.frame(item, number, decoded))

    return Related(parts(), kind, headers)


@router.get(STUDY)
@router.get(SERIES)
@router.get(INSTANCE)
async def whole(study: str, series: str = "", instance: str = "") -> Response:
    found = await changing(locating.handed_out, study, series, instance)
    return Related(_files(found), "application/dicom")


@router.get(STUDY + "/thumbnail")
@router.get(SERIES + "/thumbnail")
async def thumbnail(
    reader: Reader, study: str, series: str = "", if_none_match: Annotated[str, Header()] = ""
) -> Response:
    item = await looking(locating.middle, study, series)
    if item is None:
        return Response(status_code=204)
    headers = {"ETag": f'"{item.sha256[:32]}-t"', "Cache-Control": AGAIN}
    if if_none_match == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    try:
        picture = await asyncio.to_thread(retrieve.thumbnail, item, reader.institution)
    except CannotDraw:
        return Response(status_code=204, headers=headers)
    return Response(picture, media_type="image/jpeg", headers=headers)


@router.get(INSTANCE + "/bulkdata/{offset}/{length}")
async def bulk_data(study: str, series: str, instance: str, offset: int, length: int) -> Response:
    item = await looking(locating.instance, study, series, instance)
    await _viewed(study)
    data = await asyncio.to_thread(retrieve.bulk, item, offset, length)
    # Whatever a sender put into a file goes out as bytes to keep, never as something a browser would run.
    headers = {"Content-Disposition": "attachment", "Content-Security-Policy": "sandbox; default-src 'none'"}
    return Response(data, media_type="application/octet-stream", headers=headers)


async def _viewed(study: str) -> None:
    await noted(f"study:{study}", locating.viewed, study)


async def noted(what: str, service: Callable[..., None], *args: object) -> None:
    """Write a look down before anything is shown, once."""
    actor = current_actor()
    if looks.begins(actor, what):
        try:
            await changing(service, *args)
        except BaseException:
            looks.forget(actor, what)
            raise


def _files(found: list[Located]) -> Iterator[Part]:
    for item in found:
        at = f"{metadata.ROOT}/studies/{item.study_uid}/series/{item.series_uid}/instances/{item.sop_instance_uid}"
        content_type = f"application/dicom; transfer-syntax={item.transfer_syntax_uid}"
        yield Part(content_type, at, retrieve.whole(item))


def _frame_numbers(text: str) -> list[int]:
    if not re.fullmatch(r"[1-9]\d{0,6}(,[1-9]\d{0,6}){0,999}", text):
        raise Invalid("dicomweb.bad_frames")
    wanted = [int(part) for part in text.split(",")]
    if len(set(wanted)) < len(wanted):  # one frame a thousand times over is nobody's need
        raise Invalid("dicomweb.bad_frames")
    return wanted


def wants_decoded(accept: str, item: Located) -> bool:
    """Whether frames must leave as native samples. Raises NotAcceptable.

    `application/octet-stream` without a transfer syntax means Explicit VR Little Endian (PS3.18 8.7.3.3.2); `*`
    takes what is stored.
    """
    stored = leaving_syntax(item.transfer_syntax_uid)
    offers = [offer.strip().lower() for offer in accept.split(",") if offer.strip()] or ["*/*"]
    for offer in offers:
        syntax = _parameter(offer, "transfer-syntax")
        kind = _parameter(offer, "type") or offer.split(";")[0].strip()
        if syntax in ("*", stored) or kind == MEDIA_TYPES.get(stored):
            return False
        if kind in ("*/*", "multipart/related") and not syntax:
            return False
        if kind == "application/octet-stream" and syntax in ("", EXPLICIT_LITTLE_ENDIAN):
            return stored != EXPLICIT_LITTLE_ENDIAN
    raise retrieve.NotAcceptable()


def _frame_type(accept: str, syntax: str) -> tuple[str, str]:
    """The media type of the parts, bare and with its transfer syntax."""
    image = MEDIA_TYPES.get(syntax, "")
    kind = image if image and image in accept else "application/octet-stream"
    return kind, f"{kind}; transfer-syntax={syntax}"


def _parameter(offer: str, name: str) -> str:
    found = re.search(rf';\s*{name}="?([^";]+)"?', offer)
    return found[1].strip() if found else ""
