"""The rows of a study whose files keep coming, in prepared statements: what storing asks and writes for every file.

Institution and keys are the caller's: who may send was decided, and all of it stays inside the own institution.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlmodel import Session

from mip_app.core.prepared import Prepared
from mip_app.dicom.part10 import Header
from mip_app.studies.models import Instance, Patient, Series, Study, StudyErasure

_INSTANCE: Any = Instance.__table__  # type: ignore[attr-defined]
_SERIES: Any = Series.__table__  # type: ignore[attr-defined]
_STUDY: Any = Study.__table__  # type: ignore[attr-defined]
_PATIENT: Any = Patient.__table__  # type: ignore[attr-defined]
_ERASED: Any = StudyErasure.__table__  # type: ignore[attr-defined]

_SHA256 = Prepared(
    select(_INSTANCE.c.sha256).where(
        _INSTANCE.c.institution_id == bindparam("institution"),
        _INSTANCE.c.sop_instance_uid == bindparam("uid"),
    )
)
# Waits for the remover of this study.
_ERASURE = Prepared(
    select(_ERASED.c.id)
    .where(_ERASED.c.institution_id == bindparam("institution"), _ERASED.c.study_uid == bindparam("study"))
    .with_for_update()
)
# Counts are added to the study's row: on PostgreSQL another process waits here.
_PLACE = Prepared(
    select(
        _STUDY.c.id,
        _SERIES.c.id,
        _PATIENT.c.patient_id,
        _PATIENT.c.issuer,
        _PATIENT.c.person_name,
        _PATIENT.c.sex,
        _PATIENT.c.birth_date,
    )
    .join(_PATIENT, _PATIENT.c.id == _STUDY.c.patient_pk)
    .join(_SERIES, _SERIES.c.study_pk == _STUDY.c.id)
    .where(
        _STUDY.c.institution_id == bindparam("institution"),
        _STUDY.c.study_uid == bindparam("study"),
        _SERIES.c.series_uid == bindparam("series"),
    )
    .with_for_update(of=_STUDY)
)
_ADD = Prepared(insert(_INSTANCE), [column.name for column in _INSTANCE.columns if column.name != "id"])
_SERIES_GROWS = Prepared(
    update(_SERIES)
    .where(_SERIES.c.id == bindparam("key"))
    .values(
        instance_count=_SERIES.c.instance_count + bindparam("number"),
        revision=_SERIES.c.revision + bindparam("number"),
    )
)
_STUDY_GROWS = Prepared(
    update(_STUDY)
    .where(_STUDY.c.id == bindparam("key"))
    .values(instance_count=_STUDY.c.instance_count + bindparam("number"))
)


def sha256_of(session: Session, institution: int, sop_instance_uid: str) -> str:
    """Of an instance that is there already; '' where it is not."""
    found = _SHA256.first(session, {"institution": institution, "uid": sop_instance_uid})
    return str(found[0]) if found else ""


def is_being_erased(session: Session, institution: int, study_uid: str) -> bool:
    """Whether a deletion of this study removes bytes."""
    return _ERASURE.first(session, {"institution": institution, "study": study_uid}) is not None


def place_of(session: Session, institution: int, header: Header, issuer: str) -> tuple[int, int] | None:
    """Keys of study and series where both are there and their patient is the header's, word for word.

    None for everything else, which is for objects and rules to say.
    """
    asked = {"institution": institution, "study": header.study_uid, "series": header.series_uid}
    found = _PLACE.first(session, asked)
    if found is None:
        return None
    study, series, *called, name, sex, birth_date = found
    same = called == [header.patient_id, issuer] and is_named([name, sex, birth_date], header)
    return (study, series) if same else None


def is_named(person: Sequence[Any], header: Header) -> bool:
    """Whether a patient's name, sex and birth date, as the driver gives them, are the header's word for word."""
    name, sex, birth_date = person
    born = None if birth_date is None else str(birth_date)
    says = str(header.patient_birth_date) if header.patient_birth_date else None
    return (name, sex, born) == (header.patient_name, header.patient_sex, says)


def add(session: Session, instances: list[dict[str, object]], grown: Counter[tuple[int, int]]) -> None:
    """Write new instances; `grown` says how many each (study, series) has got."""
    session.flush()  # the rows they hang on
    _ADD.run(session, *instances)
    studies: Counter[int] = Counter()
    for (study, _), number in grown.items():
        studies[study] += number
    _SERIES_GROWS.run(session, *_grown((series, number) for (_, series), number in grown.items()))
    _STUDY_GROWS.run(session, *_grown(studies.items()))


def _grown(counts: Iterable[tuple[int, int]]) -> list[dict[str, int]]:
    return [{"key": key, "number": number} for key, number in counts]
