"""Decisions about whose a study is: rows as they were before are kept with each, so that it can be taken back.

Stored bytes never change. What leaves differently stands in `Study.corrections` (studies/corrections.py).
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, delete, select

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Conflict, NotVisible
from mip_app.maintenance.models import DataChange
from mip_app.studies import corrections, door, granted, patients
from mip_app.studies.models import Patient, PatientConflict, PatientKey, PatientTail, Series, Study
from mip_app.studies.service import topic

door.GUARDED.add(DataChange)  # it says who somebody was

_OF_PATIENT = ("patient_id", "issuer", "person_name", "sex", "variant", "merged_into")
_OF_STUDY = ("patient_pk", "origin_pk", "accession_number", "corrections")


class UndoLaterFirst(Conflict):
    code = "data.undo_later_first"


class Change:
    """One decision while it is made. Rows are remembered before they are changed."""

    def __init__(self, session: Session, actor: Actor, kind: str, why: str) -> None:
        self.session, self.actor = session, actor
        self.row = DataChange(
            institution_id=actor.institution,
            kind=kind,
            at=utc_now(),
            by_id=actor.user,
            by=actor.name,
            why=why,
        )
        self.patients: dict[str, dict[str, object]] = {}
        self.studies: dict[str, dict[str, object]] = {}
        self.made: list[int] = []
        self.touched: set[int] = set()
        self.also: list[PatientConflict] = []  # flags that this decision answers besides its own

    def patient(self, key: int) -> Patient:
        """Of the own institution, to be changed. Raises NotVisible."""
        found = self.session.exec(
            door.marked(
                select(Patient)
                .where(Patient.id == key, Patient.institution_id == self.actor.institution)
                .with_for_update()
            )
        ).one_or_none()
        if found is None:
            raise NotVisible()
        if key not in self.made:
            self.patients.setdefault(str(key), _as_it_was(found))
        return found

    def studies_of(self, patient: Patient) -> list[Study]:
        own = select(Study).where(
            Study.patient_pk == patient.id, Study.institution_id == self.actor.institution
        )
        found = self.session.exec(door.marked(own.with_for_update())).all()
        for study in found:
            self.remember(study)
        return list(found)

    def remember(self, study: Study) -> None:
        before = {name: getattr(study, name) for name in _OF_STUDY}
        self.studies.setdefault(str(study.id), before)
        self.touched.add(study.id or 0)

    def add(self, patient: Patient) -> Patient:
        patient.institution_id = self.actor.institution
        patient.variant = next_variant(self.session, self.actor, patient.issuer, patient.patient_id)
        self.session.add(patient)
        self.session.flush()
        self.made.append(patient.id or 0)
        return patient

    def give(self, study: Study, patient: Patient) -> None:
        """The study is this patient's from now on."""
        self.remember(study)
        if study.origin_pk is None:
            study.origin_pk = study.patient_pk
        study.patient_pk = patient.id or 0
        corrections.renew(study, patient)
        self.session.add(study)

    def done(self, conflict: PatientConflict | None = None, **summary: object) -> DataChange:
        """Keep it, tell the audit trail (identifiers only) and every open page."""
        self.row.before = {"patients": self.patients, "studies": self.studies, "made": self.made}
        self.row.summary = summary
        self.session.add(self.row)
        self.session.flush()
        for flag in self.also + ([conflict] if conflict else []):
            flag.resolved_at, flag.change_id = utc_now(), self.row.id
            self.session.add(flag)
        self.row.conflict_id = conflict.id if conflict else None
        uids = renew_documents(self.session, self.touched)
        granted.of_patients(self.session, {*map(int, self.patients), *self.made}, self.touched)
        for uid in uids or [""]:
            subject = f"study:{uid}" if uid else f"change:{self.row.id}"
            audit.record(
                self.session,
                self.actor,
                Act.DATA_CHANGED,
                subject,
                decision=self.row.kind,
                number=self.row.id,
            )
        tell(self.session, self.actor)
        return self.row


def next_variant(session: Session, actor: Actor, issuer: str, patient_id: str) -> int:
    same = select(Patient.variant).where(
        Patient.institution_id == actor.institution,
        Patient.issuer == issuer,
        Patient.patient_id == patient_id,
    )
    return max(session.exec(door.marked(same)).all(), default=-1) + 1


