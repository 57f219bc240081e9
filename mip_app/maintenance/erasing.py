"""The bytes of deleted studies: removed blob by blob, taken up again after any end of the process.

A confirmed deletion has left a row for each blob; the row goes in the transaction after its blob. Nothing is removed
that an instance refers to again: a study may be sent anew at any time.
"""

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from mip_app.core import bus
from mip_app.core.blobs import blobs
from mip_app.core.clock import utc_now
from mip_app.core.logs import note
from mip_app.studies import door
from mip_app.studies.models import ErasedBlob, ErasureState, Instance, SetAside, StudyErasure
from mip_app.studies.patients import maintenance_topic

log = logging.getLogger(__name__)

TOGETHER = 100  # blobs in one transaction: others who want to write wait as long as that takes
TOPIC = "erasing"  # touched by whoever confirms a deletion
EVERY = 60.0  # seconds between looks all the same: for what failed, or was left by a process that ended


def remove(engine: Engine, readers: Engine | None = None) -> int:
    """All that is marked. How many blobs went. `readers`: to look without keeping writers waiting.

    Raises what kept one deletion from its end, after the others came to theirs.
    """
    gone, trouble = 0, None
    confirmed = select(StudyErasure.id, StudyErasure.institution_id)
    with Session(readers or engine) as session:
        waiting = session.exec(confirmed.where(StudyErasure.state == ErasureState.CONFIRMED)).all()
    for key, institution in waiting:
        try:
            while removed := _step(engine, _some, key or 0):
                gone += removed
            # Named so that nobody can tell of which study (dicomweb/ready_frames.py); made again when asked for.
            _remove_below(f"{institution}/made/frames/")
            _step(engine, _done, key or 0)
        except Exception as error:
            trouble = error
    if trouble:
        raise trouble
    return gone


def _step(engine: Engine, work: Callable[[Session, int], int], key: int) -> int:
    with Session(engine) as session, session.begin():
        done = work(session, key)
        topics = bus.record(session)
    bus.publish(topics)
    return done


def _some(session: Session, erasure_id: int) -> int:
    """Remove the next blobs. Ingest of the same study waits meanwhile (ingest/belonging.py, `require_bytes`)."""
    erasure = _held(session, erasure_id)
    rows = session.exec(select(ErasedBlob).where(ErasedBlob.erasure_id == erasure_id).limit(TOGETHER)).all()
    again = _needed(session, erasure.institution_id, {row.sop_instance_uid for row in rows})
    for row in rows:
        if row.blob.endswith("/"):
            _remove_below(row.blob)
        elif row.blob not in again:
            blobs().remove(row.blob)
        session.delete(row)
    return len(rows)


def _done(session: Session, erasure_id: int) -> int:
    erasure = _held(session, erasure_id)
    if erasure.state == ErasureState.CONFIRMED:  # nobody else was faster
        erasure.state, erasure.done_at = ErasureState.DONE, utc_now()
        session.add(erasure)
        bus.touch(session, maintenance_topic(erasure.institution_id))
    return 0


def _held(session: Session, erasure_id: int) -> StudyErasure:
    return session.exec(select(StudyErasure).where(StudyErasure.id == erasure_id).with_for_update()).one()


def _remove_below(prefix: str) -> None:
    for key, _ in list(blobs().keys(prefix)):
        blobs().remove(key)


def _needed(session: Session, institution: int, uids: set[str]) -> set[str]:
    found: set[str] = set()
    for table in (Instance, SetAside):
        named = select(table.blob).where(
            table.institution_id == institution, col(table.sop_instance_uid).in_(uids)
        )
        found |= set(session.exec(door.marked(named)).all())
    return found


async def follow(engine: Engine, readers: Engine) -> None:
    """Run as long as the web process does: at its start, and whenever a deletion was confirmed."""
    told = bus.changes(TOPIC, every=EVERY)
    while True:
        try:
            await asyncio.to_thread(remove, engine, readers)
        except Exception as error:  # the database or the disk may be away for a while
            log.warning("removing deleted bytes failed, number=%s", note(error))
        await anext(told)
