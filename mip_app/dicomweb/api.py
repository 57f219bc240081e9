"""DICOMweb for headers: the metadata of WADO-RS (PS3.18 10.4.1.1.2)."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.responses import Response

from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.http import Needs
from mip_app.dicomweb import metadata, noting

router = APIRouter(prefix=metadata.ROOT, dependencies=[Depends(Needs(Permission.STUDY_READ))])

STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
DICOM_JSON = "application/dicom+json"


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
    await noting.viewed(study)
    packed = await asyncio.to_thread(metadata.joined, parts)
    if "gzip" in accept_encoding:
        headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return Response(packed, media_type=DICOM_JSON, headers=headers)
    return Response(await asyncio.to_thread(metadata.unpacked, packed), media_type=DICOM_JSON)
