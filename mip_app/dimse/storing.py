"""C-STORE (PS3.4 annex B): a data set streams to the disk and is acknowledged when it is durable and committed."""

import re
import struct

from pydicom.uid import PYDICOM_IMPLEMENTATION_UID

from mip_app.core.actor import Actor
from mip_app.core.blobs import Arriving, blobs
from mip_app.core.settings import settings
from mip_app.core.texts import words
from mip_app.ingest.checking import Checked, check_received, refused
from mip_app.ingest.committing import committer
from mip_app.ingest.failure import reason_of
from mip_app.ingest.outcome import Kind, Outcome

SUCCESS, NOT_SUPPORTED = 0x0000, 0x0122
COMMENT_MOST = 64  # Error Comment is a LO
_UID = re.compile(r"[0-9.]{1,64}")


class Storing:
    """One data set while it comes in. Its bytes stay as they are; the header of a Part 10 file goes in front."""

    def __init__(self, actor: Actor, sop_class: str, sop_instance: str, syntax: str) -> None:
        self.actor, self.name = actor, sop_instance
        self._arriving: Arriving | None = None
        self._refused: Outcome | None = None
        if not _UID.fullmatch(sop_instance) or not _UID.fullmatch(sop_class):
            self._refused = Outcome(self.name, Kind.REFUSED, "ingest.bad_uid")
            return
        try:
            self._arriving = blobs().arriving(settings().max_file_bytes)
        except Exception as error:
            self._refused = refused(self.name, error)
        self.write(file_meta(sop_class, sop_instance, syntax))

    def write(self, data: bytes | memoryview) -> None:
        """What is refused already is passed over: its sender waits for the answer until all is sent."""
        if self._arriving is None:
            return
        try:
            self._arriving.write(data)
        except Exception as error:
            self.abandon()
            self._refused = refused(self.name, error)

    def finish(self) -> Outcome:
        """The whole data set has come."""
        if self._arriving is None:
            return self._refused or Outcome(self.name, Kind.REFUSED, "ingest.unreadable")
        try:
            received = self._arriving.complete()
        except Exception as error:
            self.abandon()
            return refused(self.name, error)
        self._arriving = None
        checked = check_received(self.actor, self.name, received)
        if not isinstance(checked, Checked):
            return checked
        return committer().submit(self.actor, [checked], here=True).result()[0]

    def abandon(self) -> None:
        """The association ended inside the data set."""
        if self._arriving is not None:
            self._arriving.discard()
            self._arriving = None


def status_of(outcome: Outcome) -> tuple[int, str]:
    """Status and Error Comment (PS3.4 B.2.3). The comment names no value of the file: it may be patient data."""
    if outcome.kind is not Kind.REFUSED:
        return SUCCESS, ""
    said = words(outcome.code, {"number": outcome.detail.get("number", "")}, "en")
    return reason_of(outcome.code), said.encode("ascii", "replace").decode()[:COMMENT_MOST].rstrip()


def file_meta(sop_class: str, sop_instance: str, syntax: str) -> bytes:
    """Preamble and File Meta Information (PS3.10 7.1).

    Nothing in it depends on who sends or on our version: the same data set is the same file whenever it comes.
    """
    elements = b"".join(
        (
            struct.pack("<HH2sHI2s", 2, 1, b"OB", 0, 2, b"\0\1"),
            _uid(0x0002, sop_class),
            _uid(0x0003, sop_instance),
            _uid(0x0010, syntax),
            _uid(0x0012, PYDICOM_IMPLEMENTATION_UID),
        )
    )
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(elements)) + elements


def _uid(element: int, value: str) -> bytes:
    padded = value.encode("ascii")
    padded += b"\0" * (len(padded) % 2)
    return struct.pack("<HH2sH", 2, element, b"UI", len(padded)) + padded
