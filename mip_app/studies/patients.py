"""A patient's row: what it says, by what it is found, and who it is in the end."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import insert
from sqlmodel import Session, col, delete, select

from mip_app.core.prepared import Prepared
from mip_app.dicom.names import display_name, search_keys
from mip_app.studies import door
from mip_app.studies.models import Patient, PatientKey
from mip_app.studies.query import keys, names

_PATIENT = Patient.__table__  # type: ignore[attr-defined]
_ADD = Prepared(
    insert(_PATIENT).returning(_PATIENT.c.id),
    [column.name for column in _PATIENT.columns if column.name != "id"],
)
_WORDS = Prepared(insert(PatientKey), ["patient_id", "key", "institution_id"])


def describe(patient: Patient, name: str, birth_date: date | None, sex: str) -> None:
    """`name` with all its component groups."""
    patient.name, patient.person_name = display_name(name), name
    patient.birth_date, patient.sex = birth_date, sex


def final(session: Session, patient: Patient) -> Patient:
    """Who this is by what somebody has decided; itself where nobody has."""
    seen = {patient.id}
    while patient.merged_into is not None and patient.merged_into not in seen:
        seen.add(patient.merged_into)
        statement = select(Patient).where(Patient.id == patient.merged_into)
        patient = session.exec(door.marked(statement)).one()
    return patient


def index(session: Session, patient: Patient) -> None:
    """The words that find a patient, of those merged into them too: who looks for the old ID finds the new one."""
    same = select(Patient).where(
        (col(Patient.id) == patient.id) | (col(Patient.merged_into) == patient.id),
        Patient.institution_id == patient.institution_id,
    )
    session.flush()
    rows = session.exec(door.marked(same)).all()
    session.exec(delete(PatientKey).where(col(PatientKey.patient_id) == patient.id))
    _add_words(session, patient.id or 0, patient.institution_id, rows)
    keys.renew(session, patient)


def begin(session: Session, patient: Patient) -> int:
    """Write somebody of whom nothing is there, in prepared statements; the row's key."""
    patient.name_folded = names.folded(patient.person_name)
    added = _ADD.first(session, vars(patient))
    pk = int(added[0]) if added else 0
    _add_words(session, pk, patient.institution_id, [patient])
    keys.add_tails(session, pk, patient)
    return pk


def _add_words(session: Session, pk: int, institution: int, rows: Iterable[Patient]) -> None:
    words = {word for row in rows for word in [*search_keys(row.person_name), row.patient_id.lower()]}
    found = sorted({word[:64] for word in words if word})
    if found:
        _WORDS.run(session, *({"patient_id": pk, "key": key, "institution_id": institution} for key in found))


def keys_of(session: Session, patient: Patient) -> list[PatientKey]:
    return list(session.exec(select(PatientKey).where(PatientKey.patient_id == patient.id)).all())


def maintenance_topic(institution: int) -> str:
    """What the data maintenance page of an institution listens to."""
    return f"data:{institution}"
