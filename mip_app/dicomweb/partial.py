"""Bytes of a known length, whole or in part: ETag, If-None-Match, Range, If-Range (RFC 9110 sections 13 and 14)."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from starlette.responses import Response, StreamingResponse

from mip_app.core.blobs import CHUNK
from mip_app.core.errors import MipError

# Every use is authorised anew; unchanged bytes do not travel twice.
AGAIN = "private, no-cache"
# Whatever a sender put into a file goes out as bytes to keep, never as something a browser would run.
TO_KEEP = "sandbox; default-src 'none'"
_RANGE = re.compile(r"bytes=\s*(\d{0,15})-(\d{0,15})\s*")
Read = Callable[[int, int], Iterator[bytes]]  # offset, length


def unchanged(asked: Mapping[str, str], tag: str, headers: Mapping[str, str]) -> Response | None:
    """304, where the client has these bytes already."""
    known = [one.strip().removeprefix("W/") for one in asked.get("if-none-match", "").split(",")]
    return Response(status_code=304, headers=dict(headers)) if tag in known or known == ["*"] else None


class NotInRange(MipError):
    code = "dicomweb.not_in_range"
    status: ClassVar[int] = 416


def range_of(asked: Mapping[str, str], tag: str, size: int) -> tuple[int, int] | None:
    """(start, end), the end excluded; None for all of it. Several ranges at once get all of it. Raises NotInRange."""
    found = _RANGE.fullmatch(asked.get("range", ""))
    if not found or found[1] == found[2] == "" or asked.get("if-range", tag) != tag:
        return None
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
        if found[2] and int(found[2]) < start:
            return None  # not a range at all
    if start >= size or start >= end:
        raise NotInRange(size=size)
    return start, end


def answer(
    asked: Mapping[str, str], tag: str, size: int, read: Read, media_type: str, headers: Mapping[str, str]
) -> Response:
    """`asked`: the request's headers. Raises what `read` raises before its first piece."""
    told = {**headers, "ETag": tag, "Cache-Control": AGAIN, "Accept-Ranges": "bytes"}
    if same := unchanged(asked, tag, told):
        return same
    try:
        part = range_of(asked, tag, size)
    except NotInRange:
        return Response(status_code=416, headers={**told, "Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    told["Content-Length"] = str(end - start)
    if part:
        told["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return StreamingResponse(read(start, end - start), 206 if part else 200, told, media_type)


def cut(parts: list[tuple[int, int]], start: int, length: int) -> list[tuple[int, int]]:
    """The places in a file of `length` bytes from `start` on, counted over `parts`; none longer than a chunk."""
    found: list[tuple[int, int]] = []
    for offset, size in parts:
        skip, start = min(start, size), max(start - size, 0)
        take = min(size - skip, length)
        length -= take
        at, end = offset + skip, offset + skip + take
        found += [(place, min(CHUNK, end - place)) for place in range(at, end, CHUNK)]
    return found
