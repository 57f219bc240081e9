"""The keys that a search finds patients and studies by: whoever stores or corrects them writes these."""

from collections.abc import Iterable

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from mip_app.studies.models import Patient, PatientTail, Study, StudyModality
from mip_app.studies.query import names


def write(session: Session, stored: Iterable[tuple[Study, Patient]]) -> None:
    """Keys of studies and patients that were made or grew in this transaction; those written before are left."""
    pairs = list(stored)
    if not pairs:
        return
    for patient in {patient.id: patient for _, patient in pairs if not patient.name_folded}.values():
        _add(session, patient)
    studies = {study.id: study for study, _ in pairs if study.modalities}
    known = select(StudyModality.study_pk, StudyModality.modality)
    there = (
        set(session.exec(known.where(col(StudyModality.study_pk).in_(studies))).all()) if studies else set()
    )
    modalities = [
        {
            "institution_id": study.institution_id,
            "study_pk": pk,
            "modality": modality,
            "studied_at": study.studied_at,
            "study_date": study.study_date,
        }
        for pk, study in studies.items()
        for modality in study.modalities.split("\\")
        if modality and (pk, modality) not in there
    ]
    if modalities:
        session.flush()
        session.execute(insert(StudyModality), modalities)


def renew(session: Session, patient: Patient) -> None:
    """For a patient whose name or ID was put right."""
    session.flush()
    session.execute(delete(PatientTail).where(col(PatientTail.patient_pk) == patient.id))
    _add(session, patient)


def _add(session: Session, patient: Patient) -> None:
    patient.name_folded = names.folded(patient.person_name)
    session.flush()
    tails = [
        {"institution_id": patient.institution_id, "tail": tail, "patient_pk": patient.id}
        for tail in sorted(names.tails(patient.name_folded, patient.patient_id))
    ]
    if tails:
        session.execute(insert(PatientTail), tails)
