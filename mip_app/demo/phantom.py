"""DICOM out of the catalogue: `build(spec)` yields the instances of one study, one at a time.

Every file says that it is synthetic: in its attributes and, outside the body, in its pixels.
"""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, RLELossless

from mip_app.demo.catalogue import INSTITUTIONS, ZONE, StudySpec, timeline
from mip_app.studies.models import Contrast, PatientClass

Pixels = npt.NDArray[Any]

# Names the demo's UIDs are derived from, so that they are the same in every installation.
NAMESPACE = uuid.UUID("5d0f7a36-3c1e-5b7c-9a54-4d49502d6465")
MARK = "SYNTHETIC"
COMMENT = "合成影像 SYNTHETIC"
SERVICES = {
    PatientClass.OUTPATIENT: "门诊",
    PatientClass.INPATIENT: "住院",
    PatientClass.EMERGENCY: "急诊",
    PatientClass.CHECKUP: "体检",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One instance: pixels (rows × columns, or frames first) as stored, and the attributes that are its own."""

    pixels: Pixels
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """`attributes` are shared; `bits` stored; `rle`: RLE Lossless instead of uncompressed."""

    description: str
    sop_class: str
    attributes: dict[str, Any]
    pictures: Iterable[Picture]
    bits: int = 12
    signed: bool = False
    rle: bool = False


def uid(*names: object) -> UID:
    """A UID under 2.25 (PS3.5 B.2) that depends on the names alone."""
    return UID(f"2.25.{uuid.uuid5(NAMESPACE, '/'.join(map(str, names))).int}")


def study_uid(spec: StudySpec) -> UID:
    return uid(spec.key)


@cache
def _letters(height: int) -> Pixels:
    font = ImageFont.load_default(size=height)
    left, top, right, bottom = font.getbbox(MARK)
    picture = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    ImageDraw.Draw(picture).text((2 - left, 2 - top), MARK, fill=255, font=font)
    return np.asarray(picture, np.float32) / 255


def mark(pixels: Pixels, value: float, corner: str = "bl", floor: float = 0.0) -> Pixels:
    """Burn the word into a corner (b/t, l/r) of every frame.

    Letters are stored as `value`, their soft edges fade to `floor` (what the usual window shows as black).
    """
    rows, columns = pixels.shape[-2:]
    letters = _letters(max(9, round(rows / 34)))
    height, width = letters.shape
    inset = max(3, rows // 50)
    top = inset if corner[0] == "t" else rows - inset - height
    left = inset if corner[1] == "l" else columns - inset - width
    part = pixels[..., top : top + height, left : left + width]
    faded = np.where(letters > 0.04, floor + letters * (value - floor), 0)
    part[...] = np.maximum(part, np.rint(faded).astype(pixels.dtype))
    return pixels


def build(spec: StudySpec, now: datetime | None = None) -> Iterator[FileDataset]:
    """The instances of one study, made as they are asked for; the same bytes for the same `now`.

    `now` is the time of the first seeding (default: the clock): dates are counted back from it.
    """
    moment = now or datetime.now(ZONE)
    if spec.images.recipe == "wheel":
        yield from _published(spec, moment)
        return
    from mip_app.demo.recipes import RECIPES  # numpy-heavy; the catalogue is read without it

    for number, series in enumerate(RECIPES[spec.images.recipe](spec), start=1):
        for instance, picture in enumerate(series.pictures, start=1):
            yield _instance(spec, moment, number, series, instance, picture)


def _instance(
    spec: StudySpec, now: datetime, number: int, series: Series, instance: int, picture: Picture
) -> FileDataset:
    data = Dataset()
    data.SpecificCharacterSet = "ISO_IR 192"
    data.ImageType = ["DERIVED", "SECONDARY", *(["AXIAL"] if spec.modality == "CT" else [])]
    data.SOPClassUID, data.SOPInstanceUID = UID(series.sop_class), uid(spec.key, number, instance)
    _describe(data, spec, now)
    data.SeriesInstanceUID, data.SeriesNumber, data.InstanceNumber = uid(spec.key, number), number, instance
    data.SeriesDescription = f"{series.description} {MARK}"
    moment = timeline(spec, now).studied + timedelta(minutes=2 * number)
    for step in ("Series", "Acquisition", "Content"):
        setattr(data, f"{step}Date", moment.strftime("%Y%m%d"))
        setattr(data, f"{step}Time", moment.strftime("%H%M%S"))
    data.Modality = spec.modality
    data.BodyPartExamined = spec.body_part
    data.Manufacturer, data.ManufacturerModelName, data.SoftwareVersions = "MIP", "Synthetic Phantom", "1"
    data.DerivationDescription = "Computed from an invented body; shows no person"
    data.SyntheticData, data.BurnedInAnnotation, data.ImageComments = "YES", "NO", COMMENT
    data.AcquisitionNumber = 1
    for name, value in (series.attributes | picture.attributes).items():
        setattr(data, name, value)
    if (
        spec.modality == "CT"
        and "ContrastBolusAgent" not in series.attributes
        and spec.contrast is Contrast.ENHANCED
    ):
        data.ContrastBolusAgent = "Iohexol 350"
    _pixels(data, series, picture.pixels)
    return _file(data, series.rle)


def _describe(data: Dataset, spec: StudySpec, now: datetime) -> None:
    """Patient, study and institution, as the catalogue has them."""
    studied = timeline(spec, now).studied
    place = next(i for i in INSTITUTIONS if i.code == spec.institution)
    data.PatientName, data.PatientID = spec.patient.name, spec.patient.id
    data.IssuerOfPatientID = spec.institution
    data.PatientBirthDate, data.PatientSex = spec.patient.birth, spec.patient.sex
    data.PatientAge = _age(spec.patient.birth, studied.date())
    data.PatientComments = COMMENT
    data.StudyInstanceUID, data.StudyID = study_uid(spec), spec.accession[-8:]
    data.StudyDate, data.StudyTime = studied.strftime("%Y%m%d"), studied.strftime("%H%M%S")
    data.StudyDescription, data.AccessionNumber = spec.description, spec.accession
    data.ReferringPhysicianName = ""
    data.RequestingService = SERVICES[spec.patient_class]
    data.InstitutionName, data.InstitutionAddress = place.name, place.address


def _age(birth: str, day: date) -> str:
    if not birth:
        return ""
    born = date(int(birth[:4]), int(birth[4:6]), int(birth[6:8]))
    return f"{day.year - born.year - ((day.month, day.day) < (born.month, born.day)):03d}Y"


def _pixels(data: Dataset, series: Series, pixels: Pixels) -> None:
    if pixels.ndim == 3:
        data.NumberOfFrames = len(pixels)
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape[-2:]
    wide = series.bits > 8
    data.BitsAllocated, data.BitsStored, data.HighBit = 16 if wide else 8, series.bits, series.bits - 1
    data.PixelRepresentation = int(series.signed)
    data.PixelData = pixels.astype(("<i2" if series.signed else "<u2") if wide else "u1").tobytes()
    data["PixelData"].VR = "OW" if wide else "OB"


def _file(data: Dataset, rle: bool) -> FileDataset:
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data.SOPClassUID, data.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID, meta.ImplementationVersionName = uid("implementation"), "MIP_DEMO_1"
    file = FileDataset("", data, preamble=b"\x00" * 128, file_meta=meta)
    if rle:
        file.compress(RLELossless, encoding_plugin="pylibjpeg", generate_instance_uid=False)
    return file


def _published(spec: StudySpec, now: datetime) -> Iterator[FileDataset]:
    """Real images out of pydicom's wheel.

    Replaced: patient, study, institution, dates, and the UIDs of study, series and instance. As published:
    pixels, transfer syntax, geometry, equipment, everything else. BodyPartExamined is added where it is missing.
    """
    moment = timeline(spec, now).studied
    for number, name in enumerate(spec.images.files, start=1):
        path = get_testdata_file(name, download=False)
        if not isinstance(path, str):
            raise FileNotFoundError(f"{name} is not in this version of pydicom")
        data = dcmread(path)
        data.decode()  # texts were read in the file's own character set; they are written in ours
        for word in [
            e.keyword for e in data if e.tag.group == 0x0010 and e.keyword.startswith(("Patient", "Other"))
        ]:
            delattr(data, word)
        data.SpecificCharacterSet = "ISO_IR 192"
        _describe(data, spec, now)
        data.PatientComments = f"Published test image of pydicom ({name}); the patient is invented"
        data.SeriesInstanceUID, data.SOPInstanceUID = uid(spec.key, number), uid(spec.key, number, 1)
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.SeriesNumber, data.InstanceNumber = number, 1
        for step in ("Series", "Acquisition", "Content"):
            setattr(data, f"{step}Date", moment.strftime("%Y%m%d"))
            setattr(data, f"{step}Time", moment.strftime("%H%M%S"))
        if not data.get("BodyPartExamined"):
            data.BodyPartExamined = spec.body_part
        if not data.get("SeriesDescription"):
            data.SeriesDescription = data.file_meta.TransferSyntaxUID.name
        yield data
