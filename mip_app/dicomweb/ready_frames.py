"""Frames as whole multipart answers in files of their own, for a proxy to send (MIP_X_ACCEL, docs/operations.md).

A proxy sends files, and no ranges of files inside of something else. So a frame that is asked for is cut out once, with
its head and tail around it; what was not asked for longest goes when all of them are more than MIP_X_ACCEL_BYTES.
"""

import asyncio
import hashlib
from functools import partial

from mip_app.core.blobs import NoRoom, blobs
from mip_app.core.errors import NotVisible
from mip_app.core.keeping import AtOnce, Kept
from mip_app.core.settings import settings
from mip_app.dicomweb.places import Place

MOST_OF_ONE = 64 << 20  # bytes; a larger frame goes out piece by piece


class ReadyFrames:
    """On the event loop alone."""

    def __init__(self) -> None:
        self._kept: Kept[str, bool] = Kept(settings().x_accel_bytes, lambda key, _: blobs().remove(key))
        self._finding: AtOnce[int, None] = AtOnce()
        self._making: AtOnce[str, bool] = AtOnce()
        self._found: set[int] = set()  # institutions whose frames of earlier processes are known

    async def made(
        self, institution: int, place: Place, number: int, kind: str, part: str
    ) -> tuple[str, str] | None:
        """Key of the file and the boundary in it; None where there can be none."""
        if institution not in self._found:
            await self._finding.made(institution, lambda: asyncio.to_thread(self._find, institution))
        key, boundary = _named(institution, place, number, kind, part)
        if self._kept.get(key):
            return key, boundary
        parts = place.parts(number)
        length = sum(size for _, size in parts)
        if length > MOST_OF_ONE or blobs().file(place.blob) is None:
            return None
        make = partial(asyncio.to_thread, self._cut, place, parts, length, key, boundary, part)
        return (key, boundary) if await self._making.made(key, make) else None

    def missed(self, institution: int, place: Place, number: int, kind: str, part: str) -> None:
        """The proxy did not find it: another process has made room."""
        gone = _named(institution, place, number, kind, part)[0]
        self._kept.drop(lambda key, _: key == gone)

    def _cut(
        self, place: Place, parts: list[tuple[int, int]], length: int, key: str, boundary: str, part: str
    ) -> bool:
        try:
            pieces = b"".join(blobs().ranges(place.blob, parts))
            head, tail = f"--{boundary}\r\n{part}".encode(), f"\r\n--{boundary}--\r\n".encode()
            blobs().put(key, head + pieces + tail)
        except (NotVisible, NoRoom):
            return False
        self._kept.put(key, True, length)  # here, since it may remove others
        return True

    def _find(self, institution: int) -> None:
        for key, size in blobs().keys(f"{institution}/made/frames/"):
            self._kept.put(key, True, size)
        self._found.add(institution)


def _named(institution: int, place: Place, number: int, kind: str, part: str) -> tuple[str, str]:
    # A boundary that nobody can have put into the file, since the file's hash is in it.
    boundary = hashlib.sha256(f"{place.sha256} {number} {kind} {part}".encode()).hexdigest()[:32]
    return f"{institution}/made/frames/{boundary[:2]}/{boundary}", boundary
