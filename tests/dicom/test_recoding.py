"""A stored image in another transfer syntax is the same image, by pydicom's reading of both."""

import io
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.pixels import pixel_array

from mip_app.dicom.pixels import CannotDraw, decode_frame, encode_frame, recoded_head

EXPLICIT, RLE, JPEG, JLS, NEAR, J2K, J2KI = (
    f"1.2.840.10008.1.2{end}" for end in (".1", ".5", ".4.50", ".4.80", ".4.81", ".4.90", ".4.91")
)
GREY = (
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "JPEG2000.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
)
COLOUR = (
    "SC_rgb_rle_2frame.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "examples_ybr_color.dcm",
    "examples_rgb_color.dcm",
)


def wheel(name: str) -> Path:
    return Path(str(get_testdata_file(name, download=False)))


def recoded(path: Path, syntax: str, uid: str = "") -> pydicom.Dataset:
    """The whole file, joined as it is sent."""
    head, first = recoded_head(path, syntax, uid)
    count = int(pydicom.dcmread(path, stop_before_pixels=True).get("NumberOfFrames", 1))
    more = [
        decode_frame(path, n) if syntax == EXPLICIT else encode_frame(path, n, syntax)
        for n in range(2, count + 1)
    ]
    frames = [first, *more]
    if syntax == EXPLICIT:
        body = b"".join(frames)
        body += b"\0" * (len(body) % 2)
    else:
        padded = [frame + b"\0" * (len(frame) % 2) for frame in frames]
        body = b"".join(b"\xfe\xff\x00\xe0" + struct.pack("<I", len(frame)) + frame for frame in padded)
        body += b"\xfe\xff\xdd\xe0" + bytes(4)
    return pydicom.dcmread(io.BytesIO(head + body))


@pytest.mark.parametrize("syntax", [EXPLICIT, RLE, JLS, J2K])
@pytest.mark.parametrize("name", [*GREY, *COLOUR])
def test_lossless_is_lossless(name: str, syntax: str) -> None:
    original, made = pydicom.dcmread(wheel(name)), recoded(wheel(name), syntax)
    assert made.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(pixel_array(made), pixel_array(original))
    assert made.SOPInstanceUID == original.SOPInstanceUID
    assert made.get("PatientName") == original.get("PatientName")
    assert made.get("LossyImageCompression") == (
        "01" if "jpeg_dcmtk" in name else original.get("LossyImageCompression")
    )


@pytest.mark.parametrize(
    ("name", "syntax", "photometric", "method"),
    [
        ("CT_small.dcm", NEAR, "MONOCHROME2", "ISO_14495_1"),
        ("CT_small.dcm", J2KI, "MONOCHROME2", "ISO_15444_1"),
        ("examples_rgb_color.dcm", JPEG, "YBR_FULL_422", "ISO_10918_1"),
        ("examples_rgb_color.dcm", J2KI, "YBR_ICT", "ISO_15444_1"),
        ("examples_ybr_color.dcm", JPEG, "YBR_FULL_422", "ISO_10918_1"),
    ],
)
def test_lossy_says_so_and_looks_alike(name: str, syntax: str, photometric: str, method: str) -> None:
    original, made = pydicom.dcmread(wheel(name)), recoded(wheel(name), syntax, "2.25.7")
    assert (made.SOPInstanceUID, made.file_meta.MediaStorageSOPInstanceUID) == ("2.25.7", "2.25.7")
    assert made.SourceImageSequence[0].ReferencedSOPInstanceUID == original.SOPInstanceUID
    assert made.ImageType[0] == "DERIVED"
    assert (made.PhotometricInterpretation, made.LossyImageCompression) == (photometric, "01")
    methods = made.LossyImageCompressionMethod
    assert (methods if isinstance(methods, str) else methods[-1]) == method
    theirs, ours = pixel_array(original).astype(float), pixel_array(made).astype(float)
    assert np.abs(theirs - ours).mean() / (2**original.BitsStored) < 0.02


@pytest.mark.parametrize(
    ("name", "syntax"),
    [
        ("CT_small.dcm", JPEG),  # 16 bits
        ("examples_palette.dcm", J2KI),  # indices do not survive
        ("rtdose.dcm", JLS),
        ("CT_small.dcm", "1.2.3"),
    ],
)
def test_what_a_target_cannot_hold_is_refused(name: str, syntax: str) -> None:
    with pytest.raises(CannotDraw) as refused:
        recoded_head(wheel(name), syntax)
    assert refused.value.detail == {"reason": "syntax"}
