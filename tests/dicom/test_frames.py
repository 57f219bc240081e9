import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.pixels import pixel_array
from pydicom.uid import JPEGBaseline8Bit

from mip_app.core.errors import NotVisible
from mip_app.dicom.dicomjson import swapped
from mip_app.dicom.frames import FrameIndex, Shape, encapsulated, native
from mip_app.dicom.part10 import Refused, read_header


def _read(path, index, n):
    data = path.read_bytes()
    return b"".join(data[offset : offset + length] for offset, length in index.parts(n))


def test_every_frame_lies_where_pydicom_finds_it(everything):
    compared = 0
    for path in everything:
        try:
            header = read_header(path)
        except Refused:
            continue
        if not header.frames.count or path.parent.name == "bad" or path.stat().st_size > 4_000_000:
            continue
        assert FrameIndex.from_json(header.frames.to_json()) == header.frames
        compared += _same(path, header)
    assert compared > 80


def _same(path, header):
    index, dataset = header.frames, pydicom.dcmread(path, force=True)
    if index.fragments and dataset.get("PixelData"):
        theirs = list(generate_frames(dataset.PixelData, number_of_frames=index.count))
        for n, frame in enumerate(theirs, 1):
            assert _read(path, index, n).rstrip(b"\0") == frame.rstrip(b"\0"), (path, n)
        return 1
    if index.native and header.bits_allocated >= 8 and header.photometric != "YBR_FULL_422":
        if dataset.get("PlanarConfiguration") or "TransferSyntaxUID" not in dataset.file_meta:
            return 0
        try:
            theirs = pixel_array(dataset, index=index.count - 1, raw=True)
        except (ValueError, AttributeError):  # what pydicom refuses to decode
            return 0
        data = swapped(_read(path, index, index.count), index.byte_swap)
        theirs = theirs.astype(theirs.dtype.newbyteorder("<"))
        ours = np.frombuffer(data, theirs.dtype).reshape(theirs.shape)
        if theirs.dtype.kind in "ui":  # overlays in the high bits are none of the pixels
            mask = 2**header.bits_stored - 1
            ours, theirs = (a.view(f"u{a.dtype.itemsize}") & mask for a in (ours, theirs))
        assert np.array_equal(ours, theirs, equal_nan=theirs.dtype.kind == "f"), path
        return 1
    return 0


def test_frames_are_counted_from_one(wheel):
    index = read_header(wheel("CT_small.dcm")).frames
    assert index.parts(1)[0][1] == 128 * 128 * 2
    for n in (0, 2, -1):
        with pytest.raises(NotVisible):
            index.parts(n)


def test_a_lying_offset_table_is_not_believed(shared):
    index = read_header(shared / "bad/offset_table_lies.dcm").frames
    assert index.count == 2
    assert all(_read(shared / "bad/offset_table_lies.dcm", index, n)[:2] == b"\xff\xd8" for n in (1, 2))


@pytest.mark.parametrize(
    ("table", "lengths", "told"),
    [
        (b"", [2, 2, 2, 2], [[0, 1], [2, 3]]),  # no table: by the marks of JPEG
        (b"\0\0\0\0\x14\0\0\0", [2, 2, 2, 2], [[0, 1], [2, 3]]),
        (b"\0\0\0\0\xff\xff\xff\x7f", [2, 2, 2, 2], [[0, 1], [2, 3]]),
        (b"", [2, 2], [[0], [1]]),
    ],
)
def test_fragments_become_frames(table, lengths, told):
    starts = {told[0][0], told[1][0]}
    file, items = table, [(0, len(table))]
    for n, length in enumerate(lengths):
        file += b"\xfe\xff\x00\xe0" + length.to_bytes(4, "little")
        items.append((len(file), length))
        file += (b"\xff\xd8" if n in starts else b"ab")[:length]
    index = encapsulated(Shape(8, 8, 2, 1, 8), items, JPEGBaseline8Bit, lambda o, c: file[o : o + c])
    assert [index.parts(n) for n in (1, 2)] == [[items[1 + k] for k in frame] for frame in told]


def test_what_cannot_be_served_by_range_says_why(wheel):
    assert native(Shape(3, 3, 2, 1, 1), 0, 4, False, False).reason == "not_byte_aligned"
    assert native(Shape(0, 3, 1, 1, 8), 0, 4, False, False).reason == "no_dimensions"
    assert read_header(wheel("image_dfl.dcm")).frames.reason == "deflated"
    assert read_header(wheel("reportsi.dcm")).frames.reason == "no_pixel_data"
    with pytest.raises(Refused):
        native(Shape(4, 4, 2, 1, 8), 0, 31, False, False)
