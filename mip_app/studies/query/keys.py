"""The keys that a search finds patients and studies by: whoever stores or corrects them writes these."""

from collections.abc import Iterable

from sqlalchemy import delete, insert
from sqlmodel import Session, col, select

from mip_app.core.prepared import Prepared
from mip_app.studies.models import Patient, PatientTail, Study, StudyModality
from mip_app.studies.query import names

_TAILS = Prepared(insert(PatientTail), ["institution_id", "tail", "patient_pk"])
_MODALITIES = Prepared(
    insert(StudyModality), ["study_pk", "modality", "institution_id", "studied_at", "study_date"]
)


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
        {**_of(study), "study_pk": pk, "modality": modality}
        for pk, study in studies.items()
        for modality in study.modalities.split("\\")
        if modality and (pk, modality) not in there
    ]
    if modalities:
        session.flush()
        _MODALITIES.run(session, *modalities)


def begin(session: Session, pk: int, study: Study) -> None:
    """Keys of a study that was not there, of one modality or none; its row is `pk`."""
    if study.modality:
        _MODALITIES.run(session, {**_of(study), "study_pk": pk, "modality": study.modality})


def _of(study: Study) -> dict[str, object]:
    return {name: getattr(study, name) for name in ("institution_id", "studied_at", "study_date")}


def renew(session: Session, patient: Patient) -> None:
    """For a patient whose name or ID was put right."""
    session.flush()
    session.execute(delete(PatientTail).where(col(PatientTail.patient_pk) == patient.id))
    _add(session, patient)


def _add(session: Session, patient: Patient) -> None:
    patient.name_folded = names.folded(patient.person_name)
    session.flush()
    add_tails(session, patient.id or 0, patient)


def add_tails(session: Session, pk: int, patient: Patient) -> None:
    """Keys of a patient who has none; the row is `pk`, and has `name_folded`."""
    tails = [
        {"institution_id": patient.institution_id, "tail": tail, "patient_pk": pk}
        for tail in sorted(names.tails(patient.name_folded, patient.patient_id))
    ]
    if tails:
        _TAILS.run(session, *tails)
