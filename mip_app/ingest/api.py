"""Files from a browser: one a request, as a raw body, so that nothing is held in memory and each can be sent again."""

import json
from collections.abc import AsyncIterator, Generator
from itertools import islice
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import Arriving, Received, blobs
from mip_app.core.errors import MipError, TooLarge
from mip_app.core.http import Needs
from mip_app.core.limits import declare_body
from mip_app.core.settings import settings
from mip_app.dicom.walk import entries_in, is_archive, shown
from mip_app.ingest.checking import check_received, refused
from mip_app.ingest.limits import archive_limits
from mip_app.ingest.outcome import Outcome
from mip_app.ingest.receiving import blocks, in_thread
from mip_app.ingest.service import TOGETHER, submit, take_in, together

router = APIRouter(prefix="/ingest")
declare_body("/ingest", settings().max_archive_bytes)
Outcomes = Generator[Outcome, None, None]
Uploader = Annotated[Actor, Depends(Needs(Permission.STUDY_UPLOAD))]


@router.post("/file")
async def upload_file(
    request: Request,
    uploader: Uploader,
    x_file_name: Annotated[str, Header(max_length=3000)] = "",
    content_length: Annotated[str, Header()] = "",
) -> Response:
    """The outcome as a line of JSON; of an archive one for each file in it, as each is stored, and a last one."""
    if content_length.isdecimal() and int(content_length) > settings().max_archive_bytes:
        raise TooLarge("ingest.too_large")
    name = shown(unquote(x_file_name)) or "?"
    body = _Body()
    try:
        async for block in blocks(request.stream()):
            await in_thread(body.write, block)
    except ClientDisconnect:
        await in_thread(body.discard)
        return Response(status_code=400)
    except MipError as error:
        await in_thread(body.discard)
        return Response(_line(refused(name, error)) + END, media_type=LINES)
    received = await in_thread(body.complete)
    return StreamingResponse(answer(uploader, name, received, body.archive), media_type=LINES)


LINES = "application/x-ndjson"
END = b'{"end":true}\n'  # without it an answer was cut


class _Body:
    """The body on its way to the disk; its first bytes tell an archive from a file, and so how large it may be."""

    def __init__(self) -> None:
        self.archive = False
        self._arriving: Arriving | None = None

    def write(self, block: bytes) -> None:
        if self._arriving is None:
            self.archive = is_archive(block[:512])
            allowed = settings().max_archive_bytes if self.archive else settings().max_file_bytes
            self._arriving = blobs().arriving(allowed)
        self._arriving.write(block)

    def discard(self) -> None:
        if self._arriving:
            self._arriving.discard()

    def complete(self) -> Received:
        return (self._arriving or blobs().arriving(0)).complete()


@needs(Permission.STUDY_UPLOAD)
async def answer(uploader: Actor, name: str, received: Received, archive: bool) -> AsyncIterator[bytes]:
    outcomes = _entries(uploader, name, received) if archive else _one(uploader, name, received)
    try:
        while lines := await in_thread(_some, outcomes):
            yield lines
        yield END
    finally:
        # A closed connection ends it here: what was stored stays, and sending the archive again is harmless.
        await in_thread(outcomes.close)


def _one(uploader: Actor, name: str, received: Received) -> Outcomes:
    checked = [check_received(uploader, name, received)]
    yield from together(checked, submit(uploader, checked, here=True))


def _entries(uploader: Actor, name: str, received: Received) -> Outcomes:
    try:
        yield from take_in(uploader, entries_in(received.path, name, archive_limits()))
    finally:
        received.discard()


def _some(outcomes: Outcomes) -> bytes:
    return b"".join(_line(outcome) for outcome in islice(outcomes, TOGETHER))


def _line(outcome: Outcome) -> bytes:
    told = {"name": outcome.name, "kind": outcome.kind, "code": outcome.code, "detail": outcome.detail}
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"
