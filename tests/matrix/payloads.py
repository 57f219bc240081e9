"""What to send to a handler or route, from its parameters' names and types alone."""

import inspect
import re
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# A parameter of one of these names says which row is meant: kind of thing → names.
IDENTIFIERS = {
    "study": ("study", "studyUID", "study_uid", "uid"),
    "series": ("series", "seriesUID", "series_uid"),
    "instance": ("instance", "objectUID", "sop_instance_uid"),
    "institution": ("institution", "institution_id"),
    "alliance": ("alliance", "alliance_id"),
    "department": ("department", "department_id"),
    "membership": ("membership", "membership_id", "membership_ids", "doctor", "doctor_id", "id"),
    "user": ("user", "user_id", "person", "person_id"),
    "session": ("session", "session_id"),
    "institution_code": ("institution_code",),
    "account": ("account",),
    "import_draft": ("import_key",),
    "node": ("node", "node_id"),
    "job": ("job", "job_id"),
    "role_set": ("role_code",),
    "aside": ("aside",),
}
KIND_OF = {name: kind for kind, names in IDENTIFIERS.items() for name in names}
# Where a name of many meanings says which row is meant: place → name → kind of thing.
IDENTIFIERS_AT = {
    "mip_app.admin.departments": {"key": "department"},
    "mip_app.admin.roles": {"code": "role_set", "like": "role_set"},
    "the route /ingest/uploads/": {"token": "upload"},
    "the route /people/import/": {"key": "import_draft"},
    "the route /wechat/callback/": {"institution": "institution_code"},
}

# All others have a value that does no harm and means something where it can.
HARMLESS: dict[str, Any] = {
    "accept": False,
    "act": "disable",
    "address": "",
    "aes_key": "",
    "app_id": "wx0123456789abcdef",
    "ask": 1,
    "code": "reporter",
    "column": "sex",
    "component_stack": "",
    "confirm": "a new long password",
    "create": False,
    "days": "all",
    "density": "roomy",
    "departments": False,
    "disabled": True,
    "echostr": "matrix",
    "end": "",
    "fence": None,
    "findings": "matrix",
    "form": "csv",
    "format": "csv",
    "given": True,
    "group": "view",
    "hashes": [],
    "impression": "matrix",
    "info": "",
    "keep": False,
    "key": "none",
    "keyword": "PATIENT",
    "kind": "avatar",
    "known": "",
    "length": 4,
    "mobile": "13800000000",
    "mode": "rename",
    "msg_signature": "",
    "name": "matrix",
    "name_en": "matrix",
    "next": "/studies",
    "nonce": "matrix",
    "number": 1,
    "numbers": "1",
    "offset": 0,
    "old": "a long password",
    "open": True,
    "page": 1,
    "part": "phone",
    "password": "a new long password",
    "permission": "study.read",
    "phone": "13800000000",
    "query": "PATIENT",
    "path": "00100010",
    "reason": "matrix",
    "remove": False,
    "requestType": "WADO",
    "revision": -1,
    "role": "clinician",
    "secret": "0123456789abcdef0123456789abcdef",
    "side": "work",
    "signature": "matrix",
    "start": "",
    "state": "",
    "tab": "study",
    "text": "matrix",
    "timestamp": "1",
    "title": "matrix",
    "token": "matrixtoken",
    "value": "all",
    "var_name": "name",
    "vars": {},
    "what": "matrix",
}

# Headers that a route declares and cannot do without.
HEADERS = {"upload-length": "4", "upload-offset": "0"}


class CannotSend(Exception):
    """Says what to add, and where."""


@dataclass(frozen=True)
class Ids:
    """One thing of each kind, all of the same owner (or of nobody)."""

    whose: str
    of: dict[str, str]

    def hidden_in(self, text: str) -> str:
        """`text` without what was sent, so that answers about different things can be compared."""
        for kind, value in sorted(self.of.items(), key=lambda one: -len(one[1])):
            text = re.sub(rf"(?<![\w.]){re.escape(value)}(?![\w]|\.\d)", f"<{kind}>", text)
        return text


def value_of(name: str, annotation: Any, ids: Ids, where: str) -> Any:
    """What to send as the parameter `name`. Raises CannotSend."""
    kind = _plain(annotation)
    here = _kinds_at(where)
    if kind is dict and not isinstance(HARMLESS.get(name), dict):
        return _harmless_form() | {name: ids.of[kind] for name, kind in here.items()}
    if name in here:
        return _as(kind, ids.of[here[name]])
    if name in HARMLESS:
        return _as(kind, HARMLESS[name])
    raise CannotSend(
        f"{where} takes `{name}`, which tests/matrix/payloads.py does not know: add it to IDENTIFIERS when it "
        "says which row is meant, or else to HARMLESS with a value that does no harm"
    )


def _kinds_at(where: str) -> dict[str, str]:
    special = [names for place, names in IDENTIFIERS_AT.items() if where.startswith(place)]
    return KIND_OF | (special[0] if special else {})


def _harmless_form() -> dict[str, Any]:
    return {name: value for name, value in HARMLESS.items() if name not in ("vars", "hashes")}


def _plain(annotation: Any) -> type:
    """`dict[str, Any]`, `dict | None`, `Annotated[dict, …]` → dict; what says nothing → object."""
    if isinstance(annotation, str):
        annotation = {"str": str, "int": int, "bool": bool, "float": float}.get(
            annotation, dict if annotation.startswith("dict") else object
        )
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    choices = [one for one in typing.get_args(annotation) if one is not type(None)]
    origin = typing.get_origin(annotation)
    if origin in (list, dict, set, tuple):
        return typing.cast(type, origin)
    if origin is not None and choices:
        return _plain(choices[0])
    return annotation if isinstance(annotation, type) else object


def _as(kind: type, value: Any) -> Any:
    if value is None:
        return None
    if kind is list:
        return value if isinstance(value, list) else [value]
    if kind is bool:
        return bool(value)
    if kind in (int, float):
        return kind(value) if str(value).lstrip("-").isdigit() else 1
    return str(value) if kind is str else value


def names_a_row(handler: Callable[..., Any]) -> bool:
    """Whether a parameter of it, by itself, says which row is meant."""
    where = f"{handler.__module__}.{handler.__qualname__}"
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    return any(one.name in _kinds_at(where) for one in parameters)


def payload_for(handler: Callable[..., Any], ids: Ids) -> dict[str, Any]:
    """The payload of an event. Raises CannotSend."""
    parameters = list(inspect.signature(handler).parameters.values())[1:]
    where = f"{handler.__module__}.{handler.__qualname__}"
    return {one.name: value_of(one.name, one.annotation, ids, where) for one in parameters}
