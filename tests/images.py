"""Small studies for tests, made from a real slice of pydicom's wheel: real headers, pixels that tell slices apart."""

from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRLittleEndian, generate_uid


@dataclass(frozen=True)
class Made:
    """A data set as a file to take in."""

    data: pydicom.Dataset
    name: str = "made.dcm"
    error: str = ""

    def open(self) -> BinaryIO:
        return BytesIO(self.bytes())

    def bytes(self) -> bytes:
        out = BytesIO()
        self.data.save_as(out, enforce_file_format=True)
        return out.getvalue()


def study(
    name: str = "ZHANG^San=张^三",
    patient_id: str = "",
    slices: int = 12,
    when: str = "",
    **attributes: object,
) -> list[pydicom.Dataset]:
    """A CT series of `slices` images 128 × 128; slice n carries a bright square that moves with n."""
    template = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    study_uid, series_uid, frame_of_reference = generate_uid(), generate_uid(), generate_uid()
    made = []
    for number in range(slices):
        data = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
        data.SpecificCharacterSet = "GB18030"
        data.PatientName, data.PatientID = name, patient_id or f"T{study_uid[-8:]}"
        data.PatientBirthDate, data.PatientSex = "19680305", "M"
        data.StudyInstanceUID, data.SeriesInstanceUID = study_uid, series_uid
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        data.FrameOfReferenceUID = frame_of_reference
        data.StudyDescription, data.SeriesDescription = "胸部CT平扫", "平扫 5mm"
        data.BodyPartExamined, data.Modality = "CHEST", "CT"
        data.StudyDate = when or "20261120"
        data.StudyTime = "101500"
        data.SeriesNumber, data.InstanceNumber = 1, number + 1
        data.ImagePositionPatient = [-100, -100, -5.0 * number]
        data.WindowWidth, data.WindowCenter = 400, 40
        pixels = template.pixel_array.copy()
        side = 8 * (number % 12)
        pixels[side : side + 16, side : side + 16] = 1500
        data.PixelData = pixels.astype(np.int16).tobytes()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        for keyword, value in attributes.items():
            setattr(data, keyword, value)
        made.append(data)
    return made
