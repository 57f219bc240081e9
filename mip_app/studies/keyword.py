"""Finding patients by a word: name, pinyin, initials or patient ID, by the beginning of any of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, true
from sqlmodel import Session, col, select

from mip_app.core.actor import Actor, Permission, needs
from mip_app.dicom.names import search_term
from mip_app.studies.models import PatientKey, Study

FEW, MANY = 300, 10_000


@dataclass(frozen=True, slots=True)
class Named:
    """The condition on `Study` that its patient is found by a keyword."""

    condition: ColumnElement[bool]
    few: bool  # it leads to the studies; else they are walked in their order and it is checked on each


@needs(Permission.STUDY_READ)
def named(session: Session, actor: Actor, keyword: str, whose: Callable[[Any], ColumnElement[bool]]) -> Named:
    """`whose`: of a column that says whose a patient is, that it is one of those meant.

    Neither way is good for all words: zhangsan is one patient of a hundred thousand, z is a tenth of them.
    """
    term = search_term(keyword)[:64]
    begins = (col(PatientKey.key) >= term, col(PatientKey.key) < term + "\U0010ffff")
    found = select(PatientKey.patient_id).where(whose(col(PatientKey.institution_id)), *begins)
    counted = select(func.count()).select_from(found.limit(MANY + 1).subquery())
    number = session.exec(counted).one()
    if number <= FEW:
        return Named(col(Study.patient_pk).in_(found), True)
    if number <= MANY:
        # `IS true`: as a set, made once and asked for each study; a join would read and sort them all.
        return Named(col(Study.patient_pk).in_(found).is_(true()), False)
    # So many that a page is soon full: look at the patient's own keys. OFFSET 0 keeps this, too, from being a join.
    own = select(PatientKey.patient_id).where(PatientKey.patient_id == Study.patient_pk, *begins)
    return Named(own.offset(0).exists(), False)
