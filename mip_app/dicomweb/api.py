"""DICOMweb for headers: the metadata of WADO-RS (PS3.18 10.4.1.1.2)."""

import asyncio
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response, StreamingResponse

from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.http import Needs
from mip_app.dicomweb import accepting, metadata, native, noting
from mip_app.dicomweb.native import DICOM_XML
from mip_app.dicomweb.store import DICOM_JSON

router = APIRouter(prefix=metadata.ROOT, dependencies=[Depends(Needs(Permission.STUDY_READ))])

STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"


@router.get(STUDY + "/metadata")
@router.get(SERIES + "/metadata")
@router.get(INSTANCE + "/metadata")
async def study_metadata(
    request: Request,
    study: str,
    series: str = "",
    instance: str = "",
    accept: Annotated[str, Header()] = "",
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    form = accepting.data_sets(accepting.wishes(accept, request.query_params.get("accept", "")))
    parts = await looking(metadata.documents, study, series, instance)
    await noting.viewed(study)
    if form == DICOM_XML:
        boundary = secrets.token_hex(16)
        rows = (entry for part in parts for entry in metadata.entries(part))
        return StreamingResponse(native.pieces(rows, boundary), media_type=native.media_type(boundary))
    packed = await asyncio.to_thread(metadata.joined, parts)
    if "gzip" in accept_encoding:
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(packed, media_type=DICOM_JSON, headers=headers)
    return Response(await asyncio.to_thread(metadata.unpacked, packed), media_type=DICOM_JSON)
