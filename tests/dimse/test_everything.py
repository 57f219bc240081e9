"""Every real file there is, sent by C-STORE: what is stored is the data set that was sent, byte for byte."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.errors import InvalidDicomError
from pynetdicom.association import Association
from pynetdicom.dsutils import split_dataset

from mip_app.core.blobs import blobs
from mip_app.dicom.part10 import Header, Refused, read_header
from tests.dicom.conftest import SHARED, WHEEL
from tests.dimse.callers import associated, data_set_of, stored
from tests.dimse.conftest import rows, waiting

DUPLICATE = 0x0111
CONTEXTS = 128  # of one association


def sendable() -> dict[tuple[str, str], list[Path]]:
    """Files with File Meta Information, by its SOP class and transfer syntax: those of the wheel and of the collection."""
    found = defaultdict(list)
    for path in sorted([*WHEEL.rglob("*"), *SHARED.rglob("*")]):
        try:
            meta, _ = split_dataset(path)
            named = str(meta.MediaStorageSOPClassUID), str(meta.TransferSyntaxUID)
            if 0 < len(meta.MediaStorageSOPInstanceUID) <= 64 and all(
                named
            ):  # pynetdicom sends no longer one
                found[named].append(path)
        except (InvalidDicomError, OSError, AttributeError):  # a folder, no DICOM, or a data set alone
            continue
    return found


@contextlib.contextmanager
def undisturbed(association: Association) -> Iterator[None]:
    """pynetdicom's other thread now and then takes a fast answer for one that nobody asked for: it stands still."""
    checkpoint = association._reactor_checkpoint
    checkpoint.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "set", lambda: None)
        yield
    checkpoint.set()


def header_of(path: Path) -> Header | None:
    try:
        return read_header(path)
    except Refused:
        return None


def test_every_file_is_stored_as_it_was_sent_or_refused(scp):
    kinds = sendable()
    answers: dict[Path, int] = {}
    for first in range(0, len(kinds), CONTEXTS):
        contexts = [(sop_class, [syntax]) for sop_class, syntax in list(kinds)[first : first + CONTEXTS]]
        with associated(scp.port, contexts) as association, undisturbed(association):
            accepted = {
                (str(c.abstract_syntax), str(c.transfer_syntax[0])) for c in association.accepted_contexts
            }
            for kind in accepted:
                answers |= {path: stored(association, path).Status for path in kinds[kind]}
    sent: dict[str, set[bytes]] = defaultdict(set)
    for path, status in answers.items():
        header = header_of(path)
        assert (status in (0, DUPLICATE)) == (header is not None), (path, hex(status))
        if header and status == 0:
            sent[header.sop_instance_uid].add(path.read_bytes()[split_dataset(path)[1] :])
    assert {
        row.sop_instance_uid: {data_set_of(blobs().path(row.blob).read_bytes())} for row in rows()
    } == sent
    assert len(sent) > 100 and not waiting()
    if not SHARED.is_dir():
        pytest.skip(f"of the wheel alone: the collection is not at {SHARED}")
