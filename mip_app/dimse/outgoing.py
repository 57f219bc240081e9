"""Associations that we open (PS3.8): only to registered nodes, never to this machine or to metadata services."""

import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pynetdicom import AE, _config, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext

from mip_app.core.errors import MipError
from mip_app.core.settings import settings
from mip_app.dimse.models import Node

MAX_PDU = 131_072
# Files leave as they are, read piece by piece; and what is asked or answered names patients: never in a log.
_config.STORE_SEND_CHUNKED_DATASET = True
_config.LOG_HANDLER_LEVEL = "none"
_config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False

# Local: this machine itself, and 169.254.169.254 and its like, where clouds keep their secrets.
_NOT_OUTGOING = [ipaddress.ip_network(n) for n in ("127.0.0.0/8", "0.0.0.0/8", "169.254.0.0/16", "fe80::/10")]
# Rejections (PS3.8 table 9-21) that say what is wrong, by source and reason.
_REJECTED = {
    (1, 3): "dimse.rejected_calling",
    (1, 7): "dimse.rejected_called",
    (3, 1): "dimse.rejected_busy",
    (3, 2): "dimse.rejected_busy",
}


class NotReached(MipError):
    """No association; `code` says why."""

    code = "dimse.unreachable"
    status: ClassVar[int] = 502


@dataclass(frozen=True, slots=True)
class Peer:
    """A registered node, as far as calling it goes."""

    id: int
    institution_id: int
    name: str
    ae_title: str
    address: str
    port: int
    tls: bool

    @classmethod
    def of(cls, node: Node) -> "Peer":
        return cls(
            node.id or 0,
            node.institution_id,
            node.name or node.ae_title,
            node.ae_title,
            node.address,
            node.port,
            node.tls,
        )


def where(address: str, port: int) -> str:
    """The IP address to connect to: looked up once, so that what was checked is what is called. Raises NotReached."""
    try:
        found = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotReached("dimse.no_such_host") from None
    host = str(found[0][4][0])
    ip = ipaddress.ip_address(host.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    here = ip.is_loopback or ip.is_unspecified or ip.is_multicast or any(ip in net for net in _NOT_OUTGOING)
    if here and not settings().dimse_local_nodes:
        raise NotReached("dimse.forbidden_address")
    return host


@contextlib.contextmanager
def associated(
    peer: Peer, contexts: Sequence[PresentationContext], *, seconds: float | None = None
) -> Iterator[Association]:
    """An association with a node, released at the end. Raises NotReached."""
    if not peer.port:
        raise NotReached("dimse.no_port")
    host, limit = where(peer.address, peer.port), seconds or settings().dimse_send_seconds
    entity = AE(ae_title=settings().dimse_ae_title)
    entity.maximum_pdu_size = MAX_PDU
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = limit
    entity.connection_timeout = min(limit, 10)
    opened: list[bool] = []

    def at_once(event: evt.Event) -> None:
        opened.append(True)
        with contextlib.suppress(OSError, AttributeError):
            event.assoc.dul.socket.socket.setsockopt(  # type: ignore[union-attr]
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
            )

    more: dict[str, Any] = {"tls_args": (_tls(), peer.address)} if peer.tls else {}
    made = entity.associate(
        host,
        peer.port,
        contexts=list(contexts),
        ae_title=peer.ae_title,
        max_pdu=MAX_PDU,
        evt_handlers=[(evt.EVT_CONN_OPEN, at_once)],
        **more,
    )
    if not made.is_established:
        raise NotReached(_why(made, bool(opened), peer.tls))
    try:
        yield made
    finally:
        if made.is_established:
            made.release()


def _tls() -> ssl.SSLContext:
    """Peers are verified by MIP_DIMSE_TLS_CA, else by what this machine trusts; ours is shown where there is one."""
    context = ssl.create_default_context(cafile=settings().dimse_tls_ca or None)
    context.check_hostname = False  # certificates of modalities name the device, seldom its address
    if settings().dimse_tls_cert:
        context.load_cert_chain(settings().dimse_tls_cert, settings().dimse_tls_key or None)
    return context


def _why(made: Association, opened: bool, tls: bool) -> str:
    if made.is_rejected:
        answer = made.acceptor.primitive
        return _REJECTED.get(
            (getattr(answer, "result_source", 0), getattr(answer, "diagnostic", 0)), "dimse.rejected"
        )
    if not opened:
        return "dimse.tls_failed" if tls else "dimse.unreachable"
    return "dimse.nothing_accepted" if not made.accepted_contexts and made.is_aborted else "dimse.aborted"
