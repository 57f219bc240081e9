"""The keys that a search finds patients and studies by: whoever stores or corrects them writes these."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, tuple_
from sqlmodel import Session, col, select

from mip_app.studies.models import Patient, PatientTail, Study, StudyModality
from mip_app.studies.query import names


def write(session: Session, stored: Iterable[tuple[Study, Patient]]) -> None:
    """Keys of studies and patients that were made or grew in this transaction; those written before are left."""
    pairs = list(stored)
    patients = {patient.id: patient for _, patient in pairs if not patient.name_folded}
    tails = []
    for pk, patient in patients.items():
        patient.name_folded = names.folded(patient.person_name)
        tails += [
            {"institution_id": patient.institution_id, "tail": tail, "patient_pk": pk}
            for tail in sorted(names.tails(patient.name_folded, patient.patient_id))
        ]
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
    session.flush()
    for table, rows in ((PatientTail, tails), (StudyModality, modalities)):
        if rows:
            session.execute(insert(table), rows)


def forget(session: Session, patient: Patient) -> None:
    """Before a name or an ID is corrected: its keys go. `write` makes the new ones."""
    gone = names.tails(patient.name_folded, patient.patient_id)
    keys = [(patient.institution_id, tail, patient.id) for tail in gone]
    if keys:
        place = tuple_(col(PatientTail.institution_id), col(PatientTail.tail), col(PatientTail.patient_pk))
        session.execute(delete(PatientTail).where(place.in_(keys)))
    patient.name_folded = ""
