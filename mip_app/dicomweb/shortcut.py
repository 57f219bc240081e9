"""Frames as stored, and metadata of a series, answered in front of the framework: there they are most of all requests.

Whatever is not plain here (several frames, decoding, what may not be seen, an error) is left to the routes of
`api.py`, which answer it as they would without this.
"""

import asyncio
import hashlib
import re
import secrets
from functools import lru_cache, partial

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from mip_app.core import bus
from mip_app.core.actor import Actor, Permission
from mip_app.core.blobs import blobs
from mip_app.core.database import read
from mip_app.core.errors import MipError
from mip_app.core.keeping import AtOnce, Kept
from mip_app.core.settings import settings
from mip_app.core.shortcut import Find, acting
from mip_app.dicomweb import metadata, noting, places
from mip_app.dicomweb.accepting import part_as_stored
from mip_app.dicomweb.open_files import Gone, OpenFiles
from mip_app.dicomweb.places import Place, SeriesNow
from mip_app.dicomweb.ready_frames import ReadyFrames
from mip_app.dicomweb.seen import SeenSeries
from mip_app.dicomweb.syntaxes import leaving_syntax

DICOM_JSON = "application/dicom+json"
PIECE = 1 << 20  # bytes of a frame in memory at once
PLACES_BYTES = 64 << 20
METADATA_BYTES = 64 << 20
LONGEST_ACCEPT = 200
_UID = r"([0-9.]{1,64})"
_PATH = re.compile(
    rf"{metadata.ROOT}/studies/{_UID}/series/{_UID}/(?:instances/{_UID}/frames/([1-9][0-9]{{0,6}})|metadata)"
)
Raw = list[tuple[bytes, bytes]]


