"""Patients in conflict, and what an administrator decides about them; each decision can be taken back."""

from datetime import date
from typing import Any, TypedDict

from sqlalchemy import ColumnElement, func
from sqlmodel import Session, col, select

from mip_app.accounts import entries
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Conflict, Invalid, NotVisible
from mip_app.maintenance.changing import Change
from mip_app.maintenance.finding import NO_STUDY, FoundStudy, Who, line, own_study, who, zone
from mip_app.maintenance.models import DataChange
from mip_app.studies import corrections, door, patients
from mip_app.studies.models import Patient, PatientConflict, Study

MOST = 100
TEXT = 64  # characters of an ID or a component group (PS3.5 6.2)


class IdTaken(Conflict):
    code = "data.id_taken"


class ConflictRow(TypedDict):
    key: str
    kind: str  # patient: one ID, two people; study: the files of one study name two
    first: Who
    other: Who
    study: FoundStudy  # NO_STUDY where the kind is patient
    arrived: str
    differs: list[str]  # name, birth_date, sex, patient_id


class Said(TypedDict):
    """A patient in one line; of an accession number the text alone."""

    text: str
    sex: str  # M, F, O; '' where it is not known
    more: str


class ChangeRow(TypedDict):
    key: str
    kind: str
    at: str
    by: str
    why: str
    old: Said
    new: Said
    undone: str  # who took it back


@needs(Permission.ADMIN_DATA)
def count(session: Session, actor: Actor) -> int:
    return session.exec(door.marked(select(func.count()).where(*_open(actor)))).one()


@needs(Permission.ADMIN_DATA)
def listed(session: Session, actor: Actor) -> list[ConflictRow]:
    """Those that wait, the newest first."""
    statement = select(PatientConflict).where(*_open(actor)).order_by(col(PatientConflict.id).desc())
    rows = session.exec(door.marked(statement.limit(MOST))).all()
    people = _people(session, actor, {key for row in rows for key in (row.patient_pk, row.other_pk)})
    studies = _studies(session, actor, {row.study_pk for row in rows if row.study_pk})
    here = zone(session, actor.institution)
    return [
        ConflictRow(
            key=str(row.id),
            kind="study" if row.study_pk else "patient",
            first=people[row.patient_pk],
            other=people[row.other_pk],
            study=studies.get(row.study_pk or 0, NO_STUDY),
            arrived=f"{row.arrived_at.astimezone(here):%Y-%m-%d %H:%M}",
            differs=_differs(people[row.patient_pk], people[row.other_pk]),
        )
        for row in rows
        if row.patient_pk in people and row.other_pk in people
    ]


@needs(Permission.ADMIN_DATA)
def merge(session: Session, actor: Actor, conflict_id: int, keep_other: bool, why: object) -> int:
    """They are one person: everything goes to the one whose demographics are right. Raises NotVisible, Invalid."""
    change = Change(session, actor, "merge", reason_of(why))
    conflict = _conflict(session, actor, conflict_id)
    keys = (conflict.patient_pk, conflict.other_pk)
    locked = {key: change.patient(key) for key in sorted(keys)}
    first, other = (patients.final(session, locked[key]) for key in keys)
    kept, gone = (other, first) if keep_other else (first, other)
    if kept.id != gone.id:
        kept, gone = change.patient(kept.id or 0), change.patient(gone.id or 0)
        old = _said(gone)
        _enrich(kept, gone)
        for study in change.studies_of(kept):
            corrections.renew(study, kept)
        for study in change.studies_of(gone):
            change.give(study, kept)
        gone.merged_into = kept.id
        session.add_all([kept, gone])
        patients.index(session, kept)
        _nobody(session, gone)
    else:
        old = _said(locked[keys[1]])
    if conflict.study_pk:
        _unify(session, change, conflict, kept)
    change.also = _alike(session, actor, kept, conflict)
    return change.done(conflict, old=old, new=_said(kept)).id or 0


@needs(Permission.ADMIN_DATA)
def keep_apart(
    session: Session, actor: Actor, conflict_id: int, patient_id: object, issuer: object, why: object
) -> int:
    """They are two people with one ID: the one who came later gets this one. Raises NotVisible, Invalid, Conflict."""
    change = Change(session, actor, "apart", reason_of(why))
    conflict = _conflict(session, actor, conflict_id)
    if conflict.study_pk:
        raise Invalid("data.one_study")
    other = change.patient(conflict.other_pk)
    old = _said(other)
    form = {"patient_id": patient_id, "issuer": issuer}
    new_id, new_issuer = _id_of(form), entries.line(form, "issuer", TEXT)
    _rename(session, change, other, new_id, new_issuer)
    return change.done(conflict, old=old, new=_said(other)).id or 0


