"""Files that come in pieces: what has arrived waits on the disk and belongs to whoever began it, for a day.

Two files in the waiting room, named by a token: the bytes (`.part`; their number is the offset) and whose they are
(`.json`). Nothing of it is in memory: a restarted server goes on. The waiting room is swept after a day.
"""

import hashlib
import json
import os
import re
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import Received, blobs
from mip_app.core.errors import Conflict, MipError, NotVisible, TooLarge
from mip_app.core.settings import settings

KEPT_SECONDS = 24 * 3600
_TOKEN = re.compile(r"[0-9a-f]{32}")


class TooManyUploads(MipError):
    code = "ingest.too_many_uploads"
    status = 429


class OtherOffset(Conflict):
    """Somebody, or an earlier request of the same browser, was further, or not so far."""

    code = "ingest.other_offset"


class OtherDigest(Conflict):
    code = "ingest.other_digest"


@dataclass(frozen=True, slots=True)
class Upload:
    token: str
    name: str
    length: int
    path: Path

    @property
    def offset(self) -> int:
        return self.path.stat().st_size


@needs(Permission.STUDY_UPLOAD)
def begin(actor: Actor, name: str, length: int) -> Upload:
    """Raises TooLarge, TooManyUploads (of this person: number, or bytes promised)."""
    allowed = settings()
    if length > allowed.max_archive_bytes:
        raise TooLarge("ingest.too_large")
    open_ones = [about["length"] for about in _all_of(actor)]
    if len(open_ones) >= allowed.max_uploads or sum(open_ones) + length > allowed.max_upload_bytes:
        raise TooManyUploads()
    token = secrets.token_hex(16)
    part, about = _files(token)
    part.touch(exist_ok=False)
    about.write_text(json.dumps({"whose": _whose(actor), "name": name, "length": length}), "utf-8")
    return Upload(token, name, length, part)


@needs(Permission.STUDY_UPLOAD)
def found(actor: Actor, token: str) -> Upload:
    """Raises NotVisible: gone, or not this person's."""
    if not _TOKEN.fullmatch(token):
        raise NotVisible()
    part, about = _files(token)
    told = _read(about)
    if told is None or told["whose"] != _whose(actor) or not part.exists():
        raise NotVisible()
    return Upload(token, told["name"], told["length"], part)


@needs(Permission.STUDY_UPLOAD)
def drop(actor: Actor, token: str) -> None:
    """It was taken in, or nobody wants it any more. Raises NotVisible."""
    upload = found(actor, token)
    for path in _files(upload.token):
        path.unlink(missing_ok=True)


class Appending:
    """Writes one request's bytes at their place. A later request takes over from one whose connection hangs."""

    @needs(Permission.STUDY_UPLOAD)
    def __init__(self, actor: Actor, token: str, offset: int) -> None:
        """Raises NotVisible, OtherOffset."""
        self.upload = found(actor, token)
        with _lock:
            _writing[token] = self
            if offset != self.upload.offset:
                raise OtherOffset()
        self.offset = offset

    def write(self, data: bytes) -> None:
        """Raises TooLarge (more than was promised), OtherOffset (another request writes now)."""
        if self.offset + len(data) > self.upload.length:
            raise TooLarge("ingest.too_large")
        with _lock:
            if _writing.get(self.upload.token) is not self:
                raise OtherOffset()
            with self.upload.path.open("r+b", buffering=0) as part:
                while data:
                    written = os.pwrite(part.fileno(), data, self.offset)
                    self.offset += written
                    data = data[written:]

    def end(self) -> None:
        with _lock:
            if _writing.get(self.upload.token) is self:
                del _writing[self.upload.token]


_lock = threading.Lock()
_writing: dict[str, Appending] = {}


@needs(Permission.STUDY_UPLOAD)
def complete(actor: Actor, token: str, sha256: str = "") -> tuple[Upload, Received]:
    """All of it, as a file of the waiting room like any other; it can be asked for again until it is dropped.

    Raises NotVisible, OtherOffset (not all is there), OtherDigest.
    """
    upload = found(actor, token)
    if upload.offset != upload.length:
        raise OtherOffset()
    with upload.path.open("rb") as whole:
        digest = hashlib.file_digest(whole, "sha256").hexdigest()
    if sha256 and sha256 != digest:
        raise OtherDigest()
    again = blobs().incoming / secrets.token_hex(16)
    os.link(upload.path, again)  # the same bytes under a name of their own: what is taken in moves away
    return upload, Received(again, digest, upload.length)


def _files(token: str) -> tuple[Path, Path]:
    room = blobs().incoming
    return room / f"{token}.part", room / f"{token}.json"


def _whose(actor: Actor) -> list[object]:
    return [actor.institution, actor.user_id, actor.name if actor.user_id is None else ""]


def _read(about: Path) -> dict[str, Any] | None:
    try:
        if about.stat().st_mtime < time.time() - KEPT_SECONDS:
            return None
        return json.loads(about.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _all_of(actor: Actor) -> list[dict[str, Any]]:
    found = (_read(about) for about in blobs().incoming.glob("*.json"))
    return [about for about in found if about is not None and about["whose"] == _whose(actor)]
