"""Finding patients by a word: name, pinyin, initials or patient ID, by the beginning of any of them."""

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from mip_app.core.actor import Actor
from mip_app.dicom.names import search_term
from mip_app.studies.models import PatientKey, Study

FEW = 2000  # up to here the patients themselves are named to the database; more is a condition it checks in passing


def patients_named(session: Session, actor: Actor, keyword: str) -> ColumnElement[bool]:
    """The condition on `Study` that its patient is found by `keyword`."""
    term = search_term(keyword)[:64]
    matching = select(PatientKey.patient_id).where(
        PatientKey.institution_id == actor.institution,
        col(PatientKey.key) >= term,
        col(PatientKey.key) < term + "\U0010ffff",
    )
    few = session.exec(matching.limit(FEW + 1)).all()
    if len(few) <= FEW:
        return col(Study.patient_pk).in_(sorted(set(few)))
    return matching.where(PatientKey.patient_id == Study.patient_pk).exists()
