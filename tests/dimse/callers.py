"""Callers for tests: dcmtk's commands, pynetdicom, and bytes of any kind on a socket."""

import contextlib
import re
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, _config
from pynetdicom.association import Association

DCMTK = "3.6.7"


def dcmtk(command: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Debian's; pynetdicom puts commands of the same names into the path."""
    path = Path("/usr/bin") / command
    if not path.exists():
        pytest.skip(f"dcmtk is not here: {path}")
    version = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    assert re.search(rf"\$dcmtk: {command} v{re.escape(DCMTK)}", version), version
    return subprocess.run(
        [str(path), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin", "DCMDICTPATH": "/usr/share/libdcmtk17/dicom.dic", **environment},
    )


@contextlib.contextmanager
def associated(
    port: int, contexts: list[tuple[str, list[str]]], title: str = "CT1", called: str = "MIP"
) -> Iterator[Association]:
    """pynetdicom as SCU; the association may be refused."""
    ae = AE(title)
    ae.maximum_pdu_size = 131072
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    for sop_class, syntaxes in contexts:
        ae.add_requested_context(sop_class, syntaxes)
    association = ae.associate("127.0.0.1", port, ae_title=called)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def send(port: int, path: Path, title: str = "CT1", called: str = "MIP") -> Dataset:
    """C-STORE of a file's data set as it stands, byte for byte; the response's elements, none when refused."""
    meta = dcmread(path, stop_before_pixels=True).file_meta
    contexts = [(str(meta.MediaStorageSOPClassUID), [str(meta.TransferSyntaxUID)])]
    with associated(port, contexts, title, called) as association:
        return stored(association, path) if association.is_established else Dataset()


def stored(association: Association, path: Path) -> Dataset:
    before, _config.STORE_SEND_CHUNKED_DATASET = _config.STORE_SEND_CHUNKED_DATASET, True
    try:
        return association.send_c_store(path)
    finally:
        _config.STORE_SEND_CHUNKED_DATASET = before


def data_set_of(file: bytes) -> bytes:
    """What stands behind the File Meta Information of a Part 10 file."""
    assert file[128:132] == b"DICM"
    return file[144 + struct.unpack_from("<I", file, 140)[0] :]


class Wire:
    """A caller that says whatever it likes."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def hear(self) -> tuple[int, bytes]:
        """The next PDU: type and content; (0, b"") when the other side has closed."""
        head = self._exactly(6)
        if len(head) < 6:
            return 0, b""
        kind, _, length = struct.unpack(">BBI", head)
        return kind, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        found = b""
        with contextlib.suppress(ConnectionError):
            while len(found) < count and (more := self.socket.recv(count - len(found))):
                found += more
        return found

    def associate(self, *contexts: tuple[str, str]) -> int:
        """With context IDs 1, 3, 5 …; the type of what is answered: 2 accepted, 3 rejected, 7 aborted."""
        self.say(associate_rq(list(contexts)))
        return self.hear()[0]


def item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(content)) + content


def pdu(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBI", kind, 0, len(content)) + content


def associate_rq(contexts: list[tuple[str, str]], title: str = "CT1", called: str = "MIP") -> bytes:
    """A-ASSOCIATE-RQ (PS3.8 9.3.2)."""
    head = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), title.ljust(16).encode())
    items = item(0x10, b"1.2.840.10008.3.1.1.1")
    for number, (abstract, transfer) in enumerate(contexts):
        proposed = item(0x30, abstract.encode()) + item(0x40, transfer.encode())
        items += item(0x20, bytes([(2 * number + 1) % 256, 0, 0, 0]) + proposed)
    user = item(0x51, struct.pack(">I", 16384)) + item(0x52, b"1.2.3.4")
    return pdu(1, head + items + item(0x50, user))


def pdv(context: int, control: int, data: bytes) -> bytes:
    """One value in a P-DATA-TF of its own; `control`: 1 command, 2 last."""
    return pdu(4, struct.pack(">IBB", len(data) + 2, context, control) + data)


def command(**elements: Any) -> bytes:
    """A command set by pynetdicom's keywords of pydicom: CommandField=1, …"""
    from pynetdicom.dsutils import encode

    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    body = encode(made, True, True) or b""
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def store_rq(sop_class: str, sop_instance: str) -> bytes:
    return command(
        AffectedSOPClassUID=sop_class,
        CommandField=1,
        MessageID=1,
        Priority=0,
        CommandDataSetType=1,
        AffectedSOPInstanceUID=sop_instance,
    )
