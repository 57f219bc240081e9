"""The Native DICOM Model (PS3.19 A.1): data sets as XML, for those who do not take JSON."""

import re
import secrets
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
    if not rows:
        return b"", ""
    boundary = secrets.token_hex(16)
    head = f"--{boundary}\r\nContent-Type: {DICOM_XML}\r\n\r\n".encode()
    parts = b"".join(head + document(row) + b"\r\n" for row in rows)
    return parts + f"--{boundary}--\r\n".encode(), boundary


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
        attribute = ElementTree.SubElement(parent, "DicomAttribute", named)
        if binary := element.get("InlineBinary"):
            ElementTree.SubElement(attribute, "InlineBinary").text = binary
        if uri := element.get("BulkDataURI"):
            ElementTree.SubElement(attribute, "BulkData", {"uri": uri})
        for number, value in enumerate(element.get("Value", ()), 1):
            _value(attribute, element["vr"], value, str(number))


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
