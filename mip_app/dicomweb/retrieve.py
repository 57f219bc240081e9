"""Frames, instances and values of files as bytes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from mip_app.core.blobs import CHUNK, blobs
from mip_app.core.errors import NotVisible
from mip_app.dicom import pixels
from mip_app.dicom.correcting import corrected
from mip_app.dicom.elements import DataSet, Element, Refused
from mip_app.dicom.frames import FrameIndex
from mip_app.dicom.part10 import DEFLATED, parsed
from mip_app.dicomweb.locating import Located
from mip_app.dicomweb.partial import cut
from mip_app.dicomweb.syntaxes import EXPLICIT_LITTLE_ENDIAN, UNCOMPRESSED, leaving_syntax

_ENDLESS = 0xFFFFFFFF


def frame(item: Located, number: int, syntax: str) -> Iterator[bytes]:
    """One frame, counted from 1, in the transfer syntax `syntax`. Raises NotVisible, CannotDraw."""
    index = item.index
    if not 1 <= number <= item.frame_count or index.reason == "no_pixel_data":
        raise NotVisible(frame=number)
    stored = syntax == leaving_syntax(item.transfer_syntax_uid)
    if not stored and syntax != EXPLICIT_LITTLE_ENDIAN:
        with blobs().local(item.blob) as path:
            return iter([pixels.encode_frame(path, number, syntax)])
    if not stored and item.transfer_syntax_uid not in UNCOMPRESSED or not index.count:
        with blobs().local(item.blob) as path:
            return iter([pixels.decode_frame(path, number)])
    chunks = blobs().ranges(item.blob, index.parts(number))
    if index.byte_swap:
        words = np.dtype(f"u{index.byte_swap}")
        return iter([np.frombuffer(b"".join(chunks), words).byteswap().tobytes()])
    return chunks


def frames(item: Located, numbers: Sequence[int], syntax: str) -> Iterator[Iterator[bytes]]:
    """Several, one after the other; the first is read before it returns. Neighbours are read together."""
    index = item.index
    found = [_places(item, index, number, syntax) for number in numbers]
    if any(parts is None for parts in found) or max(numbers) > item.frame_count:
        first = frame(item, numbers[0], syntax)
        return chain([first], (frame(item, number, syntax) for number in numbers[1:]))
    known = [parts or [] for parts in found]
    chunks = blobs().ranges(item.blob, [part for parts in known for part in parts])
    return (islice(chunks, len(parts)) for parts in known)


def places(item: Located, number: int, syntax: str) -> list[tuple[int, int]] | None:
    """Where in the stored file the frame lies that leaves as `syntax`; None where it has to be made first."""
    return _places(item, item.index, number, syntax)


def _places(item: Located, index: FrameIndex, number: int, syntax: str) -> list[tuple[int, int]] | None:
    if syntax != leaving_syntax(item.transfer_syntax_uid) or not index.count or index.byte_swap:
        return None
    return index.parts(number)


def whole(item: Located) -> Iterator[bytes]:
    """The stored file, bit for bit; where somebody put its patient right, with those attributes as they should be."""
    return as_it_leaves(item.blob, item.size, item.corrections)


def as_it_leaves(blob: str, size: int, corrections: Mapping[str, Any]) -> Iterator[bytes]:
    """Of a stored file; its length is `size` where there are no corrections. The first piece is read at once."""
    if corrections:
        pieces = _put_right(blob, corrections)
        return chain([next(pieces, b"")], pieces)
    return blobs().ranges(blob, [(offset, min(CHUNK, size - offset)) for offset in range(0, size, CHUNK)])


def _put_right(blob: str, corrections: Mapping[str, Any]) -> Iterator[bytes]:
    with blobs().local(blob) as path:
        yield from corrected(path, corrections)


def value(item: Located, offset: int, length: int) -> Iterator[bytes]:
    """A value that stayed in the file, by its place there. Raises NotVisible outside of it."""
    if item.transfer_syntax_uid in DEFLATED:
        pieces = _inflated(item, offset, length)
        return chain([next(pieces, b"")], pieces)  # what is not there is known before anything is sent
    if offset < 0 or length < 0 or offset + length > item.size:
        raise NotVisible()
    return blobs().ranges(item.blob, cut([(offset, length)], 0, length))


def _inflated(item: Located, offset: int, length: int) -> Iterator[bytes]:
    with blobs().local(item.blob) as file, parsed(file) as found:
        if offset < 0 or length < 0 or offset + length > found.walker.size:
            raise NotVisible()
        found.walker.seek(offset)
        while length > 0 and (chunk := found.walker.stream.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk


def value_at(item: Located, path: str) -> tuple[int, int]:
    """(offset, length) of a value in the stored file, by its tags: `00420011`, `54000100/1/54001010`.

    Raises NotVisible where there is none, where it has no one place (sequences, compressed pixels), and where the
    file says wrongly what the metadata has right.
    """
    if path.upper() in item.corrections:
        raise NotVisible()
    steps = path.upper().split("/")
    try:
        tags, numbers = [int(step, 16) for step in steps[::2]], [int(step) for step in steps[1::2]]
    except ValueError:
        raise NotVisible() from None
    if len(steps) % 2 == 0 or len(steps) > 99 or any(len(step) != 8 for step in steps[::2]):
        raise NotVisible()
    try:
        with blobs().local(item.blob) as file, parsed(file) as found:
            element = _element(found.data, tags, numbers)
    except Refused:
        raise NotVisible() from None
    if element is None or element.items is not None or element.length == _ENDLESS:
        raise NotVisible()
    return element.offset, element.length


def _element(data: DataSet, tags: list[int], numbers: list[int]) -> Element | None:
    for tag, number in zip(tags, numbers, strict=False):
        sequence = data.elements.get(tag)
        items = sequence.items if sequence else None
        if not items or not 1 <= number <= len(items):
            return None
        data = items[number - 1]
    if data.pixels is not None and data.pixels.tag == tags[-1]:
        return data.pixels
    return data.elements.get(tags[-1])
