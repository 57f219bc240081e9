"""In which transfer syntax frames leave, and as what media type."""

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"
UNCOMPRESSED = frozenset(
    {
        IMPLICIT_LITTLE_ENDIAN,
        EXPLICIT_LITTLE_ENDIAN,
        "1.2.840.10008.1.2.1.99",  # deflated: frames are inflated on the way out
        "1.2.840.10008.1.2.2",  # big endian: frames are turned round on the way out
    }
)
# Media types of frames (PS3.18 table 8.7.3-5) by transfer syntax.
MEDIA_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
}


def leaving_syntax(transfer_syntax_uid: str) -> str:
    """The transfer syntax in which frames of a stored file leave without being decoded."""
    return EXPLICIT_LITTLE_ENDIAN if transfer_syntax_uid in UNCOMPRESSED else transfer_syntax_uid


# Into what is stored may be turned on the way out (dicom/recoding.py).
TARGETS = frozenset(
    {
        EXPLICIT_LITTLE_ENDIAN,
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.81",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.4.91",
    }
)
# What comes out of these is another image than was stored.
LOSSY = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91"})
# The transfer syntax that a media type means by itself (PS3.18 table 8.7.3-5), where we can make it.
ENCODED = {
    "image/dicom-rle": "1.2.840.10008.1.2.5",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
}


def part_as_stored(accept: str, transfer_syntax_uid: str) -> str | None:
    """The media type of a frame's part where `accept` plainly takes it as it is stored; None: ask the route.

    Plainly: the first offer is `*/*`, or `multipart/related` with the stored syntax, any, or none named.
    """
    first, _, _ = accept.lower().partition(",")
    kind, *named = (word.strip() for word in first.split(";"))
    said = {
        name.strip(): value.strip().strip('"') for name, _, value in (word.partition("=") for word in named)
    }
    stored = leaving_syntax(transfer_syntax_uid)
    image = MEDIA_TYPES.get(stored, "")
    part = image if image and image in accept else "application/octet-stream"
    if kind not in ("*/*", "multipart/related") or said.keys() - {"type", "transfer-syntax"}:
        return None
    root, syntax = said.get("type", ""), said.get("transfer-syntax", "")
    if syntax in ("*", stored) or (not syntax and root in ("", image)):
        return part
    native = root == "application/octet-stream" and syntax in ("", EXPLICIT_LITTLE_ENDIAN)
    return part if native and stored == EXPLICIT_LITTLE_ENDIAN else None
