"""Whole instances in another transfer syntax, frame by frame: neither process ever holds the whole of a cine.

What comes out of a lossy target is another image (PS3.3 C.7.6.1.1.2): it has a SOP Instance UID of its own, the same
each time it is asked for, and says from which one it was made.
"""

import hashlib
import struct
import uuid
from collections.abc import Iterator

from mip_app.core.blobs import blobs
from mip_app.dicom import pixels
from mip_app.dicom.pixels import CannotDraw
from mip_app.dicomweb import retrieve
from mip_app.dicomweb.accepting import NotAcceptable
from mip_app.dicomweb.locating import Located
from mip_app.dicomweb.syntaxes import EXPLICIT_LITTLE_ENDIAN, LOSSY

_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
# Why an image cannot leave as asked; everything else is about the stored file.
_TARGET = frozenset({"syntax", "too_large"})


def uid_of(item: Located, syntax: str) -> str:
    """A new SOP Instance UID where the target is lossy; '' where the image stays what it is."""
    if syntax not in LOSSY:
        return ""
    digest = hashlib.sha256(f"{item.sop_instance_uid} {item.sha256} {syntax}".encode()).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"


def instance(item: Located, syntax: str) -> Iterator[bytes]:
    """A Part 10 file. The first frame is made before it returns. Raises NotAcceptable, CannotDraw, NotVisible."""
    with blobs().local(item.blob) as path:
        try:
            head, first = pixels.recoded_head(path, syntax, uid_of(item, syntax), item.corrections)
        except CannotDraw as error:
            if error.detail.get("reason") in _TARGET:
                raise NotAcceptable() from error
            raise
    return _pieces(item, syntax, head, first)


def _pieces(item: Located, syntax: str, head: bytes, first: bytes) -> Iterator[bytes]:
    native = syntax == EXPLICIT_LITTLE_ENDIAN
    yield head
    length = 0
    for number in range(1, max(item.frame_count, 1) + 1):
        frame = first if number == 1 else b"".join(retrieve.frame(item, number, syntax))
        length += len(frame)
        if native:
            yield frame
        else:
            yield _ITEM + struct.pack("<I", len(frame) + len(frame) % 2)
            yield frame + b"\0" * (len(frame) % 2)
    if not native:
        yield _END + bytes(4)
    elif length % 2:
        yield b"\0"


def wherever_possible(item: Located, syntax: str) -> tuple[str, Iterator[bytes]]:
    """Of many: what cannot be turned into `syntax` (a document, a video) leaves as stored, and says so."""
    if not syntax or syntax == item.transfer_syntax_uid:
        return item.transfer_syntax_uid, retrieve.whole(item)
    try:
        return syntax, instance(item, syntax)
    except (NotAcceptable, CannotDraw):
        return item.transfer_syntax_uid, retrieve.whole(item)
