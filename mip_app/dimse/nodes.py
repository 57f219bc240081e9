"""Which applications we know: who is calling, by its title together with its address."""

import ipaddress
from datetime import timedelta

from sqlalchemy import update
from sqlmodel import Session, col, or_, select

from mip_app.accounts.models import Alliance, Institution
from mip_app.core.clock import utc_now
from mip_app.core.errors import Invalid
from mip_app.dimse.models import Node

SEEN_EVERY = timedelta(minutes=1)  # how exactly it is known when a node was last seen

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def calling(session: Session, ae_title: str, address: str) -> Node | None:
    """The node that calls by this title from this IP address; None: nobody we know.

    Those that may do something here go first. The narrowest network that the address is in decides. Two that are as
    narrow would be a guess whose images these are: nobody, then. Disabled nodes, institutions and alliances do not count.
    """
    found = _ip(address)
    if found is None:
        return None
    fits: list[tuple[bool, int, Node]] = []
    for node in session.exec(_ENABLED.where(Node.ae_title == ae_title)).all():
        network = network_of(node.address)
        if network is not None and found in network:
            fits.append((node.calls, network.prefixlen, node))
    first = max((fit[:2] for fit in fits), default=None)
    nodes = [fit[2] for fit in fits if fit[:2] == first]
    return nodes[0] if len(nodes) == 1 else None


_ENABLED = (
    select(Node)
    .join(Institution, col(Institution.id) == Node.institution_id)
    .join(Alliance, col(Alliance.id) == Institution.alliance_id)
    .where(
        col(Node.disabled).is_(False), col(Institution.disabled).is_(False), col(Alliance.disabled).is_(False)
    )
)


def network_of(address: str) -> Network | None:
    """What a node's address stands for; None for a host name, which nobody can call from."""
    try:
        return ipaddress.ip_network(address, strict=False)
    except ValueError:
        return None


def _ip(address: str) -> Address | None:
    """An IPv4 address that came through an IPv6 socket is itself."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def seen(session: Session, node_id: int) -> None:
    """Note that a node has called; at most once a minute."""
    now = utc_now()
    before = or_(col(Node.last_seen_at).is_(None), col(Node.last_seen_at) < now - SEEN_EVERY)
    session.execute(update(Node).where(col(Node.id) == node_id, before).values(last_seen_at=now))


def valid_title(given: str) -> str:
    """An AE title (PS3.5 table 6.2-1), without the spaces that do not count. Raises Invalid."""
    title = given.strip(" ")
    if not 1 <= len(title) <= 16 or "\\" in title or not (title.isascii() and title.isprintable()):
        raise Invalid("node.bad_title", field="ae_title")
    return title


def valid_address(given: str) -> str:
    """An IP address or a network, in the one way to write it. Raises Invalid."""
    network = network_of(given.strip())
    if network is None:
        raise Invalid("node.bad_address", field="address")
    alone = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if alone else str(network)
