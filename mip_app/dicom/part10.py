"""One DICOM file on disk (PS3.10): what it says of itself, and why it may not come in.

Refused codes: ingest.not_dicom, ingest.incomplete (cut, damaged, or lengths that lead past the end), ingest.no_uid,
ingest.bad_uid, ingest.mismatch (file meta and data set name different SOP classes), ingest.not_plausible (claims more
pixels than there are bytes), ingest.dicomdir; beyond a limit ingest.too_deep, ingest.too_many_elements,
ingest.too_many_fragments, ingest.inflates.
Another SOP instance UID in the file meta is only remarked (`notes`): de-identifying software leaves the old one there
all the time, and what counts is the data set's.
What goes in without being drawable (`frames.count` 0 and a reason): no or empty pixel data, zero rows or columns,
unknown syntaxes whose lengths are sound. Values are data: markup, odd dates and odd numbers go in.
"""

import os
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any, BinaryIO, cast

from mip_app.dicom import frames as frame_rules
from mip_app.dicom.charset import encodings
from mip_app.dicom.dicomjson import NAME_GROUPS, Json, to_json, values
from mip_app.dicom.elements import STORED, UNDEFINED, DataSet, Limits, Refused, Walker
from mip_app.dicom.frames import FrameIndex, Shape

__all__ = ["Header", "Parsed", "Refused", "parse_date", "parse_time", "parsed", "read_header", "shape_of"]

IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
GE_PRIVATE = "1.2.840.113619.5.2"  # implicit little endian with big endian pixels
DEFLATED = frozenset({"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95"})
DICOMDIR = "1.2.840.10008.1.3.10"
_UID = re.compile(r"[0-9.]{1,64}")


@dataclass(slots=True)
class Header:
    """Text is stripped, '' when absent; numbers and dates are None when absent or unreadable (`*_raw` keeps them)."""

    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
    series_uid: str
    transfer_syntax: str
    patient_id: str
    issuer_of_patient_id: str
    patient_name: str  # all component groups: ZHANG^SAN=张^三
    patient_birth_date: date | None
    patient_birth_date_raw: str
    patient_sex: str  # M, F, O or ''
    patient_age: str  # as recorded: 058Y
    study_date: date | None
    study_date_raw: str
    study_time: time | None
    study_time_raw: str
    study_description: str
    accession_number: str
    study_id: str
    referring_physician: str
    institution_name: str
    modality: str
    series_number: int | None
    series_description: str
    series_date: date | None
    series_time: time | None
    body_part_examined: str
    laterality: str
    protocol_name: str
    contrast_agent: str
    manufacturer: str
    model_name: str
    station_name: str
    instance_number: int | None
    acquisition_number: int | None
    content_date: date | None
    content_time: time | None
    rows: int
    columns: int
    number_of_frames: int
    bits_allocated: int
    bits_stored: int
    samples_per_pixel: int
    photometric: str
    image_position: tuple[float, ...] | None
    image_orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, ...] | None
    slice_thickness: float | None
    slice_location: float | None
    frame_of_reference_uid: str
    json: Json  # DICOM JSON model, UTF-8, without pixel data
    frames: FrameIndex
    notes: tuple[str, ...]  # what is odd but went in, as codes


@dataclass(frozen=True, slots=True)
class Parsed:
    """The data set and where its bytes are: `walker.stream` is the file, or a temporary one for a deflated file."""

    walker: Walker
    meta: DataSet
    data: DataSet
    syntax: str


def read_header(path: Path, limits: Limits = STORED) -> Header:
    """Reads the header and walks the item headers of the pixel data; pixels stay on the disk. Raises Refused."""
    with parsed(path, limits) as found:
        try:
            uids = _uids(found.data, found.meta)
            instance = _uid(found.meta, 0x00020003)
            notes = ("ingest.mismatch",) if instance and instance != uids["sop_instance_uid"] else ()
            shape = shape_of(found.data)
            return _header(to_json(found.data), uids, found.syntax, shape, _frames(found, shape), notes)
        except (RecursionError, MemoryError, OverflowError) as error:
            raise Refused("ingest.not_plausible", reason=type(error).__name__) from error


