"""The Native DICOM Model (PS3.19 A.1): data sets as XML, for those who do not take JSON."""

import re
import secrets
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree

from pydicom.datadict import keyword_for_tag

Json = dict[str, Any]
DICOM_XML = "application/dicom+xml"
# What XML cannot hold, escaped or not.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME_PARTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")


def related(rows: list[Json]) -> tuple[bytes, str]:
    """A multipart/related body with one document a data set, and its boundary; empty without data sets."""
    boundary = secrets.token_hex(16)
    return b"".join(pieces(rows, boundary)) if rows else b"", boundary if rows else ""


def pieces(rows: Iterable[Json], boundary: str) -> Iterator[bytes]:
    """The same, part by part."""
    for row in rows:
        head = f"--{boundary}\r\nContent-Type: {DICOM_XML}\r\n\r\n"
        yield head.encode() + document(row) + b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def media_type(boundary: str) -> str:
    return f'multipart/related; type="{DICOM_XML}"; boundary={boundary}'


def document(data: Json) -> bytes:
    """One data set of the DICOM JSON model."""
    namespace = {"xmlns": "http://dicom.nema.org/PS3.19/models/NativeDICOM", "xml:space": "preserve"}
    model = ElementTree.Element("NativeDicomModel", namespace)
    _write(model, data)
    return ElementTree.tostring(model, encoding="utf-8", xml_declaration=True)


def _write(parent: ElementTree.Element, data: Json) -> None:
    for tag, element in sorted(data.items()):
        named = {"tag": tag, "vr": element["vr"]}
        if keyword := keyword_for_tag(int(tag, 16)):
            named["keyword"] = keyword
        elif creator := _creator(tag, data):  # whose elements are not told by the block they happen to have
            named |= {"tag": f"{tag[:4]}00{tag[6:]}", "privateCreator": creator}
        attribute = ElementTree.SubElement(parent, "DicomAttribute", named)
        if binary := element.get("InlineBinary"):
            ElementTree.SubElement(attribute, "InlineBinary").text = binary
        if uri := element.get("BulkDataURI"):
            ElementTree.SubElement(attribute, "BulkData", {"uri": uri})
        for number, value in enumerate(element.get("Value", ()), 1):
            _value(attribute, element["vr"], value, str(number))


def _creator(tag: str, data: Json) -> str:
    """Who reserved the block of a private element (PS3.5 7.8.1)."""
    if int(tag[3], 16) % 2 == 0 or tag[4:6] == "00":
        return ""
    [creator] = data.get(f"{tag[:4]}00{tag[4:6]}", {}).get("Value") or [""]
    return _FORBIDDEN.sub("", str(creator or ""))


def _value(attribute: ElementTree.Element, vr: str, value: Any, number: str) -> None:
    if vr == "SQ":
        _write(ElementTree.SubElement(attribute, "Item", {"number": number}), value or {})
    elif vr == "PN":
        person = ElementTree.SubElement(attribute, "PersonName", {"number": number})
        for group, text in (value or {}).items():
            parts = ElementTree.SubElement(person, group)
            for name, part in zip(_NAME_PARTS, text.split("^"), strict=False):
                if part:
                    ElementTree.SubElement(parts, name).text = _FORBIDDEN.sub("", part)
    elif value is not None:
        text = _FORBIDDEN.sub("", str(value))
        ElementTree.SubElement(attribute, "Value", {"number": number}).text = text
