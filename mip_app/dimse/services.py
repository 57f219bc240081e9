"""What an association can be used for: SOP classes, who may propose them, and what answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pydicom.uid import (
    UID,
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE
from pynetdicom.presentation import PresentationContext
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    _STORAGE_CLASSES,
    _VERIFICATION_CLASSES,
    PatientRootQueryRetrieveInformationModelFind,
    PatientRootQueryRetrieveInformationModelGet,
    PatientRootQueryRetrieveInformationModelMove,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from mip_app.dimse import finding, retrieving
from mip_app.dimse.models import Node

# For messages that we have to read or write ourselves.
READABLE = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
STORED = frozenset(str(uid) for uid in AllTransferSyntaxes)


@dataclass(frozen=True, slots=True)
class Service:
    """A service class (PS3.4). `handlers`: pynetdicom's event and the function that answers it."""

    sop_classes: tuple[str, ...]
    allowed: Callable[[Node], bool]
    handlers: tuple[tuple[Any, Callable[..., Any]], ...] = ()
    answers: tuple[
        tuple[type, Callable[..., None]], ...
    ] = ()  # instead of pynetdicom's, by request primitive
    syntaxes: tuple[str, ...] = READABLE


# A service class more is a line here; C-STORE is not among them: it goes past pynetdicom (`messages.py`).
SERVICES: tuple[Service, ...] = (
    Service(tuple(_VERIFICATION_CLASSES.values()), lambda node: True),  # pynetdicom answers C-ECHO itself
    # Whoever may not is told so (0x0124), and it is written down: hence open to every node.
    Service(
        (PatientRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelFind),
        lambda node: True,
        answers=((C_FIND, finding.find),),
    ),
    Service(
        (PatientRootQueryRetrieveInformationModelMove, StudyRootQueryRetrieveInformationModelMove),
        lambda node: True,
        answers=((C_MOVE, retrieving.move),),
    ),
    Service(
        (PatientRootQueryRetrieveInformationModelGet, StudyRootQueryRetrieveInformationModelGet),
        lambda node: True,
        answers=((C_GET, retrieving.get),),
    ),
)
ANSWERS = {kind: work for service in SERVICES for kind, work in service.answers}

_STORAGE = frozenset(str(uid) for uid in _STORAGE_CLASSES.values())


def is_storage(sop_class: str) -> bool:
    """A storage SOP class, a private one, or one the standard got after this was written."""
    uid = UID(sop_class)
    return sop_class in _STORAGE or uid.is_private or uid.name == uid


def offered(
    node: Node, proposed: Iterable[PresentationContext], services: tuple[Service, ...] = SERVICES
) -> list[PresentationContext]:
    """What we accept of what `node` proposes, one context a SOP class.

    Of several transfer syntaxes the one that the caller named first is taken: every one is stored as it comes.
    """
    wanted: dict[str, list[str]] = {}
    for context in proposed:
        known = wanted.setdefault(str(context.abstract_syntax), [])
        known += [str(one) for one in context.transfer_syntax if one not in known]
    made = []
    for sop_class, syntaxes in wanted.items():
        service = next((one for one in services if sop_class in one.sop_classes), None)
        if service is not None:
            takes = frozenset(service.syntaxes) if service.allowed(node) else frozenset()
        else:
            # Where a node may retrieve, it may ask for the other role too: C-GET sends on the same association.
            takes = STORED if is_storage(sop_class) and (node.may_store or node.may_retrieve) else frozenset()
        if found := [one for one in syntaxes if one in takes]:
            context = PresentationContext()
            context.abstract_syntax = sop_class
            context.transfer_syntax = [UID(one) for one in found]
            if service is None and node.may_retrieve:
                context.scu_role, context.scp_role = node.may_store, True
            made.append(context)
    return made
