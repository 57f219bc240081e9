"""Stored bytes, found by a key that this side makes. What was acknowledged is durable.

Bytes arrive in a waiting room; `keep` moves them to their place. A URL chooses the store (MIP_BLOBS_URL).
"""

from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlparse

from mip_app.core.blobs.contract import Store
from mip_app.core.blobs.folder import Folder
from mip_app.core.blobs.waiting import CHUNK, Arriving, NoRoom, Received
from mip_app.core.errors import MipError
from mip_app.core.settings import settings

__all__ = ["CHUNK", "Arriving", "Folder", "NoRoom", "Received", "Store", "blobs"]


@cache
def blobs(url: str | None = None) -> Store:
    parsed = urlparse(url or settings().blobs)
    if parsed.scheme != "file":
        raise MipError("error.blobs_url", scheme=parsed.scheme)
    return Folder(Path(unquote(parsed.path)))
