"""Query/Retrieve requests: who asks is looked up anew, what they may is checked, and what is refused written down.

pynetdicom's own service classes send data sets that are in memory and count inside; these answer request by request.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE
from sqlmodel import Session

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor
from mip_app.core.database import write
from mip_app.core.errors import MipError
from mip_app.core.logs import note
from mip_app.dimse import admitting
from mip_app.dimse.identifiers import NotThisWay
from mip_app.dimse.models import Node

if TYPE_CHECKING:
    from mip_app.dimse.association import Association

Request = C_FIND | C_MOVE | C_GET

SUCCESS, PENDING, PENDING_UNSUPPORTED, CANCELLED = 0x0000, 0xFF00, 0xFF01, 0xFE00
NOT_AUTHORISED, WRONG_IDENTIFIER, CANNOT_PROCESS = 0x0124, 0xA900, 0xC000
NO_RESOURCES, CANNOT_PERFORM, NO_DESTINATION, SOME_FAILED = 0xA700, 0xA702, 0xA801, 0xB000
COMMENT_MOST = 64  # Error Comment is a LO


class Exchange:
    """One request on an association, and the responses to it."""

    def __init__(self, association: "Association", request: Request, context: Any) -> None:
        self.association, self.context = association, context
        self.request: Any = request
        self.syntax = context.transfer_syntax[0]
        self.patient_root = "5.1.4.1.2.1." in str(context.abstract_syntax)

    @property
    def cancelled(self) -> bool:
        return self.request.MessageID in self.association.dimse.cancel_req

    @property
    def over(self) -> bool:
        """Whether nobody listens any more."""
        return not self.association.is_established

    def respond(
        self,
        status: int,
        identifier: Any = None,
        *,
        comment: str = "",
        counts: Mapping[str, int] | None = None,
    ) -> None:
        response: Any = type(self.request)()
        response.MessageIDBeingRespondedTo = self.request.MessageID
        response.AffectedSOPClassUID = self.request.AffectedSOPClassUID
        response.Status = status
        if identifier is not None:
            response.Identifier = identifier
        if comment:
            response.ErrorComment = comment[:COMMENT_MOST]
        for name, value in (counts or {}).items():
            setattr(response, name, value)
        if not self.over:
            self.association.dimse.send_msg(response, self.context.context_id)


def answer(
    exchange: Exchange,
    allowed: Callable[[Node], bool],
    act: Act,
    work: Callable[[Exchange, admitting.Caller], None],
) -> None:
    """Every request has a final response, whatever happens."""
    known = exchange.association.caller
    assert known is not None
    try:
        caller = admitting.caller(known.node.ae_title, known.actor.address)
        if caller is None or not allowed(caller.node):
            refuse(caller or known, act)
            exchange.respond(NOT_AUTHORISED)
            return
        work(exchange, caller)
    except NotThisWay as error:
        exchange.respond(WRONG_IDENTIFIER, comment=str(error))
    except MipError as error:
        exchange.respond(CANNOT_PROCESS if error.status < 500 else NO_RESOURCES, comment=error.code)
    except Exception as error:
        exchange.respond(CANNOT_PROCESS, comment=f"unexpected {note(error)}")


def refuse(caller: admitting.Caller, act: Act, **detail: Any) -> None:
    """In the log of the node's institution."""

    def work(session: Session, actor: Actor) -> None:
        audit.record(session, actor, act, refused=True, node=name_of(caller.node), **detail)

    write(work, caller.actor)


def name_of(node: Node) -> str:
    return f"{node.name} ({node.ae_title})" if node.name else node.ae_title
