"""Pictures of frames, made once: thumbnails are kept beside the blobs, the latest of all kinds in memory."""

from contextlib import suppress
from dataclasses import astuple
from hashlib import sha256

from mip_app.core.blobs import blobs
from mip_app.core.errors import MipError
from mip_app.core.keeping import Kept
from mip_app.core.lane import pixels as lane
from mip_app.dicom import pixels
from mip_app.dicom.pixels import Picture
from mip_app.dicomweb.locating import Located

THUMBNAIL = 128  # pixels, the longer side
MOST_BYTES = 32 << 20  # of pictures in memory; one of an eighth of it would push too many out


# By what they show: bytes of a file and how they were drawn. Whose they are is asked before.
_kept: Kept[str, bytes] = Kept(MOST_BYTES)


def frame_of(item: Located) -> int:
    """The frame that stands for all: the middle one."""
    return max(1, (item.frame_count + 1) // 2)


def tag_of(item: Located, frame: int, asked: Picture) -> str:
    """The ETag of a picture."""
    return f'"{item.sha256[:32]}-{frame}-{sha256(repr(astuple(asked)).encode()).hexdigest()[:16]}"'


async def picture(item: Located, frame: int, asked: Picture) -> bytes:
    """Raises CannotDraw, NotVisible, LaneFull."""
    tag = tag_of(item, frame, asked)
    if (found := _kept.get(tag)) is None:
        found = await lane.run(_draw, item, frame, asked)
        if len(found) <= MOST_BYTES // 8:
            _kept.put(tag, found, len(found))
    return found


def _draw(item: Located, frame: int, asked: Picture) -> bytes:
    with blobs().local(item.blob) as path:
        return pixels.render(path, frame, asked)


async def thumbnail(item: Located, frame: int) -> bytes:
    """A small JPEG. Raises CannotDraw, NotVisible, LaneFull."""
    asked = Picture(size=THUMBNAIL)
    tag = tag_of(item, frame, asked)
    if (found := _kept.get(tag)) is None:
        found = await lane.run(_thumbnail, item, frame, asked)
        _kept.put(tag, found, len(found))
    return found


def _thumbnail(item: Located, frame: int, asked: Picture) -> bytes:
    middle = frame == frame_of(item)
    key = f"{item.institution}/made/thumbnails/{item.sha256[:2]}/{item.sha256}-{THUMBNAIL}.jpg"
    kept = blobs().get(key) if middle else None
    if kept is None:
        kept = _draw(item, frame, asked)
        if middle:
            with suppress(MipError):  # a store that is full or away must not hide what was drawn
                blobs().put(key, kept)
    return kept
