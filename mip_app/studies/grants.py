"""Granting: what an institution lets another, or one person there, see of its own, and do with it.

What may be seen is the door's affair (door.py), kept ready by granted.py; here it is given, withdrawn and listed.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from mip_app.accounts import opening
from mip_app.accounts.models import Institution, Membership, User
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.clock import utc_now
from mip_app.core.errors import Invalid, NotVisible
from mip_app.studies import door, granted, patients
from mip_app.studies.models import Giver, Grant, Patient, Study

LONGEST_REASON = 200
_LISTED = 1000


class Verb(StrEnum):
    """What may be done besides looking, by those whose role allows it where they are."""

    REPORT = "report"  # write and sign; reviewing stays with whose study it is
    PRINT = "print"
    DOWNLOAD = "download"  # whole files: one by one, as a zip


# What a verb opens of a role. Looking, and reading reviewed reports, is in every grant; nothing else is in any.
_ALWAYS = frozenset({Permission.STUDY_READ, Permission.REPORT_READ})
_OPENS = {
    Verb.REPORT: frozenset({Permission.REPORT_WRITE, Permission.REPORT_SIGN, Permission.REPORT_READ_DRAFT}),
    Verb.PRINT: frozenset({Permission.REPORT_PRINT}),
    Verb.DOWNLOAD: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A grant as somebody asks for it."""

    to_institution: int
    reason: str
    study_uid: str = ""  # one study, or
    patient_id: str = ""  # all of a patient's
    issuer: str = ""
    future: bool = False
    to_user: int | None = None
    verbs: Collection[Verb] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A grant with what its institutions and person are called, and its studies by UID."""

    grant: Grant
    whose: str
    to: str
    person: str  # their account, or ''
    study_uid: str  # '': on a patient


@needs(Permission.STUDY_SHARE)
def give(session: Session, actor: Actor, wanted: Wanted) -> int:
    """Of the own institution's; its number. Raises Invalid, NotVisible."""
    return _give(session, actor, actor.institution, wanted)


@needs(Permission.STUDY_SHARE)
def withdraw(session: Session, actor: Actor, number: int) -> None:
    """Counts at once. Raises NotVisible: there is none, it is another's, or it is withdrawn already."""
    _withdraw(session, actor, number, Grant.institution_id == actor.institution)


@needs(Permission.STUDY_SHARE)
def listed(session: Session, actor: Actor) -> list[Given]:
    """What the own institution has granted, the last first."""
    return _listed(session, Grant.institution_id == actor.institution)


@needs(Permission.ADMIN_INSTITUTIONS)
def give_for(session: Session, actor: Actor, institution_id: int, wanted: Wanted) -> int:
    """From the console, in an institution's place. Raises Invalid, NotVisible."""
    opening.at_console(actor)
    return _give(session, actor, institution_id, wanted)


@needs(Permission.ADMIN_INSTITUTIONS)
def withdraw_any(session: Session, actor: Actor, number: int) -> None:
    """From the console. Raises NotVisible."""
    opening.at_console(actor)
    _withdraw(session, actor, number)


@needs(Permission.ADMIN_INSTITUTIONS)
def listed_all(session: Session, actor: Actor) -> list[Given]:
    """For the console."""
    opening.at_console(actor)
    return _listed(session)


@needs(Permission.ADMIN_INSTITUTIONS)
def person_of(session: Session, actor: Actor, account: str) -> int:
    """For the console. Raises NotVisible."""
    opening.at_console(actor)
    found = session.exec(select(User.id).where(User.account == account)).one_or_none()
    if found is None:
        raise NotVisible()
    return found


@needs(Permission.STUDY_READ)
def allowed(session: Session, actor: Actor, study: Study) -> frozenset[Permission]:
    """What this actor may do with another institution's study that came through the door: what role and grant allow."""
    verbs = _verbs(session, actor, study)
    return actor.permissions & _ALWAYS.union(*(_OPENS[verb] for verb in verbs))


@needs(Permission.STUDY_READ)
def may_download(session: Session, actor: Actor, study: Study) -> bool:
    """Whether files of a study that came through the door may leave whole."""
    return study.institution_id == actor.institution or Verb.DOWNLOAD in _verbs(session, actor, study)


def _verbs(session: Session, actor: Actor, study: Study) -> set[Verb]:
    grants = granted.on(session, study)
    return {
        verb
        for grant in grants
        if grant.to_institution_id == actor.institution and grant.to_user_id in (None, actor.user_id)
        for verb in verbs_of(grant)
    }


def verbs_of(grant: Grant) -> list[Verb]:
    said = (
        (Verb.REPORT, grant.may_report),
        (Verb.PRINT, grant.may_print),
        (Verb.DOWNLOAD, grant.may_download),
    )
    return [verb for verb, allowed in said if allowed]


