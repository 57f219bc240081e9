"""Who may open an association, and what is written down when somebody may not."""

import time
from dataclasses import dataclass

from sqlmodel import Session

from mip_app.audit import looks
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor, Open, Permission, needs
from mip_app.core.addresses import household
from mip_app.core.database import read, write
from mip_app.core.settings import settings
from mip_app.dimse import nodes
from mip_app.dimse.models import Node

REFUSALS_A_MINUTE = 60  # most that one process writes down: titles are free to invent

Rejection = tuple[int, int, int]  # result, source, reason (PS3.8 table 9-21)
NOT_OURS: Rejection = (1, 1, 7)  # permanent: called AE title not recognized
UNKNOWN: Rejection = (1, 1, 3)  # permanent: calling AE title not recognized
FULL: Rejection = (2, 3, 2)  # transient: local limit exceeded
FAILED: Rejection = (2, 3, 1)  # transient: temporary congestion

WHY = {NOT_OURS: "association.called", UNKNOWN: "association.unknown"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end of an association."""

    node: Node
    actor: Actor
    found_at: float  # monotonic: what was allowed then may not be now


def caller(ae_title: str, address: str) -> Caller | None:
    """As of now; None: nobody we know."""
    node = read(_calling, _stranger(ae_title, address), ae_title, address)
    if node is None:
        return None
    may = {Permission.STUDY_UPLOAD} if node.may_store else set()
    if node.may_query or node.may_retrieve:
        may.add(Permission.STUDY_READ)
    name = f"node:{node.ae_title}"
    actor = Actor(None, name, node.institution_id, frozenset(may), address=address, own_only=True)
    return Caller(node, actor, time.monotonic())


def _calling(session: Session, _actor: Actor, ae_title: str, address: str) -> Node | None:
    return nodes.calling(session, ae_title, address)


def admit(calling: str, called: str, address: str) -> Caller | Rejection:
    """Whoever is known may come in when it means us. What it may do then is up to its node."""
    found = caller(calling, address)
    if called != settings().dimse_ae_title.strip():
        return _refuse(found.actor if found else _stranger(calling, address), NOT_OURS)
    if found is None:
        return _refuse(_stranger(calling, address), UNKNOWN)
    write(_seen, found.actor, found.node.id or 0)
    return found


def _seen(session: Session, _actor: Actor, node_id: int) -> None:
    nodes.seen(session, node_id)


def _stranger(ae_title: str, address: str) -> Actor:
    shown = "".join(sign for sign in ae_title[:16] if sign.isascii() and sign.isprintable())
    return Actor(None, f"node:{shown}", None, frozenset(), address=address)


def _refuse(actor: Actor, rejection: Rejection) -> Rejection:
    """Written down once a minute for a title and address, or a scan would fill the trail."""
    what = f"{Act.ASSOCIATION_REFUSED}:{household(actor.address)}"
    if looks.begins(actor, what, within=60) and _budget.allows():
        try:
            write(refused, actor, WHY[rejection])
        except Exception:
            looks.forget(actor, what)
            raise
    return rejection


@needs(Open.TO_ALL)
def refused(session: Session, actor: Actor, why: str) -> None:
    """An association was refused: in the log of the institution whose node called, else in the platform's."""
    audit.record(session, actor, Act.ASSOCIATION_REFUSED, refused=True, why=why)


class _Budget:
    """At most so many in a minute; good enough without a lock."""

    def __init__(self, most: int) -> None:
        self.most, self.minute, self.used = most, 0, 0

    def allows(self) -> bool:
        minute = int(time.monotonic() // 60)
        if minute != self.minute:
            self.minute, self.used = minute, 0
        self.used += 1
        return self.used <= self.most


_budget = _Budget(REFUSALS_A_MINUTE)
