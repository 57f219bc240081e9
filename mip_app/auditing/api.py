"""The route by which the log leaves as a file."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import StreamingResponse

from mip_app.auditing import export
from mip_app.auditing.asking import parse
from mip_app.core.actor import Actor, Permission
from mip_app.core.database import changing
from mip_app.core.http import Needs

router = APIRouter()
PATH = "/admin/audit/export"
TYPES = {export.Format.CSV: "text/csv; charset=utf-8", export.Format.DICOM: "application/xml"}
ENDINGS = {export.Format.CSV: "csv", export.Format.DICOM: "xml"}


@router.post(PATH)
async def exported(
    request: Request,
    actor: Annotated[Actor, Depends(Needs(Permission.AUDIT_EXPORT))],
    asked: Annotated[dict[str, Any], Body()],
    format: export.Format = export.Format.CSV,
) -> StreamingResponse:
    """Narrowed as the page is; a patient's number may be among that, which is why it is no address.

    How many entries come is known before the first of them.
    """
    language = request.cookies.get("mip_lang", "zh")
    begun = await changing(export.begin, parse(asked), format, language)
    headers = {
        "Content-Disposition": f'attachment; filename="audit.{ENDINGS[format]}"',
        "X-Audit-Entries": str(begun.entries),
    }
    return StreamingResponse(export.lines(begun, actor), media_type=TYPES[format], headers=headers)
