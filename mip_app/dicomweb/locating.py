"""Finding what a DICOMweb address names, through the door: study, series, instance, and where their bytes lie."""

import hashlib
import json
import zlib
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import NotVisible
from mip_app.dicom.dicomjson import bulk_uri
from mip_app.dicom.frames import FrameIndex
from mip_app.studies import door, tree
from mip_app.studies import service as studies
from mip_app.studies.models import Instance, Series, Study

ROOT = "/dicom-web"


@dataclass(frozen=True, slots=True)
class Located:
    """One stored instance: its UIDs, and the blob that holds it bit for bit."""

    study_uid: str
    series_uid: str
    sop_instance_uid: str
    blob: str
    size: int
    sha256: str
    transfer_syntax_uid: str
    frames: str
    frame_count: int
    corrections: dict[str, Any]  # of the study: what whole files and metadata say otherwise
    institution: int  # whose it is: what is made of it lies with it

    @property
    def address(self) -> str:
        return f"{ROOT}/studies/{self.study_uid}/series/{self.series_uid}/instances/{self.sop_instance_uid}"

    @property
    def version(self) -> str:
        """Of its whole file as it leaves: the hash of the stored bytes, and of what is put right in them."""
        if not self.corrections:
            return self.sha256
        right = json.dumps(self.corrections, sort_keys=True).encode()
        return f"{self.sha256}-{hashlib.sha256(right).hexdigest()[:32]}"

    @property
    def index(self) -> FrameIndex:
        return FrameIndex.from_json(self.frames)


_COLUMNS: tuple[Any, ...] = (
    Study.study_uid,
    Series.series_uid,
    Instance.sop_instance_uid,
    Instance.blob,
    Instance.size,
    Instance.sha256,
    Instance.transfer_syntax_uid,
    Instance.frames,
    Instance.frame_count,
    Study.corrections,
    Study.institution_id,
)


@needs(Permission.STUDY_READ)
def instances(
    session: Session, actor: Actor, study_uid: str, series_uid: str = "", sop_instance_uid: str = ""
) -> list[Located]:
    """All instances of a study, of one series, or the one, in the order of their numbers. Raises NotVisible."""
    statement = tree.instances_of(_COLUMNS, [series_uid] if series_uid else [])
    if sop_instance_uid:
        statement = statement.where(Instance.sop_instance_uid == sop_instance_uid)
    found = session.execute(door.through(statement, actor, study_uid)).all()
    if not found:
        raise studies.not_visible(session, actor, study_uid)
    return [Located(*row) for row in found]


@needs(Permission.STUDY_READ)
def originals(
    session: Session, actor: Actor, study_uid: str, series_uid: str = "", sop_instance_uid: str = ""
) -> list[Located]:
    """The same, to leave as whole files. Raises NotVisible; NotPermitted, where they are granted to look at alone."""
    studies.require_download(session, actor, study_uid)
    return instances(session, actor, study_uid, series_uid, sop_instance_uid)


@needs(Permission.STUDY_READ)
def handed_out(session: Session, actor: Actor, study_uid: str, count: int, **how: Any) -> None:
    """Instances leave as whole files; `form`: not one by one."""
    audit.record(session, actor, Act.IMAGE_RETRIEVED, f"study:{study_uid}", instances=count, **how)


@needs(Permission.STUDY_READ)
def viewed(session: Session, actor: Actor, study_uid: str) -> None:
    """Images were asked for, by a page of ours or by another program."""
    audit.record(session, actor, Act.STUDY_VIEWED, f"study:{study_uid}", via="dicomweb")


@needs(Permission.STUDY_READ)
def searched(session: Session, actor: Actor, by: list[str]) -> None:
    """By which attributes; their values would be patients."""
    audit.record(session, actor, Act.STUDY_SEARCHED, by=by)


@needs(Permission.STUDY_READ)
def instance(
    session: Session, actor: Actor, study_uid: str, series_uid: str, sop_instance_uid: str
) -> Located:
    """Raises NotVisible."""
    return instances(session, actor, study_uid, series_uid, sop_instance_uid)[0]


@needs(Permission.STUDY_READ)
def holder(
    session: Session,
    actor: Actor,
    study_uid: str,
    series_uid: str,
    sop_instance_uid: str,
    offset: int,
    length: int,
) -> Located:
    """The instance whose metadata name a value at this place of its file. Raises NotVisible.

    Any other place could be the whole file, for who may look and not download, or the name that somebody put right.
    """
    statement = tree.instances_of((Instance.header, *_COLUMNS), [series_uid])
    statement = statement.where(Instance.sop_instance_uid == sop_instance_uid)
    found = session.execute(door.through(statement, actor, study_uid)).first()
    if found is None:
        raise studies.not_visible(session, actor, study_uid)
    header, *columns = found
    # Quotes inside text are escaped: no sender can have written this into a value.
    if f'"BulkDataURI":"{bulk_uri(offset, length)}"'.encode() not in zlib.decompress(header):
        raise NotVisible()
    return Located(*columns)


@needs(Permission.STUDY_READ)
def representative(
    session: Session, actor: Actor, study_uid: str, series_uid: str = "", sop_instance_uid: str = ""
) -> Located | None:
    """The instance that stands for a study or series in a picture: the middle one of the first series with pixels.

    None where nothing has pixels. Raises NotVisible.
    """
    if sop_instance_uid:
        return instance(session, actor, study_uid, series_uid, sop_instance_uid)
    of_series = col(Instance.series_pk) == col(Series.id)
    drawable = select(Instance.id).where(of_series, col(Instance.rows) > 0).exists()
    statement = (
        select(Series.id, Series.instance_count, drawable)
        .select_from(Study)
        .join(Series, col(Series.study_pk) == Study.id)
        .order_by(drawable.desc(), col(Series.series_number), col(Series.id))
        .limit(1)
    )
    if series_uid:
        statement = statement.where(Series.series_uid == series_uid)
    found = session.execute(door.through(statement, actor, study_uid)).first()
    if found is None:
        raise studies.not_visible(session, actor, study_uid)
    series, count, has_pixels = found
    return _middle(session, series, count) if has_pixels else None


def _middle(session: Session, series: int, count: int) -> Located | None:
    ordered = (
        select(*_COLUMNS)
        .select_from(Instance)
        .join(Series, col(Series.id) == Instance.series_pk)
        .join(Study, col(Study.id) == Series.study_pk)
        .where(Instance.series_pk == series)
        .order_by(col(Instance.instance_number), col(Instance.id))
        .limit(1)
    )
    for one in (ordered.where(col(Instance.id) == _nth(session, series, count // 2)), ordered):
        row = session.execute(door.marked(one.where(col(Instance.rows) > 0))).first()
        if row is not None:
            return Located(*row)
    return None


def _nth(session: Session, series: int, number: int) -> int:
    """By the index alone, however long the series is."""
    statement = (
        select(Instance.id)
        .where(Instance.series_pk == series)
        .order_by(col(Instance.instance_number), col(Instance.id))
        .offset(number)
        .limit(1)
    )
    return session.execute(door.marked(statement)).scalar() or 0