@contextmanager
def parsed(path: Path, limits: Limits = STORED) -> Iterator[Parsed]:
    """The file's data set up to the pixel data. Raises Refused."""
    with open(path, "rb") as stream, tempfile.SpooledTemporaryFile(max_size=1024 * 1024) as inflated:
        yield _parse(Walker(stream, os.fstat(stream.fileno()).st_size, limits), cast(BinaryIO, inflated))


def _parse(walker: Walker, inflated: BinaryIO) -> Parsed:
    head = walker.stream.read(132)
    if head[128:132] == b"DICM":
        walker.seek(132)
        return _after_preamble(walker, inflated)
    try:  # no preamble: taken only when it starts like a data set and names its study and object
        walker.seek(0)
        if head[:2] == b"\2\0":
            found = _after_preamble(walker, inflated)
        elif head[:2] in (b"\x08\0", b"\0\x08"):
            found = _data_set(walker, DataSet(), BIG_ENDIAN if head[0] == 0 else "")
        else:
            raise Refused("ingest.not_dicom")
        _uids(found.data, found.meta)
    except Refused as refused:
        if refused.code in ("ingest.incomplete", "ingest.no_uid", "ingest.bad_uid"):
            raise Refused("ingest.not_dicom") from refused
        raise
    return found


def _after_preamble(walker: Walker, inflated: BinaryIO) -> Parsed:
    meta = walker.data_set(explicit=True, meta=True)
    if _uid(meta, 0x00020002) == DICOMDIR:
        raise Refused("ingest.dicomdir")
    syntax = _uid(meta, 0x00020010)
    if syntax in DEFLATED:
        walker = Walker(inflated, _inflate(walker, inflated), walker.limits)
    return _data_set(walker, meta, syntax)


def _inflate(walker: Walker, into: BinaryIO) -> int:
    """The data set of a deflated file (PS3.5 A.5), written to `into`; its size. Raises Refused."""
    stream = walker.stream
    stream.seek(walker.position)
    inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        while not inflater.eof and (chunk := stream.read(64 * 1024)):
            while chunk and not inflater.eof:
                size += into.write(inflater.decompress(chunk, 1024 * 1024))
                chunk = inflater.unconsumed_tail
                if size > walker.limits.inflated_bytes:
                    raise Refused("ingest.inflates")
    except zlib.error as error:
        raise Refused("ingest.incomplete", reason="deflate") from error
    if not inflater.eof:
        raise Refused("ingest.incomplete", reason="deflate")
    into.seek(0)
    return size


def _data_set(walker: Walker, meta: DataSet, syntax: str) -> Parsed:
    """Whether VRs are written is read off the first element: some files say one thing and do the other."""
    walker.set_order(syntax != BIG_ENDIAN)
    start = walker.position
    first = walker.stream.read(6)[4:6]
    walker.seek(start)
    explicit = first.isalpha() and first.isupper()
    data = walker.data_set(explicit)
    if not data.elements:
        raise Refused("ingest.incomplete", position=start)
    return Parsed(walker, meta, data, syntax or (EXPLICIT if explicit else IMPLICIT))


def _uids(data: DataSet, meta: DataSet) -> dict[str, str]:
    found = {}
    for name, tag in _UIDS.items():
        if tag not in data.elements:
            raise Refused("ingest.no_uid", name=name)
        found[name] = _uid(data, tag)
    if found["sop_class_uid"] == DICOMDIR:
        raise Refused("ingest.dicomdir")
    for name, uid in found.items():
        if not _UID.fullmatch(uid) or not uid.strip("."):
            raise Refused("ingest.bad_uid", name=name)
    if (told := _uid(meta, 0x00020002)) and told != found["sop_class_uid"]:
        raise Refused("ingest.mismatch", name="sop_class_uid")
    return found


