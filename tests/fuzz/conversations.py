"""What a caller says in an association, with damage done to it, as a strategy of hypothesis."""

import struct

from hypothesis import strategies as st

from tests.dimse.callers import associate_rq, command, data_set_of, pdu, pdv, store_rq
from tests.ingest.made import ROOT, image

CT, VERIFICATION, FIND = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.1", "1.2.840.10008.5.1.4.1.2.2.1"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
ECHO = command(AffectedSOPClassUID=VERIFICATION, CommandField=0x30, MessageID=2, CommandDataSetType=0x0101)
SEARCH = command(AffectedSOPClassUID=FIND, CommandField=0x20, MessageID=3, Priority=0, CommandDataSetType=1)
CANCEL = command(CommandField=0x0FFF, MessageIDBeingRespondedTo=3, CommandDataSetType=0x0101)
KEYS = struct.pack("<HHI6sHHI", 8, 0x52, 6, b"STUDY ", 0x20, 0xD, 0)
ASSOCIATE = associate_rq([(CT, EXPLICIT), (VERIFICATION, IMPLICIT), (FIND, IMPLICIT)])
SLICE = data_set_of(image(7))

# All of it is what devices say, each PDU whole and in its order: kind and content of each.
REAL = [
    ASSOCIATE,
    pdv(3, 3, ECHO),
    pdv(1, 3, store_rq(CT, f"{ROOT}.1.1.7")),
    pdv(1, 0, SLICE[:500]),
    pdv(1, 2, SLICE[500:]),
    pdv(5, 3, SEARCH),
    pdv(5, 2, KEYS),
    pdv(5, 3, CANCEL),
    pdu(5, bytes(4)),  # A-RELEASE-RQ
]
WORDS = [
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\x7f\xff\xff\xff",
    b"\x00\x00",
    b"\xff\xff",
    b"\x40\x00\x00\x01\x30",
    b"\x50\x00\x00\x04",
    b"\x04\x00\x00\x00\x00\x06",
    b"\x07\x00\x00\x00\x00\x04",
    b"\x00\x00\x00\x01",  # the tag of a command, or a context
]


@st.composite
def conversations(draw: st.DrawFn) -> bytes:
    """Whole PDUs left out, said twice or in another place, then bytes of one or of all; sometimes cut off."""
    said = list(REAL)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(said) - 1))
        match draw(st.sampled_from(["leave out", "twice", "elsewhere"])):
            case "leave out" if len(said) > 1:
                del said[at]
            case "twice":
                said.insert(at, said[at])
            case "elsewhere":
                said.insert(draw(st.integers(0, len(said) - 1)), said.pop(at))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(said) - 1))
        whole = said[at]
        if draw(st.booleans()):  # a length that is true, so that the damage is looked at
            said[at] = pdu(whole[0], damaged(draw, whole[6:]))
        else:
            said[at] = damaged(draw, whole)
    together = b"".join(said)
    return together[: draw(st.integers(1, len(together)))] if draw(st.booleans()) else together


def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    data = bytearray(whole)
    at = draw(st.integers(0, max(0, len(data) - 1)))
    match draw(st.sampled_from(["set", "word", "insert", "cut"])):
        case "set":
            data[at : at + 1] = bytes([draw(st.integers(0, 255))])
        case "word":
            word = draw(st.sampled_from(WORDS))
            data[at : at + len(word)] = word
        case "insert":
            data[at:at] = draw(st.sampled_from(WORDS) | st.binary(max_size=16))
        case "cut":
            del data[at : at + draw(st.integers(1, 64))]
    return bytes(data)
