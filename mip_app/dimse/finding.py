"""C-FIND (PS3.4 C.4.1): patient root and study root, hierarchical."""

from typing import TYPE_CHECKING, Any

from pydicom.datadict import keyword_for_tag
from pynetdicom.dimse_primitives import C_FIND
from sqlmodel import Session

from mip_app.audit import service as audit
from mip_app.audit.models import Act
from mip_app.core.actor import Actor
from mip_app.core.database import read, write
from mip_app.core.settings import settings
from mip_app.dimse import admitting, identifiers
from mip_app.dimse.answering import (
    CANCELLED,
    NO_RESOURCES,
    PENDING,
    PENDING_UNSUPPORTED,
    SUCCESS,
    Exchange,
    answer,
    name_of,
)
from mip_app.studies.query import service as query
from mip_app.studies.query.asked import Level
from mip_app.studies.query.attributes import BY_TAG, OF_SERIES, OF_STUDY, above

if TYPE_CHECKING:
    from mip_app.dimse.association import Association


def find(association: "Association", request: C_FIND, context: Any) -> None:
    answer(Exchange(association, request, context), lambda node: node.may_query, Act.STUDY_SEARCHED, _find)


def _find(exchange: Exchange, caller: admitting.Caller) -> None:
    asked = identifiers.read(exchange.request.Identifier, exchange.syntax, patient_root=exchange.patient_root)
    wanted = asked.asked(settings().dimse_find_most)
    found = read(query.find, caller.actor, wanted)
    by = [keyword_for_tag(tag[-8:]) or tag for tag in wanted.match]

    def searched(session: Session, actor: Actor) -> None:
        audit.record(
            session,
            actor,
            Act.STUDY_SEARCHED,
            by=by,
            node=name_of(caller.node),
            via="C-FIND",
            found=len(found.rows),
        )

    write(searched, caller.actor)
    odd = bool(found.ignored) or not _supported(asked)
    for row in found.rows:
        if exchange.cancelled:
            exchange.respond(CANCELLED)
            return
        if exchange.over:
            return
        exchange.respond(
            PENDING_UNSUPPORTED if odd else PENDING, identifiers.written(row, asked, exchange.syntax)
        )
    if found.more:
        exchange.respond(
            NO_RESOURCES, comment=f"more than {settings().dimse_find_most} matches: narrow it down"
        )
    else:
        exchange.respond(SUCCESS)


def _supported(asked: identifiers.Identifier) -> bool:
    """Whether every key is known at the level (PS3.4 C.4.1.1.4: 0xFF01 where an optional one is not)."""
    if asked.level is Level.INSTANCE:
        return True  # whatever the header of an instance has
    known = {attribute.tag.partition(".")[0] for attribute in above(asked.level)}
    known |= {Level.PATIENT: frozenset(), Level.STUDY: OF_STUDY, Level.SERIES: OF_SERIES}[asked.level]
    if asked.level is Level.STUDY:
        known.add("00080060")  # asked of a study it means the modalities in it
    return all(tag in BY_TAG or tag.partition(".")[0] in known for tag in asked.keys)
