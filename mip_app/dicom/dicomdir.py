"""The directory of a file set: DICOMDIR (PS3.10 8.6, PS3.3 annex F) of one patient's study, from headers as JSON.

Written in UTF-8 (ISO_IR 192), whatever the files are in. Keys that must have a value and have none in the file (a study
ID, an instance number) are counted; dates are never invented, they stay empty.
"""

import io
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydicom import config, dcmwrite
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from mip_app.dicom.dicomjson import NAME_GROUPS, Json

_CLASS = "1.2.840.10008.5.1.4.1.1."
# Directory record type by SOP class below that root (PS3.3 F.4), the longest that fits; all others are images.
RECORD_TYPES = {
    "4.2": "SPECTROSCOPY", "9": "WAVEFORM", "11": "PRESENTATION", "66": "RAW DATA", "66.1": "REGISTRATION",
    "66.2": "FIDUCIAL", "66.3": "REGISTRATION", "66.4": "IMAGE", "66.5": "SURFACE", "67": "VALUE MAP",
    "88": "SR DOCUMENT", "88.59": "KEY OBJECT DOC", "104": "ENCAP DOC", "481.2": "RT DOSE",
    "481.3": "RT STRUCTURE SET", "481.4": "RT TREAT RECORD", "481.5": "RT PLAN", "481.6": "RT TREAT RECORD",
    "481.7": "RT TREAT RECORD", "481.8": "RT PLAN", "481.9": "RT TREAT RECORD",
}  # fmt: skip
_CONTENT = ("InstanceNumber", "ContentDate", "ContentTime")
_LABELLED = (*_CONTENT, "ContentLabel", "ContentDescription", "ContentCreatorName")
_KEYS = {
    "PATIENT": ("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    "STUDY": (
        "StudyDate", "StudyTime", "AccessionNumber", "StudyDescription", "StudyInstanceUID", "StudyID",
    ),
    "SERIES": ("Modality", "SeriesDescription", "SeriesInstanceUID", "SeriesNumber"),
    "IMAGE": ("ImageType", "InstanceNumber", "NumberOfFrames", "Rows", "Columns"),
    "SPECTROSCOPY": (*_CONTENT, "ImageType", "NumberOfFrames", "Rows", "Columns", "DataPointRows", "DataPointColumns"),
    "WAVEFORM": _CONTENT,
    "RAW DATA": _CONTENT,
    "PRESENTATION": (
        "InstanceNumber", "ContentLabel", "ContentDescription", "PresentationCreationDate",
        "PresentationCreationTime", "ContentCreatorName",
    ),
    "REGISTRATION": _LABELLED,
    "FIDUCIAL": _LABELLED,
    "SURFACE": _LABELLED,
    "VALUE MAP": _LABELLED,
    "SR DOCUMENT": (*_CONTENT, "ConceptNameCodeSequence", "CompletionFlag", "VerificationFlag"),
    "KEY OBJECT DOC": (*_CONTENT, "ConceptNameCodeSequence"),
    "ENCAP DOC": (*_CONTENT, "DocumentTitle", "ConceptNameCodeSequence", "MIMETypeOfEncapsulatedDocument"),
    "RT DOSE": ("InstanceNumber", "DoseSummationType"),
    "RT STRUCTURE SET": ("InstanceNumber", "StructureSetLabel", "StructureSetDate", "StructureSetTime"),
    "RT PLAN": ("InstanceNumber", "RTPlanLabel", "RTPlanDate", "RTPlanTime"),
    "RT TREAT RECORD": ("InstanceNumber", "TreatmentDate", "TreatmentTime"),
}  # fmt: skip
_CODE = ("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning")
_COUNTED = ("StudyID", "SeriesNumber", "InstanceNumber")
# Where the two offsets stand in an encoded item: behind its head, as (0004,1400) and (0004,1420).
_NEXT, _LOWER = 16, 38


@dataclass(frozen=True, slots=True)
class Record:
    """One encoded directory record, and how deep it stands: 0 patient, 1 study, 2 series, 3 instance."""

    level: int
    encoded: bytes


@dataclass(frozen=True, slots=True)
class Filed:
    """A file of the set: where it lies (`DICOM`, `ST000001`, …), what it is, its header in the DICOM JSON model."""

    file_id: tuple[str, ...]
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    header: Json


def record_type(sop_class_uid: str) -> str:
    below = sop_class_uid.removeprefix(_CLASS).split(".") if sop_class_uid.startswith(_CLASS) else []
    for length in range(len(below), 0, -1):
        if found := RECORD_TYPES.get(".".join(below[:length])):
            return found
    return "IMAGE"


