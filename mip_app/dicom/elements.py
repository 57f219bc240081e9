"""The data elements of one file, walked by their own lengths (PS3.5 chapter 7).

pydicom's reader believes every length: a cut value comes back short without a word, a lying one is allocated, nesting
is limited by Python's stack. An archive has to refuse those, and needs the byte position of what it leaves on disk,
so the walk is ours; dictionaries and code pages are pydicom's.
"""

import struct
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from typing import BinaryIO

from pydicom.datadict import dictionary_VR, private_dictionary_VR
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, STR_VR, VR

from mip_app.core.errors import Invalid

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})

MAX_TEXT = MAX_TABLE = 256 * 1024  # longer text, number lists and palettes stay in the file
MAX_BINARY = 4 * 1024
MAX_LOADED = 8 * 1024 * 1024  # of all values together

_KNOWN = frozenset(str(vr) for vr in VR if len(vr) == 2)
_LONG = frozenset(str(vr) for vr in EXPLICIT_VR_LENGTH_32)
# What is written of a VR that is taken as it is written, its length in two bytes behind it: most elements.
_SHORT = {vr.encode(): vr for vr in _KNOWN - _LONG}
_INLINE = frozenset(str(vr) for vr in STR_VR) | {"FL", "FD", "SL", "SS", "SV", "UL", "US", "UV", "AT"}