@needs(Permission.ADMIN_DATA)
def correct(session: Session, actor: Actor, patient_key: int, form: entries.Form, why: object) -> int:
    """A patient's demographics were wrong. Raises NotVisible, Invalid (names its field), Conflict."""
    change = Change(session, actor, "correct", reason_of(why))
    patient = change.patient(patient_key)
    if patient.merged_into is not None:
        raise NotVisible()
    old = _said(patient)
    name = entries.line(form, "name", 3 * TEXT, required=True)
    if "\\" in name or any(len(group) > TEXT for group in name.split("=")):
        raise Invalid("entry.invalid", field="name")
    sex = form.get("sex", "")
    if sex not in ("", "M", "F", "O"):
        raise Invalid("entry.invalid", field="sex")
    born = _day_of(form)
    new_id = _id_of(form) if patient.patient_id or form.get("patient_id") else ""
    new_issuer = entries.line(form, "issuer", TEXT)
    if not new_id:
        new_issuer = patient.issuer
    _rename(session, change, patient, new_id, new_issuer, (name, born, str(sex)))
    return change.done(old=old, new=_said(patient)).id or 0


@needs(Permission.ADMIN_DATA)
def correct_accession(session: Session, actor: Actor, study_uid: str, number: object, why: object) -> int:
    """Raises NotVisible, Invalid."""
    change = Change(session, actor, "accession", reason_of(why))
    study = own_study(session, actor, study_uid)
    change.remember(study)
    old, new = study.accession_number, entries.line({"accession": number}, "accession", 16)
    if "\\" in new:
        raise Invalid("entry.invalid", field="accession")
    corrections.set_accession(study, new)
    session.add(study)
    return change.done(old=old, new=new).id or 0


@needs(Permission.ADMIN_DATA)
def move(
    session: Session, actor: Actor, study_uid: str, patient_id: object, issuer: object, why: object
) -> int:
    """A study was filed under the wrong patient: it goes to the one with this ID, who is there.

    Raises NotVisible, Invalid (nobody, or more than one, has that ID).
    """
    change = Change(session, actor, "move", reason_of(why))
    study = own_study(session, actor, study_uid)
    wanted = select(Patient.id).where(
        Patient.institution_id == actor.institution,
        Patient.patient_id == _id_of({"patient_id": patient_id}),
        col(Patient.merged_into).is_(None),
    )
    if where := entries.line({"issuer": issuer}, "issuer", TEXT):
        wanted = wanted.where(Patient.issuer == where)
    found = [key for key in session.exec(door.marked(wanted)).all() if key]
    if len(found) != 1 or found[0] == study.patient_pk:
        raise Invalid("data.nobody_with_id" if not found else "data.not_one_with_id", field="patient_id")
    old = change.patient(study.patient_pk)
    new = change.patient(found[0])
    change.give(study, new)
    return change.done(old=_said(old), new=_said(new)).id or 0


@needs(Permission.ADMIN_DATA)
def history(session: Session, actor: Actor) -> list[ChangeRow]:
    """The last decisions, the newest first."""
    statement = (
        select(DataChange)
        .where(DataChange.institution_id == actor.institution)
        .order_by(col(DataChange.id).desc())
        .limit(MOST)
    )
    here = zone(session, actor.institution)
    return [
        ChangeRow(
            key=str(row.id),
            kind=row.kind,
            at=f"{row.at.astimezone(here):%Y-%m-%d %H:%M}",
            by=row.by,
            why=row.why,
            old=_as_said(row.summary.get("old")),
            new=_as_said(row.summary.get("new")),
            undone=row.undone_by,
        )
        for row in session.exec(door.marked(statement)).all()
    ]


def reason_of(why: object) -> str:
    """Why, in words: without it nothing is done. Raises Invalid."""
    return entries.line({"why": why}, "why", 200, required=True, missing="data.why_missing")


