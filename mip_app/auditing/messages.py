"""Entries as DICOM audit messages (PS3.15 A.5, as IHE ATNA has them). Pure: plain values in, one element out.

The schema is A.5.1.1; what the tables of A.5.3 ask of each event is in EVENTS.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, tostring

DCM, RFC = "DCM", "RFC-3881"


@dataclass(frozen=True, slots=True)
class Code:
    value: str
    meaning: str
    system: str = DCM


@dataclass(frozen=True, slots=True)
class Event:
    """Event ID, action (C R U D E), event type; `source`: whether the product gives (True), takes (False), or neither."""

    id: Code
    action: str
    type: Code | None = None
    source: bool | None = None


ACTIVITY = Code("110100", "Application Activity")
LOG_USED = Code("110101", "Audit Log Used")
ACCESSED = Code("110103", "DICOM Instances Accessed")
SENDING = Code("110102", "Begin Transferring DICOM Instances")
TRANSFERRED = Code("110104", "DICOM Instances Transferred")
EXPORT = Code("110106", "Export")
IMPORT = Code("110107", "Import")
QUERY = Code("110112", "Query")
ALERT = Code("110113", "Security Alert")
AUTHENTICATION = Code("110114", "User Authentication")
LOGIN, LOGOUT = Code("110122", "Login"), Code("110123", "Logout")
SECURITY_CONFIGURATION = Code("110129", "Security Configuration")
NODE_AUTHENTICATION = Code("110126", "Node Authentication")
RESTRICTED = Code("110132", "Use of Restricted Function")
ROLES_CHANGED = Code("110136", "Security Roles Changed")
USER_CHANGED = Code("110137", "User Security Attributes Changed")
SOURCE, DESTINATION = Code("110153", "Source Role ID"), Code("110152", "Destination Role ID")
STUDY_UID = Code("110180", "Study Instance UID")
PATIENT_NUMBER = Code("2", "Patient Number", RFC)
USER_IDENTIFIER = Code("11", "User Identifier", RFC)
URI = Code("12", "URI", RFC)

EVENTS: dict[str, Event] = {
    "account.signed_in": Event(AUTHENTICATION, "E", LOGIN),
    "account.sign_in_refused": Event(AUTHENTICATION, "E", LOGIN),
    "account.second_factor_given": Event(AUTHENTICATION, "E", LOGIN),
    "account.second_factor_refused": Event(AUTHENTICATION, "E", LOGIN),
    "account.code_sent": Event(AUTHENTICATION, "E", LOGIN),
    "account.code_refused": Event(AUTHENTICATION, "E", LOGIN),
    "account.password_refused": Event(AUTHENTICATION, "E", LOGIN),
    "account.session_ended": Event(AUTHENTICATION, "E", LOGOUT),
    "account.sign_in_approved": Event(AUTHENTICATION, "E", LOGIN),
    "account.sign_in_declined": Event(AUTHENTICATION, "E", LOGIN),
    "account.signed_out": Event(AUTHENTICATION, "E", LOGOUT),
    "account.list_exported": Event(EXPORT, "R", source=True),
    "account.passwords_taken": Event(EXPORT, "R", source=True),
    "account.list_imported": Event(IMPORT, "C", source=False),
    "association.refused": Event(ALERT, "E", NODE_AUTHENTICATION),
    "audit.exported": Event(LOG_USED, "R"),
    "audit.verified": Event(LOG_USED, "R"),
    "audit.anchored": Event(ALERT, "E", SECURITY_CONFIGURATION),
    "data.repaired": Event(ALERT, "E", RESTRICTED),
    "data.erased": Event(ACCESSED, "D"),
    "image.received": Event(IMPORT, "C", source=False),
    "image.refused": Event(IMPORT, "C", source=False),
    "image.retrieved": Event(TRANSFERRED, "R", source=True),
    "image.sent": Event(TRANSFERRED, "R", source=True),
    "report.printed": Event(EXPORT, "R", source=True),
    "study.sending_asked": Event(SENDING, "E", source=True),
    "study.granted": Event(ALERT, "E", RESTRICTED),
    "study.grant_withdrawn": Event(ALERT, "E", RESTRICTED),
    "study.searched": Event(QUERY, "E", source=True),
    "study.viewed": Event(ACCESSED, "R"),
    "report.viewed": Event(ACCESSED, "R"),
}
# For acts that are not named above, by the thing they are done to.
_OTHERS = {
    "account": Event(ALERT, "E", USER_CHANGED),
    "alliance": Event(ALERT, "E", SECURITY_CONFIGURATION),
    "api_key": Event(ALERT, "E", SECURITY_CONFIGURATION),
    "data": Event(ACCESSED, "U"),
    "department": Event(ALERT, "E", SECURITY_CONFIGURATION),
    "institution": Event(ALERT, "E", SECURITY_CONFIGURATION),
    "node": Event(ALERT, "E", SECURITY_CONFIGURATION),
    "report": Event(ACCESSED, "U"),
    "role": Event(ALERT, "E", ROLES_CHANGED),
    "share": Event(EXPORT, "R", source=True),
    "study": Event(ACCESSED, "U"),
}
_ANY = Event(ACTIVITY, "E")
OUTCOME = {"done": "0", "refused": "8", "failed": "4"}
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    user_id: int | None
    actor: str
    address: str
    act: str
    subject: str
    result: str
    detail: Mapping[str, object]
    accession: str = ""
    patient: str = ""


def event_of(act: str) -> Event:
    return EVENTS.get(act) or _OTHERS.get(act.split(".")[0], _ANY)


def message(entry: Entry, site: str) -> str:
    """One `AuditMessage`, on one line. `site`: whose log it stands in."""
    event = event_of(entry.act)
    root = Element("AuditMessage")
    _event(root, event, entry)
    _person(root, event, entry)
    _product(root, event)
    source = SubElement(root, "AuditSourceIdentification", AuditEnterpriseSiteID=site, AuditSourceID="MIP")
    SubElement(source, "AuditSourceTypeCode", {"csd-code": "4"})
    _objects(root, event, entry)
    return tostring(root, encoding="unicode").replace("\n", "&#10;")


def _event(root: Element, event: Event, entry: Entry) -> None:
    made = SubElement(
        root,
        "EventIdentification",
        EventActionCode=event.action,
        EventDateTime=entry.at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        EventOutcomeIndicator=OUTCOME.get(entry.result, "4"),
    )
    _code(made, "EventID", event.id)
    if event.type:
        _code(made, "EventTypeCode", event.type)
    elif event.id is ALERT:
        _code(made, "EventTypeCode", RESTRICTED)
    SubElement(made, "EventOutcomeDescription").text = entry.act


def _person(root: Element, event: Event, entry: Entry) -> None:
    known = f"user:{entry.user_id}" if entry.user_id else entry.actor or "unknown"
    who = {"UserID": _text(known), "UserName": _text(entry.actor), "UserIsRequestor": "true"}
    if entry.address:
        who |= {"NetworkAccessPointID": _text(entry.address), "NetworkAccessPointTypeCode": "2"}
    participant = SubElement(root, "ActiveParticipant", who)
    if event.source is not None:
        _code(participant, "RoleIDCode", DESTINATION if event.source else SOURCE)


def _product(root: Element, event: Event) -> None:
    participant = SubElement(root, "ActiveParticipant", UserID="MIP", UserIsRequestor="false")
    if event.source is not None:
        _code(participant, "RoleIDCode", SOURCE if event.source else DESTINATION)
    elif event.id is ACTIVITY:
        _code(participant, "RoleIDCode", Code("110150", "Application"))


def _objects(root: Element, event: Event, entry: Entry) -> None:
    kind, _, identifier = entry.subject.partition(":")
    if event.id is LOG_USED:
        log = _object(root, "audit", "2", "13", URI, "Security Audit Log")
        _detail(log, entry)
    elif kind == "study":
        study = _object(root, identifier, "2", "3", STUDY_UID, entry.accession or identifier)
        _detail(study, entry)
        if entry.accession:
            described = SubElement(study, "ParticipantObjectDescription")
            SubElement(described, "Accession", Number=_text(entry.accession))
        if entry.patient:
            _object(root, entry.patient, "1", "1", PATIENT_NUMBER, entry.patient)
    elif event.id is QUERY:
        asked = json.dumps(dict(entry.detail), sort_keys=True)
        _object(root, "QIDO-RS", "2", "24", Code("10", "Search Criteria", RFC), "", query=asked)
    elif kind == "user":
        _detail(_object(root, entry.subject, "1", "6", USER_IDENTIFIER, entry.subject), entry)
    elif entry.subject:
        _detail(_object(root, entry.subject, "2", "4", URI, entry.subject), entry)
    elif entry.detail:
        _detail(_object(root, entry.act, "2", "20", URI, entry.act), entry)


def _object(
    root: Element, identifier: str, kind: str, role: str, code: Code, name: str, query: str = ""
) -> Element:
    made = SubElement(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=_text(identifier),
        ParticipantObjectTypeCode=kind,
        ParticipantObjectTypeCodeRole=role,
    )
    _code(made, "ParticipantObjectIDTypeCode", code)
    if query:
        SubElement(made, "ParticipantObjectQuery").text = _base64(query)
    else:
        SubElement(made, "ParticipantObjectName").text = _text(name)
    return made


def _detail(about: Element, entry: Entry) -> None:
    for name, value in sorted(entry.detail.items()):
        if value not in (None, ""):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            SubElement(about, "ParticipantObjectDetail", type=_text(name), value=_base64(text))


def _code(parent: Element, name: str, code: Code) -> None:
    coded = {"csd-code": code.value, "codeSystemName": code.system, "originalText": code.meaning}
    SubElement(parent, name, coded)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


def _text(text: str) -> str:
    return NOT_XML.sub("\ufffd", text)