def _give(session: Session, actor: Actor, institution_id: int, wanted: Wanted) -> int:
    now = utc_now()
    reason = " ".join(wanted.reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise Invalid("grant.reason", field="reason")
    if wanted.until is not None and wanted.until <= now:
        raise Invalid("grant.over", field="until")
    _refuse_strangers(session, institution_id, wanted)
    row = Grant(
        institution_id=institution_id,
        to_institution_id=wanted.to_institution,
        to_user_id=wanted.to_user,
        future=wanted.future and not wanted.study_uid,
        may_report=Verb.REPORT in wanted.verbs,
        may_print=Verb.PRINT in wanted.verbs,
        may_download=Verb.DOWNLOAD in wanted.verbs,
        reason=reason,
        until=wanted.until,
        given_at=now,
        given_by_id=actor.user_id,
        given_by=actor.name,
    )
    subject = _set_subject(session, row, wanted)
    session.add(row)
    session.merge(Giver(to_institution_id=row.to_institution_id, institution_id=institution_id))
    session.flush()
    _changed(session, row)
    _record(session, actor, Act.STUDY_GRANTED, subject, row)
    return row.id or 0


def _refuse_strangers(session: Session, institution_id: int, wanted: Wanted) -> None:
    """Only to another institution of the alliance, only to somebody who is there."""
    places = [session.get(Institution, key) for key in (institution_id, wanted.to_institution)]
    alliances = {place.alliance_id for place in places if place}
    if institution_id == wanted.to_institution or None in places or len(alliances) != 1:
        raise Invalid("grant.not_to_them", field="to")
    if wanted.to_user is not None:
        there = select(Membership.id).where(
            Membership.user_id == wanted.to_user,
            Membership.institution_id == wanted.to_institution,
            col(Membership.removed_at).is_(None),
        )
        if session.exec(there).first() is None:
            raise Invalid("grant.not_to_them", field="to")


def _set_subject(session: Session, row: Grant, wanted: Wanted) -> str:
    """On what; its row is locked, so that a study which arrives at the same time is not missed."""
    if bool(wanted.study_uid) == bool(wanted.patient_id):
        raise Invalid("grant.one_subject", field="study")
    if wanted.study_uid:
        own = select(Study).where(
            Study.institution_id == row.institution_id, Study.study_uid == wanted.study_uid
        )
        study = session.exec(door.marked(own.with_for_update())).one_or_none()
        if study is None:
            raise NotVisible()
        row.study_pk = study.id
        return f"study:{study.study_uid}"
    whose = select(Patient).where(
        Patient.institution_id == row.institution_id,
        Patient.patient_id == wanted.patient_id,
        Patient.issuer == wanted.issuer,
        col(Patient.merged_into).is_(None),
    )
    found = session.exec(door.marked(whose.with_for_update())).all()
    if len(found) > 1:  # flagged, and nobody has decided yet who is who
        raise Invalid("grant.several_patients", field="patient")
    if not found:
        raise NotVisible()
    row.patient_pk = found[0].id
    return f"patient:{found[0].id}"


def _withdraw(session: Session, actor: Actor, number: int, *conditions: bool) -> None:
    asked = select(Grant).where(Grant.id == number, *conditions, col(Grant.withdrawn_at).is_(None))
    row = session.exec(asked.with_for_update()).one_or_none()
    if row is None:
        raise NotVisible("grant.none")
    row.withdrawn_at, row.withdrawn_by = utc_now(), actor.name
    session.add(row)
    session.flush()
    _changed(session, row)
    _record(session, actor, Act.STUDY_GRANT_WITHDRAWN, _subject(session, row), row)


def _changed(session: Session, row: Grant) -> None:
    """Lists that are open follow, of both institutions; what this process remembers of either is forgotten."""
    if row.study_pk is not None:
        granted.renew(session, [row.study_pk])
    elif row.patient_pk is not None:
        patient = session.exec(door.marked(select(Patient).where(Patient.id == row.patient_pk))).one()
        person = patients.final(session, patient)
        granted.of_patients(session, [person.id or 0], [])
    for institution in (row.institution_id, row.to_institution_id):
        bus.touch(session, granted.topic(institution))


def _record(session: Session, actor: Actor, act: Act, subject: str, row: Grant) -> None:
    """In the log of the institution whose study it is, whoever acted in its place."""
    audit.record(
        session,
        actor,
        act,
        subject,
        scope=audit.institution_scope(row.institution_id),
        grant=row.id,
        institution=row.to_institution_id,
        person=_account(session, row.to_user_id),
        verbs=["view", *verbs_of(row)],
        future=row.future,
        until=f"{row.until:%Y-%m-%d %H:%M} UTC" if row.until else "",
    )


def _account(session: Session, user: int | None) -> str:
    found = session.get(User, user) if user else None
    return found.account if found else ""


def _subject(session: Session, row: Grant) -> str:
    if row.study_pk is None:
        return f"patient:{row.patient_pk}"
    return f"study:{_study(session, row.study_pk).study_uid}"


def _study(session: Session, study_pk: int) -> Study:
    return session.exec(door.marked(select(Study).where(Study.id == study_pk))).one()


def _listed(session: Session, *conditions: bool) -> list[Given]:
    rows = session.exec(select(Grant).where(*conditions).order_by(col(Grant.id).desc()).limit(_LISTED)).all()
    names = _names(session, rows)
    people = {row.to_user_id for row in rows if row.to_user_id}
    accounts = dict(session.exec(select(User.id, User.account).where(col(User.id).in_(people))).all())
    keys = {row.study_pk for row in rows if row.study_pk}
    named = select(Study.id, Study.study_uid).where(col(Study.id).in_(keys))
    uids = dict(session.exec(door.marked(named)).all())
    return [
        Given(
            row,
            names[row.institution_id],
            names[row.to_institution_id],
            accounts.get(row.to_user_id, ""),
            uids.get(row.study_pk, ""),
        )
        for row in rows
    ]


def _names(session: Session, rows: Sequence[Grant]) -> dict[int, str]:
    keys: Iterable[int] = {key for row in rows for key in (row.institution_id, row.to_institution_id)}
    found = session.exec(select(Institution.id, Institution.code).where(col(Institution.id).in_(keys))).all()
    return {key: code for key, code in found if key is not None}
