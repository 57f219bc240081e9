import json
import os
import time
import tracemalloc
import warnings
from datetime import date
from datetime import time as clock

import pydicom
import pytest

from mip_app.dicom.part10 import Refused, parse_date, parse_time, read_header

BAD = {
    "bomb.zip": "ingest.not_dicom",
    "claims_60000x60000.dcm": "ingest.not_plausible",
    "claims_million_frames.dcm": "ingest.not_plausible",
    "deep_sequences.dcm": "ingest.too_deep",
    "deflate_corrupt.dcm": "ingest.incomplete",
    "element_length_lies.dcm": "ingest.incomplete",
    "empty.dcm": "ingest.not_dicom",
    "frames_fewer_than_told.dcm": "ingest.not_plausible",
    "item_length_lies.dcm": "ingest.incomplete",
    "jpeg_named_dcm.dcm": "ingest.not_dicom",
    "mixed.zip": "ingest.not_dicom",
    "no_sop_instance_uid.dcm": "ingest.no_uid",
    "no_study_uid.dcm": "ingest.no_uid",
    "preamble_only.dcm": "ingest.incomplete",
    "random_damage.dcm": "ingest.incomplete",
    "samples_three_monochrome.dcm": "ingest.not_plausible",
    "slip.zip": "ingest.not_dicom",
    "sop_class_mismatch.dcm": "ingest.mismatch",
    "text.dcm": "ingest.not_dicom",
    "truncated_in_header.dcm": "ingest.incomplete",
    "truncated_in_pixels.dcm": "ingest.incomplete",
    "uid_empty.dcm": "ingest.bad_uid",
    "uid_too_long.dcm": "ingest.bad_uid",
    "uid_with_path.dcm": "ingest.bad_uid",
    "uid_with_space_and_quote.dcm": "ingest.bad_uid",
    "undefined_sequence_never_ends.dcm": "ingest.incomplete",
}


def test_hostile_files_are_refused_in_words_and_the_odd_ones_go_in(shared):
    met = {}
    for path in sorted((shared / "bad").iterdir()):
        try:
            read_header(path)
        except Refused as refused:
            met[path.name] = refused.code
    assert met == BAD


def test_every_file_is_read_or_refused_quickly_and_its_json_is_valid(everything):
    for path in everything:
        start = time.process_time()
        try:
            header = read_header(path)
        except Refused:
            continue
        finally:
            assert time.process_time() - start < 2, path
        text = json.dumps(header.json, allow_nan=False)
        assert "7FE00010" not in header.json, path
        assert len(text) < 30_000_000, path


def test_json_says_what_pydicom_says(wheel):
    for name in (
        "CT_small.dcm",
        "MR_small_bigendian.dcm",
        "rtstruct.dcm",
        "test-SR.dcm",
        "ExplVR_BigEnd.dcm",
    ):
        ours = read_header(wheel(name)).json
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(wheel(name), stop_before_pixels=True, force=True)
            theirs = dataset.to_json_dict(suppress_invalid_tags=True)
        for tag, element in theirs.items():
            if element.get("Value") and tag[4:] != "0000" and tag in ours and tag != "00080005":
                assert _comparable(ours[tag]) == _comparable(element), (name, tag)
        assert set(theirs) - set(ours) <= {t for t in theirs if t.endswith("0000") or t.startswith("FFFC")}, (
            name
        )


def _comparable(element):
    """Empty values are null here and '' or {} there; padding is nobody's."""
    if isinstance(element, dict):
        return {k: _comparable(v) for k, v in element.items() if k != "InlineBinary" and v != []}
    if isinstance(element, list):
        return [_comparable(v) or None for v in element]
    return element.strip() if isinstance(element, str) else element


def test_header_holds_what_the_worklist_shows(changed):
    header = read_header(
        changed(
            SpecificCharacterSet="ISO_IR 192",
            PatientName="ZHANG^SAN=张^三",
            PatientBirthDate="19680229",
            PatientAge="058Y",
            PatientSex="M",
            StudyDate="20261124",
            StudyTime="073015.25",
            InstanceNumber="7",
        )
    )
    assert (header.patient_name, header.patient_sex, header.patient_age) == ("ZHANG^SAN=张^三", "M", "058Y")
    assert header.patient_birth_date == date(1968, 2, 29)
    assert (header.study_date, header.study_time) == (date(2026, 11, 24), clock(7, 30, 15, 250000))
    assert (header.modality, header.rows, header.columns, header.instance_number) == ("CT", 128, 128, 7)
    assert header.pixel_spacing == pytest.approx((0.661468, 0.661468))
    assert header.json["00100010"]["Value"] == [{"Alphabetic": "ZHANG^SAN", "Ideographic": "张^三"}]
    assert header.json["00080005"]["Value"] == ["ISO_IR 192"]
    assert header.notes == ()


def test_odd_values_go_in_as_nothing_or_as_text(shared):
    free = read_header(shared / "bad/date_free_text.dcm")
    assert free.study_date is None
    assert free.study_date_raw
    assert read_header(shared / "bad/instance_number_text.dcm").instance_number is None
    assert read_header(shared / "bad/nan_spacing.dcm").pixel_spacing is None
    assert "<img src=x" in read_header(shared / "bad/name_is_script.dcm").patient_name
    assert "\0" not in json.dumps(read_header(shared / "bad/name_control_chars.dcm").json)
    assert read_header(shared / "bad/sop_instance_mismatch.dcm").notes == ("ingest.mismatch",)


@pytest.mark.parametrize("text", ["", "昨天", "20260231", "2026", "99999999", "2026112"])
def test_impossible_dates_are_none(text):
    assert parse_date(text) is None
    assert parse_time("25") is None


def test_a_header_may_be_in_front_of_a_gigabyte(tmp_path, wheel):
    """Sparse file: no memory for the pixels, and cut by one byte it is refused."""
    source = wheel("CT_small.dcm").read_bytes()
    place = source.index(b"\xe0\x7f\x10\x00OW")
    rows = source.index(b"\x28\x00\x10\x00US")
    shape = bytearray(source[:place])
    for offset in (rows, source.index(b"\x28\x00\x11\x00US")):
        shape[offset + 8 : offset + 10] = (23170).to_bytes(2, "little")
    length = 23170 * 23170 * 2
    path = tmp_path / "big.dcm"
    path.write_bytes(bytes(shape) + source[place : place + 8] + length.to_bytes(4, "little"))
    os.truncate(path, place + 12 + length)
    tracemalloc.start()
    assert read_header(path).frames.count == 1
    assert tracemalloc.get_traced_memory()[1] < 4_000_000
    tracemalloc.stop()
    os.truncate(path, place + 11 + length)
    with pytest.raises(Refused, match="incomplete"):
        read_header(path)