def renew_documents(session: Session, studies: Iterable[int]) -> list[str]:
    """Kept metadata documents of these studies count no more. Their UIDs."""
    keys = list(studies)
    session.flush()
    session.execute(
        update(Series).where(col(Series.study_pk).in_(keys)).values(revision=Series.revision + 1),
        execution_options={"synchronize_session": False},
    )
    return list(session.exec(door.marked(select(Study.study_uid).where(col(Study.id).in_(keys)))).all())


def tell(session: Session, actor: Actor) -> None:
    bus.touch(session, topic(actor))
    bus.touch(session, patients.maintenance_topic(actor.institution))


@needs(Permission.ADMIN_DATA)
def undo(session: Session, actor: Actor, change_id: int) -> None:
    """Everything as it was before; studies that came since go to whom their files name. Raises NotVisible, Conflict."""
    change = _own(session, actor, change_id)
    before: dict[str, Any] = dict(change.before)
    _refuse_later(session, actor, change)
    concerned = {int(key) for key in before["patients"]} | set(before["made"])
    now = door.marked(
        select(Study).where(
            col(Study.patient_pk).in_(concerned) | col(Study.id).in_([int(key) for key in before["studies"]]),
            Study.institution_id == actor.institution,
        )
    )
    studies = session.exec(now.with_for_update()).all()
    rows = {row.id: row for row in session.exec(_patients(actor, concerned)).all()}
    _restore(session, before, rows)
    for study in studies:
        kept = before["studies"].get(str(study.id))
        if kept is not None:
            for name, value in kept.items():
                setattr(study, name, value)
        else:
            _home(session, study, rows, set(before["made"]))
        session.add(study)
    session.flush()
    _forget_made(session, before["made"], rows)
    for row in rows.values():
        if row.id not in before["made"]:
            patients.index(session, row)
    _reopen(session, change)
    change.undone_at, change.undone_by = utc_now(), actor.name
    session.add(change)
    granted.of_patients(session, concerned, [study.id or 0 for study in studies])
    for uid in renew_documents(session, {study.id or 0 for study in studies}) or [""]:
        subject = f"study:{uid}" if uid else f"change:{change.id}"
        audit.record(session, actor, Act.DATA_UNDONE, subject, decision=change.kind, number=change.id)
    tell(session, actor)


def forget_study(session: Session, study: Study) -> None:
    """Before its row goes: who takes a decision back later means this study, and not one that has its key by then."""
    for change in session.exec(_standing(study.institution_id)).all():
        before: dict[str, Any] = dict(change.before)
        if str(study.id) in before["studies"]:
            kept = {key: value for key, value in before["studies"].items() if key != str(study.id)}
            change.before = {**before, "studies": kept}
            session.add(change)
    session.flush()


def concerns(session: Session, institution: int, patient: int) -> bool:
    """Whether a patient's row is needed to take a decision back."""
    changes = session.exec(_standing(institution)).all()
    return any(f"p{patient}" in _rows_of(change) | _owners(change) for change in changes)


def _standing(institution: int) -> Any:
    """Decisions that can be taken back."""
    own = select(DataChange).where(
        DataChange.institution_id == institution, col(DataChange.undone_at).is_(None)
    )
    return door.marked(own)


def _owners(change: DataChange) -> set[str]:
    """Patients whom its studies go back to."""
    before: dict[str, Any] = dict(change.before)
    return {f"p{kept[name]}" for kept in before["studies"].values() for name in ("patient_pk", "origin_pk")}


def _own(session: Session, actor: Actor, change_id: int) -> DataChange:
    statement = select(DataChange).where(
        DataChange.id == change_id, DataChange.institution_id == actor.institution
    )
    change = session.exec(door.marked(statement.with_for_update())).one_or_none()
    if change is None or change.undone_at is not None:
        raise NotVisible()
    return change


