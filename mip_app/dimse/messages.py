"""DIMSE messages out of the fragments of P-DATA-TF (PS3.8 annex E), and C-STORE answered on the spot.

pynetdicom would hand each fragment through queues to other threads and keep whole data sets; an image goes from the
socket to the disk here, in the thread that reads the socket: while one is committed nothing more is read from its
sender. All other messages go the way pynetdicom knows, within limits.
"""

import struct
import time
from typing import TYPE_CHECKING, Any

from pynetdicom.pdu_primitives import P_DATA

from mip_app.dimse import admitting
from mip_app.dimse.services import is_storage
from mip_app.dimse.storing import NOT_SUPPORTED, Storing, status_of

if TYPE_CHECKING:
    from mip_app.dimse.association import Association

COMMAND_MOST = 64 * 1024  # bytes of one command set
IDENTIFIER_MOST = 1024 * 1024  # bytes of one data set that is no image
WAITING_MOST = 16  # messages that nobody has answered yet; we allow one at a time (PS3.7 D.3.3.3)
ASK_AGAIN = 60.0  # seconds after which a node that stores is looked up anew

C_STORE_RQ, C_STORE_RSP = 0x0001, 0x8001
NO_DATA_SET = 0x0101
_CLASS, _FIELD, _ID, _ANSWERED, _TYPE = 0x00000002, 0x00000100, 0x00000110, 0x00000120, 0x00000800
_STATUS, _COMMENT, _INSTANCE = 0x00000900, 0x00000902, 0x00001000


class Malformed(Exception):
    """What came is no DIMSE: the association is aborted."""


class Messages:
    """The messages of one association, fed by the thread that reads its socket."""

    def __init__(self, association: "Association") -> None:
        self.association = association
        self._command = bytearray()
        self._storing: _Store | None = None
        self._expected = 0  # bytes that may still come for pynetdicom's data set; 0: none is expected

    def take_pdu(self, body: memoryview) -> bytes | None:
        """The presentation data values of one P-DATA-TF; the PDU to answer with, if any. Raises Malformed."""
        at, answer = 0, None
        while at < len(body):
            if len(body) - at < 6:
                raise Malformed()
            length = int.from_bytes(body[at : at + 4], "big")
            end = at + 4 + length
            if length < 2 or end > len(body):
                raise Malformed()
            answer = self._take(body[at + 4], body[at + 5], body[at + 6 : end]) or answer
            at = end
        return answer

    def abandon(self) -> None:
        if self._storing is not None:
            self._storing.storing.abandon()
            self._storing = None

    def _take(self, context: int, control: int, data: memoryview) -> bytes | None:
        if control & 1:
            return self._take_command(context, control, data)
        if self._storing is not None:
            self._storing.storing.write(data)
            return self._stored() if control & 2 else None
        if not self._expected or len(data) >= self._expected:
            raise Malformed()
        self._expected = 0 if control & 2 else self._expected - len(data)
        self._hand_on(context, control, data)
        return None

    def _take_command(self, context: int, control: int, data: memoryview) -> bytes | None:
        if self._storing is not None or self._expected or len(self._command) + len(data) > COMMAND_MOST:
            raise Malformed()
        self._command += data
        if not control & 2:
            return None
        command, self._command = bytes(self._command), bytearray()
        elements = read_command(command)
        if number(elements, _FIELD) == C_STORE_RQ:
            return self._store(context, elements)
        if self.association.dimse.msg_queue.qsize() >= WAITING_MOST:
            raise Malformed()
        self._expected = 0 if number(elements, _TYPE) == NO_DATA_SET else IDENTIFIER_MOST
        self._hand_on(context, 3, command)
        return None

    def _hand_on(self, context: int, control: int, data: bytes | memoryview) -> None:
        primitive = P_DATA()
        value: Any = [context, bytes([control]) + bytes(data)]  # a list, whatever its annotation says
        primitive.presentation_data_value_list = [value]
        try:
            self.association.dimse.receive_primitive(primitive)
        except Exception as error:
            raise Malformed() from error

    def _store(self, context_id: int, elements: dict[int, bytes]) -> bytes | None:
        """A C-STORE request has been read; its data set follows."""
        association = self.association
        context = association._accepted_cx.get(context_id)
        if context is None or association.caller is None or number(elements, _TYPE) == NO_DATA_SET:
            raise Malformed()
        self._ask_again()
        sop_class, instance = text(elements, _CLASS), text(elements, _INSTANCE)
        node = association.caller.node
        wrong = sop_class != context.abstract_syntax or not is_storage(sop_class) or not node.may_store
        syntax = str(context.transfer_syntax[0])
        storing = Storing(association.caller.actor, "" if wrong else sop_class, instance, syntax)
        self._storing = _Store(storing, context_id, elements, NOT_SUPPORTED if wrong else None)
        return None

    def _stored(self) -> bytes:
        store, self._storing = self._storing, None
        assert store is not None
        status, comment = status_of(store.storing.finish())
        if store.status is not None:
            status, comment = store.status, ""
        return store.answer(status, comment)

    def _ask_again(self) -> None:
        """What an administrator changed counts for an association that goes on all day, too."""
        association, now = self.association, time.monotonic()
        known = association.caller
        if known is not None and now - known.found_at > ASK_AGAIN:
            association.caller = admitting.caller(known.node.ae_title, known.actor.address)
            if association.caller is None:
                raise Malformed()


class _Store:
    """A C-STORE request that is being received. `status` stands already where it cannot be stored."""

    def __init__(
        self, storing: Storing, context_id: int, elements: dict[int, bytes], status: int | None
    ) -> None:
        self.storing, self.context_id, self.elements, self.status = storing, context_id, elements, status

    def answer(self, status: int, comment: str) -> bytes:
        """The C-STORE response (PS3.7 9.3.1.2) as a P-DATA-TF."""
        elements = {
            _CLASS: self.elements.get(_CLASS, b""),
            _FIELD: struct.pack("<H", C_STORE_RSP),
            _ANSWERED: self.elements.get(_ID, b"\0\0"),
            _TYPE: struct.pack("<H", NO_DATA_SET),
            _STATUS: struct.pack("<H", status),
            _INSTANCE: self.elements.get(_INSTANCE, b""),
        }
        if comment:
            elements[_COMMENT] = comment.encode("ascii") + b" " * (len(comment) % 2)
        command = written_command(elements)
        value = struct.pack(">IBB", len(command) + 2, self.context_id, 3) + command
        return struct.pack(">BBI", 4, 0, len(value)) + value


def read_command(data: bytes) -> dict[int, bytes]:
    """A command set by tag: implicit VR little endian, group 0000 only (PS3.7 6.3.1). Raises Malformed."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        if len(data) - at < 8:
            raise Malformed()
        group, element, length = struct.unpack_from("<HHI", data, at)
        if group != 0 or length > len(data) - at - 8:
            raise Malformed()
        found[element] = data[at + 8 : at + 8 + length]
        at += 8 + length
    return found


def written_command(elements: dict[int, bytes]) -> bytes:
    """With its group length in front, in the order of tags."""
    body = b"".join(
        struct.pack("<HHI", 0, tag, len(value)) + value for tag, value in sorted(elements.items())
    )
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def number(elements: dict[int, bytes], tag: int) -> int:
    return int.from_bytes(elements.get(tag, b"")[:2], "little")


def text(elements: dict[int, bytes], tag: int) -> str:
    return elements.get(tag, b"").decode("latin-1").strip(" \0")
