"""DICOMweb for searching and for headers: QIDO-RS (PS3.18 10.6) and the metadata of WADO-RS (10.4.1.1.2)."""

import asyncio
import gzip
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse, Response

from mip_app.core.actor import Permission
from mip_app.core.database import looking
from mip_app.core.http import Needs
from mip_app.dicomweb import locating, metadata, noting, query

router = APIRouter(prefix=metadata.ROOT, dependencies=[Depends(Needs(Permission.STUDY_READ))])

STUDY = "/studies/{study}"
SERIES = STUDY + "/series/{series}"
INSTANCE = SERIES + "/instances/{instance}"
DICOM_JSON = "application/dicom+json"


class DicomJson(JSONResponse):
    media_type = DICOM_JSON


@router.get("/studies")
async def search_studies(request: Request) -> Response:
    asked = query.parse(request.query_params)
    found = await looking(query.studies, asked)
    await noting.noted("search:" + ",".join(sorted(asked.match)), locating.searched, sorted(asked.match))
    return DicomJson(found)


@router.get(STUDY + "/series")
async def search_series(study: str, request: Request) -> Response:
    return DicomJson(await looking(query.series, study, query.parse(request.query_params)))


@router.get(SERIES + "/instances")
async def search_instances(study: str, series: str, request: Request) -> Response:
    return DicomJson(await looking(query.instances, study, series, query.parse(request.query_params)))


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
    return Response(await asyncio.to_thread(gzip.decompress, packed), media_type=DICOM_JSON)
