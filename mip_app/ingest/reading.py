"""What study and series rows say, read from one header. A pure rule."""

import re
from datetime import datetime
from typing import Any

from mip_app.core.clock import utc_now
from mip_app.dicom.part10 import Header, parse_date
from mip_app.studies.models import Contrast, PatientClass, Series, Study

# Objects about images rather than images: they never name a study's modality while there is another.
_ABOUT = frozenset(
    {"SR", "PR", "KO", "SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "REG", "DOC", "OT", "AU", "PLAN", ""}
)
# Elements that `study` asks of the header's JSON.
ASKED = ("00080201", "00380010", "00400244", "00400245", "00400275", "00401003")
# In a hybrid study this is the one it is called by.
_FIRST = ("PT", "NM")


def study(header: Header, studied_at: datetime) -> Study:
    """A new row of this study; institution and patient are the caller's."""
    return Study(
        institution_id=0,
        patient_pk=0,
        study_uid=header.study_uid,
        accession_number=header.accession_number,
        study_id=header.study_id,
        description=header.study_description or header.protocol_name,
        referring_physician=header.referring_physician,
        study_date=header.study_date,
        study_time=header.study_time_raw if header.study_time else "",
        studied_at=studied_at,
        utc_offset=_value(header, "00080201"),
        patient_age=header.patient_age,
        body_part=header.body_part_examined,
        patient_class=_patient_class(header),
        contrast=_contrast(header),
        received_at=utc_now(),
    )


def series(header: Header) -> Series:
    """A new row of this series; institution and study are the caller's."""
    return Series(
        institution_id=0,
        study_pk=0,
        series_uid=header.series_uid,
        modality=header.modality,
        series_number=header.series_number,
        description=header.series_description or header.protocol_name,
        body_part=header.body_part_examined,
        laterality=header.laterality,
        series_date=header.series_date,
        series_time=header.series_time.strftime("%H%M%S") if header.series_time else "",
        performed_date=parse_date(_value(header, "00400244")),
        performed_time=_value(header, "00400245"),
        scheduled_step_ids=_of_requests(header, "00400009"),
        requested_procedure_ids=_of_requests(header, "00401001"),
    )


def add_modality(study: Study, modality: str) -> None:
    """ModalitiesInStudy, and the one of them that the list shows."""
    known = [m for m in study.modalities.split("\\") if m]
    if modality and modality not in known:
        known.append(modality)
    study.modalities = "\\".join(known)
    images = [m for m in known if m not in _ABOUT] or known or [""]
    study.modality = next((m for m in _FIRST if m in images), images[0])


def is_uid(text: str) -> bool:
    return re.fullmatch(r"[0-9.]{1,64}", text) is not None


def _patient_class(header: Header) -> str:
    """DICOM has no patient class: an admission says inpatient, a STAT request emergency (PS3.3 C.3.4, C.4.11)."""
    if _value(header, "00401003").upper() in ("STAT", "HIGH"):
        return PatientClass.EMERGENCY
    return PatientClass.INPATIENT if _value(header, "00380010") else ""


def _contrast(header: Header) -> str:
    """Plain or enhanced, where the modality knows the difference."""
    if header.modality not in ("CT", "MR"):
        return ""
    words = f"{header.study_description} {header.series_description} {header.protocol_name}"
    enhanced = "增强" in words or bool(header.contrast_agent)
    if "平扫" in words and enhanced:
        return Contrast.BOTH
    return Contrast.ENHANCED if enhanced else Contrast.PLAIN


def _of_requests(header: Header, tag: str) -> str:
    """Of the items of the Request Attributes Sequence (0040,0275), joined with a backslash."""
    items = (header.json.get("00400275") or {}).get("Value") or []
    values = (str(value) for item in items for value in (item.get(tag) or {}).get("Value") or [])
    return "\\".join(dict.fromkeys(values))


def _value(header: Header, tag: str) -> str:
    element: Any = header.json.get(tag) or {}
    values = element.get("Value") or [""]
    return str(values[0])
