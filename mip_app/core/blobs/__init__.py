"""Stored bytes, found by a key that this side makes. What was acknowledged is durable.

Bytes arrive in a waiting room; `keep` moves them to their place. A URL chooses the store (MIP_BLOBS_URL).
"""

import os
from functools import cache
from pathlib import Path
from urllib.parse import ParseResult, parse_qs, unquote, urlparse

from mip_app.core.blobs.contract import Stat, Store
from mip_app.core.blobs.folder import Folder
from mip_app.core.blobs.waiting import CHUNK, Arriving, BlobsAway, NoRoom, Received
from mip_app.core.errors import MipError
from mip_app.core.settings import settings

__all__ = ["CHUNK", "Arriving", "BlobsAway", "Folder", "NoRoom", "Received", "Stat", "Store", "blobs"]


@cache
def blobs(url: str | None = None) -> Store:
    """The store of `url` (default: the configured one): file:///folder, s3://bucket/prefix?endpoint=https://…"""
    parsed = urlparse(url or settings().blobs)
    if parsed.scheme == "file":
        return Folder(Path(unquote(parsed.path)))
    if parsed.scheme == "s3" and parsed.netloc:
        return _s3(parsed)
    raise MipError("error.blobs_url", scheme=parsed.scheme)


def _s3(parsed: ParseResult) -> Store:
    from mip_app.core.blobs.s3 import S3, Place  # boto3 takes a third of a second

    prefix = unquote(parsed.path).strip("/")
    endpoint = parse_qs(parsed.query).get("endpoint", [""])[0]
    place = Place(
        parsed.netloc, f"{prefix}/" if prefix else "", endpoint, settings().s3_region, settings().s3_seconds
    )
    incoming = settings().data_dir / "incoming"
    return S3(place, incoming, settings().s3_access_key, settings().s3_secret_key.get_secret_value())


# A forked child must not share its parent's connections.
os.register_at_fork(after_in_child=blobs.cache_clear)
