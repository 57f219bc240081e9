"""Checked files become patients, studies, series and instances, in one transaction."""

from collections import Counter

from sqlmodel import Session, col, select

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.blobs import blobs
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotVisible
from mip_app.dicom.part10 import Header
from mip_app.ingest import beginning, belonging, reading, rows, same
from mip_app.ingest.checking import Checked
from mip_app.ingest.matching import Person
from mip_app.ingest.outcome import Kind, Outcome
from mip_app.studies import door, granted
from mip_app.studies.models import Patient, Series, SetAside, Study
from mip_app.studies.patients import maintenance_topic
from mip_app.studies.query import keys
from mip_app.studies.service import topic


@needs(Permission.STUDY_UPLOAD)
def store(session: Session, actor: Actor, ready: list[Checked]) -> list[Outcome]:
    """One outcome a file, in their order. Their bytes are in their place already."""
    storing = _Storing(session, actor)
    outcomes = [storing.take(item) for item in ready]
    if storing.instances:
        rows.add(session, storing.instances, storing.grown)
    stored = Counter(o.study_uid for o in outcomes if o.kind is Kind.STORED)
    for study_uid, number in stored.items():
        audit.record(session, actor, Act.IMAGE_RECEIVED, f"study:{study_uid}", images=number)
    if stored:
        keys.write(session, storing.studies.values())
        granted.arrived(session, actor.institution, storing.more)
        bus.touch(session, topic(actor))
    return outcomes


