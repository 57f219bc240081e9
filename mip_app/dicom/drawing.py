"""The child process of pixels.py: decodes and draws one frame at a time, under limits of memory and time.

The frame's bytes are cut out by our own index and decoded alone by pydicom, so a lying table or a short file ends in
an error and never shows what lay in memory before.
"""

import io
import json
import os
import resource
import sys
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.multival import MultiValue
from pydicom.pixels import apply_color_lut, apply_modality_lut, get_decoder
from pydicom.pixels.processing import apply_voi
from pydicom.uid import UID, ExplicitVRLittleEndian

from mip_app.core.errors import MipError
from mip_app.dicom.codestream import ended, size_of
from mip_app.dicom.dicomjson import swapped
from mip_app.dicom.frames import VIDEO
from mip_app.dicom.part10 import Header, parsed, read_header, shape_of
from mip_app.dicom.pixels import ANSWER

MEMORY = 3 * 1024**3
CPU_SECONDS = 20
MAX_PIXELS = 120_000_000
_PARTLY = frozenset({"1.2.840.10008.1.2.4.51"})  # no decoder for its 12 bits
_PIXEL_MODULE = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration",
    "BitsStored", "HighBit", "PixelRepresentation",
)  # fmt: skip
Array = np.ndarray[Any, Any]


class NotDrawn(Exception):
    """Its text is the reason in CannotDraw."""


def decode(path: Path, frame: int) -> bytes:
    header = _header(path, frame)
    if (raw := _native(path, header, frame)) is not None:
        return raw
    array = _array(path, header, frame, raw=True)
    if header.bits_allocated == 1:
        return np.packbits(array.reshape(-1), bitorder="little").tobytes()
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def render(path: Path, frame: int, size: int | None, window: tuple[float, float] | None) -> bytes:
    header = _header(path, frame)
    array = _array(path, header, frame, raw=False)
    dataset = dcmread(path, stop_before_pixels=True, force=True, defer_size="1 MB")
    if header.photometric == "PALETTE COLOR":
        picture = Image.fromarray(_palette(array, dataset))
    elif header.samples_per_pixel >= 3:
        picture = Image.fromarray(_eight_bits(array[..., :3], header.bits_stored or header.bits_allocated))
    else:
        picture = Image.fromarray(_grey(array, _looks(dataset, frame), window, header.photometric))
    if size:
        picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=85 if size else 92)
    return made.getvalue()


def _header(path: Path, frame: int) -> Header:
    header = read_header(path)
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
    return header


def _native(path: Path, header: Header, frame: int) -> bytes | None:
    """The frame of uncompressed pixel data, wherever it begins; None when the data is compressed."""
    index = header.frames
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
    return _odd_native(path, header, frame)


def _odd_native(path: Path, header: Header, frame: int) -> bytes:
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


def _array(path: Path, header: Header, frame: int, raw: bool) -> Array:
    """(rows, columns) or (rows, columns, samples) of one frame; RGB for YBR unless `raw`."""
    alone = _alone(path, header)
    syntax = UID(header.transfer_syntax)
    data = _native(path, header, frame)
    if data is not None:
        syntax = ExplicitVRLittleEndian
        alone.PixelData = data + b"\0" * (len(data) % 2)
    else:
        code = _code(path, header, frame)
        alone.PixelData = encapsulate([code])
        alone["PixelData"].is_undefined_length = True
    if header.bits_allocated in (32, 64) and _is_float(path):
        alone.add_new(0x7FE00008 if header.bits_allocated == 32 else 0x7FE00009, "OF", alone.PixelData)
        del alone.PixelData
    alone.file_meta.TransferSyntaxUID = syntax
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        raise NotDrawn("syntax") from None
    try:
        array, _ = decoder.as_array(alone, index=0, raw=raw)
    except RuntimeError:  # of all plugins
        raise NotDrawn("syntax" if syntax in _PARTLY else "damaged") from None
    return cast(Array, array)


def _alone(path: Path, header: Header) -> Dataset:
    """A data set of one frame with what decoding needs."""
    whole = dcmread(path, stop_before_pixels=True, force=True, defer_size="1 MB")
    alone = Dataset()
    for keyword in _PIXEL_MODULE:
        if keyword in whole:
            setattr(alone, keyword, getattr(whole, keyword))
    alone.BitsAllocated = header.bits_allocated
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


def _looks(dataset: Dataset, frame: int) -> Dataset:
    """The data set with the frame's own window and rescale of the functional groups (PS3.3 C.7.6.16) on top."""
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])[:1]
    own = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])[frame - 1 : frame]
    for group in (*shared, *own):
        for name in ("FrameVOILUTSequence", "PixelValueTransformationSequence"):
            for item in list(group.get(name) or [])[:1]:
                for element in item:
                    dataset[element.tag] = element
    return dataset


