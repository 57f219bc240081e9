"""C-MOVE and C-GET (PS3.4 C.4.2, C.4.3): what is asked for leaves by C-STORE, to a known node or on the same association."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from io import BytesIO
from itertools import count
from typing import TYPE_CHECKING, Any

from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import C_GET, C_MOVE
from pynetdicom.dsutils import encode
from sqlmodel import Session, col, select

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.database import read, write
from mip_app.dimse import admitting, identifiers, leaving, nodes, sending
from mip_app.dimse.answering import (
    CANCELLED,
    CANNOT_PERFORM,
    NO_DESTINATION,
    PENDING,
    SOME_FAILED,
    SUCCESS,
    Exchange,
    answer,
    name_of,
    refuse,
)
from mip_app.dimse.leaving import CannotLeave, Stored
from mip_app.dimse.models import Node
from mip_app.dimse.outgoing import NotReached, Peer, associated
from mip_app.studies import door, tree
from mip_app.studies.models import Instance, Patient, Series, Study
from mip_app.studies.query.asked import Level

if TYPE_CHECKING:
    from mip_app.dimse.association import Association

MOST = 65_535  # sub-operations are counted in 16 bits
WARNED = frozenset({0xB000, 0xB006, 0xB007})


def move(association: "Association", request: C_MOVE, context: Any) -> None:
    answer(
        Exchange(association, request, context), lambda node: node.may_retrieve, Act.IMAGE_RETRIEVED, _move
    )


def get(association: "Association", request: C_GET, context: Any) -> None:
    answer(Exchange(association, request, context), lambda node: node.may_retrieve, Act.IMAGE_RETRIEVED, _get)


def _move(exchange: Exchange, caller: admitting.Caller) -> None:
    title = str(exchange.request.MoveDestination or "").strip()
    asked = identifiers.read(exchange.request.Identifier, exchange.syntax, patient_root=exchange.patient_root)
    peer = read(destination, caller.actor, title, caller.node)
    if peer is None:
        refuse(caller, Act.IMAGE_RETRIEVED, via="C-MOVE", why="dimse.no_destination")
        exchange.respond(NO_DESTINATION)
        return
    items = read(selected, caller.actor, asked)
    _audit(caller, items, via="C-MOVE", to=peer.name)
    numbers = count(1)
    originator = {
        "originator_aet": caller.node.ae_title,
        "originator_id": exchange.request.MessageID,
    }

    def send(pack: Sequence[Stored]) -> Iterator[tuple[Stored, int | None]]:
        pairs = {(item.sop_class_uid, item.transfer_syntax_uid) for item in pack}
        with associated(peer, leaving.contexts_of(pairs)) as made:
            taken = leaving.accepted(made)
            for item in pack:
                if not made.is_established:
                    raise NotReached("dimse.aborted")
                yield item, _put(made, item, taken, msg_id=next(numbers), **originator)

    _perform(exchange, caller, items, send)


def _get(exchange: Exchange, caller: admitting.Caller) -> None:
    asked = identifiers.read(exchange.request.Identifier, exchange.syntax, patient_root=exchange.patient_root)
    items = read(selected, caller.actor, asked)
    _audit(caller, items, via="C-GET")
    made = exchange.association
    taken: dict[str, set[str]] = {}
    for context in made.accepted_contexts:
        if context.as_scu:  # the role that the caller left to us (PS3.7 D.3.3.4)
            taken.setdefault(str(context.abstract_syntax), set()).add(str(context.transfer_syntax[0]))

    def send(pack: Sequence[Stored]) -> Iterator[tuple[Stored, int | None]]:
        for number, item in enumerate(pack, 1):
            yield item, _put(made, item, taken, msg_id=number % MOST + 1)

    _perform(exchange, caller, items, send)


def _put(made: Any, item: Stored, taken: dict[str, set[str]], **more: Any) -> int | None:
    try:
        return leaving.put(made, item, taken, **more)
    except CannotLeave:
        return None


@dataclass
class _Count:
    remaining: int
    failed: list[str] = field(default_factory=list)
    warned: int = 0
    completed: int = 0

    def add(self, item: Stored, status: int | None) -> None:
        self.remaining -= 1
        if status == SUCCESS:
            self.completed += 1
        elif status in WARNED:
            self.warned += 1
        else:
            self.failed.append(item.sop_instance_uid)

    def said(self, *, final: bool) -> dict[str, int]:
        found = {
            "NumberOfFailedSuboperations": len(self.failed),
            "NumberOfWarningSuboperations": self.warned,
            "NumberOfCompletedSuboperations": self.completed,
        }
        return found if final else {"NumberOfRemainingSuboperations": self.remaining, **found}


def _perform(
    exchange: Exchange,
    caller: admitting.Caller,
    items: list[Stored],
    send: Callable[[Sequence[Stored]], Iterator[tuple[Stored, int | None]]],
) -> None:
    counted = _Count(len(items))
    for pack in leaving.packs(items):
        waiting = {item.sop_instance_uid: item for item in pack}
        try:
            for item, status in send(pack):
                waiting.pop(item.sop_instance_uid)
                counted.add(item, status)
                if exchange.over:
                    break
                if exchange.cancelled:
                    counts = counted.said(final=False)
                    exchange.respond(CANCELLED, _failed(exchange, counted.failed), counts=counts)
                    return
                if counted.remaining:
                    exchange.respond(PENDING, counts=counted.said(final=False))
        except NotReached:
            pass
        for item in waiting.values():
            counted.add(item, None)
        if exchange.over:
            break
    if counted.failed or exchange.over:
        _audit(caller, items, failed=len(counted.failed) + counted.remaining)
    status = SUCCESS
    if counted.failed or counted.warned:
        status = SOME_FAILED if counted.completed or counted.warned else CANNOT_PERFORM
    identifier = _failed(exchange, counted.failed) if status != SUCCESS else None
    exchange.respond(status, identifier, counts=counted.said(final=True))


def _failed(exchange: Exchange, uids: list[str]) -> BytesIO:
    dataset = Dataset()
    dataset.FailedSOPInstanceUIDList = uids
    syntax = exchange.syntax
    return BytesIO(encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated) or b"")


@needs(Permission.STUDY_READ)
def destination(session: Session, actor: Actor, title: str, caller: Node) -> Peer | None:
    """The enabled node of the caller's institution with that title; None where there is none, or it is not clear which."""
    found = session.exec(
        select(Node).where(
            Node.institution_id == actor.institution,
            Node.ae_title == title,
            col(Node.disabled).is_(False),
            col(Node.port) > 0,
        )
    ).all()
    itself = [node for node in found if node.id == caller.id]
    if itself:  # where it calls from, should it be registered with a network
        return replaced(Peer.of(itself[0]), address=actor.address if _is_net(caller) else caller.address)
    callable_ = [node for node in found if not _is_net(node)]
    return Peer.of(callable_[0]) if len(callable_) == 1 else None


