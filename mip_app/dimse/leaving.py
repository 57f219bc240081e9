"""How stored instances leave by C-STORE: as they are where the peer takes that, else decoded.

A presentation context (PS3.8 7.1.1.13) for each SOP class and stored transfer syntax, so that it is known which of
them the peer takes; one more for each SOP class with the two that every application takes.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.dsutils import split_dataset
from pynetdicom.presentation import PresentationContext

from mip_app.core.blobs import blobs
from mip_app.core.errors import NotVisible
from mip_app.dicom import pixels
from mip_app.dicom.correcting import corrected
from mip_app.dicom.elements import Refused

MOST_CONTEXTS = 128  # of one association: their numbers are odd and below 256
MOST_DECODED = 2 * 1024**3  # bytes of one instance that are held in memory at once
PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
_LITTLE = frozenset(
    {*PLAIN, "1.2.840.10008.1.2.1.99"}
)  # pixels need no decoding: deflated is inflated on reading
_BIG = "1.2.840.10008.1.2.2"
_TO_RGB = frozenset({"YBR_ICT", "YBR_RCT"})  # JPEG 2000 turns these back while decoding (PS3.5 8.2.4)

Pair = tuple[str, str]  # SOP class, transfer syntax


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored instance, as far as sending goes."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    blob: str
    frame_count: int
    study_uid: str = ""
    series_uid: str = ""
    corrections: Mapping[str, Any] = field(default_factory=dict)  # of the study (studies/corrections.py)


class CannotLeave(Exception):
    """Its text is a key of the catalogue; trying again does not help."""


def packs(items: Iterable[Stored]) -> Iterator[list[Stored]]:
    """Instances that one association can offer."""
    by_pair: dict[Pair, list[Stored]] = {}
    for item in items:
        by_pair.setdefault((item.sop_class_uid, item.transfer_syntax_uid), []).append(item)
    pack: list[Stored] = []
    pairs: set[Pair] = set()
    for pair in sorted(by_pair):
        if pairs and len(contexts_of(pairs | {pair})) > MOST_CONTEXTS:
            yield pack
            pack, pairs = [], set()
        pack, pairs = pack + by_pair[pair], pairs | {pair}
    if pack:
        yield pack


def contexts_of(pairs: Iterable[Pair]) -> list[PresentationContext]:
    found = set(pairs)
    stored = [build_context(sop, syntax) for sop, syntax in sorted(found) if syntax not in PLAIN]
    return [*stored, *(build_context(sop, list(PLAIN)) for sop in sorted({sop for sop, _ in found}))]


def accepted(made: Association) -> dict[str, set[str]]:
    """Which transfer syntaxes the peer takes for which SOP class."""
    found: dict[str, set[str]] = {}
    for context in made.accepted_contexts:
        found.setdefault(str(context.abstract_syntax), set()).add(str(context.transfer_syntax[0]))
    return found


def put(made: Association, item: Stored, taken: Mapping[str, set[str]], **originator: Any) -> int | None:
    """C-STORE one instance; its status (PS3.7 annex C), None where the peer did not answer. Raises CannotLeave."""
    syntaxes = taken.get(item.sop_class_uid, set())
    if not syntaxes:
        raise CannotLeave("dimse.class_not_taken")
    try:
        with blobs().local(item.blob) as stored, _put_right(stored, item) as path:
            sent = _put(made, path, item, syntaxes, originator)
    except NotVisible as error:
        raise CannotLeave("dimse.file_gone") from error
    except Refused as error:  # nothing can be put right in it
        raise CannotLeave("dimse.cannot_decode") from error
    status = getattr(sent, "Status", None)
    return None if status is None else int(status)


@contextmanager
def _put_right(path: Path, item: Stored) -> Iterator[Path]:
    """The file as it leaves: stored, or with what somebody put right in it, in a file for as long as it is sent."""
    if not item.corrections:
        yield path
        return
    with NamedTemporaryFile(dir=blobs().incoming) as file:
        file.writelines(corrected(path, item.corrections))
        file.flush()
        yield Path(file.name)


def _put(
    made: Association, path: Path, item: Stored, syntaxes: set[str], originator: Mapping[str, Any]
) -> Dataset:
    if item.transfer_syntax_uid in syntaxes and _leaves_whole(path, item):
        return made.send_c_store(path, **originator)
    try:
        return made.send_c_store(_plain(path, item, syntaxes), **originator)
    except (ValueError, AttributeError, KeyError, TypeError) as error:  # odd values that no one can encode
        raise CannotLeave("dimse.cannot_decode") from error


def _leaves_whole(path: Path, item: Stored) -> bool:
    """Whether the file can leave byte for byte: its meta information says what the data set does, its length is even.

    Fragments have an even length (PS3.8 annex E); deflated data sets come without their padding.
    """
    meta, offset = split_dataset(path)
    return (
        (path.stat().st_size - offset) % 2 == 0
        and str(meta.get("MediaStorageSOPClassUID", "")) == item.sop_class_uid
        and str(meta.get("MediaStorageSOPInstanceUID", "")) == item.sop_instance_uid
        and str(meta.get("TransferSyntaxUID", "")) == item.transfer_syntax_uid
    )


def _plain(path: Path, item: Stored, syntaxes: set[str]) -> Dataset:
    """The data set, little endian and uncompressed where it has to be. Raises CannotLeave."""
    dataset: Dataset = dcmread(path, force=True)
    stored = item.transfer_syntax_uid
    if stored in _LITTLE or stored in syntaxes:
        target = stored
    else:
        target = str(next((s for s in PLAIN if str(s) in syntaxes), ""))
        if not target:
            raise CannotLeave("dimse.syntax_not_taken")
        if "PixelData" in dataset:
            _decode(path, item, dataset)
    if not getattr(dataset, "file_meta", None):
        dataset.ensure_file_meta()
    if stored == _BIG and target != stored:  # every value read, so that none is written as it stood there
        for element in dataset.iterall():
            _ = element.value
    dataset.file_meta.TransferSyntaxUID = UID(target)
    if target != stored:  # or pynetdicom compares it with how the file was read
        dataset.set_original_encoding(UID(target).is_implicit_VR, True, dataset.original_character_set)
    return dataset


def _decode(path: Path, item: Stored, dataset: Dataset) -> None:
    """Native pixels in the place of those stored; the photometric interpretation says what they are then."""
    frames = max(1, item.frame_count)
    bits = int(dataset.get("BitsAllocated") or 8)
    samples = int(dataset.get("SamplesPerPixel") or 1)
    if frames * int(dataset.Rows) * int(dataset.Columns) * samples * bits // 8 > MOST_DECODED:
        raise CannotLeave("dimse.too_large")
    try:
        data = b"".join(pixels.decode_frame(path, number) for number in range(1, frames + 1))
    except pixels.CannotDraw as error:
        raise CannotLeave("dimse.cannot_decode") from error
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OW" if bits > 8 else "OB"
    dataset["PixelData"].is_undefined_length = False
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in dataset:
            del dataset[keyword]
    if item.transfer_syntax_uid == _BIG or samples == 1:
        return
    dataset.PlanarConfiguration = 0
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if photometric in _TO_RGB:
        dataset.PhotometricInterpretation = "RGB"
    elif photometric.startswith("YBR_FULL_4") or photometric.startswith("YBR_PARTIAL"):
        dataset.PhotometricInterpretation = "YBR_FULL"
