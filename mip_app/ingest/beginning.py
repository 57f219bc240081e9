"""The first image of a study, in prepared statements: where studies are small it is every second one.

Only where nothing has to be decided: a study that is not there, of a patient who is not there either or says word for
word what the file says. What rows say is in `reading.py`, as on the long way (`storing.py`).
"""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, insert, select
from sqlmodel import Session

from mip_app.accounts.models import Institution
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.prepared import Prepared
from mip_app.dicom.part10 import Header
from mip_app.ingest import belonging, reading, rows
from mip_app.studies import patients
from mip_app.studies.models import Patient, Series, Study
from mip_app.studies.query import keys

_STUDY: Any = Study.__table__  # type: ignore[attr-defined]
_SERIES: Any = Series.__table__  # type: ignore[attr-defined]
_PATIENT: Any = Patient.__table__  # type: ignore[attr-defined]
_INSTITUTION: Any = Institution.__table__  # type: ignore[attr-defined]

_IS_THERE = Prepared(
    select(_STUDY.c.id).where(
        _STUDY.c.institution_id == bindparam("institution"), _STUDY.c.study_uid == bindparam("study")
    )
)
_KNOWN = Prepared(
    select(
        _PATIENT.c.id,
        _PATIENT.c.merged_into,
        _PATIENT.c.variant,
        _PATIENT.c.person_name,
        _PATIENT.c.sex,
        _PATIENT.c.birth_date,
    )
    .where(
        _PATIENT.c.institution_id == bindparam("institution"),
        _PATIENT.c.patient_id == bindparam("patient"),
        _PATIENT.c.issuer == bindparam("issuer"),
    )
    .order_by(_PATIENT.c.variant.desc())
)
_TIME_ZONE = Prepared(select(_INSTITUTION.c.time_zone).where(_INSTITUTION.c.id == bindparam("institution")))
_ADD_STUDY = Prepared(
    insert(_STUDY).returning(_STUDY.c.id), [c.name for c in _STUDY.columns if c.name != "id"]
)
_ADD_SERIES = Prepared(
    insert(_SERIES).returning(_SERIES.c.id), [c.name for c in _SERIES.columns if c.name != "id"]
)


@needs(Permission.STUDY_UPLOAD)
def begin(session: Session, actor: Actor, header: Header) -> tuple[int, int] | None:
    """Keys of its new study and series; None where it is for objects and rules to say."""
    asked = {"institution": actor.institution, "study": header.study_uid}
    if _IS_THERE.first(session, asked) is not None:
        return None
    patient = _patient(session, actor.institution, header)
    if patient is None:
        return None
    study, series = reading.study(header, moment(session, actor.institution, header)), reading.series(header)
    study.institution_id = series.institution_id = actor.institution
    study.patient_pk = study.origin_pk = patient
    study.series_count = 1
    reading.add_modality(study, header.modality)
    study_pk = _added(_ADD_STUDY.first(session, vars(study)))
    keys.begin(session, study_pk, study)
    series.study_pk = study_pk
    return study_pk, _added(_ADD_SERIES.first(session, vars(series)))


def _patient(session: Session, institution: int, header: Header) -> int | None:
    issuer = belonging.issuer_of(header)
    asked = {"institution": institution, "patient": header.patient_id, "issuer": issuer}
    found = _KNOWN.first(session, asked)
    if found is None:
        patient = Patient(institution_id=institution, patient_id=header.patient_id, issuer=issuer)
        patients.describe(patient, header.patient_name, header.patient_birth_date, header.patient_sex)
        return patients.begin(session, patient)
    key, merged_into, variant, *person = found
    alone = merged_into is None and variant == 0
    return int(key) if alone and rows.is_named(person, header) else None


def moment(session: Session, institution: int, header: Header) -> datetime:
    """Study date and time as a moment; without a date, now."""
    if header.study_date is None:
        return utc_now()
    found = _TIME_ZONE.first(session, {"institution": institution})
    zone = ZoneInfo(found[0] if found else "UTC")
    return datetime.combine(header.study_date, header.study_time or time(), zone).astimezone(UTC)


def _added(row: tuple[Any, ...] | None) -> int:
    assert row is not None
    return int(row[0])
