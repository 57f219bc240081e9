"""One frame of a stored file as samples: its bytes are cut out by our own index and decoded alone by pydicom.

So a lying table or a short file ends in an error and never shows what lay in memory before. Runs in the child process
of pixels.py.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import UID, ExplicitVRLittleEndian

from mip_app.dicom.codestream import ended, size_of
from mip_app.dicom.dicomjson import swapped
from mip_app.dicom.frames import VIDEO
from mip_app.dicom.part10 import Header, parsed, read_header, shape_of

MAX_PIXELS = 120_000_000
_PARTLY = frozenset({"1.2.840.10008.1.2.4.51"})  # no decoder for its 12 bits
_PIXEL_MODULE = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
    "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
Array = np.ndarray[Any, Any]


class NotDrawn(Exception):
    """Its text is the reason in CannotDraw."""


@dataclass(frozen=True, slots=True)
class Source:
    """A stored file, its header read: the frames of a cine are asked for one after the other."""

    path: Path
    header: Header
    dataset: Dataset  # without pixels; not to be changed

    @property
    def has_floats(self) -> bool:
        return self.header.bits_allocated in (32, 64) and _is_float(self.path)


def opened(path: Path) -> Source:
    told = path.stat()
    return _opened(path, told.st_mtime_ns, told.st_size)


@lru_cache(maxsize=2)
def _opened(path: Path, changed: int, size: int) -> Source:
    return Source(
        path, read_header(path), dcmread(path, stop_before_pixels=True, force=True, defer_size="1 MB")
    )


def decode(source: Source, frame: int) -> bytes:
    """Native little endian samples, bits packed where one is allocated."""
    check(source.header, frame)
    if (raw := _native(source, frame)) is not None:
        return raw
    array, _ = samples(source, frame, raw=True)
    if source.header.bits_allocated == 1:
        return np.packbits(array.reshape(-1), bitorder="little").tobytes()
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def check(header: Header, frame: int) -> None:
    drawable = header.rows > 0 and header.columns > 0
    if not drawable or header.frames.reason in ("no_pixel_data", "empty", "no_dimensions"):
        raise NotDrawn("no_pixels")
    if header.transfer_syntax in VIDEO:
        raise NotDrawn("video")
    if not 1 <= frame <= header.number_of_frames:
        raise NotDrawn("no_such_frame")
    if header.rows * header.columns > MAX_PIXELS:
        raise NotDrawn("too_large")
    if header.bits_stored > header.bits_allocated:
        raise NotDrawn("damaged")


def _native(source: Source, frame: int) -> bytes | None:
    """The frame of uncompressed pixel data, wherever it begins; None when the data is compressed."""
    path, index = source.path, source.header.frames
    if index.fragments or index.reason in (
        "fragments_do_not_add_up",
        "compressed_without_items",
        "unknown_syntax",
    ):
        return None
    if index.native:
        [(offset, length)] = index.parts(frame)
        with path.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(length)
        if len(data) != length:
            raise NotDrawn("damaged")
        return swapped(data, index.byte_swap)
    return _odd_native(path, frame)


def _odd_native(path: Path, frame: int) -> bytes:
    """Deflated, bits that do not fill bytes, words that do not fill frames: by way of all the pixel data."""
    with parsed(path) as found:
        shape, pixels = shape_of(found.data), found.data.pixels
        if pixels is None or (shape.bits % 8 and shape.bits != 1):
            raise NotDrawn("damaged")
        big = not found.data.little_endian
        bits, first = shape.frame_bits, shape.frame_bits * (frame - 1)
        start, end = first // 8, (first + bits + 7) // 8
        end += end % 2
        start -= start % 2
        found.walker.seek(pixels.offset + start)
        data = found.walker.read(min(end, pixels.length) - start)
        word = max(shape.bits // 8, 2 if pixels.vr == "OW" else 1)
    data = swapped(data, word) if big else data
    if shape.bits != 1:
        skip = first // 8 - start
        return data[skip : skip + bits // 8]
    skip = first - start * 8
    unpacked = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[skip : skip + bits]
    return np.packbits(unpacked, bitorder="little").tobytes()


def samples(source: Source, frame: int, raw: bool) -> tuple[Array, str]:
    """(rows, columns) or (rows, columns, samples) of one frame, and its photometric interpretation.

    RGB for YBR unless `raw`; samples of a pixel side by side.
    """
    header = source.header
    check(header, frame)
    alone = _alone(source)
    syntax = UID(header.transfer_syntax)
    data = _native(source, frame)
    if data is not None:
        syntax = ExplicitVRLittleEndian
        alone.PixelData = data + b"\0" * (len(data) % 2)
    else:
        alone.PixelData = encapsulate([_code(source.path, header, frame)])
        alone["PixelData"].is_undefined_length = True
    if source.has_floats:
        alone.add_new(0x7FE00008 if header.bits_allocated == 32 else 0x7FE00009, "OF", alone.PixelData)
        del alone.PixelData
    alone.file_meta.TransferSyntaxUID = syntax
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise NotDrawn("syntax") from None
    try:
        array, told = decoder.as_array(alone, index=0, raw=raw)
    except RuntimeError:  # of all plugins
        raise NotDrawn("syntax" if syntax in _PARTLY else "damaged") from None
    return cast(Array, array), str(told["photometric_interpretation"])


def _alone(source: Source) -> Dataset:
    """A data set of one frame with what decoding needs."""
    alone = Dataset()
    for keyword in _PIXEL_MODULE:
        if keyword in source.dataset:
            setattr(alone, keyword, getattr(source.dataset, keyword))
    alone.BitsAllocated = source.header.bits_allocated
    alone.NumberOfFrames = 1
    alone.file_meta = FileMetaDataset()
    return alone


def _is_float(path: Path) -> bool:
    with parsed(path) as found:
        return found.data.pixels is not None and found.data.pixels.tag != 0x7FE00010


def _code(path: Path, header: Header, frame: int) -> bytes:
    if header.frames.reason:
        raise NotDrawn("syntax" if header.frames.reason == "unknown_syntax" else "damaged")
    with path.open("rb") as stream:
        code = b""
        for offset, length in header.frames.parts(frame):
            stream.seek(offset)
            code += stream.read(length)
    told = size_of(code)
    if told and told != (header.rows, header.columns):
        raise NotDrawn("size")
    if not ended(code):
        raise NotDrawn("damaged")
    return code