def _open(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    return (
        col(PatientConflict.institution_id) == actor.institution,
        col(PatientConflict.resolved_at).is_(None),
    )


def _conflict(session: Session, actor: Actor, key: int) -> PatientConflict:
    """One that waits. Whoever comes second finds it decided: Raises NotVisible."""
    statement = select(PatientConflict).where(PatientConflict.id == key, *_open(actor)).with_for_update()
    found = session.exec(door.marked(statement)).one_or_none()
    if found is None:
        raise NotVisible()
    return found


def _id_of(form: entries.Form) -> str:
    text = entries.line(form, "patient_id", TEXT, required=True)
    if "\\" in text:
        raise Invalid("entry.invalid", field="patient_id")
    return text


def _day_of(form: entries.Form) -> date | None:
    text = entries.line(form, "birth_date", 10)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("entry.invalid", field="birth_date") from None


def _rename(
    session: Session,
    change: Change,
    patient: Patient,
    patient_id: str,
    issuer: str,
    said: tuple[str, date | None, str] | None = None,
) -> None:
    """Another identity for a patient; who they were until now stays as a row that new files find."""
    name, born, sex = said or (patient.person_name, patient.birth_date, patient.sex)
    other_id = (patient_id, issuer) != (patient.patient_id, patient.issuer)
    if other_id and _taken(session, change.actor, patient_id, issuer):
        raise IdTaken(field="patient_id")
    if not other_id and (name, born, sex) == (patient.person_name, patient.birth_date, patient.sex):
        raise Invalid("data.nothing_changed", field="patient_id")
    studies = change.studies_of(patient)
    before = Patient(institution_id=0, patient_id=patient.patient_id, issuer=patient.issuer)
    patients.describe(before, patient.person_name, patient.birth_date, patient.sex)
    change.add(before)
    patient.patient_id, patient.issuer = patient_id, issuer
    if other_id:
        patient.variant = 0
    patients.describe(patient, name, born, sex)
    before.merged_into = patient.id
    session.add_all([patient, before])
    session.flush()
    for study in studies:
        if study.origin_pk in (None, patient.id):
            study.origin_pk = before.id
        corrections.renew(study, patient)
        session.add(study)
    patients.index(session, patient)


def _taken(session: Session, actor: Actor, patient_id: str, issuer: str) -> bool:
    same = select(Patient.id).where(
        Patient.institution_id == actor.institution,
        Patient.patient_id == patient_id,
        Patient.issuer == issuer,
    )
    return session.exec(door.marked(same)).first() is not None


def _enrich(kept: Patient, gone: Patient) -> None:
    """What the right one leaves open is not lost."""
    patients.describe(kept, kept.person_name, kept.birth_date or gone.birth_date, kept.sex or gone.sex)


def _nobody(session: Session, gone: Patient) -> None:
    """Found by no word any more: whoever looks for it finds whom it was merged into."""
    for key in patients.keys_of(session, gone):
        session.delete(key)


def _unify(session: Session, change: Change, conflict: PatientConflict, kept: Patient) -> None:
    """The files of this study name two people: each of them leaves with the right one's attributes."""
    own = select(Study).where(Study.id == conflict.study_pk).with_for_update()
    study = session.exec(door.marked(own)).one_or_none()
    if study is None:
        return
    change.remember(study)
    wrong = conflict.other_pk if conflict.other_pk != kept.id else conflict.patient_pk
    study.origin_pk, study.patient_pk = wrong, kept.id or 0
    corrections.renew(study, kept)
    session.add(study)


def _alike(session: Session, actor: Actor, kept: Patient, decided: PatientConflict) -> list[PatientConflict]:
    """Other flags between people who are one now, which say nothing any more; of a mixed study they still do."""
    statement = select(PatientConflict).where(
        *_open(actor),
        PatientConflict.id != decided.id,
        col(PatientConflict.study_pk).is_(None),
        (col(PatientConflict.patient_pk) == kept.id) | (col(PatientConflict.other_pk) == kept.id),
    )
    session.flush()
    found = session.exec(door.marked(statement)).all()
    keys = {key for row in found for key in (row.patient_pk, row.other_pk)}
    own = select(Patient).where(col(Patient.id).in_(keys), Patient.institution_id == actor.institution)
    final = {row.id: patients.final(session, row).id for row in session.exec(door.marked(own)).all()}
    return [row for row in found if final.get(row.patient_pk) == final.get(row.other_pk)]


def _people(session: Session, actor: Actor, keys: set[int]) -> dict[int, Who]:
    counted = (
        select(Study.patient_pk, func.count().label("studies"))
        .where(col(Study.patient_pk).in_(keys), Study.institution_id == actor.institution)
        .group_by(col(Study.patient_pk))
    )
    studies: dict[int, int] = {row.patient_pk: row.studies for row in session.execute(door.marked(counted))}
    own = select(Patient).where(col(Patient.id).in_(keys), Patient.institution_id == actor.institution)
    return {
        row.id or 0: who(row, studies.get(row.id or 0, 0)) for row in session.exec(door.marked(own)).all()
    }


def _studies(session: Session, actor: Actor, keys: set[int]) -> dict[int, FoundStudy]:
    own = (
        select(Study, Patient)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .where(col(Study.id).in_(keys), Study.institution_id == actor.institution)
    )
    return {study.id or 0: line(study, who(person)) for study, person in session.exec(door.marked(own)).all()}


def _differs(one: Who, other: Who) -> list[str]:
    pairs = {name: (one[name], other[name]) for name in ("patient_id", "birth_date", "sex")}
    found = [name for name, (left, right) in pairs.items() if left != right]
    return (["name"] if one["person_name"] != other["person_name"] else []) + found


def _said(patient: Patient) -> Said:
    born = patient.birth_date.isoformat() if patient.birth_date else ""
    more = " · ".join(part for part in (born, patient.patient_id) if part)
    return Said(text=patient.name, sex=patient.sex, more=more)


def _as_said(kept: object) -> Said:
    """Out of a decision's summary."""
    told: dict[str, Any] = kept if isinstance(kept, dict) else {"text": kept or ""}
    return Said(text=str(told["text"]), sex=str(told.get("sex", "")), more=str(told.get("more", "")))
