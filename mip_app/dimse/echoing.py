"""Whether a node answers (C-ECHO, PS3.4 annex A)."""

import time
from dataclasses import dataclass

from pynetdicom import build_context
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from mip_app.dimse.outgoing import NotReached, Peer, associated

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Echo:
    """`code` is a key of the catalogue; `milliseconds` from the first packet to the answer."""

    code: str
    milliseconds: int

    @property
    def good(self) -> bool:
        return self.code == "dimse.echo_good"


def echo(peer: Peer) -> Echo:
    """Blocks for at most about ten seconds."""
    begun = time.monotonic()
    try:
        with associated(peer, [build_context(Verification)], seconds=SECONDS / 2) as made:
            answer = made.send_c_echo()
            status = getattr(answer, "Status", None)
    except NotReached as error:
        return Echo(error.code, _since(begun))
    if status is None:
        return Echo("dimse.no_answer", _since(begun))
    return Echo("dimse.echo_good" if status == 0 else "dimse.echo_bad", _since(begun))


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1000)
