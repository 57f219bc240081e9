"""Files of people over HTTP: lists that come in and go out, and pictures."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import Response

from mip_app.accounts import exporting, importing, lists, pictures, portraits
from mip_app.accounts.doctors import Asked
from mip_app.accounts.pictures import Kind
from mip_app.core import lane
from mip_app.core.actor import Actor, Open, Permission
from mip_app.core.database import changing, looking
from mip_app.core.http import Needs, body_of
from mip_app.core.limits import declare_body
from mip_app.core.texts import LANGUAGES

router = APIRouter(prefix="/people")
# The guard cuts off later than the routes, which say in words what is too large.
declare_body("/people/import", 4 * lists.BYTES)
declare_body("/people/me/", 4 * pictures.BYTES)
declare_body("/people/of/", 4 * pictures.BYTES)

Administrator = Annotated[Actor | None, Depends(Needs(Permission.ADMIN_ACCOUNTS))]
SignedIn = Annotated[Actor | None, Depends(Needs(Open.TO_SIGNED_IN))]
Account = Annotated[str, Path(max_length=100)]
Key = Annotated[str, Path(max_length=100)]
Word = Annotated[str, Query(max_length=100)]


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"


@router.post("/import")
async def import_list(request: Request, actor: Administrator) -> dict[str, str]:
    """Keep a list as a draft; its page is `/admin/doctors/import/<draft>`."""
    data = await body_of(request, lists.BYTES, "import.too_large")
    # Read before the transaction: a hostile workbook takes its time, and SQLite has one writer.
    return {"draft": await changing(importing.keep, await lane.files.run(lists.read, data))}


@router.get("/import/template.{form}")
async def template(form: Format, request: Request, actor: Administrator) -> Response:
    return _file(await looking(importing.template, form, _language(request)), "template", form)


@router.get("/import/{key}/refused.{form}")
async def refused_lines(
    key: Key, form: Format, request: Request, actor: Administrator, departments: bool = False
) -> Response:
    data = await looking(importing.bad_lines, key, form, _language(request), departments)
    return _file(data, "refused", form)


@router.post("/import/{key}/passwords.{form}")
async def initial_passwords(key: Key, form: Format, request: Request, actor: Administrator) -> Response:
    """Once: it takes them away, so it is a POST."""
    data = await changing(importing.hand_out_passwords, key, form, _language(request))
    return _file(data, "passwords", form)


@router.get("/list.{form}")
async def export_list(
    form: Format,
    request: Request,
    actor: Administrator,
    department: Word = "",
    role: Word = "",
    state: Word = "",
) -> Response:
    asked = Asked("", department, role, state)
    return _file(await changing(exporting.exported, asked, form, _language(request)), "doctors", form)


@router.post("/list.{form}")
async def export_found(
    form: Format,
    request: Request,
    actor: Administrator,
    keyword: Annotated[str, Form(max_length=100)] = "",
    department: Annotated[str, Form(max_length=100)] = "",
    role: Annotated[str, Form(max_length=100)] = "",
    state: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """As the page has them open, the keyword with them: a name stands in no address."""
    asked = Asked(keyword, department, role, state)
    return _file(await changing(exporting.exported, asked, form, _language(request)), "doctors", form)


@router.get("/of/{account}/{kind}")
async def picture(account: Account, kind: Kind, actor: SignedIn) -> Response:
    data = await looking(portraits.picture, account, kind)
    kept = "private, max-age=3600" if kind is Kind.AVATAR else "private, no-store"
    return Response(data, media_type="image/png", headers={"Cache-Control": kept})


@router.post("/of/{account}/{kind}")
async def set_picture(account: Account, kind: Kind, request: Request, actor: Administrator) -> dict[str, str]:
    """The picture is the body; an empty body takes the one there is away."""
    return {"address": await changing(portraits.set_for, account, kind, await _picture(request, kind))}


@router.post("/me/{kind}")
async def set_own_picture(kind: Kind, request: Request, actor: SignedIn) -> dict[str, str]:
    return {"address": await changing(portraits.set_own, kind, await _picture(request, kind))}


async def _picture(request: Request, kind: Kind) -> str:
    data = await body_of(request, pictures.BYTES, "picture.too_large")
    return await lane.files.run(_stored, kind, data) if data else ""


def _stored(kind: Kind, data: bytes) -> str:
    return portraits.stored(pictures.made_anew(kind, data))


def _language(request: Request) -> str:
    asked = request.cookies.get("mip_lang", "")
    return asked if asked in LANGUAGES else "zh"


def _file(data: bytes, name: str, form: Format) -> Response:
    return Response(
        data,
        media_type=lists.MEDIA[form],
        headers={
            "Content-Disposition": f'attachment; filename="{name}.{form}"',
            "Cache-Control": "private, no-store",
        },
    )
