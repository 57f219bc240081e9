"""Taking images in: received → checked → durable → committed → acknowledged, in this order and no other."""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from enum import StrEnum
from itertools import islice
from typing import BinaryIO, Protocol
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from mip_app.accounts.models import Institution
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission
from mip_app.core.blobs import Received, blobs
from mip_app.core.clock import utc_now
from mip_app.core.database import write
from mip_app.core.errors import Conflict, MipError
from mip_app.core.logs import note
from mip_app.core.settings import settings
from mip_app.dicom.names import display_name, search_keys
from mip_app.dicom.part10 import Header, read_header
from mip_app.ingest import reading
from mip_app.studies import door
from mip_app.studies.models import Instance, Patient, PatientKey, Series, SetAside, Study

TOGETHER = 16  # files committed in one transaction: fewer syncs, and still acknowledged within a blink


class Kind(StrEnum):
    STORED = "stored"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file. `code` is a key of the catalogue, `detail` fills it."""

    name: str
    kind: Kind
    code: str
    detail: dict[str, str] = field(default_factory=dict)
    study_uid: str = ""
    series_uid: str = ""
    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    transfer_syntax_uid: str = ""


class Source(Protocol):
    """A file somebody offers; `error` is set where it could not even be opened."""

    name: str
    error: str

    def open(self) -> BinaryIO: ...


class OtherPatient(Conflict):
    code = "ingest.other_patient"


@dataclass(frozen=True, slots=True)
class _Checked:
    name: str
    received: Received
    header: Header


def take_in(actor: Actor, sources: Iterable[Source]) -> Iterator[Outcome]:
    """Store every file that is DICOM; one Outcome a file, given only when it is durable and committed.

    A file that cannot go in never keeps another from going in. Memory stays flat: one file at a time is read.
    """
    actor.require(Permission.STUDY_UPLOAD)
    offered = iter(sources)
    while batch := list(islice(offered, TOGETHER)):
        yield from _take_together(actor, batch)


def _take_together(actor: Actor, batch: list[Source]) -> Iterator[Outcome]:
    checked: list[_Checked | Outcome] = [_check(source) for source in batch]
    ready = [item for item in checked if isinstance(item, _Checked)]
    try:
        stored = iter(write(_store_all, actor, ready)) if ready else iter(())
    except MipError as error:
        stored = iter([_refused(item.name, error) for item in ready])
    finally:
        for item in ready:
            item.received.discard()
    for item in checked:
        yield next(stored) if isinstance(item, _Checked) else item


def _check(source: Source) -> "_Checked | Outcome":
    if source.error:
        return Outcome(source.name, Kind.REFUSED, source.error)
    received = None
    try:
        with source.open() as stream:
            received = blobs().receive(stream, settings().max_file_bytes)
        return _Checked(source.name, received, read_header(received.path))
    except MipError as error:
        if received:
            received.discard()
        return _refused(source.name, error)
    except Exception as error:  # a file nobody foresaw must not stop the ones behind it
        if received:
            received.discard()
        return Outcome(source.name, Kind.REFUSED, "ingest.unreadable", {"number": note(error)})


def _refused(name: str, error: MipError) -> Outcome:
    return Outcome(name, Kind.REFUSED, error.code, error.detail)


def _store_all(session: Session, actor: Actor, ready: list[_Checked]) -> list[Outcome]:
    outcomes = [_store(session, actor, item) for item in ready]
    for study_uid in {o.study_uid for o in outcomes if o.kind is Kind.STORED}:
        number = sum(o.study_uid == study_uid and o.kind is Kind.STORED for o in outcomes)
        audit.record(session, actor, Act.IMAGE_RECEIVED, f"study:{study_uid}", images=number)
    if any(o.kind is Kind.STORED for o in outcomes):
        bus.touch(session, f"studies:{actor.institution}")
    return outcomes


def _store(session: Session, actor: Actor, item: _Checked) -> Outcome:
    header = item.header
    known = session.exec(
        door.marked(
            select(Instance).where(
                Instance.institution_id == actor.institution,
                Instance.sop_instance_uid == header.sop_instance_uid,
            )
        )
    ).one_or_none()
    if known is not None:
        return _again(session, actor, item, known)
    try:
        study = _study(session, actor, header)
    except OtherPatient as error:
        audit.record(
            session, actor, Act.IMAGE_REFUSED, f"study:{header.study_uid}", refused=True, why=error.code
        )
        return _outcome(item, Kind.REFUSED, error.code)
    series = _series(session, study, header)
    key = _blob_key(actor, item.received)
    blobs().keep(item.received, key)
    now = utc_now()
    session.add(
        Instance(
            institution_id=actor.institution,
            series_pk=series.id or 0,
            sop_instance_uid=header.sop_instance_uid,
            sop_class_uid=header.sop_class_uid,
            instance_number=header.instance_number,
            transfer_syntax_uid=header.transfer_syntax,
            rows=header.rows or None,
            columns=header.columns or None,
            frame_count=header.frames.count or header.number_of_frames,
            size=item.received.size,
            sha256=item.received.sha256,
            blob=key,
            frames=header.frames.to_json(),
            header=zlib.compress(
                json.dumps(header.json, ensure_ascii=False, separators=(",", ":")).encode(), 6
            ),
            received_at=now,
        )
    )
    series.instance_count += 1
    series.revision += 1
    study.instance_count += 1
    session.flush()
    return _outcome(item, Kind.STORED, "ingest.stored")


def _again(session: Session, actor: Actor, item: _Checked, known: Instance) -> Outcome:
    """The same bytes change nothing; other bytes under the same UID are kept apart, the first stay."""
    if known.sha256 == item.received.sha256:
        return _outcome(item, Kind.UNCHANGED, "ingest.unchanged")
    key = _blob_key(actor, item.received)
    aside = door.marked(select(SetAside.id).where(SetAside.blob == key))
    if session.exec(aside).first() is None:
        blobs().keep(item.received, key)
        session.add(
            SetAside(
                institution_id=actor.institution,
                sop_instance_uid=known.sop_instance_uid,
                sha256=item.received.sha256,
                blob=key,
                reason="ingest.other_bytes",
                received_at=utc_now(),
            )
        )
        audit.record(session, actor, Act.IMAGE_REFUSED, f"instance:{known.sop_instance_uid}", refused=True)
    return _outcome(item, Kind.REFUSED, "ingest.other_bytes")


def _study(session: Session, actor: Actor, header: Header) -> Study:
    own = select(Study, Patient).join(Patient, col(Patient.id) == Study.patient_pk)
    found = session.exec(door.through(own.where(Study.study_uid == header.study_uid), actor)).first()
    if found is not None:
        study, patient = found
        if (patient.patient_id, patient.issuer) != (header.patient_id, header.issuer_of_patient_id):
            raise OtherPatient()
        return study
    patient = _patient(session, actor, header)
    study = reading.study(header, _moment(session, actor, header))
    study.institution_id, study.patient_pk = actor.institution, patient.id or 0
    session.add(study)
    session.flush()
    return study


def _patient(session: Session, actor: Actor, header: Header) -> Patient:
    found = session.exec(
        door.marked(
            select(Patient).where(
                Patient.institution_id == actor.institution,
                Patient.patient_id == header.patient_id,
                Patient.issuer == header.issuer_of_patient_id,
            )
        )
    ).first()
    # Without an ID nobody can tell whether two studies are of one person: each gets a patient of its own.
    if found is not None and header.patient_id:
        return found
    patient = Patient(
        institution_id=actor.institution,
        patient_id=header.patient_id,
        issuer=header.issuer_of_patient_id if header.patient_id else f"study:{header.study_uid}",
        name=display_name(header.patient_name),
        person_name=header.patient_name,
        sex=header.patient_sex,
        birth_date=header.patient_birth_date,
    )
    session.add(patient)
    session.flush()
    keys = {key[:64] for key in [*search_keys(header.patient_name), header.patient_id.lower()] if key}
    session.add_all(
        PatientKey(patient_id=patient.id or 0, key=key, institution_id=actor.institution) for key in keys
    )
    return patient


def _series(session: Session, study: Study, header: Header) -> Series:
    found = session.exec(
        door.marked(select(Series).where(Series.study_pk == study.id, Series.series_uid == header.series_uid))
    ).one_or_none()
    if found is not None:
        return found
    series = reading.series(header)
    series.institution_id, series.study_pk = study.institution_id, study.id or 0
    session.add(series)
    study.series_count += 1
    reading.add_modality(study, header.modality)
    study.body_part = study.body_part or header.body_part_examined
    session.flush()
    return series


def _moment(session: Session, actor: Actor, header: Header) -> datetime:
    """Study date and time as a moment; without a date, now."""
    if header.study_date is None:
        return utc_now()
    institution = session.get(Institution, actor.institution)
    zone = ZoneInfo(institution.time_zone if institution else "UTC")
    return datetime.combine(header.study_date, header.study_time or time(), zone).astimezone(UTC)


def _blob_key(actor: Actor, received: Received) -> str:
    # By content and institution: nothing a sender chose is part of a path.
    return f"{actor.institution}/{received.sha256[:2]}/{received.sha256}.dcm"


def _outcome(item: _Checked, kind: Kind, code: str) -> Outcome:
    header = item.header
    return Outcome(
        name=item.name,
        kind=kind,
        code=code,
        study_uid=header.study_uid,
        series_uid=header.series_uid,
        sop_class_uid=header.sop_class_uid,
        sop_instance_uid=header.sop_instance_uid,
        transfer_syntax_uid=header.transfer_syntax,
    )
