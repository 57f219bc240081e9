"""WADO-RS bytes: studies, series, instances, frames and bulk data (PS3.18 10.4.1.1)."""

import asyncio
import hashlib
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response, StreamingResponse

from mip_app.core.actor import Permission
from mip_app.core.blobs import blobs
from mip_app.core.database import changing, looking
from mip_app.core.errors import NotVisible
from mip_app.core.http import Needs
from mip_app.core.lane import pixels as lane
from mip_app.dicomweb import accepting, archive, locating, noting, partial, retrieve, transcoding
from mip_app.dicomweb.accepting import DICOM, OCTETS, ZIP, Form
from mip_app.dicomweb.locating import ROOT, Located
from mip_app.dicomweb.multipart import Part, Related, in_thread
from mip_app.dicomweb.numbers import frame_numbers
from mip_app.dicomweb.partial import AGAIN, TO_KEEP
from mip_app.dicomweb.syntaxes import leaving_syntax

router = APIRouter(prefix=ROOT, dependencies=[Depends(Needs(Permission.STUDY_READ))])
Accept = Annotated[str, Header()]

STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"


@router.get(INSTANCE + "/frames/{numbers}")
async def frames(
    request: Request, study: str, series: str, instance: str, numbers: str, accept: Accept = "*/*"
) -> Response:
    item = await looking(locating.instance, study, series, instance)
    await noting.viewed(study)
    wanted = frame_numbers(numbers)
    if max(wanted) > item.frame_count:
        raise NotVisible(frame=max(wanted))
    return await _frames(request, item, wanted, numbers, accept)


async def _frames(
    request: Request, item: Located, wanted: Sequence[int], numbers: str, accept: str
) -> Response:
    wishes = accepting.wishes(accept, request.query_params.get("accept", ""))
    form = accepting.frames(wishes, item.transfer_syntax_uid, len(wanted))
    content_type = f"{form.kind}; transfer-syntax={form.syntax}"
    stored = form.syntax == leaving_syntax(item.transfer_syntax_uid)
    tag = f'"{item.sha256[:32]}-{_short(numbers)}{"" if stored else "-" + form.syntax[14:]}"'
    headers = {"Vary": "Accept"}
    if not form.related:
        headers["Content-Location"] = f"{item.address}/frames/{wanted[0]}"
        return await _single_frame(request, item, wanted[0], form, content_type, tag, headers)
    headers |= {"ETag": tag, "Cache-Control": AGAIN}
    if same := partial.unchanged(request.headers, tag, headers):
        return same
    # The first frame is read before anything is sent: what is not there answers with a status, not a torn body.
    if stored:
        found = await asyncio.to_thread(retrieve.frames, item, wanted, form.syntax)
    else:
        found = await lane.run(retrieve.frames, item, wanted, form.syntax)

    def parts() -> Iterator[Part]:
        for number, chunks in zip(wanted, found, strict=True):
            yield Part(content_type, f"{item.address}/frames/{number}", chunks)

    return Related(parts(), form.kind, headers, made=not stored)


async def _single_frame(
    request: Request,
    item: Located,
    number: int,
    form: Form,
    content_type: str,
    tag: str,
    headers: dict[str, str],
) -> Response:
    places = retrieve.places(item, number, form.syntax)
    if places is not None:
        there = places

        def read(start: int, length: int) -> Iterator[bytes]:
            return blobs().ranges(item.blob, partial.cut(there, start, length))

        size = sum(length for _, length in places)
        return await asyncio.to_thread(
            partial.answer, request.headers, tag, size, read, content_type, headers
        )
    if same := partial.unchanged(request.headers, tag, headers | {"ETag": tag, "Cache-Control": AGAIN}):
        return same
    made = b"".join(await lane.run(retrieve.frame, item, number, form.syntax))

    def part(start: int, length: int) -> Iterator[bytes]:
        return iter([made[start : start + length]])

    return partial.answer(request.headers, tag, len(made), part, content_type, headers)


@router.get(STUDY)
@router.get(SERIES)
@router.get(INSTANCE)
async def whole(
    request: Request, study: str, series: str = "", instance: str = "", accept: Accept = "*/*"
) -> Response:
    """Whole files. Without a transfer syntax as they are stored, not Explicit VR Little Endian: see decision 18."""
    wishes = accepting.wishes(accept, request.query_params.get("accept", ""))
    if accepting.zip_first(wishes):
        return await _zipped(study, series, instance)
    found = await looking(locating.originals, study, series, instance)
    form = accepting.instances(wishes, len(found), {item.transfer_syntax_uid for item in found})
    if form.kind == ZIP:
        return await _zipped(study, series, instance)
    if not form.related:
        return await single_instance(request, found[0], form.syntax)
    await changing(locating.handed_out, study, len(found))
    files = _files(found, form.syntax)
    first = await asyncio.to_thread(next, files)  # as with frames
    return Related(chain([first], files), DICOM, made=bool(form.syntax))


