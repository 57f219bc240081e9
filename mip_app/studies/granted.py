"""What the grants come to, kept beside them so that a page of the list is an index range: to whom each study is granted.

A grant on a patient is on the person: whom somebody merged into them counts, and what somebody moved away does not.
Rows are made anew from the grants whenever either side changes; time alone is looked at when somebody asks.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, update
from sqlmodel import Session, col, select

from mip_app.core import bus
from mip_app.core.clock import utc_now
from mip_app.core.prepared import Prepared
from mip_app.studies import door
from mip_app.studies.models import Giver, Grant, GrantedStudy, Patient, Study

FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC)
_BATCH = 500  # studies; databases take so many values in one statement
_GIVER: Any = Giver.__table__  # type: ignore[attr-defined]
# Most give and take nothing, and images arrive all day.
_GIVES_OR_TAKES = Prepared(
    select(_GIVER.c.institution_id)
    .where(
        or_(
            _GIVER.c.institution_id == bindparam("institution"),
            _GIVER.c.to_institution_id == bindparam("institution"),
        )
    )
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class _Given:
    """Grants that count, by what they are on."""

    of_study: dict[int, list[Grant]]
    of_patient: dict[int, list[Grant]]  # by whom the patient is in the end

    def on(self, study: Study) -> Iterator[Grant]:
        yield from self.of_study.get(study.id or 0, ())
        for grant in self.of_patient.get(study.patient_pk, ()):
            if grant.future or study.received_at <= grant.given_at:
                yield grant


def topic(institution_id: int) -> str:
    """What the lists of an institution listen to."""
    return f"studies:{institution_id}"


def renew(session: Session, studies: Iterable[int]) -> None:
    """Make the rows of these studies what the grants say now, and tell those whom it concerns.

    Their rows are locked: what arrives for one of them at the same time waits.
    """
    all_of_them = list(studies)
    for first in range(0, len(all_of_them), _BATCH):
        keys = all_of_them[first : first + _BATCH]
        own = select(Study).where(col(Study.id).in_(keys)).with_for_update()
        found = session.exec(door.marked(own)).all()
        _write(session, found, _given(session, found))


def arrived(session: Session, institution: int, studies: Collection[int]) -> None:
    """These studies of the institution are new, or have a modality that they had not: rights on their patients are
    rights on them."""
    if not studies or _GIVES_OR_TAKES.first(session, {"institution": institution}) is None:
        return
    own = select(Study).where(col(Study.id).in_(studies))
    found = session.exec(door.marked(own)).all()
    given = _given(session, found)
    concerned = [study for study in found if any(given.on(study))]
    if concerned:
        _write(session, concerned, given)
    for study in found:
        _now_twins(session, study.institution_id, [study.study_uid])


def of_patients(session: Session, patients: Iterable[int], studies: Iterable[int]) -> None:
    """Somebody said who these patients are, or whose these studies."""
    theirs = select(Study.id).where(col(Study.patient_pk).in_(list(patients)))
    renew(session, sorted({*studies, *(key for key in session.exec(door.marked(theirs)).all() if key)}))


def on(session: Session, study: Study) -> list[Grant]:
    """The grants that count for a study."""
    return list(_given(session, [study]).on(study))


def forget_study(session: Session, study_pk: int) -> None:
    """Before its row goes; keys are used again, and a grant on it must not become one on another study."""
    _tell(session, _takers(session, [study_pk]))
    session.execute(delete(GrantedStudy).where(col(GrantedStudy.study_pk) == study_pk))
    session.execute(delete(Grant).where(col(Grant.study_pk) == study_pk))


def forget_patient(session: Session, patient_pk: int) -> None:
    session.execute(delete(Grant).where(col(Grant.patient_pk) == patient_pk))


def counting(now: datetime) -> tuple[Any, ...]:
    """The conditions on a grant that it counts."""
    return col(Grant.withdrawn_at).is_(None), or_(col(Grant.until).is_(None), col(Grant.until) > now)


def _given(session: Session, studies: Collection[Study]) -> _Given:
    who = _same(session, {study.patient_pk for study in studies})
    asked = select(Grant).where(
        or_(
            col(Grant.study_pk).in_([study.id for study in studies]),
            col(Grant.patient_pk).in_(list(who)),
        ),
        *counting(utc_now()),
    )
    given = _Given({}, {})
    for grant in session.exec(asked).all():
        if grant.study_pk is not None:
            given.of_study.setdefault(grant.study_pk, []).append(grant)
        elif grant.patient_pk is not None:
            given.of_patient.setdefault(who[grant.patient_pk], []).append(grant)
    return given


def _same(session: Session, patients: set[int]) -> dict[int, int]:
    """Who was merged into these patients, and they themselves: by whom they are in the end."""
    who = {key: key for key in patients}
    latest = set(patients)
    while latest:
        merged = select(Patient.id, Patient.merged_into).where(col(Patient.merged_into).in_(latest))
        found = {key: into for key, into in session.exec(door.marked(merged)).all() if key and into}
        latest = found.keys() - who.keys()
        who |= {key: who[found[key]] for key in latest}
    return who


def _write(session: Session, studies: Collection[Study], given: _Given) -> None:
    keys = [study.id or 0 for study in studies]
    takers = _takers(session, keys)
    session.execute(delete(GrantedStudy).where(col(GrantedStudy.study_pk).in_(keys)))
    rows = [row for study in studies for row in _rows(study, given.on(study))]
    if rows:
        session.execute(insert(GrantedStudy), rows)
    to = {row["institution_id"] for row in rows}
    for institution in to:
        granted = {row["study_pk"] for row in rows if row["institution_id"] == institution}
        _twins(session, institution, {s.study_uid: s.id or 0 for s in studies if s.id in granted})
    _tell(session, takers | to)


def _rows(study: Study, grants: Iterable[Grant]) -> Iterator[dict[str, Any]]:
    """One to whom, however often it was granted to them: as long as the longest lasts."""
    until: dict[tuple[int, int], datetime] = {}
    for grant in grants:
        to = grant.to_institution_id, grant.to_user_id or door.EVERYBODY
        until[to] = max(until.get(to, grant.given_at), grant.until or FOR_GOOD)
    for (institution, user), last in until.items():
        for modality in {"", *study.modalities.split("\\")}:
            yield {
                "study_pk": study.id,
                "institution_id": institution,
                "user_id": user,
                "modality": modality,
                "studied_at": study.studied_at,
                "study_date": study.study_date,
                "until": last,
                "twin": user != door.EVERYBODY and (institution, door.EVERYBODY) in until,
            }


def _twins(session: Session, institution: int, studies: dict[str, int]) -> None:
    """Mark what may be seen under the same UID as something else; marked once too often only costs a look."""
    there = select(Study.id, Study.study_uid).where(
        col(Study.study_uid).in_(list(studies)),
        or_(
            col(Study.institution_id) == institution,
            col(Study.institution_id).in_(door.givers(institution)),
        ),
        col(Study.id).not_in(list(studies.values())),
    )
    found = session.exec(door.marked(there)).all()
    _mark(session, institution, {key or 0 for key, _ in found} | {studies[uid] for _, uid in found})


def _now_twins(session: Session, institution: int, uids: Collection[str]) -> None:
    """The institution has studies of its own under these UIDs now."""
    granted = select(Study.id).where(
        col(Study.study_uid).in_(uids), col(Study.institution_id).in_(door.givers(institution))
    )
    _mark(session, institution, {key for key in session.exec(door.marked(granted)).all() if key})


def _mark(session: Session, institution: int, studies: set[int]) -> None:
    if studies:
        session.execute(
            update(GrantedStudy)
            .where(col(GrantedStudy.study_pk).in_(studies), col(GrantedStudy.institution_id) == institution)
            .values(twin=True)
        )


def _takers(session: Session, studies: Collection[int]) -> set[int]:
    to = select(GrantedStudy.institution_id).where(col(GrantedStudy.study_pk).in_(studies)).distinct()
    return set(session.exec(to).all())


def _tell(session: Session, institutions: Iterable[int]) -> None:
    for institution in institutions:
        bus.touch(session, topic(institution))