_UIDS = {
    "sop_class_uid": 0x00080016,
    "sop_instance_uid": 0x00080018,
    "study_uid": 0x0020000D,
    "series_uid": 0x0020000E,
}


def _uid(data: DataSet, tag: int) -> str:
    return data.get(tag).decode("latin-1").strip(" \0")


def shape_of(data: DataSet) -> Shape:
    def whole(tag: int, default: int) -> int:
        found = _raw(data, tag)
        return found[0] if found and isinstance(found[0], int) else default

    bits = {0x7FE00008: 32, 0x7FE00009: 64}.get(data.pixels.tag if data.pixels else 0) or whole(0x00280100, 0)
    photometric = str((_raw(data, 0x00280004) or [""])[0] or "")
    return Shape(
        whole(0x00280010, 0),
        whole(0x00280011, 0),
        whole(0x00280008, 1),
        whole(0x00280002, 1),
        bits,
        photometric,
    )


def _frames(found: Parsed, shape: Shape) -> FrameIndex:
    walker, syntax, pixels = found.walker, found.syntax, found.data.pixels
    if pixels is None:
        return FrameIndex(reason="no_pixel_data")
    if pixels.length == UNDEFINED:
        items = walker.fragments()

        def read(offset: int, count: int) -> bytes:
            walker.seek(offset)
            return walker.read(min(count, walker.size - offset))

        return frame_rules.encapsulated(shape, items, syntax, read, found.data.get(0x7FE00002))
    walker.skip(pixels.length)
    if syntax not in _NATIVE | DEFLATED:
        if syntax.startswith("1.2.840.10008."):
            return FrameIndex(reason="compressed_without_items")
        return FrameIndex(reason="unknown_syntax")
    big = syntax in (BIG_ENDIAN, GE_PRIVATE)
    index = frame_rules.native(shape, pixels.offset, pixels.length, big, pixels.vr == "OW")
    return FrameIndex(reason="deflated") if syntax in DEFLATED and index.count else index


_NATIVE = frozenset({IMPLICIT, EXPLICIT, BIG_ENDIAN, GE_PRIVATE})


def _raw(data: DataSet, tag: int) -> list[Any]:
    element = data.elements.get(tag)
    if element is None or not element.value:
        return []
    vr = element.vr if len(element.vr) == 2 else "US"
    found = values(vr, element.value, data.little_endian, encodings(data.get(0x00080005)))
    return found if isinstance(found, list) else []


def _first(data: Json, tag: int) -> Any:
    found = _values(data, tag)
    return found[0] if found else None


def _values(data: Json, tag: int) -> list[Any]:
    """What the DICOM JSON has of it: read once, for both."""
    element = data.get(f"{tag:08X}")
    found = element.get("Value") if element and element["vr"] != "SQ" else None
    return found if isinstance(found, list) else []


def _text(data: Json, tag: int) -> str:
    found = _values(data, tag)
    return "\\".join([str(v) for v in found if v is not None]) if found else ""


def _person(data: Json, tag: int) -> str:
    """Component groups joined as they were recorded: Alphabetic=Ideographic=Phonetic."""
    name = _first(data, tag) or {}
    groups = [name.get(k, "") for k in NAME_GROUPS] if isinstance(name, dict) else []
    return "=".join(groups).rstrip("=")


def _whole(data: Json, tag: int) -> int | None:
    found = _first(data, tag)
    return found if isinstance(found, int) and abs(found) < 2**31 else None


def _floats(data: Json, tag: int, count: int) -> tuple[float, ...] | None:
    found = _values(data, tag)
    if len(found) != count or any(not isinstance(v, int | float) for v in found):
        return None
    return tuple(float(v) for v in found)


