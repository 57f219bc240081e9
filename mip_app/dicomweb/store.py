"""What a Store transaction answers (PS3.18 10.5.3, Store Instances Response Module I.2.2)."""

import json
from collections.abc import Iterable
from typing import Any

from mip_app.dicom.dicomjson import Json
from mip_app.dicomweb import native
from mip_app.dicomweb.native import DICOM_XML
from mip_app.ingest.failure import reason_of
from mip_app.ingest.outcome import Kind, Outcome

DICOM_JSON = "application/dicom+json"

NOT_NOW = {"error.no_room", "error.blobs_away"}

_VRS = {
    "00081190": "UR",  # RetrieveURL
    "00081198": "SQ",  # FailedSOPSequence
    "00081199": "SQ",  # ReferencedSOPSequence
    "0008119A": "SQ",  # OtherFailuresSequence
    "00081150": "UI",  # ReferencedSOPClassUID
    "00081155": "UI",  # ReferencedSOPInstanceUID
    "00081197": "US",  # FailureReason
}


def status_of(outcomes: list[Outcome]) -> int:
    """200: all are stored, 202: some, 409: none; 503 where the store is full or away, and it may be tried again.

    What was there already counts as stored.
    """
    failed = [outcome.code for outcome in outcomes if outcome.kind is Kind.REFUSED]
    if len(failed) < len(outcomes):
        return 202 if failed else 200
    return 503 if failed and set(failed) <= NOT_NOW else 409 if failed else 200


def answer(outcomes: list[Outcome], root: str) -> Json:
    """DICOM JSON of the response; `root` is the address of the DICOMweb service."""
    stored = [o for o in outcomes if o.kind is not Kind.REFUSED]
    failed = [o for o in outcomes if o.kind is Kind.REFUSED]
    studies = {o.study_uid for o in stored}
    found: Json = {}
    if len(studies) == 1:
        found["00081190"] = _element("00081190", [f"{root}/studies/{studies.pop()}"])
    if stored:
        found["00081199"] = _element("00081199", [_stored(o, root) for o in stored])
    if known := [_failed(o) for o in failed if o.sop_instance_uid]:
        found["00081198"] = _element("00081198", known)
    if unknown := [_reason(o) for o in failed if not o.sop_instance_uid]:
        found["0008119A"] = _element("0008119A", unknown)
    return dict(sorted(found.items()))


def _stored(outcome: Outcome, root: str) -> Json:
    instance = (
        f"{root}/studies/{outcome.study_uid}/series/{outcome.series_uid}/instances/{outcome.sop_instance_uid}"
    )
    return {**_reference(outcome), "00081190": _element("00081190", [instance])}


def _failed(outcome: Outcome) -> Json:
    return {**_reference(outcome), **_reason(outcome)}


def _reference(outcome: Outcome) -> Json:
    return {
        "00081150": _element("00081150", [outcome.sop_class_uid]),
        "00081155": _element("00081155", [outcome.sop_instance_uid]),
    }


def _reason(outcome: Outcome) -> Json:
    return {"00081197": _element("00081197", [reason_of(outcome.code)])}


def _element(tag: str, value: list[Any]) -> Json:
    return {"vr": _VRS[tag], "Value": value}


def to_bytes(found: Json, media_type: str) -> bytes:
    if media_type == DICOM_JSON:
        return json.dumps(found, separators=(",", ":")).encode()
    return native.document(found)


def accepted(header: str) -> str:
    """The media type to answer in, or '' when the client takes neither."""
    best, chosen = 0.0, ""
    for offer in _offers(header):
        kind, quality = offer
        found = ANSWERS.get(kind, "")
        if found and quality > best:
            best, chosen = quality, found
    return chosen


ANSWERS = {
    "": DICOM_JSON,
    "*/*": DICOM_JSON,
    "application/*": DICOM_JSON,
    DICOM_JSON: DICOM_JSON,
    "application/json": DICOM_JSON,
    DICOM_XML: DICOM_XML,
    "application/xml": DICOM_XML,
    "text/xml": DICOM_XML,
}


def _offers(header: str) -> Iterable[tuple[str, float]]:
    for part in header.split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        yield kind, float(quality) if quality.replace(".", "", 1).isdecimal() else 0.0
