"""Routes beside the page: the printed report, and the last word of a page that closes."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends
from fastapi.responses import Response

from mip_app.core import lane
from mip_app.core.actor import Actor, Permission
from mip_app.core.database import changing
from mip_app.core.http import Needs
from mip_app.reports import holding, printing
from mip_app.reports.draft import draft_of
from mip_app.reports.fonts import fonts_folder
from mip_app.reports.typesetting import typeset

router = APIRouter()

# The browser's own PDF viewer draws it: no sandbox, and nothing of ours in it.
PDF_HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Disposition": 'inline; filename="report.pdf"',
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; frame-ancestors 'self'",
}


@router.get("/print/{study_uid}.pdf")
async def printed_report(
    study_uid: str, actor: Annotated[Actor | None, Depends(Needs(Permission.REPORT_PRINT))]
) -> Response:
    """The report as PDF. That it was printed is recorded by the page's own act."""
    sheet = await changing(printing.handed_out, study_uid)
    pdf = await lane.prints.run(typeset, sheet, fonts_folder())
    return Response(pdf, media_type="application/pdf", headers=PDF_HEADERS)


@router.post("/reports/leave", status_code=204)
async def leave(
    sent: Annotated[dict[str, Any], Body()],
    actor: Annotated[Actor | None, Depends(Needs(Permission.REPORT_WRITE))],
) -> None:
    """Sent while the page goes away: free the lock, and keep what was typed last."""
    await changing(holding.leave, draft_of(sent))
