"""The best reading of text whose Specific Character Set (0008,0005) is wrong or missing (PS3.3 C.12.1.1.2).

Devices in Chinese hospitals write GBK and call it Latin-1, UTF-8 or nothing. What is declared counts when the bytes
can be that; Latin-1 can be anything, so it counts only where the bytes do not make better Chinese.
"""

import codecs
import re
from functools import lru_cache

from pydicom.charset import CODES_TO_ENCODINGS, python_encoding

_DELIMITER = re.compile(rb"[\r\n\t\f\\]")  # ends what an escape sequence began
_NAME_DELIMITER = re.compile(rb"[\r\n\t\f\\^=]")
_ANYTHING = {"iso8859", "latin_1"}  # every byte is a letter there: being readable proves nothing
_CHINESE = {"gb18030", "gbk", "gb2312"}
_UNICODE = {"utf8", *_CHINESE}
_BESIDE_LETTER = re.compile("[A-Za-z][^\x00-\x7f]|[^\x00-\x7f][A-Za-z]")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]")
_ESCAPES = re.compile(rb"\x1b(?:\$[()]?[ABCD@]|[()-][A-Z])")
_ESCAPE = re.compile(r"\x1b(?:\$[()]?.|[()-].)")  # PS3.3 tables C.12-3, C.12-4
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")


@lru_cache(maxsize=256)
def encodings(declared: bytes) -> tuple[str, ...]:
    """Python's names for the values of (0008,0005); unknown ones count as undeclared."""
    names = [v.strip(" \0") for v in declared.decode("latin-1").split("\\")]
    found = []
    for name in names:
        tidy = name.upper().replace("ISO-IR", "ISO_IR").replace("ISO IR", "ISO_IR")
        if tidy in ("UTF-8", "UTF8", "ISO_IR192", "ISO 2022 IR 192"):
            tidy = "ISO_IR 192"
        found.append(python_encoding.get(tidy, python_encoding[""]))
    return tuple(found)


def read_text(raw: bytes, declared: tuple[str, ...] = (), is_name: bool = False) -> str:
    """Text of one element, all its values, without NUL and control characters. Never fails."""
    if b"\x1b" in raw and _ESCAPES.search(raw):
        return _clean(_escaped(raw, declared, is_name))
    return _clean(raw.decode("ascii") if raw.isascii() else _decode(raw, declared))


def _clean(text: str) -> str:
    return text if text.isprintable() else _CONTROL.sub("", _ESCAPE.sub("", text))


def _escaped(raw: bytes, declared: tuple[str, ...], is_name: bool) -> str:
    """ISO 2022 code extensions (PS3.5 6.1.2.5.3), those too that were not declared; pydicom would warn of them."""
    found = []
    for piece in re.split(b"(?=\x1b)", raw):
        sequence = next((s for s in (piece[:4], piece[:3]) if s in CODES_TO_ENCODINGS), b"")
        if not sequence:
            found.append(_decode(piece.lstrip(b"\x1b"), declared))
            continue
        encoding = CODES_TO_ENCODINGS[sequence]
        if encoding.startswith("iso2022"):  # Python's codec knows the sequence itself
            found.append(piece.decode(encoding, "replace"))
            continue
        end = (_NAME_DELIMITER if is_name else _DELIMITER).search(piece, len(sequence))
        place = end.start() if end else len(piece)
        found.append(
            piece[len(sequence) : place].decode(encoding, "replace") + _decode(piece[place:], declared)
        )
    return "".join(found)


def _decode(raw: bytes, declared: tuple[str, ...]) -> str:
    first = (declared or ("iso8859",))[0].lower()
    utf8 = _strict(raw, "utf-8")
    if first not in _ANYTHING:
        said = _strict(raw, first)
        if said is not None and not (first in _CHINESE and utf8 and _EAST_ASIAN.search(utf8)):
            return _twice_encoded(said)
    chinese = _chinese(raw)
    if utf8 and (not chinese or _EAST_ASIAN.search(utf8) or _BESIDE_LETTER.search(utf8)):
        return _twice_encoded(utf8)
    if chinese or utf8:
        return chinese or utf8 or ""
    if first in _UNICODE and not re.search(rb"[\x80-\x9f]", raw):
        first = "latin_1"
    return _big5(raw) or raw.decode(first, "replace")


def _strict(raw: bytes, encoding: str) -> str | None:
    """None when the bytes are not that; a character cut at the end by a length limit is dropped."""
    try:
        if encoding in ("utf8", "utf-8", *_CHINESE):
            return codecs.getincrementaldecoder(encoding)("strict").decode(raw.rstrip(b" \0"), False)
        return raw.decode(encoding, "strict")
    except (UnicodeDecodeError, LookupError):
        return None


def _chinese(raw: bytes) -> str | None:
    """GB18030 reading, when it looks like Chinese and not like Jérôme (é + r is 閞).

    Hanzi of GB2312 and those of four bytes speak for it, the rarer ones of GBK against it; a lone one beside a letter
    is an accent.
    """
    text = _strict(raw, "gb18030")
    if text is None or re.search("[\ue000-\uf8ff]", text):
        return None
    common = rare = 0
    for run in re.finditer("[\u2e80-\U0003ffff]+", text):
        beside = text[max(run.start() - 1, 0) : run.start()] + text[run.end() : run.end() + 1]
        accent = len(run.group()) == 1 and any(c.isascii() and c.isalpha() for c in beside)
        for character in run.group():
            if not accent and (_in_gb2312(character) or len(character.encode("gb18030")) == 4):
                common += 1
            else:
                rare += 1
    return text if common and common >= rare else None


def _in_gb2312(character: str) -> bool:
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def _big5(raw: bytes) -> str | None:
    text = _strict(raw, "big5")
    if text is None or not _EAST_ASIAN.search(text):
        return None
    hanzi = [c for c in text if not c.isascii()]
    common = [c for c in hanzi if 0xA4 <= c.encode("big5")[0] <= 0xC6]
    return text if len(common) * 2 > len(hanzi) and len(hanzi) > 1 else None


def _twice_encoded(text: str) -> str:
    """UTF-8 or GBK that some gateway took for Latin-1 and encoded again."""
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        return text
    again = _strict(raw, "utf-8")
    if again and _EAST_ASIAN.search(again):
        return again
    again = _chinese(raw)
    return again if again and len(_EAST_ASIAN.findall(again)) > 1 else text
