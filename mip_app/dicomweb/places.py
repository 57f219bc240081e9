"""Where frames lie: one query for a whole series, kept packed in memory as long as the series stays as it is.

Whether somebody may see a series is asked anew each second (`series_now`), and that answer names its revision: what
changes a series (images added, removed or corrected) raises it, and the places known before are found no more.
"""

import json
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import Row
from sqlmodel import Session, col, select

from mip_app.core.actor import Actor, Permission, needs
from mip_app.studies import door
from mip_app.studies.models import Instance, Series, Study


@dataclass(frozen=True, slots=True)
class SeriesNow:
    """A series that somebody may see, as it is at the moment.

    Keys alone do not say which: SQLite gives those of deleted rows away again.
    """

    pk: int
    revision: int
    institution: int  # whose it is
    study: int
    since: datetime  # when its study began to arrive


@dataclass(frozen=True, slots=True)
class Place:
    """Where the frames of one instance lie in its file; native ones by a rule, others by a table of 16 bytes each."""

    blob: str
    size: int  # of the file
    sha256: str
    transfer_syntax_uid: str
    count: int
    native: tuple[int, int] | None  # offset of the first frame, bytes of each
    table: array  # offset and length of each fragment
    firsts: array  # which is the first fragment of each frame, and one beyond

    def parts(self, number: int) -> list[tuple[int, int]]:
        """(offset, length) of what makes up frame `number`, which is from 1 to `count`."""
        if self.native:
            return [(self.native[0] + (number - 1) * self.native[1], self.native[1])]
        begin, end = self.firsts[number - 1], self.firsts[number]
        return [(self.table[2 * n], self.table[2 * n + 1]) for n in range(begin, end)]

    @property
    def weight(self) -> int:
        """Bytes of memory, about."""
        return 600 + len(self.blob) + 8 * (len(self.table) + len(self.firsts))


# Those of `SeriesNow`, in its order.
NOW: tuple[Any, ...] = (
    Series.id,
    Series.revision,
    Study.institution_id,
    Study.id,
    Study.received_at,
)


@needs(Permission.STUDY_READ)
def series_now(session: Session, actor: Actor, study_uid: str, series_uid: str) -> SeriesNow | None:
    """None for what is not there and for what is not this actor's to see, alike."""
    statement = (
        select(*NOW)
        .select_from(Series)
        .join(Study, col(Study.id) == Series.study_pk)
        .where(Series.series_uid == series_uid)
    )
    found = session.execute(door.through(statement, actor, study_uid)).first()
    return SeriesNow(*found) if found else None


@needs(Permission.STUDY_READ)
def places(session: Session, actor: Actor, series: SeriesNow) -> dict[str, Place]:
    """The instances of a series that came through the door, by their UIDs: those whose frames leave as they lie."""
    columns: tuple[Any, ...] = (
        Instance.sop_instance_uid,
        Instance.blob,
        Instance.size,
        Instance.sha256,
        Instance.transfer_syntax_uid,
        Instance.frames,
        Instance.frame_count,
    )
    rows = session.execute(door.marked(select(*columns).where(Instance.series_pk == series.pk)))
    return dict(_placed(rows))


def _placed(rows: Iterable[Row]) -> Iterator[tuple[str, Place]]:
    for uid, blob, size, sha256, syntax, frames, frame_count in rows:
        found = json.loads(frames) if frames else {}
        if "n" in found:
            offset, length, count, swap = found["n"]
            if not swap:  # big endian is turned round on the way out
                last = min(count, frame_count)
                yield uid, Place(blob, size, sha256, syntax, last, (offset, length), array("Q"), array("L"))
        elif "f" in found:
            fragments = found["f"]
            table = array("Q", (number for frame in fragments for number in frame))
            firsts = array("L", accumulate((len(frame) // 2 for frame in fragments), initial=0))
            last = min(len(fragments), frame_count)
            yield uid, Place(blob, size, sha256, syntax, last, None, table, firsts)
