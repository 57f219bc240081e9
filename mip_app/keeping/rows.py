"""What the database says is stored, read in pages, of all institutions: for the console alone."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlmodel import Session, col, func, select

from mip_app.accounts.opening import at_console
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.dicomweb import metadata, places
from mip_app.dicomweb.places import SeriesNow
from mip_app.studies import door, granted
from mip_app.studies.models import ErasedBlob, Instance, Series, SetAside, Study

PAGE = 5000  # rows
STUDIES = 500  # a page of them; each has some series


class Held(NamedTuple):
    """One file that a row says is there."""

    id: int
    institution: int
    uid: str  # SOP Instance UID
    blob: str
    size: int  # -1: not known, of a file set aside
    sha256: str


class Counted(NamedTuple):
    """A study whose numbers are not those of its rows."""

    id: int
    institution: int
    uid: str
    says: tuple[int, int]  # series, images
    has: tuple[int, int]


@needs(Permission.ADMIN_DATA)
def images(session: Session, actor: Actor, after: int) -> list[Held]:
    at_console(actor)
    statement = (
        select(
            Instance.id,
            Instance.institution_id,
            Instance.sop_instance_uid,
            Instance.blob,
            Instance.size,
            Instance.sha256,
        )  # type: ignore[call-overload]
        .where(col(Instance.id) > after)
        .order_by(col(Instance.id))
        .limit(PAGE)
    )
    return [Held(*row) for row in session.execute(door.marked(statement))]


@needs(Permission.ADMIN_DATA)
def set_aside(session: Session, actor: Actor, after: int) -> list[Held]:
    at_console(actor)
    columns = (
        SetAside.id,
        SetAside.institution_id,
        SetAside.sop_instance_uid,
        SetAside.blob,
        SetAside.sha256,
    )
    with_file = (col(SetAside.id) > after, SetAside.blob != "")  # of what was discarded there is none
    statement = select(*columns).where(*with_file).order_by(col(SetAside.id)).limit(PAGE)  # type: ignore[call-overload]
    found = session.execute(door.marked(statement))
    return [Held(pk, place, uid, blob, -1, sha256) for pk, place, uid, blob, sha256 in found]


@needs(Permission.ADMIN_DATA)
def leaving(session: Session, actor: Actor, after: str) -> list[str]:
    """Keys that a confirmed deletion has yet to remove (maintenance/erasing.py), in their order."""
    at_console(actor)
    found = select(ErasedBlob.blob).where(col(ErasedBlob.blob) > after).distinct()
    return list(session.exec(found.order_by(col(ErasedBlob.blob)).limit(PAGE)))


@needs(Permission.ADMIN_DATA)
def still_held(session: Session, actor: Actor, some: Sequence[Held]) -> list[Held]:
    """Of what rows said, what they say still: a study may have been deleted meanwhile, a file set aside discarded."""
    at_console(actor)
    there: set[tuple[int, str]] = set()
    for table in (Instance, SetAside):
        named = select(table.institution_id, table.blob).where(
            col(table.institution_id).in_({held.institution for held in some}),
            col(table.sop_instance_uid).in_({held.uid for held in some}),
        )
        there.update((place, blob) for place, blob in session.execute(door.marked(named)))
    return [held for held in some if (held.institution, held.blob) in there]


@needs(Permission.ADMIN_DATA)
def counts(session: Session, actor: Actor, after: int) -> tuple[list[Counted], int]:
    """Those that are wrong among the studies that come next, and the last of these; 0 when there are no more."""
    at_console(actor)
    page = select(Study).where(col(Study.id) > after).order_by(col(Study.id)).limit(STUDIES)
    studies = session.exec(door.marked(page)).all()
    if not studies:
        return [], 0
    last = studies[-1].id or 0
    wrong: list[Counted] = []
    found = _series(session, after, last)
    for study in studies:
        lines = found.get(study.id or 0, [])
        has = (len(lines), sum(has for _, has in lines))
        says = (study.series_count, study.instance_count)
        if says != has or any(says != has for says, has in lines):
            wrong.append(Counted(study.id or 0, study.institution_id, study.study_uid, says, has))
    session.expunge_all()
    return wrong, last


def _series(session: Session, after: int, last: int) -> dict[int, list[tuple[int, int]]]:
    """By study: what each series says it has, and what it has."""
    statement = (
        select(Series.study_pk, Series.instance_count, func.count(col(Instance.id)))
        .join(Instance, col(Instance.series_pk) == Series.id, isouter=True)
        .where(col(Series.study_pk) > after, col(Series.study_pk) <= last)
        .group_by(col(Series.id), col(Series.study_pk), col(Series.instance_count))
    )
    found: dict[int, list[tuple[int, int]]] = {}
    for study, says, has in session.execute(door.marked(statement)):
        found.setdefault(study, []).append((says, has))
    return found


@needs(Permission.ADMIN_DATA)
def recount(session: Session, actor: Actor, study_pk: int) -> None:
    """Bring a study's numbers, and its series', to those of the rows. Who adds images meanwhile waits."""
    at_console(actor)
    study = session.exec(door.marked(select(Study).where(Study.id == study_pk).with_for_update())).one()
    lines = session.exec(door.marked(select(Series).where(Series.study_pk == study_pk))).all()
    for line in lines:
        counted = select(func.count()).select_from(Instance).where(Instance.series_pk == line.id)
        number = session.exec(door.marked(counted)).one()
        if line.instance_count != number:
            line.instance_count = number
            line.revision += 1  # its metadata document is made again
    study.series_count = len(lines)
    study.instance_count = sum(line.instance_count for line in lines)
    scope = audit.institution_scope(study.institution_id)
    audit.record(session, actor, Act.DATA_REPAIRED, f"study:{study.study_uid}", scope=scope)
    bus.touch(session, granted.topic(study.institution_id))


@needs(Permission.ADMIN_DATA)
def documents(session: Session, actor: Actor, series: Sequence[int]) -> set[str]:
    """The key of the metadata document of each series that is there."""
    at_console(actor)
    now = select(*places.NOW).join(Study, col(Study.id) == Series.study_pk).where(col(Series.id).in_(series))
    return {metadata.key_of(SeriesNow(*row)) for row in session.execute(door.marked(now))}


@needs(Permission.ADMIN_DATA)
def repaired(session: Session, actor: Actor, removed: int, dropped: int) -> None:
    """What was repaired beside the database, in the platform's log."""
    at_console(actor)
    audit.record(session, actor, Act.DATA_REPAIRED, removed=removed, dropped=dropped)
