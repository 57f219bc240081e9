"""The nodes of an institution, as its administrator keeps them, and as the console registers them."""

import re
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from mip_app.accounts import entries, opening
from mip_app.accounts.models import Institution
from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core import bus
from mip_app.core.actor import Actor, Permission, needs
from mip_app.core.errors import Conflict, Invalid, NotVisible
from mip_app.dimse import nodes
from mip_app.dimse.models import Node
from mip_app.dimse.outgoing import Peer

NAME = 40  # characters
FLAGS = ("tls", "may_store", "may_query", "may_retrieve")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


class NodeTaken(Conflict):
    code = "node.exists"


class NodeRow(TypedDict):
    key: str
    name: str
    ae_title: str
    address: str
    port: str  # '': it only calls
    tls: bool
    may_store: bool
    may_query: bool
    may_retrieve: bool
    disabled: bool
    seen: str  # in the institution's zone; '': never


def topic(institution_id: int) -> str:
    """What a page that shows an institution's nodes listens to."""
    return f"nodes:{institution_id}"


@needs(Permission.ADMIN_NODES)
def listed(session: Session, actor: Actor) -> list[NodeRow]:
    """Those in use first."""
    found = session.exec(
        select(Node)
        .where(Node.institution_id == actor.institution)
        .order_by(col(Node.disabled), col(Node.name), col(Node.ae_title), col(Node.id))
    )
    zone = ZoneInfo(session.get_one(Institution, actor.institution).time_zone)
    return [_row(node, zone) for node in found]


def _row(node: Node, zone: ZoneInfo) -> NodeRow:
    seen = node.last_seen_at.astimezone(zone).strftime("%Y-%m-%d %H:%M") if node.last_seen_at else ""
    return NodeRow(
        key=str(node.id),
        name=node.name,
        ae_title=node.ae_title,
        address=node.address,
        port=str(node.port or ""),
        tls=node.tls,
        may_store=node.may_store,
        may_query=node.may_query,
        may_retrieve=node.may_retrieve,
        disabled=node.disabled,
        seen=seen,
    )


@needs(Permission.ADMIN_NODES)
def add(session: Session, actor: Actor, form: object) -> int:
    """Raises Invalid, NodeTaken."""
    given = _given(entries.form_of(form))
    return _keep(session, actor, Node(institution_id=actor.institution, **given))


@needs(Permission.ADMIN_NODES)
def register(
    session: Session,
    actor: Actor,
    institution_id: int,
    ae_title: str,
    address: str,
    *,
    name: str = "",
    port: int = 0,
    may_store: bool = True,
    may_query: bool = False,
    may_retrieve: bool = False,
) -> int:
    """From the console; what it may is said, else it may store. Raises Invalid, NodeTaken."""
    opening.at_console(actor)
    if not 0 <= port <= 65535:
        raise Invalid("node.bad_port", field="port")
    node = Node(
        institution_id=institution_id,
        name=name,
        ae_title=nodes.valid_title(ae_title),
        address=nodes.valid_address(address),
        port=port,
        may_store=may_store,
        may_query=may_query,
        may_retrieve=may_retrieve,
    )
    return _keep(session, actor, node)


@needs(Permission.ADMIN_NODES)
def registered(session: Session, actor: Actor) -> list[tuple[Node, str]]:
    """For the console: every node with the code of its institution."""
    opening.at_console(actor)
    statement = select(Node, Institution.code).join(Institution, col(Institution.id) == Node.institution_id)
    return list(session.exec(statement.order_by(Institution.code, Node.ae_title, Node.address)).all())


def _keep(session: Session, actor: Actor, node: Node) -> int:
    _refuse_taken(session, node)
    session.add(node)
    session.flush()
    _told(session, actor, Act.NODE_ADDED, node)
    return node.id or 0