def _is_net(node: Node) -> bool:
    network = nodes.network_of(node.address)
    return network is not None and network.prefixlen < network.max_prefixlen


@needs(Permission.STUDY_READ)
def selected(session: Session, actor: Actor, asked: identifiers.Identifier) -> list[Stored]:
    """What a retrieval means. Raises NotThisWay."""
    own = asked.keys.get(identifiers.UNIQUE[asked.level], "")
    if not own or any(sign in own for sign in "*?"):
        raise identifiers.NotThisWay("the unique key of the level is needed")
    statement = (
        tree.instances(*sending.COLUMNS)
        .join(Patient, col(Patient.id) == Study.patient_pk)
        .order_by(col(Study.id), *tree.IN_ORDER)
        .limit(MOST + 1)
    )
    columns = {
        Level.PATIENT: Patient.patient_id,
        Level.STUDY: Study.study_uid,
        Level.SERIES: Series.series_uid,
        Level.INSTANCE: Instance.sop_instance_uid,
    }
    for level, column in columns.items():
        values = [value.strip() for value in asked.keys.get(identifiers.UNIQUE[level], "").split("\\")]
        if any(values):
            statement = statement.where(col(column).in_(values))
    found = [Stored(*row) for row in session.execute(door.within(statement, actor))]
    if len(found) > MOST:
        raise identifiers.NotThisWay(f"more than {MOST} instances")
    return found


def _audit(caller: admitting.Caller, items: list[Stored], *, failed: int = 0, **detail: Any) -> None:
    """Before anything leaves: an entry for each study."""
    by_study: dict[str, int] = {}
    for item in items:
        by_study[item.study_uid] = by_study.get(item.study_uid, 0) + 1

    def work(session: Session, actor: Actor) -> None:
        for study, number in by_study.items():
            audit.record(
                session,
                actor,
                Act.IMAGE_RETRIEVED,
                f"study:{study}",
                failed=failed > 0,
                node=name_of(caller.node),
                instances=failed or number,
                **detail,
            )

    if by_study:
        write(work, caller.actor)