class _Storing:
    """What one transaction has seen already, so that a study's thousand files look its rows up once."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self.session, self.actor = session, actor
        self.studies: dict[str, tuple[Study, Patient]] = {}
        self.series: dict[tuple[int, str], Series] = {}
        self.places: dict[tuple[str, str, str, str, Person], tuple[int, int]] = {}
        self.named: set[belonging.Named] = set()
        self.erased: dict[str, bool] = {}
        self.instances: list[dict[str, object]] = []
        self.grown: Counter[tuple[int, int]] = Counter()  # by keys of study and series
        self.taken: dict[str, Checked] = {}
        self.more: set[int] = set()  # studies with series that they had not

    def take(self, item: Checked) -> Outcome:
        header = item.header
        taken = self.taken.get(header.sop_instance_uid)
        known = (
            taken.sha256
            if taken
            else rows.sha256_of(self.session, self.actor.institution, header.sop_instance_uid)
        )
        if known == item.sha256:
            return item.outcome(Kind.UNCHANGED, "ingest.unchanged")
        try:
            belonging.require_bytes(self.session, self.actor, item, self.erased)
        except belonging.Erased as error:
            return item.outcome(Kind.REFUSED, error.code)
        if known:
            return self._other_file(item)
        place = self._place(header)
        self.instances.append(self._instance(item, place[1]))
        self.grown[place] += 1
        self.taken[header.sop_instance_uid] = item
        return item.outcome(Kind.STORED, "ingest.stored")

    def _place(self, header: Header) -> tuple[int, int]:
        """Keys of its study and series, made where they are new."""
        issuer = belonging.issuer_of(header)
        said = header.study_uid, header.series_uid, header.patient_id, issuer, belonging.person_of(header)
        place = self.places.get(said)
        if place is None:
            place = rows.place_of(self.session, self.actor.institution, header, issuer)
        if place is None and (place := beginning.begin(self.session, self.actor, header)):
            self.more.add(place[0])
        if place is None:
            study = self._study(header)
            place = study.id or 0, self._series_of(study, header).id or 0
        self.places[said] = place
        return place

    def _other_file(self, item: Checked) -> Outcome:
        """A known UID in a file of other bytes: the same data set with another header in front, or another one."""
        first = self.taken.get(item.header.sop_instance_uid)
        if first is not None:
            first.kept.result()
            blob, syntax = first.blob, first.header.transfer_syntax
        else:
            blob, syntax = same.stored_before(self.session, self.actor.institution, item)
        try:
            if syntax != item.header.transfer_syntax or not same.same_data_set(item, blob):
                return self._set_aside(item)
        except NotVisible:  # the same file came twice at once, and the other one's was not needed
            return item.outcome(Kind.REFUSED, belonging.Erased.code)
        same.remove_later(self.session, self.actor.institution, item.header.sop_instance_uid, item.blob)
        return item.outcome(Kind.UNCHANGED, "ingest.unchanged")

    def _set_aside(self, item: Checked) -> Outcome:
        """Other bytes under a known UID are kept apart; the first stay where they are."""
        uid, sha256 = item.header.sop_instance_uid, item.sha256
        there = select(SetAside.id).where(
            SetAside.institution_id == self.actor.institution,
            SetAside.sop_instance_uid == uid,
            SetAside.sha256 == sha256,
            SetAside.blob != "",  # else it was discarded once, and comes again
        )
        if self.session.exec(door.marked(there)).first() is None:
            item.kept.result()
            if blobs().stat(item.blob) is None:
                raise NotVisible()
            self.session.add(
                SetAside(
                    institution_id=self.actor.institution,
                    sop_instance_uid=uid,
                    sha256=sha256,
                    blob=item.blob,
                    reason="ingest.other_bytes",
                    received_at=utc_now(),
                    sender=self.actor.name,
                )
            )
            bus.touch(self.session, maintenance_topic(self.actor.institution))
            self._refuse(f"instance:{uid}", "ingest.other_bytes")
        return item.outcome(Kind.REFUSED, "ingest.other_bytes")

    def _refuse(self, subject: str, why: str) -> None:
        audit.record(self.session, self.actor, Act.IMAGE_REFUSED, subject, failed=True, why=why)

    def _study(self, header: Header) -> Study:
        """The row of the header's study, made when it is new."""
        found = self.studies.get(header.study_uid)
        if found is None:
            # Counts are added to this row: on PostgreSQL another process waits here.
            own = (
                select(Study, Patient)
                .join(Patient, col(Patient.id) == Study.patient_pk)
                .with_for_update(of=Study)
            )
            own = own.where(Study.study_uid == header.study_uid)
            found = self.session.exec(door.within(own, self.actor)).first()
        if found is None:
            found = self._new_study(header)
        self.studies[header.study_uid] = found
        study, patient = found
        belonging.check(self.session, self.actor, study, patient, header, self.named)
        return study

    def _new_study(self, header: Header) -> tuple[Study, Patient]:
        origin, patient = belonging.patient_of(self.session, self.actor, header)
        study = reading.study(header, beginning.moment(self.session, self.actor.institution, header))
        study.institution_id, study.patient_pk = self.actor.institution, patient.id or 0
        belonging.take_corrections(study, origin, patient)
        self.session.add(study)
        self.session.flush()
        return study, patient

    def _series_of(self, study: Study, header: Header) -> Series:
        place = (study.id or 0, header.series_uid)
        if place in self.series:
            return self.series[place]
        statement = select(Series).where(Series.study_pk == study.id, Series.series_uid == header.series_uid)
        found = self.session.exec(door.marked(statement)).one_or_none()
        if found is None:
            found = reading.series(header)
            found.institution_id, found.study_pk = study.institution_id, study.id or 0
            self.session.add(found)
            study.series_count += 1
            self.more.add(study.id or 0)
            reading.add_modality(study, header.modality)
            study.body_part = study.body_part or header.body_part_examined
            self.session.flush()
        self.series[place] = found
        return found

    def _instance(self, item: Checked, series: int) -> dict[str, object]:
        header = item.header
        return {
            "institution_id": self.actor.institution,
            "series_pk": series,
            "sop_instance_uid": header.sop_instance_uid,
            "sop_class_uid": header.sop_class_uid,
            "instance_number": header.instance_number,
            "transfer_syntax_uid": header.transfer_syntax,
            "rows": header.rows or None,
            "columns": header.columns or None,
            "frame_count": header.frames.count or header.number_of_frames,
            "size": item.size,
            "sha256": item.sha256,
            "blob": item.blob,
            "frames": header.frames.to_json(),
            "header": item.packed,
            "received_at": utc_now(),
        }
