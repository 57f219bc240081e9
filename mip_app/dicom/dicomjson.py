"""The DICOM JSON model of a data set (PS3.18 annex F): UTF-8, no pixel data, no group lengths, no NaN."""

import array
import base64
import math
import struct
from typing import Any

from mip_app.dicom.charset import encodings, read_text
from mip_app.dicom.elements import DataSet, Element

Json = dict[str, Any]
_CHARSET = 0x00080005
_READ = frozenset({"SH", "LO", "UC", "PN", "ST", "LT", "UT"})  # of these the character set is declared
_SINGLE = frozenset({"ST", "LT", "UT", "UR"})
_PLAIN = frozenset({"AE", "AS", "CS", "DA", "DT", "TM", "UI", "UR"})
_NUMBERS = {"FL": "f", "FD": "d", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
_SIZES = {code: struct.calcsize("<" + code) for code in _NUMBERS.values()}
_WORDS = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
NAME_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def bulk_uri(offset: int, length: int) -> str:
    """Placeholder for a value that stayed in the file; DICOMweb puts the instance's address before it."""
    return f"bulkdata/{offset}/{length}"


def to_json(data: DataSet, declared: tuple[str, ...] = (), signed: bool = False) -> Json:
    """`declared`: Python's names of the parent's character sets; `signed`: Pixel Representation of the parent."""
    if own := data.get(_CHARSET):
        declared = encodings(own)
    if representation := data.get(0x00280103):
        signed = representation[:1] == b"\1" or representation[-1:] == b"\1"
    found: Json = {}
    for tag in sorted(data.elements):
        if tag & 0xFFFF and tag >> 16 > 2 and tag >> 16 != 0xFFFC:
            found[f"{tag:08X}"] = _element(data.elements[tag], data.little_endian, declared, signed)
    if _CHARSET in data.elements:
        found["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return found


def _element(element: Element, little: bool, declared: tuple[str, ...], signed: bool) -> Json:
    vr = element.vr if len(element.vr) == 2 else _certain(element.vr, signed)
    entry: Json = {"vr": vr}
    if element.items is not None:
        entry["vr"] = "SQ"
        if element.items:
            entry["Value"] = [to_json(item, declared, signed) for item in element.items]
    elif element.value is None:
        if element.length < 0xFFFFFFFF:
            entry["BulkDataURI"] = bulk_uri(element.offset, element.length)
    elif element.value:
        value = values(vr, element.value, little, declared)
        if isinstance(value, str):
            entry["InlineBinary"] = value
        elif value.count(None) < len(value):
            entry["Value"] = value
    return entry


def _certain(vr: str, signed: bool) -> str:
    """Of a VR that depends on others, as the dictionary writes it: 'US or SS'."""
    return "OW" if "OW" in vr else "SS" if signed else "US"


def values(vr: str, raw: bytes, little: bool, declared: tuple[str, ...] = ()) -> list[Any] | str:
    """The values of one element; base64 text for binary ones. What is no number becomes None."""
    if vr in _READ:
        text = read_text(raw, declared, vr == "PN")
        parts = [text.rstrip(" \0")] if vr in _SINGLE else [p.strip() for p in text.split("\\")]
        return [_name(p) if vr == "PN" else p or None for p in parts]
    if vr in _PLAIN:
        text = read_text(raw)
        if "\\" not in text or vr in _SINGLE:
            return [text.strip() or None]
        return [p.strip() or None for p in text.split("\\")]
    if vr in ("IS", "DS"):
        return [number(p, vr == "IS") for p in raw.decode("latin-1").split("\\")]
    if vr in _NUMBERS:
        code = _NUMBERS[vr]
        unpacked = struct.unpack_from(f"{'<' if little else '>'}{len(raw) // _SIZES[code]}{code}", raw)
        return [v if math.isfinite(v) else None for v in unpacked] if code in "fd" else list(unpacked)
    if vr == "AT":
        pairs = struct.unpack_from(f"{'<' if little else '>'}{len(raw) // 4 * 2}H", raw)
        return [f"{g:04X}{e:04X}" for g, e in zip(pairs[::2], pairs[1::2], strict=True)]
    return base64.b64encode(raw if little else swapped(raw, _WORDS.get(vr, 1))).decode("ascii")


def number(text: str, whole: bool) -> int | float | None:
    """A decimal or integer string (PS3.5 6.2); None for what is none, NaN and infinity included."""
    text = text.strip(" \0")
    if not text or len(text) > 64 or "_" in text:
        return None
    try:
        if whole and "." not in text:
            return int(text)
        found = float(text)
    except ValueError:
        return None
    if not math.isfinite(found):
        return None
    return int(found) if whole else found


def swapped(raw: bytes, word: int) -> bytes:
    """Bytes with each word of `word` bytes turned round; a rest that fills no word stays as it is."""
    if word < 2:
        return raw
    whole = len(raw) // word * word
    turned = array.array({2: "H", 4: "I", 8: "Q"}[word], raw[:whole])
    turned.byteswap()
    return turned.tobytes() + raw[whole:]


def _name(text: str) -> dict[str, str] | None:
    groups = dict(zip(NAME_GROUPS, (g.strip() for g in text.split("=")), strict=False))
    return {k: v for k, v in groups.items() if v} or None
