"""QIDO-RS: searching over DICOMweb (PS3.18 section 10.6)."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response

from mip_app.core.actor import Permission, current_actor
from mip_app.core.database import read
from mip_app.core.http import Needs
from mip_app.core.lane import searches as lane
from mip_app.dicomweb import accepting, locating, native, query
from mip_app.dicomweb.metadata import ROOT
from mip_app.dicomweb.native import DICOM_XML
from mip_app.dicomweb.noting import noted
from mip_app.dicomweb.query import SERIES, STUDY, Answer, Query
from mip_app.dicomweb.store import DICOM_JSON
from mip_app.studies.query import Level

router = APIRouter(prefix=ROOT, dependencies=[Depends(Needs(Permission.STUDY_READ))])
Accept = Annotated[str, Header()]
R = TypeVar("R")


@router.get("/studies")
async def search_studies(request: Request, accept: Accept = "", accept_encoding: Accept = "") -> Response:
    return await _searched(request, Level.STUDY, {}, accept, accept_encoding)


@router.get("/series")
async def search_all_series(request: Request, accept: Accept = "", accept_encoding: Accept = "") -> Response:
    return await _searched(request, Level.SERIES, {}, accept, accept_encoding)


@router.get("/instances")
async def search_all_instances(
    request: Request, accept: Accept = "", accept_encoding: Accept = ""
) -> Response:
    return await _searched(request, Level.INSTANCE, {}, accept, accept_encoding)


@router.get("/studies/{study}/series")
async def search_series(
    study: str, request: Request, accept: Accept = "", accept_encoding: Accept = ""
) -> Response:
    return await _searched(request, Level.SERIES, {STUDY: study}, accept, accept_encoding)


@router.get("/studies/{study}/instances")
async def search_instances_of_study(
    study: str, request: Request, accept: Accept = "", accept_encoding: Accept = ""
) -> Response:
    return await _searched(request, Level.INSTANCE, {STUDY: study}, accept, accept_encoding)


@router.get("/studies/{study}/series/{series}/instances")
async def search_instances(
    study: str, series: str, request: Request, accept: Accept = "", accept_encoding: Accept = ""
) -> Response:
    path = {STUDY: study, SERIES: series}
    return await _searched(request, Level.INSTANCE, path, accept, accept_encoding)


async def _searched(
    request: Request, level: Level, path: dict[str, str], accept: str, accept_encoding: str
) -> Response:
    wishes = accepting.wishes(accept, request.query_params.get("accept", ""))
    xml = accepting.data_sets(wishes) == DICOM_XML
    asked = query.parse(level, request.query_params.multi_items(), path)
    root = root_of(request.url.scheme, request.headers.get("host", ""))
    if not xml:
        found = await looked(query.answer, asked, path, root, "gzip" in accept_encoding)
        await written_down(asked, path)
        return as_json(found)
    found = await looked(query.answer_as_xml, asked, path, root)
    await written_down(asked, path)
    if not found.body:  # a multipart message has at least one part
        return Response(status_code=204, headers=found.headers)
    return Response(found.body, headers=found.headers, media_type=native.media_type(found.boundary))


async def looked(service: Callable[..., R], *args: Any) -> R:
    """`database.looking`, in the lane of searches."""
    return await lane.run(read, service, current_actor(), *args)


async def written_down(asked: Query, path: Mapping[str, str]) -> None:
    """What was searched by, before anything of the answer leaves."""
    if not path:
        await noted("search:" + ",".join(asked.by), locating.searched, list(asked.by))


def as_json(found: Answer) -> Response:
    """An empty list is answered as one, with 200: every client reads it; of 204, which the standard asked for
    between 2019 and CP-2473, some make an error."""
    return Response(found.body, headers=found.headers, media_type=DICOM_JSON)


def root_of(scheme: str, host: str) -> str:
    """How addresses in answers begin."""
    return f"{scheme}://{host}{ROOT}"
