"""What a compressed frame says of itself in its first bytes, before a codec believes it."""

import struct

_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # 0xF7: JPEG-LS
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def size_of(code: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG, JPEG-LS or JPEG 2000 code stream; None when it is none or does not say."""
    if code[:4] == b"\xff\x4f\xff\x51" and len(code) >= 24:
        right, bottom, left, top = struct.unpack_from(">4L", code, 8)
        return bottom - top, right - left
    if code[:2] != b"\xff\xd8":
        return None
    place = 2
    while place + 9 <= len(code) and code[place] == 0xFF:
        marker = code[place + 1]
        if marker == 0xFF:
            place += 1
        elif marker in _ALONE:
            place += 2
        elif marker in _SOF:
            rows, columns = struct.unpack_from(">HH", code, place + 5)
            return (rows, columns) if rows else None  # 0: told later, by DNL
        else:
            place += 2 + struct.unpack_from(">H", code, place + 2)[0]
    return None


def ended(code: bytes) -> bool:
    """False for a code stream that was cut: no end mark (EOI, EOC) near its end."""
    if code[:2] in (b"\xff\xd8", b"\xff\x4f"):
        return b"\xff\xd9" in code[-64:]
    return True