def _refuse_later(session: Session, actor: Actor, change: DataChange) -> None:
    """What was decided later about the same rows stands on this decision."""
    since = select(DataChange).where(
        DataChange.institution_id == actor.institution,
        col(DataChange.id) > change.id,
        col(DataChange.undone_at).is_(None),
    )
    later = session.exec(door.marked(since)).all()
    ours = _rows_of(change)
    if any(ours & _rows_of(one) for one in later):
        raise UndoLaterFirst()


def _rows_of(change: DataChange) -> set[str]:
    before: dict[str, Any] = dict(change.before)
    made = {f"p{key}" for key in before["made"]}
    return made | {f"p{key}" for key in before["patients"]} | {f"s{key}" for key in before["studies"]}


def _patients(actor: Actor, keys: Iterable[int]) -> Any:
    own = select(Patient).where(col(Patient.id).in_(keys), Patient.institution_id == actor.institution)
    return door.marked(own.with_for_update())


def _as_it_was(patient: Patient) -> dict[str, object]:
    kept: dict[str, object] = {name: getattr(patient, name) for name in _OF_PATIENT}
    return kept | {"birth_date": patient.birth_date.isoformat() if patient.birth_date else ""}


def _restore(session: Session, before: dict[str, Any], rows: dict[int | None, Patient]) -> None:
    # Rows made by the decision stand where the restored ones stood: they step aside first.
    for key in before["made"]:
        if key in rows:
            rows[key].variant = -key
    session.flush()
    for key, kept in before["patients"].items():
        row = rows[int(key)]
        born = date.fromisoformat(kept["birth_date"]) if kept["birth_date"] else None
        patients.describe(row, kept["person_name"], born, kept["sex"])
        for name in ("patient_id", "issuer", "variant", "merged_into"):
            setattr(row, name, kept[name])
    session.flush()


def _home(session: Session, study: Study, rows: dict[int | None, Patient], made: set[int]) -> None:
    """A study that came after the decision: to whom its files name, as things are now."""
    origin = rows.get(study.origin_pk)
    if origin is None:
        return
    if study.origin_pk in made and (twin := _twin(origin, rows, made)) is not None:
        origin = twin
    elif study.origin_pk in made:
        origin.merged_into = None
    study.origin_pk = origin.id
    home = patients.final(session, origin)
    study.patient_pk = home.id or 0
    corrections.renew(study, home)


def _twin(made: Patient, rows: dict[int | None, Patient], all_made: set[int]) -> Patient | None:
    """The restored row that says what `made` kept in its place."""

    def said(row: Patient) -> tuple[object, ...]:
        return row.patient_id, row.issuer, row.person_name, row.birth_date, row.sex

    return next((row for row in rows.values() if row.id not in all_made and said(row) == said(made)), None)


def _forget_made(session: Session, made: list[int], rows: dict[int | None, Patient]) -> None:
    for key in made:
        row = rows.get(key)
        if row is None:
            continue
        used = (
            select(Study.id)
            .where((col(Study.patient_pk) == key) | (col(Study.origin_pk) == key))
            .where(Study.institution_id == row.institution_id)
            .limit(1)
        )
        flagged = select(PatientConflict.id).where(
            (col(PatientConflict.patient_pk) == key) | (col(PatientConflict.other_pk) == key)
        )
        in_use = (
            session.exec(door.marked(used)).first() or session.exec(door.marked(flagged.limit(1))).first()
        )
        if in_use is None:
            granted.forget_patient(session, key)
            session.exec(delete(PatientKey).where(col(PatientKey.patient_id) == key))
            session.exec(delete(PatientTail).where(col(PatientTail.patient_pk) == key))
            session.delete(row)
        else:
            row.variant = _free(session, row)
    session.flush()


def _free(session: Session, row: Patient) -> int:
    same = select(Patient.variant).where(
        Patient.institution_id == row.institution_id,
        Patient.issuer == row.issuer,
        Patient.patient_id == row.patient_id,
        Patient.id != row.id,
    )
    return max(session.exec(door.marked(same)).all(), default=-1) + 1


def _reopen(session: Session, change: DataChange) -> None:
    statement = select(PatientConflict).where(PatientConflict.change_id == change.id)
    for conflict in session.exec(door.marked(statement)).all():
        conflict.resolved_at = conflict.change_id = None
        session.add(conflict)
