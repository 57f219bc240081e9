"""A stored image in another transfer syntax: its frames one by one, and a header that says what they are then.

Lossless targets keep the samples, and YBR samples as YBR; lossy ones begin with RGB. What a target cannot hold (16 bits
in JPEG baseline, a palette in anything lossy) is refused, never bent. Runs in the child process of pixels.py.
"""

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import get_encoder
from pydicom.sequence import Sequence
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from mip_app.dicom.correcting import put_right
from mip_app.dicom.decoding import Array, NotDrawn, Source, check, decode, samples
from mip_app.dicom.dicomjson import swapped

LOSSLESS = frozenset({ExplicitVRLittleEndian, JPEGLSLossless, JPEG2000Lossless, RLELossless})
# Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1) of what we make.
METHODS = {JPEGBaseline8Bit: "ISO_10918_1", JPEGLSNearLossless: "ISO_14495_1", JPEG2000: "ISO_15444_1"}
QUALITY, NEAR = 90, 2  # of JPEG and of JPEG-LS
DECIBELS, RATIO = 45, 10  # of JPEG 2000: of pictures, and of what has more than 8 bits
_STORED_LOSSY = {"1.2.840.10008.1.2.4.50": "ISO_10918_1", "1.2.840.10008.1.2.4.51": "ISO_10918_1"}
_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_MOST_NATIVE = 2**32 - 2


@dataclass(frozen=True, slots=True)
class Encoded:
    """One frame, and the attributes of the Image Pixel module that its coding decides."""

    data: bytes
    photometric: str
    planar: int
    bits: int  # allocated


def encoded(source: Source, frame: int, syntax: str) -> Encoded:
    """Raises NotDrawn (syntax) where the target cannot hold it."""
    if syntax == ExplicitVRLittleEndian:
        return _native(source, frame)
    if syntax not in LOSSLESS and syntax not in METHODS:
        raise NotDrawn("syntax")
    header = source.header
    check(header, frame)
    high = source.dataset.get("HighBit", header.bits_stored - 1)
    if source.has_floats or header.bits_allocated < 8 or high != header.bits_stored - 1:
        raise NotDrawn("syntax")
    if syntax in METHODS and header.photometric == "PALETTE COLOR":
        raise NotDrawn("syntax")
    array, photometric = samples(source, frame, raw=syntax in LOSSLESS)
    if syntax == JPEGBaseline8Bit:
        return _jpeg(source, array, photometric)
    return _by_pydicom(source, array, photometric, UID(syntax))


def _native(source: Source, frame: int) -> Encoded:
    header, data = source.header, decode(source, frame)
    planar = int(source.dataset.get("PlanarConfiguration", 0) or 0)
    if not header.frames.fragments:
        return Encoded(data, header.photometric, planar, header.bits_allocated)
    array, photometric = samples(source, frame, raw=True)
    photometric = _full(photometric)
    bits = 1 if header.bits_allocated == 1 else array.dtype.itemsize * 8
    return Encoded(data, photometric, 0, bits)


def _full(photometric: str) -> str:
    """Of decoded samples: colour was subsampled in the code stream, and is not any more."""
    return "YBR_FULL" if photometric in ("YBR_FULL_422", "YBR_FULL_420") else photometric


def _jpeg(source: Source, array: Array, photometric: str) -> Encoded:
    if array.dtype != np.uint8 or source.header.bits_stored != 8 or photometric.startswith("YBR"):
        raise NotDrawn("syntax")
    made = io.BytesIO()
    Image.fromarray(array).save(made, "JPEG", quality=QUALITY, subsampling="4:2:2")
    return Encoded(made.getvalue(), "YBR_FULL_422" if array.ndim == 3 else photometric, 0, 8)


def _by_pydicom(source: Source, array: Array, photometric: str, syntax: UID) -> Encoded:
    header = source.header
    photometric = told = _full(photometric)
    if photometric == "RGB" and syntax in (JPEG2000, JPEG2000Lossless):
        told = "YBR_RCT" if syntax == JPEG2000Lossless else "YBR_ICT"
    options: dict[str, Any] = {}
    if syntax == JPEGLSNearLossless:
        options["jls_error"] = NEAR
    elif syntax == JPEG2000:
        options |= {"j2k_psnr": [DECIBELS]} if header.bits_stored <= 8 else {"j2k_cr": [RATIO]}
    try:
        data = get_encoder(syntax).encode(
            np.ascontiguousarray(array).astype(array.dtype.newbyteorder("="), copy=False),
            rows=header.rows,
            columns=header.columns,
            samples_per_pixel=1 if array.ndim == 2 else array.shape[2],
            bits_allocated=array.dtype.itemsize * 8,
            bits_stored=header.bits_stored,
            pixel_representation=int(array.dtype.kind == "i"),
            photometric_interpretation=told,
            planar_configuration=0,
            number_of_frames=1,
            **options,
        )
    except (ValueError, RuntimeError, NotImplementedError):
        raise NotDrawn("syntax") from None
    planar = 1 if syntax == RLELossless else 0
    return Encoded(bytes(data), told, planar, array.dtype.itemsize * 8)


