"""Pure rules of the proof: what of an entry is proven, its mark, and the links of a chain.

Two proofs with one key that is not in the database. The **mark** of an entry says that the product wrote it, with
this content. The **link** says where in its scope it stands, after which others.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime

from mip_app.core.sealing import key_for

PURPOSE = "audit"
VERSION = "1"  # of the canonical form; entries are proven in the form they were written in
FIELDS = (
    "scope",
    "institution_id",
    "user_id",
    "actor",
    "address",
    "act",
    "subject",
    "result",
)


def canonical(at: datetime, values: Mapping[str, object], detail: object) -> bytes:
    """The content of an entry as bytes, the same on every database."""
    content = [VERSION, at.astimezone(UTC).isoformat(timespec="microseconds")]
    content += [values[name] for name in FIELDS]  # type: ignore[misc]
    return json.dumps(
        [*content, detail], ensure_ascii=True, sort_keys=True, separators=(",", ":"), default=str
    ).encode()


def mark_of(content: bytes, nonce: str = "") -> str:
    """Proves that the product wrote `content`. The nonce makes it unique: a row copied by hand shows."""
    nonce = nonce or secrets.token_hex(4)
    return nonce + _mac(b"mark", nonce.encode() + content)[:32]


def is_marked(content: bytes, mark: str) -> bool:
    return len(mark) == 40 and hmac.compare_digest(mark, mark_of(content, mark[:8]))


def link_of(before: str, scope: str, number: int, entry_id: int, content: bytes, mark: str) -> str:
    """The next link after `before` ('' for the first)."""
    head = f"{before}|{scope}|{number}|{entry_id}|{mark}|".encode()
    return _mac(b"link", head + content)


def signature(data: bytes) -> str:
    """Of what is kept outside of the database."""
    return _mac(b"head", data)


def _mac(what: bytes, data: bytes) -> str:
    return hmac.new(key_for(PURPOSE), what + b"|" + data, hashlib.sha256).hexdigest()
