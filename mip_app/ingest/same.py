"""The same data set in another file: C-STORE, STOW-RS and media write other File Meta Information (PS3.10 7.1)."""

from functools import partial
from typing import BinaryIO

from sqlmodel import Session, select

from mip_app.core.actor import Actor
from mip_app.core.blobs import CHUNK, blobs
from mip_app.core.database import write
from mip_app.core.errors import NotVisible
from mip_app.dicom.elements import Refused, Walker
from mip_app.ingest.checking import Checked
from mip_app.studies import door
from mip_app.studies.models import Instance, SetAside


def stored_before(session: Session, institution: int, item: Checked) -> tuple[str, str]:
    """Blob and transfer syntax of the instance that has the item's UID; '' twice where there is none.

    Its row is held: who removes a file of this UID (`remove_later`) waits, or has done so.
    """
    row = (
        select(Instance.blob, Instance.transfer_syntax_uid)
        .where(
            Instance.institution_id == institution,
            Instance.sop_instance_uid == item.header.sop_instance_uid,
        )
        .with_for_update()
    )
    return session.exec(door.marked(row)).first() or ("", "")


def same_data_set(item: Checked, first: str) -> bool:
    """Whether everything behind the File Meta Information is what the blob `first` has, byte for byte.

    Memory stays flat. False where the first one's bytes are gone or damaged; raises NotVisible when the item's are.
    """
    item.kept.result()  # on its way to the disk until now
    with blobs().local(item.blob) as path, path.open("rb") as arrived:
        try:
            with blobs().local(first) as other, other.open("rb") as stored:
                return to_data_set(arrived) == to_data_set(stored) and _equal(arrived, stored)
        except (NotVisible, Refused):
            return False


def to_data_set(file: BinaryIO) -> int:
    """Goes to where the data set begins; how many bytes it has."""
    size = file.seek(0, 2)
    walker = Walker(file, size)
    walker.seek(0)
    head = file.read(132)
    preamble = head[128:] == b"DICM"
    walker.seek(132 if preamble else 0)
    if preamble or head[:2] == b"\2\0":
        walker.data_set(explicit=True, meta=True)
    file.seek(walker.position)
    return size - walker.position


def _equal(one: BinaryIO, other: BinaryIO) -> bool:
    while piece := one.read(CHUNK):
        if piece != other.read(CHUNK):
            return False
    return True


def remove_later(session: Session, institution: int, sop_instance_uid: str, blob: str) -> None:
    """Nobody needs this file: it goes after the commit, unless a row names it then."""
    nobody = Actor(None, "", institution, frozenset())  # whoever is acting has been asked before
    gone = partial(write, _remove, nobody, sop_instance_uid, blob)
    session.info.setdefault("after_commit", []).append(gone)


def _remove(session: Session, actor: Actor, sop_instance_uid: str, blob: str) -> None:
    """While the instance's row is held nobody can erase it, store the UID anew or set a file of it aside.

    Where the row is gone, the file may be on its way in again: the doctor removes it when it is not.
    """
    mine = Instance.institution_id == actor.institution, Instance.sop_instance_uid == sop_instance_uid
    kept = session.exec(door.marked(select(Instance.blob).where(*mine).with_for_update())).first()
    aside = select(SetAside.id).where(
        SetAside.institution_id == actor.institution,
        SetAside.sop_instance_uid == sop_instance_uid,
        SetAside.blob == blob,
    )
    if kept not in (None, blob) and session.exec(door.marked(aside)).first() is None:
        blobs().remove(blob)