def parse_date(text: str) -> date | None:
    """DA (PS3.5 6.2), and the yyyy.mm.dd of ACR-NEMA. None for anything else."""
    found = re.fullmatch(r"(\d{4})([.-]?)(\d\d)\2(\d\d)", text.strip(), re.ASCII)
    try:
        return date(int(found[1]), int(found[3]), int(found[4])) if found else None
    except ValueError:
        return None


def parse_time(text: str) -> time | None:
    """TM (PS3.5 6.2): HH[MM[SS[.F…]]], with the colons of ACR-NEMA too. None for anything else."""
    found = re.fullmatch(r"(\d\d):?(?:(\d\d):?(?:(\d\d)(?:\.(\d{1,6})\d*)?)?)?", text.strip(), re.ASCII)
    if not found:
        return None
    hour, minute, second, fraction = (g or "0" for g in found.groups())
    try:
        return time(int(hour), int(minute), min(int(second), 59), int(fraction.ljust(6, "0")))
    except ValueError:
        return None


def _sex(data: Json) -> str:
    found = _text(data, 0x00100040).upper()[:1]
    return found if found in ("M", "F", "O") else ""


def _header(
    data: Json,
    uids: dict[str, str],
    syntax: str,
    shape: Shape,
    frames: FrameIndex,
    notes: tuple[str, ...],
) -> Header:
    birth, day, clock = _text(data, 0x00100030), _text(data, 0x00080020), _text(data, 0x00080030)
    thickness, location = _floats(data, 0x00180050, 1), _floats(data, 0x00201041, 1)
    return Header(
        **uids,
        transfer_syntax=syntax,
        patient_id=_text(data, 0x00100020),
        issuer_of_patient_id=_text(data, 0x00100021),
        patient_name=_person(data, 0x00100010),
        patient_birth_date=parse_date(birth),
        patient_birth_date_raw=birth,
        patient_sex=_sex(data),
        patient_age=_text(data, 0x00101010),
        study_date=parse_date(day),
        study_date_raw=day,
        study_time=parse_time(clock),
        study_time_raw=clock,
        study_description=_text(data, 0x00081030),
        accession_number=_text(data, 0x00080050),
        study_id=_text(data, 0x00200010),
        referring_physician=_person(data, 0x00080090),
        institution_name=_text(data, 0x00080080),
        modality=_text(data, 0x00080060),
        series_number=_whole(data, 0x00200011),
        series_description=_text(data, 0x0008103E),
        series_date=parse_date(_text(data, 0x00080021)),
        series_time=parse_time(_text(data, 0x00080031)),
        body_part_examined=_text(data, 0x00180015),
        laterality=_text(data, 0x00200060) or _text(data, 0x00200062),
        protocol_name=_text(data, 0x00181030),
        contrast_agent=_text(data, 0x00180010),
        manufacturer=_text(data, 0x00080070),
        model_name=_text(data, 0x00081090),
        station_name=_text(data, 0x00081010),
        instance_number=_whole(data, 0x00200013),
        acquisition_number=_whole(data, 0x00200012),
        content_date=parse_date(_text(data, 0x00080023)),
        content_time=parse_time(_text(data, 0x00080033)),
        rows=shape.rows,
        columns=shape.columns,
        number_of_frames=shape.frames,
        bits_allocated=shape.bits,
        bits_stored=_whole(data, 0x00280101) or 0,
        samples_per_pixel=shape.samples,
        photometric=shape.photometric,
        image_position=_floats(data, 0x00200032, 3),
        image_orientation=_floats(data, 0x00200037, 6),
        pixel_spacing=_floats(data, 0x00280030, 2) or _floats(data, 0x00181164, 2),
        slice_thickness=thickness[0] if thickness else None,
        slice_location=location[0] if location else None,
        frame_of_reference_uid=_text(data, 0x00200052),
        json=data,
        frames=frames,
        notes=notes,
    )
