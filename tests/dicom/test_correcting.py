"""A corrected file says what was put right and is otherwise the file that is stored."""

from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from mip_app.dicom.correcting import corrected

NEW = {
    "00080050": {"vr": "SH", "Value": ["ACC-9"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "LI^SI", "Ideographic": "李^四"}]},
    "00100020": {"vr": "LO", "Value": ["P-9"]},
    "00100021": {"vr": "LO"},
    "00100030": {"vr": "DA", "Value": ["19700102"]},
    "00100040": {"vr": "CS", "Value": ["F"]},
}
PUT_RIGHT = {int(tag, 16) for tag in NEW}


def written(folder: Path, syntax: str, charset: str) -> Path:
    data = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    data.SpecificCharacterSet = charset.split("\\")
    data.InstitutionName = "江南医院" if charset in ("GB18030", "ISO_IR 192") else "Hôpital"
    data.PatientName = "ZHANG^SAN"
    del data.PatientSex  # is put where it belongs
    data.file_meta.TransferSyntaxUID = syntax
    path = folder / "one.dcm"
    list(data.iterall())  # read before the byte order turns
    pydicom.dcmwrite(
        path,
        data,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        force_encoding=syntax == ExplicitVRBigEndian,
    )
    return path


@pytest.mark.parametrize("charset", ["GB18030", "ISO_IR 100", "ISO_IR 192", "\\ISO 2022 IR 58"])
@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
)
def test_what_was_put_right_and_nothing_else(tmp_path, syntax, charset):
    path = written(tmp_path, syntax, charset)
    stored = path.read_bytes()
    out = pydicom.dcmread(BytesIO(b"".join(corrected(path, NEW))))
    assert path.read_bytes() == stored
    assert (str(out.PatientName), out.PatientID, out.PatientBirthDate) == ("LI^SI=李^四", "P-9", "19700102")
    assert (out.PatientSex, out.AccessionNumber, out.IssuerOfPatientID) == ("F", "ACC-9", "")
    before = pydicom.dcmread(path)
    assert out.PixelData == before.PixelData
    assert list(out.keys()) == sorted(out.keys())
    kept = [e for e in before if e.tag not in PUT_RIGHT and e.tag != 0x00080005]
    assert [out[e.tag].value for e in kept] == [e.value for e in kept]


def test_ascii_leaves_every_other_byte_as_it_is(tmp_path):
    path = written(tmp_path, ExplicitVRLittleEndian, "ISO_IR 100")
    stored = path.read_bytes()
    out = b"".join(corrected(path, {"00100020": {"vr": "LO", "Value": ["1CT2"]}}))
    assert out == stored.replace(b"1CT1", b"1CT2", 1)
    assert b"".join(corrected(path, {})) == stored