class Refused(Invalid):
    """This file does not go in. `code` says why: ingest.not_dicom, ingest.incomplete, …"""

    code = "ingest.not_dicom"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may ask of whoever takes it in."""

    elements: int  # items of sequences count, too
    nesting: int
    fragments: int
    inflated_bytes: int  # of a data set that is deflated


DEEPEST = 100  # Python's stack
# What has been taken in is read, whatever the limits are by now.
STORED = Limits(sys.maxsize, DEEPEST, sys.maxsize, sys.maxsize)


@dataclass(slots=True)
class Element:
    """`value` is None when the bytes stay in the file, at `offset`; `items` is set for sequences."""

    tag: int
    vr: str
    offset: int
    length: int  # UNDEFINED for encapsulated pixel data
    value: bytes | None = None
    items: "list[DataSet] | None" = None


@dataclass(slots=True)
class DataSet:
    elements: dict[int, Element] = field(default_factory=dict)
    little_endian: bool = True
    pixels: Element | None = None  # top level only; the walk ends there

    def get(self, tag: int) -> bytes:
        found = self.elements.get(tag)
        return found.value or b"" if found else b""


@lru_cache(maxsize=8192)
def known_vr(tag: int) -> str:
    """VR of the dictionary (PS3.6), UN when there is none."""
    if tag & 0xFFFF == 0:
        return "UL"
    if (tag >> 16) & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return "UN"


@lru_cache(maxsize=8192)
def private_vr(tag: int, creator: str) -> str:
    try:
        return str(private_dictionary_VR(tag, creator))
    except KeyError:
        return "UN"


class Walker:
    """Reads data sets out of a seekable stream of `size` bytes. Raises Refused, and nothing else on purpose."""

    def __init__(self, stream: BinaryIO, size: int, limits: Limits = STORED) -> None:
        self.stream, self.size, self.limits, self.position = stream, size, limits, 0
        self.elements = self.loaded = 0
        self.set_order(little_endian=True)

    def set_order(self, little_endian: bool) -> None:
        self.little_endian = little_endian
        order = "<" if little_endian else ">"
        self._head = struct.Struct(order + "HHL").unpack
        self._explicit = struct.Struct(order + "HH2sH").unpack
        self._long = struct.Struct(order + "L").unpack

    def seek(self, position: int) -> None:
        self.stream.seek(position)
        self.position = position

    def read(self, count: int) -> bytes:
        if count > self.size - self.position:
            raise Refused("ingest.incomplete", position=self.position)
        data = self.stream.read(count)
        if len(data) != count:
            raise Refused("ingest.incomplete", position=self.position)
        self.position += count
        return data

    def skip(self, count: int) -> None:
        if count > self.size - self.position:
            raise Refused("ingest.incomplete", position=self.position)
        self.seek(self.position + count)

    def data_set(self, explicit: bool, end: int | None = None, depth: int = 0, meta: bool = False) -> DataSet:
        """Elements up to `end`, an item's end mark, or the pixel data; `meta`: up to the end of group 0002."""
        if depth > self.limits.nesting:
            raise Refused("ingest.too_deep")
        found = DataSet(little_endian=self.little_endian)
        limit = self.size if end is None else end
        while self.position < limit:
            if limit - self.position < 8:
                self._tail(limit)
                break
            start, head = self.position, self.read(8)
            group, number, length = self._head(head)
            tag = group << 16 | number
            if tag == ITEM_END:
                break
            if (meta and group != 2) or (
                tag == 0 and length == 0 and depth == 0
            ):  # zero padding after the last
                self.seek(start)
                break
            element = self._element(tag, head, length, explicit, found, depth)
            if depth == 0 and tag in PIXEL_DATA:
                found.pixels = element
                break
            self._value(element, explicit, limit, depth)
            found.elements[tag] = element
        return found

    def _tail(self, limit: int) -> None:
        if self.read(limit - self.position).strip(b"\0\xff \r\n"):
            raise Refused("ingest.incomplete", position=self.position)

    def _count(self) -> None:
        self.elements += 1
        if self.elements > self.limits.elements:
            raise Refused("ingest.too_many_elements")

    def _element(
        self, tag: int, head: bytes, length: int, explicit: bool, among: DataSet, depth: int
    ) -> Element:
        self._count()
        raw = head[4:6]
        if explicit and (short := _SHORT.get(raw)):
            return Element(tag, short, self.position, self._explicit(head)[3])
        vr = ""
        if explicit and raw.isalpha() and raw.isupper():
            vr = raw.decode("ascii")
            length = self._explicit(head)[3]
            if vr in _LONG:
                length = self._long(self.read(4))[0]
        if vr == "UN" and depth == 0 and tag in PIXEL_DATA:
            vr = "OB" if length == UNDEFINED else "OW"
        if vr not in _KNOWN or (vr == "UN" and not (tag >> 16) & 1):
            vr = known_vr(tag) if vr != "UN" or length < 0xFFFF or length == UNDEFINED else "UN"
        if vr == "UN" and (tag >> 16) & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            vr = "LO"  # a private creator (PS3.5 7.8.1)
        if vr == "UN" and (tag >> 16) & 1 and tag & 0xFFFF > 0xFF:
            creator = among.get(tag & 0xFFFF0000 | (tag & 0xFF00) >> 8)
            vr = private_vr(tag, creator.decode("latin-1").strip(" \0")) if creator else "UN"
        return Element(tag, vr, self.position, length)

    def _value(self, element: Element, explicit: bool, limit: int, depth: int) -> None:
        vr, length = element.vr, element.length
        if length == UNDEFINED:
            self._undefined(element, explicit, depth)
        elif length > limit - self.position:
            raise Refused("ingest.incomplete", position=element.offset)
        elif vr == "SQ":
            element.items = self._items(explicit, self.position + length, depth)
        else:
            most = MAX_TEXT if vr in _INLINE else MAX_TABLE if _is_table(element.tag) else MAX_BINARY
            if length <= most and self.loaded + length <= MAX_LOADED:
                element.value = self.read(length)
                self.loaded += length
            else:
                self.skip(length)

    def _undefined(self, element: Element, explicit: bool, depth: int) -> None:
        """PS3.5 6.2.2 note 2: unknown with undefined length is a sequence in implicit VR."""
        if element.vr in ("OB", "OW", "OB or OW"):
            self.fragments()
            return
        if element.vr not in ("SQ", "UN"):
            raise Refused("ingest.incomplete", position=element.offset)
        element.items = self._items(explicit and element.vr == "SQ", None, depth)
        element.vr = "SQ"

    def _items(self, explicit: bool, end: int | None, depth: int) -> "list[DataSet]":
        items: list[DataSet] = []
        limit = self.size if end is None else end
        while end is None or limit - self.position >= 8:
            group, number, length = self._head(self.read(8))
            tag = group << 16 | number
            if tag == SEQUENCE_END:
                break
            if tag != ITEM or (length != UNDEFINED and length > limit - self.position):
                raise Refused("ingest.incomplete", position=self.position - 8)
            stop = None if length == UNDEFINED else self.position + length
            self._count()
            items.append(self.data_set(explicit, stop, depth + 1))
            if stop is not None and self.position != stop:
                self.seek(stop)
        if end is not None and self.position != end:
            self.seek(end)
        return items

    def fragments(self) -> list[tuple[int, int]]:
        """(offset, length) of each fragment of encapsulated data, the offset table first (PS3.5 A.4)."""
        found: list[tuple[int, int]] = []
        while self.size - self.position >= 8:
            group, number, length = self._head(self.read(8))
            tag = group << 16 | number
            if tag == SEQUENCE_END:
                break
            if tag != ITEM or length == UNDEFINED:
                raise Refused("ingest.incomplete", position=self.position - 8)
            found.append((self.position, length))
            if len(found) > self.limits.fragments:
                raise Refused("ingest.too_many_fragments")
            self.skip(length)
        return found


def _is_table(tag: int) -> bool:
    """Palette data (0028,12xx) and LUT data (0028,3006), and the extended offset tables."""
    return tag >> 8 == 0x002812 or tag in (0x00283006, 0x7FE00001, 0x7FE00002)