def records(files: Iterable[Filed]) -> Iterator[Record]:
    """Records of files that stand study by study, series by series."""
    study = series = ""
    studies = numbers = instances = 0
    for file in files:
        header = file.header
        if not studies:
            yield Record(0, _item(_keys("PATIENT", header, 1), "PATIENT"))
        if study != (study := _text(header, "0020000D")) or not studies:
            studies, series = studies + 1, ""
            yield Record(1, _item(_keys("STUDY", header, studies), "STUDY"))
        if series != (series := _text(header, "0020000E")) or not numbers:
            numbers, instances = numbers + 1, 0
            yield Record(2, _item(_keys("SERIES", header, numbers), "SERIES"))
        instances += 1
        kind = record_type(file.sop_class_uid)
        leaf = _keys(kind, header, instances)
        leaf.ReferencedFileID = list(file.file_id)
        leaf.ReferencedSOPClassUIDInFile = file.sop_class_uid
        leaf.ReferencedSOPInstanceUIDInFile = file.sop_instance_uid
        leaf.ReferencedTransferSyntaxUIDInFile = file.transfer_syntax_uid
        yield Record(3, _item(leaf, kind))


def directory(found: Iterable[Record], file_set_id: str = "") -> bytes:
    """The DICOMDIR of these records, in their order."""
    begun = _begun(file_set_id)
    body = bytearray()
    last: dict[int, int] = {}  # level → where in `body` its latest record begins
    base = len(begun)
    roots: list[int] = []
    for record in found:
        at = len(body)
        body += record.encoded
        if record.level in last:
            struct.pack_into("<I", body, last[record.level] + _NEXT, base + at)
        elif record.level:
            struct.pack_into("<I", body, last[record.level - 1] + _LOWER, base + at)
        if not record.level:
            roots.append(base + at)
        last = {level: place for level, place in last.items() if level < record.level} | {record.level: at}
    for tag, value in (
        (b"\x04\x00\x00\x12UL", roots[0] if roots else 0),
        (b"\x04\x00\x02\x12UL", roots[-1] if roots else 0),
    ):
        struct.pack_into("<I", begun, begun.index(tag) + 8, value)
    struct.pack_into("<I", begun, base - 4, len(body))  # of the sequence, which was written empty
    return bytes(begun + body)


def _begun(file_set_id: str) -> bytearray:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.FileSetID = file_set_id
    data.OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity = 0
    data.OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity = 0
    data.FileSetConsistencyFlag = 0
    data.DirectoryRecordSequence = Sequence()
    begun = io.BytesIO()
    dcmwrite(begun, data, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return bytearray(begun.getvalue())


def _keys(kind: str, header: Json, number: int) -> Dataset:
    record = Dataset()
    for keyword in _KEYS[kind]:
        if (element := _element(keyword, header)) is not None:
            record.add(element)
        elif keyword in _COUNTED:
            setattr(record, keyword, str(number))
        elif keyword not in ("NumberOfFrames", "Rows", "Columns", "ImageType", "ConceptNameCodeSequence"):
            setattr(record, keyword, None)
    return record


def _element(keyword: str, header: Json) -> DataElement | None:
    tag = tag_for_keyword(keyword)
    values = header.get(f"{tag:08X}", {}).get("Value") if tag is not None else None
    if tag is None or not values or values == [None]:
        return None
    vr = dictionary_VR(tag)
    if vr == "SQ":
        items = [_item_of(value) for value in values if isinstance(value, dict)]
        return DataElement(tag, vr, Sequence(items))
    said: list[Any] = [_plain(value, vr) for value in values]
    return DataElement(tag, vr, said[0] if len(said) == 1 else said, validation_mode=config.IGNORE)


def _item_of(value: Json) -> Dataset:
    item = Dataset()
    for keyword in _CODE:
        if (element := _element(keyword, value)) is not None:
            item.add(element)
    return item


def _plain(value: Any, vr: str) -> Any:
    if vr == "PN" and isinstance(value, dict):
        groups = [value.get(part, "") for part in NAME_GROUPS]
        return "=".join(groups).rstrip("=")
    if vr in ("US", "UL"):
        return int(value or 0)
    return "" if value is None else str(value)


def _text(header: Json, tag: str) -> str:
    return str((header.get(tag, {}).get("Value") or [""])[0])


def _item(record: Dataset, kind: str) -> bytes:
    record.OffsetOfTheNextDirectoryRecord = 0
    record.RecordInUseFlag = 0xFFFF
    record.OffsetOfReferencedLowerLevelDirectoryEntity = 0
    record.DirectoryRecordType = kind
    record.SpecificCharacterSet = "ISO_IR 192"
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = True, False
    write_dataset(written, record)
    encoded = written.getvalue()
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(encoded)) + encoded