class DicomWebShortcut:
    """Implements `core.shortcut.Shortcut`. `find` tells who is asking, as of a moment ago."""

    def __init__(self, find: Find) -> None:
        self.find = find
        self.seen = SeenSeries()
        self.places: Kept[SeriesNow, dict[str, Place]] = Kept(PLACES_BYTES)
        self.documents: Kept[SeriesNow, tuple[bytes, str]] = Kept(METADATA_BYTES)
        self.unpacked: Kept[SeriesNow, bytes] = Kept(METADATA_BYTES)
        self.files = OpenFiles()
        self.ready = ReadyFrames()
        self._placing: AtOnce[SeriesNow, dict[str, Place]] = AtOnce()
        self._writing: AtOnce[SeriesNow, tuple[bytes, str]] = AtOnce()
        bus.hear(self._heard)

    def takes(self, scope: Scope) -> bool:
        # `?accept=` stands in for the header: the routes know it.
        plain = scope["method"] == "GET" and not scope.get("query_string")
        return plain and _PATH.fullmatch(scope["path"]) is not None

    async def answer(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> bool:
        actor, asked = acting(scope, Permission.STUDY_READ), _PATH.fullmatch(scope["path"])
        if actor is None or asked is None:
            return False
        study, series, instance, number = asked.groups()
        try:
            now = await self.seen.now(actor, study, series)
            if now is None:
                return False
            if instance is None:
                return await self._metadata(actor, headers, send, now, study, series)
            return await self._frame(actor, headers, send, now, scope["path"], study, instance, int(number))
        except MipError:  # nothing was sent: the route says it in its words
            return False

    async def _frame(
        self,
        actor: Actor,
        headers: Headers,
        send: Send,
        now: SeriesNow,
        path: str,
        study: str,
        instance: str,
        number: int,
    ) -> bool:
        place = (await self._places(actor, now)).get(instance)
        accept = _accepted(headers, "*/*")
        if place is None or accept is None or number > place.count:
            return False
        kind = _part_as_stored(accept, place.transfer_syntax_uid)
        if kind is None:
            return False
        await noting.viewed(study)
        said: Raw = [
            (b"etag", b'"%s-%d"' % (place.sha256[:32].encode(), number)),
            (b"cache-control", b"private, no-cache"),
            (b"vary", b"Accept"),
        ]
        if headers.get("if-none-match", "").encode() == said[0][1]:
            return await _headers_alone(send, 304, said)
        syntax = leaving_syntax(place.transfer_syntax_uid)
        part = f"Content-Type: {kind}; transfer-syntax={syntax}\r\nContent-Location: {path}\r\n\r\n"
        if "x-mip-direct" in headers:
            self.ready.missed(now.institution, place, number, kind, part)
        elif settings().x_accel:
            return await self._through_proxy(send, now, place, number, kind, part, said)
        return await self._pieces(send, place, number, kind, part, said)

    async def _pieces(self, send: Send, place: Place, number: int, kind: str, part: str, said: Raw) -> bool:
        """Head, bytes and tail, each a message of its own: joining them first would cost two thirds."""
        file = blobs().file(place.blob)
        if file is None:
            return False
        pieces = _pieces(place.parts(number))
        if not pieces or pieces[-1][0] + pieces[-1][1] > place.size:
            return False
        try:
            data = await self.files.read(file, *pieces[0])
        except Gone:
            return False
        boundary = secrets.token_hex(16)
        head = f"--{boundary}\r\n{part}".encode()
        tail = f"\r\n--{boundary}--\r\n".encode()
        length = len(head) + sum(size for _, size in pieces) + len(tail)
        said += (
            (b"content-type", f'multipart/related; type="{kind}"; boundary={boundary}'.encode()),
            (b"content-length", b"%d" % length),
        )
        await send({"type": "http.response.start", "status": 200, "headers": said})
        await send({"type": "http.response.body", "body": head, "more_body": True})
        await send({"type": "http.response.body", "body": data, "more_body": True})
        for offset, size in pieces[1:]:
            data = await self.files.read(file, offset, size)
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": tail})
        return True

    async def _through_proxy(
        self, send: Send, now: SeriesNow, place: Place, number: int, kind: str, part: str, said: Raw
    ) -> bool:
        """Headers alone: nginx sends the file that holds the whole answer, cut when it was first asked for."""
        made = await self.ready.made(now.institution, place, number, kind, part)
        if made is None:
            return await self._pieces(send, place, number, kind, part, said)
        key, boundary = made
        said += (
            (b"content-type", f'multipart/related; type="{kind}"; boundary={boundary}'.encode()),
            (b"x-accel-redirect", f"{settings().x_accel.rstrip('/')}/{key}".encode()),
        )
        return await _headers_alone(send, 200, said)

    async def _metadata(
        self, actor: Actor, headers: Headers, send: Send, now: SeriesNow, study: str, series: str
    ) -> bool:
        if _accepted(headers, "*/*") not in ("*/*", DICOM_JSON, "application/json"):
            return False
        # Written down while the document is being made; nothing leaves before both are done.
        (packed, tag), _ = await asyncio.gather(
            self._document(actor, now, study, series), noting.viewed(study)
        )
        zipped = "gzip" in headers.get("accept-encoding", "")
        said: Raw = [
            (b"etag", f'"{tag}{"z" if zipped else ""}"'.encode()),
            (b"vary", b"Accept-Encoding"),
        ]
        if headers.get("if-none-match", "").encode() == said[0][1]:
            return await _headers_alone(send, 304, said)
        if zipped:
            said.append((b"content-encoding", b"gzip"))
        body = packed if zipped else await self._unpacked(now, packed)
        said += ((b"content-type", DICOM_JSON.encode()), (b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": 200, "headers": said})
        await send({"type": "http.response.body", "body": body})
        return True

    async def _document(self, actor: Actor, now: SeriesNow, study: str, series: str) -> tuple[bytes, str]:
        """Gzipped, with its hash. Raises NotVisible."""
        found = self.documents.get(now)
        if found is None:
            make = partial(asyncio.to_thread, _tagged, actor, now, study, series)
            found = await self._writing.made(now, make)
            self.documents.put(now, found, len(found[0]) + 300)
        return found

    async def _unpacked(self, now: SeriesNow, packed: bytes) -> bytes:
        found = self.unpacked.get(now)
        if found is None:
            found = await asyncio.to_thread(metadata.unpacked, packed)
            self.unpacked.put(now, found, len(found))
        return found

    async def _places(self, actor: Actor, now: SeriesNow) -> dict[str, Place]:
        found = self.places.get(now)
        if found is None:
            make = partial(asyncio.to_thread, read, places.places, actor, now)
            found = await self._placing.made(now, make)
            self.places.put(now, found, sum(place.weight for place in found.values()) + 200)
        return found

    def _heard(self, topic: str) -> None:
        """Something of an institution's studies changed, in whatever process."""
        if topic.startswith("studies:"):
            self.files.let_go_of_removed()


def _tagged(actor: Actor, now: SeriesNow, study: str, series: str) -> tuple[bytes, str]:
    packed = read(metadata.document, actor, now, study, series)
    return packed, hashlib.sha256(packed).hexdigest()[:32]


def _pieces(parts: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [
        (begin, min(PIECE, offset + length - begin))
        for offset, length in parts
        for begin in range(offset, offset + length, PIECE)
    ]


def _accepted(headers: Headers, default: str) -> str | None:
    """The one Accept header; None where there are several, or a strange one."""
    found = headers.getlist("accept")
    accept = found[0] if found else default
    return accept if len(found) < 2 and len(accept) <= LONGEST_ACCEPT else None


async def _headers_alone(send: Send, status: int, said: Raw) -> bool:
    await send({"type": "http.response.start", "status": status, "headers": said})
    await send({"type": "http.response.body", "body": b""})
    return True


_part_as_stored = lru_cache(1024)(part_as_stored)