def head(source: Source, syntax: str, uid: str, corrections: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """A Part 10 file up to where its frames begin, and the first frame. `uid`: a new SOP Instance UID, or ''."""
    first = encoded(source, 1, syntax)
    data = dcmread(source.path, stop_before_pixels=True, force=True)
    if source.header.transfer_syntax == "1.2.840.10008.1.2.2":
        _turned(data)
    frames = source.header.number_of_frames
    native = syntax == ExplicitVRLittleEndian
    length = len(first.data) * frames
    if native and (length > _MOST_NATIVE or (first.bits == 1 and frames > 1 and _unaligned(source))):
        raise NotDrawn("too_large" if length > _MOST_NATIVE else "syntax")
    _describe(data, source, first, UID(syntax))
    if uid:
        _derive(data, uid)
    put_right(data, corrections)
    begun = io.BytesIO()
    data.file_meta = _meta(data, UID(syntax))
    dcmwrite(begun, data, implicit_vr=False, little_endian=True, enforce_file_format=True)
    tag = 0x7FE00010 if not source.has_floats else 0x7FE00008 if first.bits == 32 else 0x7FE00009
    vr = {0x7FE00008: b"OF", 0x7FE00009: b"OD"}.get(tag, b"OW" if native and first.bits > 8 else b"OB")
    begun.write(
        struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, length + length % 2 if native else 2**32 - 1)
    )
    if not native:
        begun.write(_ITEM + bytes(4))  # an empty basic offset table (PS3.5 A.4)
    return begun.getvalue(), first.data


def _unaligned(source: Source) -> bool:
    return source.header.rows * source.header.columns % 8 != 0


def _turned(data: Dataset) -> None:
    """Words of a big endian file, which pydicom leaves as they were."""
    for element in data:
        if element.VR == "SQ":
            for item in element.value:
                _turned(item)
        elif element.VR in _WORDS and isinstance(element.value, bytes):
            element.value = swapped(element.value, _WORDS[element.VR])


def _describe(data: Dataset, source: Source, first: Encoded, syntax: UID) -> None:
    for tag in (0x7FE00001, 0x7FE00002, 0x7FE00003):  # tables of offsets that hold no longer
        data.pop(tag, None)
    data.PhotometricInterpretation = first.photometric
    data.BitsAllocated = first.bits
    if source.header.samples_per_pixel > 1:
        data.PlanarConfiguration = first.planar
    before = _STORED_LOSSY.get(source.header.transfer_syntax)
    if before and data.get("LossyImageCompression") != "01":
        data.LossyImageCompression = "01"
        data.LossyImageCompressionMethod = before
    if method := METHODS.get(syntax):
        ratio = round(len(decode(source, 1)) / max(len(first.data), 1), 2)
        # One more step (PS3.3 C.7.6.1.1.5): methods and ratios are lists in the order of the steps.
        known = data.get("LossyImageCompression") == "01"
        methods, ratios = (_listed(data, f"LossyImageCompression{name}") for name in ("Method", "Ratio"))
        data.LossyImageCompression = "01"
        data.LossyImageCompressionMethod = [*(methods if known else []), method]
        data.LossyImageCompressionRatio = [*(ratios if known else []), ratio]


def _listed(data: Dataset, keyword: str) -> list[Any]:
    value = data.get(keyword)
    return (
        []
        if value in (None, "")
        else list(value)
        if isinstance(value, (list, tuple)) or hasattr(value, "append")
        else [value]
    )


def _derive(data: Dataset, uid: str) -> None:
    """What is lossy is another image (PS3.3 C.7.6.1.1.2, C.8.6.1.1.6): it says from which one it was made."""
    original = Dataset()
    original.ReferencedSOPClassUID, original.ReferencedSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    data.SourceImageSequence = Sequence([original])
    kind = list(data.get("ImageType") or ["ORIGINAL", "PRIMARY"])
    data.ImageType = ["DERIVED", *kind[1:]]
    data.DerivationDescription = "lossy compression for transfer"
    data.SOPInstanceUID = uid


def _meta(data: Dataset, syntax: UID) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    meta.TransferSyntaxUID = syntax
    return meta
