"""What leaves as DICOM audit messages is what PS3.15 A.5 says, for every act and whatever names hold."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from mip_app.audit.models import Act, Result
from mip_app.auditing.messages import Entry, event_of, message

SCHEMA = etree.RelaxNG(etree.parse(Path(__file__).with_name("audit-message.rng")))
AT = datetime(2026, 11, 24, 15, 31, 7, 120000, UTC)


def made(act: str, subject: str = "study:1.2.3", **more) -> etree._Element:
    values = {
        "at": AT,
        "user_id": 7,
        "actor": "林望舒",
        "address": "10.2.8.41",
        "result": "done",
        "detail": {"version": 3},
        "accession": "CT20261124031",
        "patient": "0012000001",
    }
    line = message(Entry(act=act, subject=subject, **values | more), "i:1")
    assert "\n" not in line
    element = etree.fromstring(line)
    SCHEMA.assertValid(element)
    return element


def test_the_schema_refuses_what_is_no_audit_message():
    broken = made("study.viewed")
    broken.find("EventIdentification").set("EventOutcomeIndicator", "3")
    assert not SCHEMA.validate(broken)
    broken = made("study.viewed")
    broken.remove(broken.find("AuditSourceIdentification"))
    assert not SCHEMA.validate(broken)


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("subject", ["study:1.2.3", "user:7", "instance:1.2.3.4", "key:3", ""])
def test_every_act_is_a_valid_message(act, subject):
    for result in Result:
        made(act, subject, result=result)
    made(act, subject, accession="", patient="", address="", user_id=None, actor="", detail={})


@pytest.mark.parametrize(
    ("act", "event", "type_", "action"),
    [
        ("account.signed_in", "110114", "110122", "E"),
        ("account.signed_out", "110114", "110123", "E"),
        ("account.sign_in_refused", "110114", "110122", "E"),
        ("audit.exported", "110101", None, "R"),
        ("image.received", "110107", None, "C"),
        ("image.retrieved", "110104", None, "R"),
        ("report.printed", "110106", None, "R"),
        ("study.viewed", "110103", None, "R"),
        ("study.searched", "110112", None, "E"),
        ("account.created", "110113", "110137", "E"),
        ("account.code_refused", "110114", "110122", "E"),
        ("account.passwords_taken", "110106", None, "R"),
        ("department.changed", "110113", "110129", "E"),
        ("role.changed", "110113", "110136", "E"),
    ],
)
def test_acts_are_the_events_of_the_standard(act, event, type_, action):
    found = made(act).find("EventIdentification")
    assert found.find("EventID").attrib == {
        "csd-code": event,
        "codeSystemName": "DCM",
        "originalText": event_of(act).id.meaning,
    }
    types = [code.get("csd-code") for code in found.findall("EventTypeCode")]
    assert types == ([type_] if type_ else [])
    assert found.get("EventActionCode") == action
    assert found.get("EventDateTime") == "2026-11-24T15:31:07.120000Z"


def test_a_view_names_person_study_and_patient():
    found = made("study.viewed")
    person, product = found.findall("ActiveParticipant")
    assert (person.get("UserID"), person.get("UserName")) == ("user:7", "林望舒")
    assert (person.get("UserIsRequestor"), product.get("UserIsRequestor")) == ("true", "false")
    assert (person.get("NetworkAccessPointID"), person.get("NetworkAccessPointTypeCode")) == (
        "10.2.8.41",
        "2",
    )
    study, patient = found.findall("ParticipantObjectIdentification")
    assert (study.get("ParticipantObjectID"), study.find("ParticipantObjectIDTypeCode").get("csd-code")) == (
        "1.2.3",
        "110180",
    )
    assert study.find("ParticipantObjectDescription/Accession").get("Number") == "CT20261124031"
    detail = study.find("ParticipantObjectDetail")
    assert (detail.get("type"), base64.b64decode(detail.get("value"))) == ("version", b"3")
    assert (patient.get("ParticipantObjectID"), patient.get("ParticipantObjectTypeCodeRole")) == (
        "0012000001",
        "1",
    )


@pytest.mark.parametrize("result", [("done", "0"), ("failed", "4"), ("refused", "8")])
def test_the_outcome_is_told(result):
    found = made("study.viewed", result=result[0]).find("EventIdentification")
    assert found.get("EventOutcomeIndicator") == result[1]


@pytest.mark.parametrize("name", ["<script>&\"'", "a\x00b\x1fc", "\ud800", "line\nline", "]]>", "𠮷"])
def test_whatever_a_name_holds_stays_text(name):
    found = made("study.viewed", "study:" + name, actor=name, accession=name, patient=name)
    assert len(found) == 6
