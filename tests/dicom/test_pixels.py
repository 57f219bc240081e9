import io
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import pixel_array

from mip_app.dicom import pixels
from mip_app.dicom.part10 import Refused, read_header
from mip_app.dicom.pixels import CannotDraw, Picture, Pool, decode_frame, render


def _picture(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def test_a_window_is_applied_and_monochrome1_is_inverted(changed):
    plain = changed()
    values = pydicom.dcmread(plain)
    hu = values.pixel_array * float(values.RescaleSlope) + float(values.RescaleIntercept)
    expected = np.clip((hu - 40) / 400 + 0.5, 0, 1) * 255
    drawn = _picture(render(plain, 1, Picture(window=(40, 400))))
    assert np.abs(drawn - expected).mean() < 2
    inverted = _picture(
        render(changed(PhotometricInterpretation="MONOCHROME1"), 1, Picture(window=(40, 400)))
    )
    assert np.abs(inverted.astype(int) + drawn - 255).mean() < 3


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("MR_small_RLE.dcm", "L"),
        ("JPEG2000.dcm", "L"),
        ("MR_small_jpeg_ls_lossless.dcm", "L"),
        ("image_dfl.dcm", "L"),
        ("ExplVR_BigEnd.dcm", "RGB"),
        ("SC_rgb_jpeg_dcmtk.dcm", "RGB"),
        ("examples_palette.dcm", "RGB"),
        ("examples_ybr_color.dcm", "RGB"),
    ],
)
def test_thumbnails_of_many_kinds(wheel, name, mode):
    picture = Image.open(io.BytesIO(render(wheel(name), 1, Picture(size=64))))
    assert picture.mode == mode
    assert max(picture.size) <= 64
    assert picture.format == "JPEG"


def test_palettes_look_alike_in_both_byte_orders(shared):
    little, big = (
        _picture(render(shared / f"pydicom/OBXXXX1A{end}.dcm", 1, Picture(size=64))) for end in ("", "_expb")
    )
    assert np.abs(little.astype(int) - big).mean() < 1
    assert little.std() > 10


def test_decoded_frames_are_what_pydicom_decodes(wheel):
    names = [
        "image_dfl.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "MR_small_RLE.dcm",
        "SC_rgb_rle_16bit_2frame.dcm",
    ]
    names += ["MR_small_bigendian.dcm", "SC_rgb_jpeg_dcmtk.dcm"]
    for name in names:
        path = wheel(name)
        last = read_header(path).number_of_frames
        theirs = pixel_array(pydicom.dcmread(path), index=last - 1, raw=True)
        assert decode_frame(path, last) == theirs.astype(theirs.dtype.newbyteorder("<")).tobytes(), name


def test_bits_of_unaligned_frames(shared):
    path = shared / "dcmqi/seg-label.seg_2.dcm"
    for n in (1, 2, 3):
        theirs = pixel_array(path, index=n - 1)
        ours = np.unpackbits(np.frombuffer(decode_frame(path, n), np.uint8), bitorder="little")
        assert np.array_equal(ours[: theirs.size], theirs.reshape(-1)), n


def test_nothing_hostile_brings_a_worker_down(shared):
    told = {}
    for path in sorted((shared / "bad").glob("*.dcm")):
        try:
            frames = read_header(path).number_of_frames
        except Refused:
            continue
        try:
            render(path, frames, Picture(size=64))
        except CannotDraw as error:
            told[path.stem] = error.detail["reason"]
    assert told == {
        "bits_stored_over_allocated": "damaged",
        "encapsulated_html": "no_pixels",
        "j2k_claims_60000x60000": "size",
        "j2k_cut": "damaged",
        "jpeg_cut_in_scan": "damaged",
        "palette_lut_short": "palette",
        "palette_without_lut": "palette",
        "rle_expands_short": "damaged",
        "rle_offset_lies": "damaged",
        "sof_size_other_than_header": "size",
        "unknown_transfer_syntax": "syntax",
        "zero_rows": "no_pixels",
    }


def test_frames_that_are_not_there(wheel):
    for frame in (0, 2, -1):
        with pytest.raises(CannotDraw):
            render(wheel("CT_small.dcm"), frame)


def test_a_worker_that_dies_or_hangs_is_replaced(wheel):
    pool = Pool(size=1, seconds=20)
    ask = {"op": "render", "path": str(wheel("CT_small.dcm")), "frame": 1, "picture": {"size": 32}}
    try:
        first = pool.ask(ask)
        worker = pool._free.get()
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
        pool._free.put(worker)
        assert pool.ask(ask) == first
        pool.seconds = 0
        with pytest.raises(CannotDraw) as raised:
            pool.ask(ask | {"path": str(wheel("examples_jpeg2k.dcm"))})  # no answer before the question
        assert raised.value.detail == {"reason": "timeout"}
        pool.seconds = 20
        assert pool.ask(ask) == first
    finally:
        pool.end()


def test_many_threads_get_their_own_pictures(wheel):
    paths = [wheel(n) for n in ("CT_small.dcm", "MR_small.dcm", "JPEG2000.dcm")] * 8
    alone = {path: render(path, 1, Picture(size=48)) for path in set(paths)}
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda p: render(p, 1, Picture(size=48)), paths)) == [alone[p] for p in paths]


def test_a_worker_has_limits_of_memory():
    pool = Pool(size=1)
    with pytest.raises(CannotDraw):
        pool.ask({"op": "render", "path": "/nowhere", "frame": 1, "picture": {}})
    worker = pool._free.get()
    with open(f"/proc/{worker.process.pid}/limits") as limits:
        assert str(3 * 1024**3) in next(line for line in limits if line.startswith("Max address space"))
    worker.end()
    assert pixels.WORKERS <= 2
