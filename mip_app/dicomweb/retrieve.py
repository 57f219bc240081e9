"""Frames, instances and thumbnails as bytes."""

from collections.abc import Iterator

import numpy as np

from mip_app.core.blobs import CHUNK, blobs
from mip_app.core.errors import MipError, NotVisible
from mip_app.dicom import pixels
from mip_app.dicomweb.locating import Located

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
UNCOMPRESSED = frozenset(
    {
        IMPLICIT_LITTLE_ENDIAN,
        EXPLICIT_LITTLE_ENDIAN,
        "1.2.840.10008.1.2.1.99",  # deflated: frames are inflated on the way out
        "1.2.840.10008.1.2.2",  # big endian: frames are turned round on the way out
    }
)
# Media types of frames (PS3.18 table 8.7.3-5) by transfer syntax.
MEDIA_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
}
THUMBNAIL = 128  # pixels, the longer side


class NotAcceptable(MipError):
    code = "dicomweb.not_acceptable"
    status = 406


def stored_syntax(item: Located) -> str:
    """The transfer syntax in which the frames of `item` leave as they are stored."""
    if item.transfer_syntax_uid in UNCOMPRESSED:
        return EXPLICIT_LITTLE_ENDIAN
    return item.transfer_syntax_uid


def frame(item: Located, number: int, decoded: bool) -> Iterator[bytes]:
    """One frame, counted from 1, as stored; native little endian when `decoded`. Raises NotVisible, CannotDraw."""
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
    """The stored file, bit for bit."""
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
