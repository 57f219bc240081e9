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