@needs(Permission.ADMIN_NODES)
def change(session: Session, actor: Actor, key: object, form: object) -> None:
    """Raises NotVisible, Invalid, NodeTaken."""
    node, given = _found(session, actor, key), _given(entries.form_of(form))
    changed = [name for name, value in given.items() if getattr(node, name) != value]
    if not changed:
        return
    with session.no_autoflush:
        for name in changed:
            setattr(node, name, given[name])
        _refuse_taken(session, node)
    _told(session, actor, Act.NODE_CHANGED, node, changed=changed)


@needs(Permission.ADMIN_NODES)
def set_disabled(session: Session, actor: Actor, key: object, disabled: bool) -> None:
    """A disabled one neither calls nor is called. Raises NotVisible."""
    node = _found(session, actor, key)
    if node.disabled != bool(disabled):
        node.disabled = bool(disabled)
        _told(session, actor, Act.NODE_CHANGED, node, disabled=bool(disabled))


@needs(Permission.ADMIN_NODES)
def remove(session: Session, actor: Actor, key: object) -> None:
    """What was to be sent to it is not sent any more. Raises NotVisible."""
    node = _found(session, actor, key)
    session.delete(node)
    _told(session, actor, Act.NODE_REMOVED, node)


@needs(Permission.ADMIN_NODES)
def to_test(session: Session, actor: Actor, key: object) -> Peer:
    """For C-ECHO. Raises NotVisible."""
    return Peer.of(_found(session, actor, key))


def _found(session: Session, actor: Actor, key: object) -> Node:
    node = session.get(Node, entries.key(key))
    if node is None or node.institution_id != actor.institution:
        raise NotVisible("node.not_found")
    return node


def _told(session: Session, actor: Actor, act: Act, node: Node, **detail: Any) -> None:
    name = f"{node.name} · {node.ae_title}" if node.name else node.ae_title
    scope = audit.institution_scope(node.institution_id)  # the console has none of its own
    audit.record(
        session, actor, act, f"node:{node.id}", scope=scope, name=f"{name} · {node.address}", **detail
    )
    bus.touch(session, topic(node.institution_id))


def _given(form: dict[str, object]) -> dict[str, Any]:
    """What was typed and ticked. Raises Invalid, of the first line that is wrong."""
    name = entries.line(form, "node_name", NAME)
    title = nodes.valid_title(entries.line(form, "ae_title", 100, required=True))
    address, port = _address(form), _port(form)
    network = nodes.network_of(address)
    if port and network is not None and network.prefixlen < network.max_prefixlen:
        raise Invalid("node.port_of_network", field="port")
    if network is None and not port:
        raise Invalid("node.host_only_called", field="address")
    return {
        "name": name,
        "ae_title": title,
        "address": address,
        "port": port,
        **{flag: bool(form.get(flag)) for flag in FLAGS},
    }


def _address(form: dict[str, object]) -> str:
    """An IP address, a network, or the name of a host that is only called. Raises Invalid."""
    text = entries.line(form, "address", 253, required=True).lower()
    if nodes.network_of(text) is None and _HOST.fullmatch(text) and not text.replace(".", "").isdigit():
        return text
    return nodes.valid_address(text)


def _port(form: dict[str, object]) -> int:
    """0 where none is given. Raises Invalid."""
    text = entries.line(form, "port", 10)
    if text and not (text.isascii() and text.isdigit() and 0 < int(text) <= 65535):
        raise Invalid("node.bad_port", field="port")
    return int(text or 0)


def _refuse_taken(session: Session, node: Node) -> None:
    """Callers are once in the whole installation, whoever is called only is once an institution."""
    same = select(Node).where(
        Node.ae_title == node.ae_title, Node.address == node.address, col(Node.id) != (node.id or 0)
    )
    for other in session.exec(same):
        if other.institution_id == node.institution_id:
            raise NodeTaken(field="ae_title")
        if other.calls and node.calls:
            raise NodeTaken("node.calls_elsewhere", field="ae_title")
