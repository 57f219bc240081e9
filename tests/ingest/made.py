"""Small DICOM files made for a test: as many as it wants, of whom it wants."""

from io import BytesIO
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

ROOT = "2.25.31415926535"


def image(number: int, study: int = 1, patient: str = "P1", name: str = "张^三", side: int = 16) -> bytes:
    """One CT slice as a Part 10 file; the same arguments give the same bytes."""
    study_uid = f"{ROOT}.{study}"
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = f"{study_uid}.1.{number}"
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName, ds.PatientID = name, patient
    ds.StudyInstanceUID, ds.SeriesInstanceUID = study_uid, f"{study_uid}.1"
    ds.StudyDate, ds.StudyTime, ds.Modality = "20260301", "101500", "CT"
    ds.InstanceNumber = number
    ds.Rows = ds.Columns = side
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.PixelData = bytes(side * side * 2)
    return _written(ds)


def _written(ds: Dataset) -> bytes:
    written = BytesIO()
    ds.save_as(written, enforce_file_format=True)
    return written.getvalue()


def beyond_limits() -> dict[str, tuple[int, bytes, str]]:
    """By the name of a setting: a value of it, a file that asks for more, what is said then."""
    whole = dcmread(BytesIO(image(1)))
    nested, packed, deflated = (dcmread(BytesIO(image(1))) for _ in range(3))
    for _ in range(3):
        inner = Dataset()
        inner.ContentSequence = nested.get("ContentSequence", [])
        nested.ContentSequence = [inner]
    packed.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    packed.PixelData = encapsulate([b"\xff\xd8\xff\xd9"] * 4)
    packed.NumberOfFrames = 4
    packed["PixelData"].VR = "OB"
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    made = {
        "max_elements": (20, whole, "ingest.too_many_elements"),
        "max_nesting": (2, nested, "ingest.too_deep"),
        "max_fragments": (4, packed, "ingest.too_many_fragments"),  # the offset table is one
        "max_inflated_bytes": (700, deflated, "ingest.inflates"),
    }
    return {name: (most, _written(ds), code) for name, (most, ds, code) in made.items()}


def in_front_of(file: bytes, writer: str) -> bytes:
    """The same data set behind the File Meta Information of another writer."""
    ds = dcmread(BytesIO(file))
    ds.file_meta.ImplementationVersionName = writer
    meta = BytesIO()
    write_file_meta_info(meta, ds.file_meta)
    return bytes(128) + b"DICM" + meta.getvalue() + file[file.index(b"\x08\x00\x05\x00") :]


def series(folder: Path, count: int, study: int = 1, side: int = 16) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(1, count + 1):
        paths.append(folder / f"{number:04}.dcm")
        paths[-1].write_bytes(image(number, study, side=side))
    return paths
