"""Frames, instances and thumbnails as bytes."""

from collections.abc import Iterator

import numpy as np

from mip_app.core.blobs import CHUNK, blobs
from mip_app.core.errors import MipError, NotVisible
from mip_app.dicom import pixels
from mip_app.dicom.correcting import corrected
from mip_app.dicomweb.locating import Located
from mip_app.dicomweb.syntaxes import UNCOMPRESSED

THUMBNAIL = 128  # pixels, the longer side


class NotAcceptable(MipError):
    code = "dicomweb.not_acceptable"
    status = 406


def frame(item: Located, number: int, decoded: bool) -> Iterator[bytes]:
    """One frame, counted from 1, as stored; native little endian when `decoded`. Raises NotVisible, CannotDraw."""
    if not 1 <= number <= item.frame_count:
        raise NotVisible(frame=number)
    index = item.index
    path = blobs().path(item.blob)
    if decoded and item.transfer_syntax_uid not in UNCOMPRESSED or not index.count:
        return iter([pixels.decode_frame(path, number)])
    chunks = blobs().ranges(item.blob, index.parts(number))
    if index.byte_swap:
        words = np.dtype(f"u{index.byte_swap}")
        return iter([np.frombuffer(b"".join(chunks), words).byteswap().tobytes()])
    return chunks


def whole(item: Located) -> Iterator[bytes]:
    """The stored file, bit for bit; where somebody put its patient right, with those attributes as they should be."""
    if item.corrections:
        return corrected(blobs().path(item.blob), item.corrections)
    offsets = range(0, item.size, CHUNK)
    return blobs().ranges(item.blob, [(offset, min(CHUNK, item.size - offset)) for offset in offsets])


def bulk(item: Located, offset: int, length: int) -> bytes:
    """A value that stayed in the file, by its place there. Raises NotVisible outside of it."""
    if offset < 0 or length < 0 or offset + length > item.size:
        raise NotVisible()
    return b"".join(blobs().ranges(item.blob, [(offset, length)]))


def thumbnail(item: Located, institution: int) -> bytes:
    """A small JPEG, made once. What cannot be drawn has a dark tile, so that nothing asks again and again."""
    key = f"{institution}/made/thumbnails/{item.sha256[:2]}/{item.sha256}-{THUMBNAIL}.jpg"
    kept = blobs().get(key)
    if kept is None:
        number = max(1, (item.index.count + 1) // 2)
        kept = pixels.render(blobs().path(item.blob), number, THUMBNAIL, None)
        blobs().put(key, kept)
    return kept
