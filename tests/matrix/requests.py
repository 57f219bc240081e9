"""A request for a route, from its path and the parameters it declares; and its answer, to be compared."""

import base64
import re
from typing import Any

import httpx
from fastapi.routing import APIRoute

from tests.matrix.payloads import HEADERS, Ids, value_of
from tests.matrix.world import image

UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
# What routes take that read the bytes themselves and no DICOM.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
BYTES_OF = {
    "/institution/logo": PNG,
    "/people/import": "账号,姓名\nmatrix,matrix\n".encode(),
    "/people/me/{kind}": PNG,
    "/people/of/{account}/{kind}": PNG,
}
# Made by chance for each answer.
RANDOM = re.compile(r'("draft":|data:image/svg\+xml)[^"]*"?[^"]*"')
COMPARED = ("content-type", "location", "www-authenticate", "content-disposition")


def request_for(path: str, route: APIRoute | None, ids: Ids) -> tuple[str, dict[str, Any]]:
    """The address, and what httpx takes beside it. Raises CannotSend."""
    where = f"the route {path}"

    def filled(found: re.Match[str]) -> str:
        return str(value_of(found[1], str, ids, where))

    address = re.sub(r"\{(\w+)(?::\w+)?\}", filled, path)
    if route is None:
        return address, {}
    asked = {one.name: value_of(one.name, _type(one), ids, where) for one in route.dependant.query_params}
    sent: dict[str, Any] = {"params": asked} if asked else {}
    if route.methods & UNSAFE:
        sent |= _body(route, ids, where)
    declared = {
        one.alias: HEADERS[one.alias] for one in route.dependant.header_params if one.alias in HEADERS
    }
    if declared:
        sent["headers"] = sent.get("headers", {}) | declared
    return address, sent


def _body(route: APIRoute, ids: Ids, where: str) -> dict[str, Any]:
    body = route.dependant.body_params
    if content := BYTES_OF.get(route.path):
        return {"content": content}
    if not body and route.dependant.request_param_name:  # it reads the bytes themselves
        headers = {"Content-Type": "application/dicom", "Accept": "application/dicom+json"}
        return {"content": image(ids.whose).bytes(), "headers": headers}
    files = [one.name for one in body if _sort(one) == "File"]
    values = {one.name: value_of(one.name, _type(one), ids, where) for one in body if one.name not in files}
    if files or any(_sort(one) == "Form" for one in body):
        fields = {name: str(value) for name, value in values.items() if value is not None}
        return {"data": fields} | (
            {"files": dict.fromkeys(files, ("matrix.csv", b"matrix"))} if files else {}
        )
    if len(body) == 1:
        return {"json": next(iter(values.values()))}
    return {"json": values} if body else {}


def _type(parameter: Any) -> Any:
    return parameter.field_info.annotation


def _sort(parameter: Any) -> str:
    return type(parameter.field_info).__name__


def answered(answer: httpx.Response, ids: Ids) -> str:
    """Status, what the headers say of the body, and the body; without what was sent."""
    heads = {name: answer.headers[name] for name in COMPARED if name in answer.headers}
    sets = sorted(cookie.split("=")[0] for cookie in answer.headers.get_list("set-cookie"))
    body = RANDOM.sub("<random>", answer.content.decode("utf-8", "replace"))
    return ids.hidden_in(f"{answer.status_code} {heads} {sets}\n{body}")


def code_of(answer: httpx.Response) -> str:
    try:
        said = answer.json()
    except ValueError:
        return ""
    return str(said.get("code", "")) if isinstance(said, dict) else ""
