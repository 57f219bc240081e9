"""What somebody put right about a study, as DICOM JSON by tag: kept beside the bytes, applied on the way out.

Patient attributes are there when the study's patient is not whom its files name.
"""

from collections.abc import Mapping
from typing import Any

from mip_app.dicom.dicomjson import NAME_GROUPS
from mip_app.studies.models import Patient, Study

Json = dict[str, Any]

NAME, ID, ISSUER, BIRTH, SEX, ACCESSION = (
    "00100010", "00100020", "00100021", "00100030", "00100040", "00080050",
)  # fmt: skip
OF_PATIENT = frozenset({NAME, ID, ISSUER, BIRTH, SEX})
WITHOUT_ID = "study:"  # begins the issuer of a patient whose files carry no ID: see ingest/belonging.py


def of_patient(patient: Patient) -> Json:
    """All that identifies a patient; what is unknown is empty, so that nothing of another person is left."""
    groups = dict(zip(NAME_GROUPS, (group.strip() for group in patient.person_name.split("=")), strict=False))
    issuer = "" if patient.issuer.startswith(WITHOUT_ID) else patient.issuer
    return {
        NAME: _element("PN", {name: group for name, group in groups.items() if group}),
        ID: _element("LO", patient.patient_id),
        ISSUER: _element("LO", issuer),
        BIRTH: _element("DA", f"{patient.birth_date:%Y%m%d}" if patient.birth_date else ""),
        SEX: _element("CS", patient.sex),
    }


def renew(study: Study, patient: Patient) -> None:
    """Make the patient's part of a study's corrections what it has to be now."""
    kept = {tag: value for tag, value in study.corrections.items() if tag not in OF_PATIENT}
    other = study.origin_pk is not None and study.origin_pk != patient.id
    study.corrections = kept | (of_patient(patient) if other else {})


def set_accession(study: Study, number: str) -> None:
    study.accession_number = number
    study.corrections = {**study.corrections, ACCESSION: _element("SH", number)}


def apply(corrections: Mapping[str, Any], header: Json) -> Json:
    """The DICOM JSON of one instance as it leaves: tags in order, the stored header untouched."""
    if not corrections:
        return header
    merged = header | dict(corrections)
    return {tag: merged[tag] for tag in sorted(merged)}


def _element(vr: str, value: Any) -> Json:
    return {"vr": vr, "Value": [value]} if value else {"vr": vr}
