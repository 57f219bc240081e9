"""What a client takes: media types of PS3.18 8.7, as header or as the query parameter `accept`. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar

from mip_app.core.errors import MipError
from mip_app.dicomweb.native import DICOM_XML
from mip_app.dicomweb.store import DICOM_JSON
from mip_app.dicomweb.syntaxes import (
    ENCODED,
    EXPLICIT_LITTLE_ENDIAN,
    MEDIA_TYPES,
    TARGETS,
    leaving_syntax,
)

DICOM, OCTETS, RELATED, ZIP = (
    "application/dicom",
    "application/octet-stream",
    "multipart/related",
    "application/zip",
)
PICTURES = ("image/jpeg", "image/png", "image/gif", "image/jp2")
_MOST = 50  # media types of one header that are looked at
_PIECE = re.compile(r'(?:[^,"]|"[^"]*")+')
_PARAMETER = re.compile(r';\s*([\w-]+)\s*=\s*(?:"([^"]*)"|([^;\s"]*))')


class NotAcceptable(MipError):
    code = "dicomweb.not_acceptable"
    status: ClassVar[int] = 406


@dataclass(frozen=True, slots=True)
class Wish:
    """One media type that a client takes; of a multipart answer, that of its parts."""

    kind: str
    syntax: str = ""  # transfer-syntax: a UID, * for what is stored, '' where nothing is said
    related: bool = False
    quality: float = 1.0

    @property
    def anything(self) -> bool:
        return self.kind == "*/*"


@dataclass(frozen=True, slots=True)
class Form:
    """In which form something leaves. `syntax`: '' as stored."""

    kind: str
    syntax: str = ""
    related: bool = True


def wishes(header: str, asked: str = "") -> list[Wish]:
    """The best first. `asked`: the query parameter, which counts in the header's place (PS3.18 8.3.3.1)."""
    found = [_wish(piece) for piece in _PIECE.findall(asked.strip() or header.strip() or "*/*")[:_MOST]]
    return sorted((wish for wish in found if wish.quality > 0), key=lambda wish: -wish.quality)


def _wish(piece: str) -> Wish:
    kind = piece.split(";")[0].strip().lower()
    said = {name.lower(): (quoted or bare).strip() for name, quoted, bare in _PARAMETER.findall(piece)}
    try:
        quality = min(max(float(said.get("q", "1")), 0.0), 1.0)
    except ValueError:
        quality = 0.0
    related = kind in (RELATED, "multipart/*")
    if related:
        inner = said.get("type", "*/*")
        kind = inner.split(";")[0].strip().lower()
        said = {n.lower(): (q or b).strip() for n, q, b in _PARAMETER.findall(inner)} | said
    return Wish(kind, said.get("transfer-syntax", ""), related, quality)


def instances(found: Iterable[Wish], count: int, stored: Collection[str]) -> Form:
    """How `count` whole instances leave that are stored in `stored`: as they are where that is taken as gladly as else.

    application/zip, multipart or, a single one, as itself; without a transfer syntax as stored. Raises NotAcceptable.
    """
    return _best(((wish, _instances(wish, count, stored)) for wish in found), "")


def _instances(wish: Wish, count: int, stored: Collection[str]) -> Form | None:
    if wish.kind == ZIP and not wish.related:
        return Form(ZIP, related=False)
    anything = wish.kind in ("*/*", "application/*")
    if not anything and (wish.kind != DICOM or (not wish.related and count != 1)):
        return None
    related = wish.related or anything
    if wish.syntax in ("", "*") or set(stored) == {wish.syntax}:
        return Form(DICOM, "", related)
    return Form(DICOM, wish.syntax, related) if wish.syntax in TARGETS else None


def zip_first(found: Iterable[Wish]) -> bool:
    """Whether it is plain before looking that a zip is wanted."""
    kinds = (wish.kind for wish in found if wish.kind in (ZIP, DICOM, "*/*", "application/*"))
    return next(kinds, "") == ZIP


def frames(found: Iterable[Wish], stored_syntax: str, count: int) -> Form:
    """How `count` frames leave; `syntax` of the form is that of their bytes. Raises NotAcceptable.

    `application/octet-stream` without a transfer syntax means Explicit VR Little Endian (PS3.18 8.7.3.3.2); `*` takes
    what is stored, and so does a client that takes it as gladly as something that would have to be made.
    """
    stored = leaving_syntax(stored_syntax)
    return _best(((wish, _frames(wish, stored, count)) for wish in found), stored)


def _frames(wish: Wish, stored: str, count: int) -> Form | None:
    related = wish.related or wish.anything
    image = MEDIA_TYPES.get(stored, "")
    if not related and count > 1:
        return None
    if (wish.anything or wish.kind == OCTETS) and wish.syntax in ("*", stored):
        return Form(OCTETS, stored, related)
    if wish.anything and not wish.syntax:
        return Form(OCTETS, stored, related)
    if wish.kind == OCTETS and wish.syntax in ("", EXPLICIT_LITTLE_ENDIAN):
        return Form(OCTETS, EXPLICIT_LITTLE_ENDIAN, related)
    if image and wish.kind in (image, "image/*") and wish.syntax in ("", "*", stored):
        return Form(image, stored, related)
    target = wish.syntax or ENCODED.get(wish.kind, "")
    if target in TARGETS and MEDIA_TYPES.get(target) == wish.kind:
        return Form(wish.kind, target, related)
    return None


def part_as_stored(header: str, stored_syntax: str) -> str | None:
    """The media type of the part, where one frame leaves in a multipart answer as it is stored; else None."""
    try:
        form = frames(wishes(header), stored_syntax, 1)
    except NotAcceptable:
        return None
    return form.kind if form.related and form.syntax == leaving_syntax(stored_syntax) else None


def _best(found: Iterable[tuple[Wish, Form | None]], stored: str) -> Form:
    possible = [(wish.quality, form.syntax == stored, form) for wish, form in found if form]
    if not possible:
        raise NotAcceptable()
    return max(possible, key=lambda one: one[:2])[2]


def picture(found: Iterable[Wish]) -> Form:
    """The media type of something drawn. Raises NotAcceptable."""
    for wish in found:
        if wish.kind in ("*/*", "image/*"):
            return Form("image/jpeg", related=wish.related)
        if wish.kind in PICTURES:
            return Form(wish.kind, related=wish.related)
    raise NotAcceptable()


def octets(found: Iterable[Wish]) -> Form:
    """How a value that stayed in the file leaves. Raises NotAcceptable."""
    for wish in found:
        if wish.kind in ("*/*", "application/*", OCTETS):
            return Form(OCTETS, related=wish.related)
    raise NotAcceptable()


def data_sets(found: Iterable[Wish]) -> str:
    """How headers leave, JSON or XML. Raises NotAcceptable."""
    for wish in found:
        if wish.kind in ("*/*", "application/*", DICOM_JSON, "application/json"):
            return DICOM_JSON
        if wish.kind in (DICOM_XML, "application/xml", "text/xml"):
            return DICOM_XML
    raise NotAcceptable()
