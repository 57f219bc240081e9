"""From bytes to a checked file on its way to its place, before anything is known of it to the database."""

import hashlib
import json
import zlib
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import Received, blobs
from mip_app.core.errors import MipError
from mip_app.core.logs import note
from mip_app.core.settings import settings
from mip_app.dicom.elements import Walker
from mip_app.dicom.part10 import Header, Refused, read_header
from mip_app.ingest import reading
from mip_app.ingest.limits import file_limits
from mip_app.ingest.outcome import Kind, Outcome, Source


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that is DICOM. `header.json` is cut down to what rows are made of.

    Durable in its place when `kept` has a result: no transaction that names it is committed before.
    """

    name: str
    header: Header
    blob: str
    size: int
    sha256: str
    packed: bytes  # the whole DICOM JSON, zlib
    kept: "Keeping"

    def outcome(self, kind: Kind, code: str, **detail: str) -> Outcome:
        return Outcome(
            name=self.name,
            kind=kind,
            code=code,
            detail=detail,
            study_uid=self.header.study_uid,
            series_uid=self.header.series_uid,
            sop_class_uid=self.header.sop_class_uid,
            sop_instance_uid=self.header.sop_instance_uid,
            transfer_syntax_uid=self.header.transfer_syntax,
        )


@dataclass(frozen=True, slots=True)
class Examined:
    """The same before it is on its way; it goes from process to process."""

    name: str
    header: Header
    blob: str
    packed: bytes
    received: Received


class Keeping:
    """The way of a file from the waiting room to its place."""

    def __init__(self, received: Received, key: str) -> None:
        self._received, self._key = received, key
        self._done: Future[None] | None = None

    def begin(self) -> None:
        """Let the disk work while others do."""
        if self._done is None:
            self._done = _keepers.submit(self._keep)

    def wait(self) -> None:
        """Until it is durable in its place, or was kept from that."""
        if self._done is None:
            self._done = Future()
            try:
                self._keep()
                self._done.set_result(None)
            except Exception as error:
                self._done.set_exception(error)
        wait([self._done])

    def result(self) -> None:
        """The same. Raises what kept it from that, each time."""
        self.wait()
        assert self._done is not None
        self._done.result()

    def abandon(self) -> None:
        """Nobody will commit it: it leaves the waiting room. Before it is on its way."""
        self._received.discard()

    def _keep(self) -> None:
        try:
            blobs().keep(self._received, self._key)
        finally:
            # Also when it went well: renamed onto another name of the same file, a name stays (POSIX rename).
            self._received.discard()


# Waiting for the disk, many at once: it takes what comes together in one go, and others work meanwhile.
_keepers = ThreadPoolExecutor(16, thread_name_prefix="mip-keep")
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@needs(Permission.STUDY_UPLOAD)
def check(actor: Actor, source: Source) -> Checked | Outcome:
    """Read one file that is offered. Never raises: what cannot be read is refused in words."""
    received = receive(actor, source)
    return check_received(actor, source.name, received) if isinstance(received, Received) else received


@needs(Permission.STUDY_UPLOAD)
def receive(actor: Actor, source: Source) -> Received | Outcome:
    """Bring one file into the waiting room, or refuse it."""
    if source.error or source.open is None:
        return Outcome(source.name, Kind.REFUSED, source.error or "ingest.unreadable")
    try:
        with source.open() as stream:
            return blobs().receive(stream, settings().max_file_bytes)
    except Exception as error:
        return refused(source.name, error)


@needs(Permission.STUDY_UPLOAD)
def check_received(actor: Actor, name: str, received: Received, only_study: str = "") -> Checked | Outcome:
    """The same for a file in the waiting room, which it leaves: for its place, or refused."""
    found = examine(actor, name, received, only_study)
    return kept(actor, found) if isinstance(found, Examined) else found


@needs(Permission.STUDY_UPLOAD)
def examine(actor: Actor, name: str, received: Received, only_study: str = "") -> Examined | Outcome:
    """Read what a file says. What is refused leaves the waiting room."""
    try:
        header = read_header(received.path, file_limits())
        if only_study not in ("", header.study_uid):
            raise Refused("ingest.other_study")
        packed = zlib.compress(_json(header.json).encode(), 1)
        key = _blob_key(actor, header, received)
    except Exception as error:
        class_uid, instance_uid = _named(received) if isinstance(error, MipError) else ("", "")
        received.discard()
        return replace(refused(name, error), sop_class_uid=class_uid, sop_instance_uid=instance_uid)
    header.json = {tag: header.json[tag] for tag in reading.ASKED if tag in header.json}
    return Examined(name, header, key, packed, received)


@needs(Permission.STUDY_UPLOAD)
def kept(actor: Actor, found: Examined) -> Checked:
    """Ready to go to its place, and to be committed."""
    received = found.received
    keeping = Keeping(received, found.blob)
    return Checked(
        found.name, found.header, found.blob, received.size, received.sha256, found.packed, keeping
    )


def _blob_key(actor: Actor, header: Header, received: Received) -> str:
    # Institution, study and content, by hash: nothing a sender chose is part of a path, and sending again is the same.
    study = hashlib.sha256(header.study_uid.encode()).hexdigest()
    return f"{actor.institution}/{study[:2]}/{study[2:24]}/{received.sha256}.dcm"


def refused(name: str, error: Exception) -> Outcome:
    if isinstance(error, MipError):
        return Outcome(name, Kind.REFUSED, error.code, error.detail)
    # A file nobody foresaw must not stop the ones behind it.
    return Outcome(name, Kind.REFUSED, "ingest.unexpected", {"number": note(error)})


def _named(received: Received) -> tuple[str, str]:
    """SOP Class and Instance UID that the file meta of a damaged file tells, so that its sender knows which it was."""
    try:
        with received.path.open("rb") as stream:
            walker = Walker(stream, received.size, file_limits())
            walker.seek(128)
            if walker.read(4) != b"DICM":
                return "", ""
            meta = walker.data_set(explicit=True, meta=True)
    except (Refused, OSError):
        return "", ""
    found = [meta.get(tag).decode("latin-1").strip(" \0") for tag in (0x00020002, 0x00020003)]
    return (found[0], found[1]) if all(reading.is_uid(uid) for uid in found) else ("", "")
