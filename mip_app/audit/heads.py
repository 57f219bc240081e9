"""The head of each chain, kept outside of the database and signed: a tail that was cut off is missed there."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from io import BytesIO

from mip_app.audit import chain
from mip_app.core.blobs import blobs
from mip_app.core.errors import MipError

_HEAD = "audit/head-"


class HeadForged(MipError):
    """The file is not what this installation signed."""

    code = "audit.head_forged"


@dataclass(frozen=True, slots=True)
class Head:
    scope: str
    number: int
    link: str
    at: str  # when it was written, ISO 8601
    # What an operator accepted as lost, after restoring a backup: "<first lost>-<last lost> <when>".
    accepted: list[str] = field(default_factory=list)


def read(scope: str) -> Head | None:
    """None where there is none. Raises HeadForged."""
    data = blobs().get(_key(scope))
    if data is None:
        return None
    try:
        signed = json.loads(data)
        head = Head(**signed["head"])
        whole = signed["signature"] == chain.signature(_bytes(head)) and head.scope == scope
    except (ValueError, KeyError, TypeError) as error:
        raise HeadForged(scope=scope) from error
    if not whole:
        raise HeadForged(scope=scope)
    return head


def write(head: Head) -> None:
    """Whole or not at all, durable when it returns."""
    signed = {"head": asdict(head), "signature": chain.signature(_bytes(head))}
    data = json.dumps(signed).encode()
    blobs().keep(blobs().receive(BytesIO(data), len(data)), _key(head.scope))


def scopes() -> Iterator[str]:
    """All that have a head."""
    for key, _ in sorted(blobs().keys(_HEAD)):
        yield key.removeprefix(_HEAD).removesuffix(".json").replace("-", ":")


def _key(scope: str) -> str:
    return f"{_HEAD}{scope.replace(':', '-')}.json"


def _bytes(head: Head) -> bytes:
    return json.dumps(asdict(head), sort_keys=True).encode()
