"""A Part 10 file with some attributes of its data set put right, everything else byte for byte as it is stored.

Only the few elements change; pixels are streamed. Where the file's character set cannot write a new value, its header
is written anew in UTF-8 (by pydicom) and the pixels follow as they are. Deflated files are deflated anew.
"""

import zlib
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset

from mip_app.dicom.charset import encodings, read_text
from mip_app.dicom.dicomjson import NAME_GROUPS, Json
from mip_app.dicom.elements import DataSet, Element, Walker
from mip_app.dicom.part10 import DEFLATED, Parsed, parsed

CHUNK = 1 << 20


def corrected(path: Path, corrections: Mapping[str, Any]) -> Iterator[bytes]:
    """The file as it leaves, in pieces. `corrections`: DICOM JSON elements by tag, of short text at the top level.

    Raises Refused for a file that cannot be read.
    """
    with parsed(path) as found:
        texts = _texts(corrections)
        encoded = {tag: _encoded(vr, text, found.data) for tag, (vr, text) in texts.items()}
        if any(value is None for value in encoded.values()):
            header = _header_in_unicode(path, texts)
            if header is not None:
                yield from _before_pixels(header, found)
                return
        values = {tag: (vr, _written(encoded[tag], text)) for tag, (vr, text) in texts.items()}
        pieces = _spliced(found, values)
        if found.syntax not in DEFLATED:
            yield from pieces
            return
        yield from _head(path)
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        for piece in pieces:
            yield deflate.compress(piece)
        yield deflate.flush()


def put_right(header: Dataset, corrections: Mapping[str, Any]) -> None:
    """The same in a data set that is about to be written anew; in UTF-8 then, as every value can be in that."""
    if corrections:
        _set_in_unicode(header, _texts(corrections))


def _texts(corrections: Mapping[str, Any]) -> dict[int, tuple[str, str]]:
    return {int(tag, 16): (element["vr"], _text(element)) for tag, element in corrections.items()}


def _text(element: Json) -> str:
    [value] = element.get("Value") or [""]
    if isinstance(value, dict):
        return "=".join(value.get(part, "") for part in NAME_GROUPS).rstrip("=")
    return str(value)


def _encoded(vr: str, text: str, data: DataSet) -> bytes | None:
    """As the file's character set writes it; None when it cannot, or would not be read back."""
    declared = encodings(data.get(0x00080005)) or ("iso8859",)
    if len(declared) > 1 and not text.isascii():
        return None  # code extensions (PS3.5 6.1.2.5) are for reading
    try:
        raw = text.encode("ascii" if text.isascii() else declared[0])
    except (UnicodeError, LookupError):
        return None
    if read_text(raw, declared, vr == "PN") != text:
        return None
    return raw


def _written(raw: bytes | None, text: str) -> bytes:
    """The last resort leaves a question mark for what cannot be said; the other groups of a name still say it."""
    raw = text.encode("ascii", "replace") if raw is None else raw
    return raw + b" " * (len(raw) % 2)


def _spliced(found: Parsed, values: Mapping[int, tuple[str, bytes]]) -> Iterator[bytes]:
    """The stream with these elements replaced, or put where they belong."""
    stream, data = found.walker.stream, found.data
    order = dict(data.elements)
    if data.pixels:
        order[data.pixels.tag] = data.pixels
    explicit = _is_explicit(stream, next(iter(order.values())), data)
    waiting, position = dict(sorted(values.items())), 0
    for tag, element in order.items():
        start = _start(stream, element, data)
        for new in [new for new in waiting if new <= tag]:
            yield from _copied(stream, position, start)
            position = start
            vr, value = waiting.pop(new)
            yield _element(new, vr, value, explicit, data.little_endian)
        if tag in values:
            yield from _copied(stream, position, start)
            position = element.offset + element.length
    for tag, (vr, value) in waiting.items():
        yield from _copied(stream, position, found.walker.size)
        position = found.walker.size
        yield _element(tag, vr, value, explicit, data.little_endian)
    yield from _copied(stream, position, found.walker.size)


def _tag_bytes(tag: int, little: bool) -> bytes:
    order = "little" if little else "big"
    return (tag >> 16).to_bytes(2, order) + (tag & 0xFFFF).to_bytes(2, order)  # type: ignore[arg-type]


def _start(stream: BinaryIO, element: Element, data: DataSet) -> int:
    """Where the element's tag stands: 8 bytes before its value, or 12 with a VR of a long length."""
    stream.seek(element.offset - 8)
    near = stream.read(4) == _tag_bytes(element.tag, data.little_endian)
    return element.offset - (8 if near else 12)


def _is_explicit(stream: BinaryIO, element: Element, data: DataSet) -> bool:
    stream.seek(_start(stream, element, data) + 4)
    vr = stream.read(2)
    return vr.isalpha() and vr.isupper()


def _element(tag: int, vr: str, value: bytes, explicit: bool, little: bool) -> bytes:
    order: Any = "little" if little else "big"
    length = vr.encode() + len(value).to_bytes(2, order) if explicit else len(value).to_bytes(4, order)
    return _tag_bytes(tag, little) + length + value


def _copied(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    stream.seek(start)
    while start < end and (chunk := stream.read(min(CHUNK, end - start))):
        start += len(chunk)
        yield chunk


def _head(path: Path) -> Iterator[bytes]:
    """Preamble and file meta."""
    with path.open("rb") as stream:
        walker = Walker(stream, path.stat().st_size)
        walker.seek(132)
        walker.data_set(explicit=True, meta=True)
        yield from _copied(stream, 0, walker.position)


def _header_in_unicode(path: Path, texts: Mapping[int, tuple[str, str]]) -> BytesIO | None:
    """Preamble, file meta and data set up to the pixels; None where pydicom cannot read or write it."""
    try:
        header = dcmread(path, stop_before_pixels=True, force=True)
        _set_in_unicode(header, texts)
        written = BytesIO()
        dcmwrite(written, header, enforce_file_format=False)
    except Exception:  # headers are as odd as devices are
        return None
    return written


def _set_in_unicode(header: Dataset, texts: Mapping[int, tuple[str, str]]) -> None:
    header.decode()
    header.SpecificCharacterSet = "ISO_IR 192"
    for tag, (vr, text) in texts.items():
        header.add_new(tag, vr, text)


def _before_pixels(written: BytesIO, found: Parsed) -> Iterator[bytes]:
    if found.syntax in DEFLATED:
        yield from _deflated_again(written, found)
        return
    yield written.getvalue()
    if pixels := found.data.pixels:
        stream = found.walker.stream
        yield from _copied(stream, _start(stream, pixels, found.data), found.walker.size)


def _deflated_again(written: BytesIO, found: Parsed) -> Iterator[bytes]:
    """pydicom has deflated the header: taken apart, the pixels put behind it, and deflated together."""
    walker = Walker(written, len(written.getvalue()))
    walker.seek(132)
    walker.data_set(explicit=True, meta=True)
    yield written.getvalue()[: walker.position]
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    yield deflate.compress(zlib.decompress(written.getvalue()[walker.position :], -zlib.MAX_WBITS))
    if found.data.pixels:
        stream = found.walker.stream
        for piece in _copied(stream, _start(stream, found.data.pixels, found.data), found.walker.size):
            yield deflate.compress(piece)
    yield deflate.flush()
