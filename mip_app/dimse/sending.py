"""Sending a study to a node: asked for by a person, done by a job, only what did not arrive is sent again."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.database import read, write
from mip_app.core.errors import Conflict, MipError, NotVisible
from mip_app.dimse import leaving
from mip_app.dimse.leaving import CannotLeave, Stored
from mip_app.dimse.models import Node
from mip_app.dimse.outgoing import NotReached, Peer, associated
from mip_app.jobs import service as jobs
from mip_app.jobs.kinds import Running, TryAgain, kind
from mip_app.studies import door, tree
from mip_app.studies import service as studies
from mip_app.studies.models import Instance, Series, Study

KIND = "dimse.send"
NOTE_EVERY = (
    0.25  # seconds: how late a page learns what has arrived, and how much is sent twice after a crash
)
# Statuses after which trying again does not help (PS3.4 B.2.3, PS3.7 annex C); others pass.
_FOR_GOOD = {
    0x0117: "dimse.refused_instance",
    0x0122: "dimse.class_not_taken",
    0x0124: "dimse.not_authorised",
}
_GOOD = frozenset({0x0000, 0xB000, 0xB006, 0xB007})
PASSING = frozenset({"dimse.peer_full", "dimse.store_failed"})


class NothingToSend(Conflict):
    code = "dimse.nothing_to_send"


@dataclass(frozen=True, slots=True)
class Target:
    """A node that images can be sent to."""

    id: int
    name: str
    ae_title: str


@needs(Permission.STUDY_SEND)
def targets(session: Session, actor: Actor) -> list[Target]:
    """The own institution's nodes that listen."""
    nodes = session.exec(_callable(actor).order_by(Node.name, Node.ae_title))
    return [Target(node.id or 0, node.name or node.ae_title, node.ae_title) for node in nodes]


def _callable(actor: Actor) -> Any:
    return select(Node).where(
        Node.institution_id == actor.institution, col(Node.disabled).is_(False), col(Node.port) > 0
    )


@needs(Permission.STUDY_SEND)
def target(session: Session, actor: Actor, node_id: int) -> Peer:
    """Raises NotVisible, also where it is disabled or does not listen."""
    node = session.exec(_callable(actor).where(Node.id == node_id)).one_or_none()
    if node is None:
        raise NotVisible("node.not_found")
    return Peer.of(node)


# Those of `Stored`, in its order.
COLUMNS: tuple[Any, ...] = (
    Instance.sop_class_uid,
    Instance.sop_instance_uid,
    Instance.transfer_syntax_uid,
    Instance.blob,
    Instance.frame_count,
    Study.study_uid,
    Series.series_uid,
    Study.corrections,
)


@needs(Permission.STUDY_READ)
def stored(session: Session, actor: Actor, study_uid: str, series: Sequence[str] = ()) -> list[Stored]:
    """What there is to send: own studies, for nobody passes on what was granted. Raises NotVisible."""
    statement = tree.instances_of(COLUMNS, series).where(Study.study_uid == study_uid)
    found = [Stored(*row) for row in session.execute(door.within(statement, actor))]
    if not found:
        raise studies.not_visible(session, actor, study_uid)
    return found


@needs(Permission.STUDY_SEND)
def send(session: Session, actor: Actor, study_uid: str, series: Sequence[str], node_id: int) -> int:
    """Send a study, or those series of it, to a node; the number of the job. Raises NotVisible."""
    peer, items = target(session, actor, node_id), stored(session, actor, study_uid, series)
    payload: dict[str, object] = {
        "study": study_uid,
        "series": list(series),
        "node": peer.id,
        "name": peer.name,
    }
    job_id = jobs.ask(session, actor, KIND, payload, total=len(items))
    audit.record(
        session, actor, Act.STUDY_SENDING_ASKED, f"study:{study_uid}", node=peer.name, instances=len(items)
    )
    return job_id


