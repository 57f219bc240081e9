"""STOW-RS: DICOM files sent over HTTP (PS3.18 10.5)."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Invalid, TooLarge
from mip_app.core.http import Needs
from mip_app.core.limits import declare_body
from mip_app.core.settings import settings
from mip_app.dicomweb import store
from mip_app.dicomweb.metadata import ROOT
from mip_app.dicomweb.packed import Gunzip, Reader
from mip_app.dicomweb.parts import UnsupportedMediaType, reader_of
from mip_app.ingest.receiving import Receiving, blocks, in_thread

router = APIRouter(prefix=ROOT)
declare_body(ROOT, settings().max_archive_bytes)
Sender = Annotated[Actor, Depends(Needs(Permission.STUDY_UPLOAD))]


class NotAcceptable(Invalid):
    code = "dicomweb.not_accepted"
    status = 406


class NothingSent(Invalid):
    code = "dicomweb.nothing_sent"


@router.post("/studies")
@router.post("/studies/{study}")
async def store_instances(request: Request, sender: Sender, study: str = "") -> Response:
    return await stored(request, sender, study)


@needs(Permission.STUDY_UPLOAD)
async def stored(request: Request, sender: Actor, study: str) -> Response:
    """Store what the body holds, of `study` alone where one is named. Raises MipError."""
    said = request.headers
    answer_type = store.accepted(said.get("accept", ""))
    if not answer_type:
        raise NotAcceptable()
    packed = said.get("content-encoding", "identity").strip().lower()
    if packed not in ("identity", "", "gzip", "x-gzip"):
        raise UnsupportedMediaType()
    length = said.get("content-length", "")
    if length.isdecimal() and int(length) > settings().max_archive_bytes:
        raise TooLarge()
    receiving = Receiving(sender, only_study=study)
    reader: Reader = reader_of(said.get("content-type", ""), receiving)
    await _receive(request, Gunzip(reader) if "gzip" in packed else reader, receiving)
    outcomes = await receiving.outcomes()
    if not outcomes:
        raise NothingSent()
    body = store.to_bytes(store.answer(outcomes, _root(request)), answer_type)
    return Response(body, store.status_of(outcomes), {"Content-Type": answer_type})


async def _receive(request: Request, reader: Reader, receiving: Receiving) -> None:
    """A block comes while one before it is written and checked. Three are held at most: a slow disk makes senders wait."""
    received = 0
    last = b""
    feeding: asyncio.Future[None] | None = None
    try:
        async for block in blocks(request.stream()):
            received += len(block)
            if received > settings().max_archive_bytes:
                raise TooLarge()
            if feeding:
                await feeding
            feeding = in_thread(reader.feed, last) if last else None
            last = block
        if feeding:
            await feeding
        await in_thread(_feed_last, reader, last)  # for most requests the only way to another thread
    except (ClientDisconnect, Invalid, TooLarge):
        if feeding:
            await asyncio.gather(feeding, return_exceptions=True)
        # Whole files that came before are good, and sending them again is harmless.
        await in_thread(_end_early, receiving)
        raise


def _feed_last(reader: Reader, block: bytes) -> None:
    if block:
        reader.feed(block)
    reader.finish()


def _end_early(receiving: Receiving) -> None:
    receiving.abandon()
    receiving.finish()


def _root(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}{ROOT}"