def _grey(array: Array, dataset: Dataset, window: tuple[float, float] | None, photometric: str) -> Array:
    """8 bits by the asked window, else the file's VOI LUT or window, else from the darkest to the brightest."""
    values = _or_same(apply_modality_lut, array, dataset)
    table = None if window else _voi_table(values, dataset)
    if table is not None:
        share = table
    else:
        values = np.nan_to_num(values.astype(np.float64))
        center, width = window or _window(dataset) or (0.0, 0.0)
        if width <= 0:
            low, high = float(values.min()), float(values.max())
            center, width = (low + high) / 2, high - low
        if not window and dataset.get("VOILUTFunction") == "SIGMOID":
            share = 1 / (1 + np.exp(np.clip(-4 * (values - center) / max(width, 1e-9), -60, 60)))
        else:
            share = (values - center) / max(width, 1e-9) + 0.5
    grey = (np.clip(share, 0, 1) * 255 + 0.5).astype(np.uint8)
    return cast(Array, 255 - grey if photometric == "MONOCHROME1" else grey)


def _window(dataset: Dataset) -> tuple[float, float] | None:
    """Center and width of the first window, as the linear formula of PS3.3 C.11.2.1.2.1 needs them."""
    try:
        center, width = (
            float(value[0] if isinstance(value, MultiValue) else value)
            for value in (dataset.WindowCenter, dataset.WindowWidth)
        )
    except (AttributeError, TypeError, ValueError, IndexError):
        return None
    if not (np.isfinite(center) and np.isfinite(width)) or width <= 0:
        return None
    exact = dataset.get("VOILUTFunction") in ("LINEAR_EXACT", "SIGMOID")
    return (center, width) if exact or width <= 1 else (center - 0.5, width - 1)


def _voi_table(values: Array, dataset: Dataset) -> Array | None:
    """Between 0 and 1 by the VOI LUT (PS3.3 C.11.2.1.1), None without a usable one."""
    if not dataset.get("VOILUTSequence") or not np.issubdtype(values.dtype, np.integer):
        return None
    shown = _or_same(apply_voi, values, dataset)
    if shown is values:
        return None
    bits = int(dataset.VOILUTSequence[0].LUTDescriptor[2])
    return cast(Array, shown.astype(np.float64) / (2**bits - 1))


def _or_same(function: Any, array: Array, dataset: Dataset) -> Array:
    """A window of width 0 or a slope that is no number must not hide the image."""
    try:
        with np.errstate(all="ignore"):
            return cast(Array, function(array, dataset))
    except (ValueError, TypeError, AttributeError, NotImplementedError, KeyError, IndexError, OverflowError):
        return array


def _palette(array: Array, dataset: Dataset) -> Array:
    """Raises NotDrawn (palette) when a table is missing or shorter than it says (PS3.3 C.7.6.3.1.6)."""
    if "RedPaletteColorLookupTableData" in dataset:
        for colour in ("Red", "Green", "Blue"):
            told = dataset.get(f"{colour}PaletteColorLookupTableDescriptor")
            table = dataset.get(f"{colour}PaletteColorLookupTableData") or b""
            if not told or len(told) != 3 or len(table) < (told[0] or 65536) * (1 if told[2] <= 8 else 2):
                raise NotDrawn("palette")
            if dataset.original_encoding[1] is False and len(table) == 2 * (told[0] or 65536):
                dataset[f"{colour}PaletteColorLookupTableData"].value = swapped(
                    table, 2
                )  # pydicom leaves them
    elif "SegmentedRedPaletteColorLookupTableData" not in dataset:
        raise NotDrawn("palette")
    try:
        coloured = apply_color_lut(array, dataset)
    except (ValueError, IndexError, AttributeError, TypeError, KeyError) as error:
        raise NotDrawn("palette") from error
    deep = coloured.dtype.itemsize * 8
    if deep == 16 and dataset.RedPaletteColorLookupTableDescriptor[2] == 8:
        return cast(Array, coloured[..., :3].astype(np.uint8))
    return _eight_bits(coloured[..., :3], deep)


def _eight_bits(array: Array, bits: int) -> Array:
    return cast(Array, (array >> max(bits - 8, 0)).clip(0, 255).astype(np.uint8))


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _more_time() -> None:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    used = int(spent.ru_utime + spent.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_SECONDS, resource.RLIM_INFINITY))


def _answer(request: dict[str, Any]) -> bytes:
    path, frame = Path(request["path"]), int(request["frame"])
    if request["op"] == "decode":
        return decode(path, frame)
    window = request["window"]
    return render(path, frame, request["size"], (window[0], window[1]) if window else None)


def _reason(error: BaseException) -> str:
    if isinstance(error, NotDrawn):
        return str(error)
    if isinstance(error, MipError):
        return error.code
    return "too_large" if isinstance(error, MemoryError) else "damaged"


def main() -> None:
    """Requests are lines of JSON on standard input, answers `pixels.ANSWER` and bytes on standard output."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what codecs print must not get into the answers
    warnings.simplefilter("ignore")
    _limits()
    for line in sys.stdin.buffer:
        _more_time()
        try:
            failed, answer = 0, _answer(json.loads(line))
        except Exception as error:  # codecs raise anything; each is an answer
            failed, answer = 1, json.dumps(_reason(error)).encode()
        out.write(ANSWER.pack(failed, len(answer)) + answer)
        out.flush()


if __name__ == "__main__":
    main()
