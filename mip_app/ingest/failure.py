"""What the standard calls the reasons for which a file is refused: one table for every way in."""

CANNOT_UNDERSTAND = 0xC000
# PS3.18 table I.2-2 and PS3.4 B.2.3: what is not named here cannot be understood.
FAILURE_REASONS = {
    "ingest.other_bytes": 0x0111,  # duplicate SOP instance
    "ingest.not_stored": 0x0110,  # processing failure
    "ingest.unexpected": 0x0110,
    "ingest.erased": 0x0110,
    "ingest.too_large": 0xA700,  # out of resources
    "error.no_room": 0xA700,
    "error.blobs_away": 0xA700,
    "ingest.mismatch": 0xA900,  # data set does not match SOP class
    "ingest.other_study": 0xA900,
}


def reason_of(code: str) -> int:
    """The number of one of our reasons, 16 bit."""
    return FAILURE_REASONS.get(code, CANNOT_UNDERSTAND)