async def _zipped(study: str, series: str, instance: str) -> Response:
    if instance:
        raise accepting.NotAcceptable()
    contents = await looking(archive.packed, study, series)
    await changing(locating.handed_out, study, len(contents.files), form="zip")
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(series or study)}.zip"'}
    return StreamingResponse(archive.zipped(contents), media_type=ZIP, headers=headers)


async def single_instance(request: Request, item: Located, syntax: str) -> Response:
    """One file by itself, which may be asked for in parts."""
    if syntax == item.transfer_syntax_uid:
        syntax = ""
    told = syntax or item.transfer_syntax_uid
    tag = f'"{item.version}{"-" + syntax[14:] if syntax else ""}"'
    headers = {
        "Content-Location": item.address,
        "Content-Disposition": f'attachment; filename="{_file_name(item.sop_instance_uid)}.dcm"',
        "Content-Security-Policy": TO_KEEP,
        "Vary": "Accept",
    }
    content_type = f"{DICOM}; transfer-syntax={told}"
    if same := partial.unchanged(request.headers, tag, headers | {"ETag": tag, "Cache-Control": AGAIN}):
        return same
    if syntax:
        made = await lane.run(transcoding.instance, item, syntax)
        await changing(locating.handed_out, item.study_uid, 1)
        headers |= {"ETag": tag, "Cache-Control": AGAIN}
        return StreamingResponse(in_thread(made, made=True), media_type=content_type, headers=headers)
    if item.corrections:  # of a length that nobody knows yet
        pieces = await asyncio.to_thread(retrieve.whole, item)
        await changing(locating.handed_out, item.study_uid, 1)
        headers |= {"ETag": tag, "Cache-Control": AGAIN, "Accept-Ranges": "none"}
        return StreamingResponse(in_thread(pieces), media_type=content_type, headers=headers)
    await _handed_out_once(request, item)

    def read(start: int, length: int) -> Iterator[bytes]:
        return blobs().ranges(item.blob, partial.cut([(0, item.size)], start, length))

    return await asyncio.to_thread(
        partial.answer, request.headers, tag, item.size, read, content_type, headers
    )


async def _handed_out_once(request: Request, item: Located) -> None:
    """A file fetched in a hundred ranges is handed out once."""
    if "range" in request.headers:
        await noting.noted(f"file:{item.sop_instance_uid}", locating.handed_out, item.study_uid, 1)
    else:
        await changing(locating.handed_out, item.study_uid, 1)


def _short(numbers: str) -> str:
    """A list of frames in an ETag."""
    return numbers if len(numbers) <= 24 else hashlib.sha256(numbers.encode()).hexdigest()[:24]


def _file_name(uid: str) -> str:
    return re.sub(r"[^0-9.]", "_", uid)


def _files(found: list[Located], syntax: str) -> Iterator[Part]:
    for item in found:
        told, chunks = transcoding.wherever_possible(item, syntax)
        yield Part(f"{DICOM}; transfer-syntax={told}", item.address, chunks)


@router.get(INSTANCE + "/bulkdata/{offset}/{length}")
async def bulk_data(
    request: Request, study: str, series: str, instance: str, offset: int, length: int, accept: Accept = "*/*"
) -> Response:
    """A value by its place in the stored file, as the metadata names it."""
    form = accepting.octets(accepting.wishes(accept, request.query_params.get("accept", "")))
    item = await looking(locating.holder, study, series, instance, offset, length)
    await noting.viewed(study)
    return await _value(request, item, offset, length, form)


@router.get(INSTANCE + "/bulkdata/{path:path}")
async def bulk_data_by_tag(
    request: Request, study: str, series: str, instance: str, path: str, accept: Accept = "*/*"
) -> Response:
    """A value by its tags, `7FE00010` or `54000100/1/54001010`; of compressed pixels its frames, each a part."""
    item = await looking(locating.instance, study, series, instance)
    if path == "7FE00010" and (count := len(item.index.fragments)):
        await noting.viewed(study)
        return await _frames(request, item, range(1, count + 1), "all", accept)
    form = accepting.octets(accepting.wishes(accept, request.query_params.get("accept", "")))
    await noting.viewed(study)
    offset, length = await asyncio.to_thread(retrieve.value_at, item, path)
    return await _value(request, item, offset, length, form)


async def _value(request: Request, item: Located, offset: int, length: int, form: Form) -> Response:
    headers = {"Content-Disposition": "attachment", "Content-Security-Policy": TO_KEEP, "Vary": "Accept"}
    if form.related:
        chunks = await asyncio.to_thread(retrieve.value, item, offset, length)
        return Related(
            iter([Part(OCTETS, f"{item.address}/bulkdata/{offset}/{length}", chunks)]), OCTETS, headers
        )
    tag = f'"{item.sha256[:32]}-v{offset}-{length}"'

    def read(start: int, count: int) -> Iterator[bytes]:
        return retrieve.value(item, offset + start, count)

    return await asyncio.to_thread(partial.answer, request.headers, tag, length, read, OCTETS, headers)
