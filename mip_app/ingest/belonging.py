"""Whose an arriving file is: a patient that is there, one who is new, or one who contradicts who is there.

Contradictions are stored and flagged, never refused; `maintenance` resolves them.
"""

from datetime import date

from sqlmodel import Session, col, select

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import blobs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict
from mip_app.dicom.part10 import Header
from mip_app.ingest import rows
from mip_app.ingest.checking import Checked
from mip_app.ingest.matching import Person, find, richer
from mip_app.studies import corrections, door, patients
from mip_app.studies.models import Patient, PatientConflict, Study

Named = tuple[str, str, str, str, date | None, str]  # a study's UID, and whom a file of it names


class Erased(Conflict):
    code = "ingest.erased"


def issuer_of(header: Header) -> str:
    # Without an ID nobody can tell whether two studies are of one person: each gets a patient of its own.
    if header.patient_id:
        return header.issuer_of_patient_id
    return f"{corrections.WITHOUT_ID}{header.study_uid}"


def person_of(header: Header) -> Person:
    return Person(header.patient_name, header.patient_birth_date, header.patient_sex)


@needs(Permission.STUDY_UPLOAD)
def patient_of(session: Session, actor: Actor, header: Header) -> tuple[Patient, Patient]:
    """Whom a new study's files name, and who that is: the same row, but where somebody has merged or corrected.

    Made when new; same ID and other demographics: made as a variant, and flagged.
    """
    known = _known(session, actor, header)
    arriving = person_of(header)
    place = find([_person(row) for row in known], arriving)
    if place is None:
        origin = _add(session, actor, header, known)
        if known:
            _flag(session, actor, patients.final(session, known[0]), origin)
        return origin, origin
    origin = known[place]
    if origin.merged_into is not None:
        return origin, patients.final(session, origin)
    _enrich(session, origin, arriving)
    return origin, origin


@needs(Permission.STUDY_UPLOAD)
def check(
    session: Session, actor: Actor, study: Study, patient: Patient, header: Header, seen: set[Named]
) -> None:
    """A file of a study that is there: DICOM gives a study one patient (PS3.3 A.1.2), so it is stored with that one.

    That it names another is flagged, once for each such other. `seen`: what this transaction has looked at already.
    """
    person, issuer = person_of(header), issuer_of(header)
    named = (study.study_uid, header.patient_id, issuer, person.name, person.birth_date, person.sex)
    if named in seen:
        return
    seen.add(named)
    if (patient.patient_id, patient.issuer) == (header.patient_id, issuer) and find(
        [_person(patient)], person
    ) is not None:
        _enrich(session, patient, person)
        return
    known = _known(session, actor, header)
    place = find([_person(row) for row in known], person)
    other = known[place] if place is not None else _add(session, actor, header, known)
    if patients.final(session, other).id == patient.id:
        return  # somebody has said already that this is one person
    flagged = select(PatientConflict.id).where(
        PatientConflict.study_pk == study.id, PatientConflict.other_pk == other.id
    )
    if session.exec(door.marked(flagged)).first() is None:
        _flag(session, actor, patient, other, study)


@needs(Permission.STUDY_UPLOAD)
def require_bytes(session: Session, actor: Actor, item: Checked, erased: dict[str, bool]) -> None:
    """A study that comes again while its deletion removes the old bytes: success is said for bytes that are there.

    Waits for the remover of this study, which looks for rows before it removes. `erased`: what this transaction knows
    already. Raises Erased: to be sent again.
    """
    study_uid = item.header.study_uid
    if study_uid not in erased:
        erased[study_uid] = rows.is_being_erased(session, actor.institution, study_uid)
    if not erased[study_uid]:
        return
    item.kept.result()  # on its way to the disk until now
    if blobs().stat(item.blob) is None:
        raise Erased()


def take_corrections(study: Study, origin: Patient, patient: Patient) -> None:
    study.origin_pk = origin.id
    corrections.renew(study, patient)


def _known(session: Session, actor: Actor, header: Header) -> list[Patient]:
    """All with that ID: those who are somebody's own first, then those merged away or as they were once."""
    statement = select(Patient).where(
        Patient.institution_id == actor.institution,
        Patient.patient_id == header.patient_id,
        Patient.issuer == issuer_of(header),
    )
    found = session.exec(door.marked(statement.order_by(col(Patient.variant)))).all()
    return sorted(found, key=lambda row: row.merged_into is not None)


def _person(row: Patient) -> Person:
    return Person(row.person_name, row.birth_date, row.sex)


def _add(session: Session, actor: Actor, header: Header, known: list[Patient]) -> Patient:
    patient = Patient(
        institution_id=actor.institution,
        patient_id=header.patient_id,
        issuer=issuer_of(header),
        variant=max((row.variant for row in known), default=-1) + 1,
    )
    person = person_of(header)
    patients.describe(patient, person.name, person.birth_date, person.sex)
    session.add(patient)
    session.flush()
    patients.index(session, patient)
    return patient


def _enrich(session: Session, patient: Patient, arriving: Person) -> None:
    better = richer(_person(patient), arriving)
    if better != _person(patient):
        patients.describe(patient, better.name, better.birth_date, better.sex)
        session.add(patient)
        patients.index(session, patient)


def _flag(session: Session, actor: Actor, first: Patient, other: Patient, study: Study | None = None) -> None:
    session.add(
        PatientConflict(
            institution_id=actor.institution,
            patient_pk=first.id or 0,
            other_pk=other.id or 0,
            study_pk=study.id if study else None,
            arrived_at=utc_now(),
        )
    )
    subject = f"study:{study.study_uid}" if study else f"patient:{first.id}"
    audit.record(session, actor, Act.DATA_FLAGGED, subject)
    bus.touch(session, patients.maintenance_topic(actor.institution))