@kind(KIND, needs=Permission.STUDY_SEND, kept_by=Permission.ADMIN_NODES)
def deliver(run: Running) -> None:
    """The job. Raises TryAgain, MipError, Stopped."""
    study = str(run.payload["study"])
    series = [str(uid) for uid in _listed(run.payload.get("series"))]
    peer = read(target, run.actor, int(str(run.payload["node"])))
    items = read(stored, run.actor, study, series)
    run.note({}, len(items))
    before = run.parts()
    waiting = [item for item in items if before.get(item.sop_instance_uid) != ""]
    noting = _Noting(run, len(items))
    trouble: MipError | None = None
    try:
        for pack in leaving.packs(waiting):
            for uid, code in _sent(peer, pack):
                noting.add(uid, code)
    except NotReached as error:
        trouble = TryAgain(error.code)
    finally:
        noting.close()
    after = run.parts()
    codes = {code for code in (after.get(item.sop_instance_uid) for item in items) if code}
    trouble = trouble or _over_all(codes)
    _tell(run, peer, study, items, waiting, trouble)
    if trouble:
        raise trouble


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


class _Noting:
    """Collects outcomes, and writes them down a few times a second."""

    def __init__(self, run: Running, total: int) -> None:
        self.run, self.total = run, total
        self.waiting: dict[str, str] = {}
        self.last = time.monotonic()

    def add(self, uid: str, code: str) -> None:
        self.waiting[uid] = code
        if time.monotonic() - self.last > NOTE_EVERY:
            self.write()

    def write(self) -> None:
        self.last = time.monotonic()
        waiting, self.waiting = self.waiting, {}
        self.run.note(waiting, self.total)

    def close(self) -> None:
        if self.waiting:
            self.write()


def _sent(peer: Peer, pack: Sequence[Stored]) -> Iterator[tuple[str, str]]:
    """Each instance with its outcome, over one association. Raises NotReached."""
    pairs = {(item.sop_class_uid, item.transfer_syntax_uid) for item in pack}
    with associated(peer, leaving.contexts_of(pairs)) as made:
        taken = leaving.accepted(made)
        for number, item in enumerate(pack):
            if not made.is_established:
                raise NotReached("dimse.aborted")
            try:
                status = leaving.put(made, item, taken, msg_id=number % 65_535 + 1)
            except CannotLeave as error:
                yield item.sop_instance_uid, str(error)
                continue
            if status is None:
                raise NotReached("dimse.no_answer")
            yield item.sop_instance_uid, code_of(status)


def code_of(status: int) -> str:
    """'' where the peer has it."""
    if status in _GOOD:
        return ""
    if 0xA700 <= status <= 0xA7FF:
        return "dimse.peer_full"
    if 0xA900 <= status <= 0xA9FF or 0xC000 <= status <= 0xCFFF:
        return "dimse.refused_instance"
    return _FOR_GOOD.get(status, "dimse.store_failed")


def _over_all(codes: Iterable[str]) -> MipError | None:
    """One reason is said itself, several as such."""
    found = set(codes)
    if not found:
        return None
    code = found.pop() if len(found) == 1 else "dimse.some_failed"
    return TryAgain(code) if found & PASSING or code in PASSING else MipError(code)


def _tell(
    run: Running, peer: Peer, study: str, items: list[Stored], tried: list[Stored], trouble: MipError | None
) -> None:
    """The audit knows what left in this run."""
    after = run.parts()
    arrived = sum(1 for item in tried if after.get(item.sop_instance_uid) == "")
    detail: dict[str, Any] = {"node": peer.name, "instances": arrived, "of": len(items)}
    if trouble:
        detail["why"] = trouble.code

    def note(session: Session, actor: Actor) -> None:
        subject = f"study:{study}"
        audit.record(session, actor, Act.IMAGE_SENT, subject, failed=trouble is not None, **detail)

    if arrived or trouble:
        write(note, run.actor)
