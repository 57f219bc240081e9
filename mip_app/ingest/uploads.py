"""Uploads that go on after a lost connection, in the manner of tus 1.0 and of the IETF's resumable uploads:
create → ask how far it got → append from there → have it taken in → drop it. State is on the disk (`resuming.py`)."""

import base64
import binascii
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from mip_app.core.actor import Actor, Permission
from mip_app.core.errors import Invalid
from mip_app.core.http import Needs
from mip_app.dicom.walk import is_archive, shown
from mip_app.ingest import resuming
from mip_app.ingest.api import LINES, answer
from mip_app.ingest.receiving import blocks, in_thread

router = APIRouter(prefix="/ingest/uploads")
Uploader = Annotated[Actor, Depends(Needs(Permission.STUDY_UPLOAD))]
Text = Annotated[str, Header()]


@router.post("")
async def begin_upload(
    uploader: Uploader, upload_length: Text = "", x_file_name: Annotated[str, Header(max_length=3000)] = ""
) -> Response:
    """201 with the address of a new upload of `Upload-Length` bytes."""
    upload = await in_thread(
        resuming.begin, uploader, shown(unquote(x_file_name)) or "?", _number(upload_length)
    )
    return Response(
        status_code=201, headers={"Location": f"/ingest/uploads/{upload.token}", "Upload-Offset": "0"}
    )


@router.head("/{token}")
async def upload_offset(uploader: Uploader, token: str) -> Response:
    upload = await in_thread(resuming.found, uploader, token)
    return Response(headers={"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.length)})


@router.patch("/{token}")
async def append_to_upload(
    request: Request, uploader: Uploader, token: str, upload_offset: Text = ""
) -> Response:
    """What comes before a lost connection stays; 409 when `Upload-Offset` is not where it ends."""
    appending = await in_thread(resuming.Appending, uploader, token, _number(upload_offset))
    try:
        async for block in blocks(request.stream()):
            await in_thread(appending.write, block)
    except ClientDisconnect:
        return Response(status_code=400)
    finally:
        await in_thread(appending.end)
    return Response(status_code=204, headers={"Upload-Offset": str(appending.offset)})


@router.post("/{token}/take")
async def take_upload(uploader: Uploader, token: str, repr_digest: Text = "") -> Response:
    """Take in what arrived: outcomes as of `/ingest/file`. `Repr-Digest: sha-256=:…:` (RFC 9530) is compared."""
    upload, received = await in_thread(resuming.complete, uploader, token, _sha256(repr_digest))
    archive = await in_thread(_is_archive, received.path)
    return StreamingResponse(answer(uploader, upload.name, received, archive), media_type=LINES)


@router.delete("/{token}")
async def drop_upload(uploader: Uploader, token: str) -> Response:
    await in_thread(resuming.drop, uploader, token)
    return Response(status_code=204)


def _is_archive(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_archive(stream.read(512))


def _number(text: str) -> int:
    if not re.fullmatch(r"\d{1,15}", text, re.ASCII):
        raise Invalid()
    return int(text)


def _sha256(header: str) -> str:
    told = re.search(r"\bsha-256=:([A-Za-z0-9+/=]+):", header)
    try:
        return base64.b64decode(told[1], validate=True).hex() if told else ""
    except binascii.Error as error:
        raise Invalid() from error
