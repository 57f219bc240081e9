"""Who reads which log, what filters find, and that pages lose and repeat nothing."""

import csv
import io
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from lxml import etree
from sqlmodel import Session, select

from mip_app.accounts import opening
from mip_app.accounts.models import Institution, Role
from mip_app.accounts.recognising import nobody
from mip_app.audit.models import Act, AuditEntry, Kind
from mip_app.auditing import asking, export, trail
from mip_app.auditing.asking import Asked, Days
from mip_app.auditing.export import Format
from mip_app.auditing.reading import PLATFORM_ZONE
from mip_app.core import database
from mip_app.core.actor import Actor, Permission
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotPermitted, NotVisible
from mip_app.core.texts import LANGUAGES, catalogue
from mip_app.ingest.service import take_in
from mip_app.sign_in import password
from mip_app.studies import door
from mip_app.studies.models import Patient, Study
from mip_app.viewer.service import open_study
from tests.audit.conftest import acted
from tests.audit.test_messages import SCHEMA
from tests.images import Made, study

WEEK = Asked(days=Days.WEEK)


@pytest.fixture
def reader(actor) -> Actor:
    return actor(Role.AUDITOR, name="沈计")


def rows(reader: Actor, asked: Asked = WEEK) -> list[trail.Row]:
    """All pages."""
    found, place = [], None
    while True:
        page = database.read(trail.page, reader, asked, place)
        found += page.rows
        if not page.more:
            return found
        place = page.last


def shown(reader: Actor, **asked) -> list[str]:
    return [row["act"] for row in rows(reader, replace(WEEK, **asked))]


def test_each_reads_their_own_log_and_no_other(actor, reader, jn1, qh2):
    elsewhere = actor(Role.REPORTER, institution=qh2)
    acted(elsewhere, 3)
    acted(Actor(None, "联盟", None, frozenset(), alliance_id=1), 2, Act.SIGNED_IN)
    acted(actor(Role.REPORTER), 4)
    permissions = frozenset({Permission.AUDIT_READ})
    readers = {
        "institution": (reader, 4),
        "other": (replace(reader, institution_id=qh2), 3),
        "alliance": (Actor(9, "", None, permissions, alliance_id=1), 2),
        "another alliance": (Actor(9, "", None, permissions, alliance_id=2), 0),
    }
    for name, (who, number) in readers.items():
        assert len(rows(who)) == number, name
    operator = Actor(9, "", None, permissions)
    assert {row["act"] for row in rows(operator)} == {"account.created"}  # by the console


def test_without_the_permission_nothing_is_read_or_exported(actor):
    for role in (Role.REPORTER, Role.REVIEWER, Role.TECHNICIAN, Role.CLINICIAN):
        for service_, more in (
            (trail.page, (WEEK,)),
            (trail.last_proof, ()),
            (export.begin, (WEEK, Format.CSV, "zh")),
        ):
            with pytest.raises(NotPermitted):
                database.write(service_, actor(role), *more)


def test_pages_show_each_entry_once_in_order_while_others_arrive(actor, reader):
    writer = actor(Role.REPORTER)
    acted(writer, 120)
    first = database.read(trail.page, reader, WEEK)
    acted(writer, 10)
    second = database.read(trail.page, reader, WEEK, first.last)
    third = database.read(trail.page, reader, WEEK, second.last)
    ids = [row["id"] for page in (first, second, third) for row in page.rows]
    assert len(ids) == len(set(ids)) == 120
    assert ids == sorted(ids, reverse=True)
    assert not third.more


def test_filters_find_what_they_say(actor, reader):
    lin, he = actor(Role.REPORTER, name="林望舒"), actor(Role.REVIEWER, name="何为")
    acted(lin, 2, Act.REPORT_SAVED)
    acted(lin, 1, Act.SIGNED_IN)
    acted(he, 3, Act.REPORT_SAVED)
    acted(he, 1, Act.STUDY_VIEWED, refused=True)
    acted(he, 1, Act.IMAGE_REFUSED, failed=True)
    acted(Actor(None, "CT-3 号机", lin.institution_id, frozenset()), 2, Act.IMAGE_RECEIVED)
    assert len(shown(reader)) == 10
    assert len(shown(reader, person="林望舒")) == 3
    assert len(shown(reader, person="望")) == 3
    assert shown(reader, person="CT-3 号机") == ["image.received"] * 2
    assert shown(reader, person="nobody") == []
    assert len(shown(reader, act=Act.REPORT_SAVED)) == 5
    assert len(shown(reader, act=Act.REPORT_SAVED, person="何为")) == 3
    assert shown(reader, kind=Kind.USER) == ["account.signed_in"]
    assert len(shown(reader, kind=Kind.STUDY)) == 9
    assert shown(reader, kind=Kind.CONSULTATION) == []
    assert shown(reader, kind=Kind.USER, act=Act.REPORT_SAVED) == []
    assert sorted(shown(reader, failures=True)) == ["image.refused", "study.viewed"]
    assert shown(reader, failures=True, person="林望舒") == []
    assert shown(reader, failures=True, act=Act.STUDY_VIEWED) == ["study.viewed"]


def test_time_is_the_institutions(actor, reader):
    acted(actor(Role.REPORTER), 3)
    today = database.read(trail.page, reader, Asked()).rows
    assert len(today) == 3
    day = utc_now().astimezone(ZoneInfo(PLATFORM_ZONE)).date()
    ranged = Asked(days=Days.RANGE, first=day - timedelta(days=9), last=day - timedelta(days=1))
    assert database.read(trail.page, reader, ranged).rows == []
    assert len(database.read(trail.page, reader, replace(ranged, last=day)).rows) == 3


@pytest.mark.parametrize(
    "sent",
    [
        {"kind": ["x"], "days": 7, "from": "2026-99-99", "to": None, "person": {"a": 1}, "act": "'; --"},
        {"from": "0001-01-01", "to": "9999-12-31", "days": "range"},
        {"person": "%", "study": "%"},
        {"person": "_/" * 500, "study": "1" * 5000},
    ],
)
def test_whatever_is_sent_is_bounded_and_finds_nothing_that_it_should_not(reader, actor, sent):
    acted(actor(Role.REPORTER, name="林望舒"), 1)
    asked = asking.parse(sent)
    assert len(asked.person) <= asking.LONGEST
    found = database.read(trail.page, reader, asked).rows
    assert found == [] if sent.get("study") else len(found) <= 1


@pytest.fixture
def one_study(ingest) -> tuple[str, str]:
    """(study UID, patient ID) of a study that is stored."""
    with Session(database.engine()) as session:
        institution = session.exec(select(Institution.id).where(Institution.code == "JN1")).one()
    gateway = Actor(None, "CT-3", institution, frozenset({Permission.STUDY_UPLOAD}))
    list(take_in(gateway, [Made(data) for data in study("ZHANG^SanFeng=张^三丰", slices=2)]))
    with Session(database.engine()) as session:
        made = session.exec(door.marked(select(Study.study_uid, Patient.patient_id).join(Patient))).one()
    return made[0], made[1]


def test_a_study_is_found_by_its_patients_number_and_no_name_is_shown(reader, jn1, one_study, qh2):
    uid, number = one_study
    found = rows(reader, replace(WEEK, study=number))
    assert [row["act"] for row in found] == ["image.received"]
    assert number in found[0]["study"]
    assert "张" not in str(found) and "ZHANG" not in str(found)
    assert rows(replace(reader, institution_id=qh2), replace(WEEK, study=number)) == []


def test_a_foreign_study_is_refused_as_if_there_were_none_and_the_log_knows(reader, actor, one_study, qh2):
    stranger = actor(Role.REPORTER, institution=qh2, name="方既白")
    answers = []
    for uid in (one_study[0], "1.2.3.4.5"):
        with pytest.raises(NotVisible) as refused:
            database.write(open_study, stranger, uid)
        answers.append((refused.value.code, refused.value.detail))
    assert answers[0] == answers[1]
    found = rows(replace(reader, institution_id=qh2), replace(WEEK, failures=True))
    assert [(row["act"], row["who"], row["result"]) for row in found] == [
        ("study.viewed", "方既白", "refused")
    ] * 2
    assert rows(reader, replace(WEEK, failures=True)) == []


def written(reader: Actor, form: Format, asked: Asked = WEEK) -> tuple[export.Export, bytes]:
    begun = database.write(export.begin, reader, asked, form, "zh")
    return begun, b"".join(export.lines(begun, reader))


def test_csv_holds_what_the_page_shows_and_nothing_a_spreadsheet_would_calculate(reader, actor):
    evil = actor(Role.REPORTER, name='=HYPERLINK("http://evil.example","林")')
    acted(evil, 1200)
    acted(actor(Role.REPORTER, name="line\nline"), 1, Act.REPORT_SAVED, why="@SUM(A1)")
    begun, data = written(reader, Format.CSV)
    assert data.startswith(b"\xef\xbb\xbf")
    found = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert len(found) == begun.entries + 1 == data.count(b"\n") == 1202
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in found for cell in line)
    assert found[1][2].startswith("'=HYPERLINK")
    assert [int(line[0]) for line in found[1:]] == sorted(row["id"] for row in rows(reader))[:1201]
    assert shown(reader, act=Act.AUDIT_EXPORTED) == ["audit.exported"]


def test_the_same_as_dicom_audit_messages(reader, actor, one_study):
    acted(actor(Role.REPORTER, name="<何>"), 2, Act.REPORT_SAVED)
    begun, data = written(reader, Format.DICOM)
    messages = etree.fromstring(data)
    assert len(messages) == begun.entries == 3
    for message in messages:
        SCHEMA.assertValid(message)
    assert (
        messages[0].find(".//Accession") is not None or one_study[1] in etree.tostring(messages[0]).decode()
    )
    assert "张" not in data.decode()


def test_an_export_does_not_say_whom_it_was_about(reader, actor, one_study):
    written(reader, Format.CSV, replace(WEEK, study=one_study[1], person="林望舒"))
    with Session(database.engine()) as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.act == Act.AUDIT_EXPORTED)).one()
    assert one_study[1] not in str(entry.detail) and "林望舒" not in str(entry.detail)
    assert entry.detail["by"] == {"days": "week", "person": "*", "study": "*"}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("10.2.8.41", "10.2.8.41"),
        ("112.17.4.8", "112.**.**.8"),
        ("fe80::1", "fe80::1"),
        ("2409:8a00::7", "2409:**:7"),
        ("", ""),
        ("AE: CT3", "AE: CT3"),
    ],
)
def test_addresses_of_outside_are_masked(address, said):
    assert trail.masked(address) == said


def test_a_failed_sign_in_stands_in_the_log_of_those_whose_account_it_is(reader, actor, qh2):
    database.write(
        opening.open_account,
        opening.CONSOLE,
        "zhou",
        "周知白",
        "a long password",
        Role.REPORTER,
        institution_id=reader.institution_id,
    )
    for tried in ("zhou", "nobody-at-all"):
        stranger = nobody("221.4.5.90")
        database.write(password.refuse, stranger, database.write(password.admit, stranger, tried, ""))
    found = rows(reader)
    assert [(row["act"], row["person"], row["result"]) for row in found] == [
        ("account.sign_in_refused", "周知白", "refused")
    ]
    assert found[0]["who"] == "" and found[0]["address"] == "221.**.**.90"
    operator = Actor(9, "", None, frozenset({Permission.AUDIT_READ}))
    assert shown(operator, failures=True) == ["account.sign_in_refused"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_act_has_a_name(language):
    assert [act for act in Act if f"audit.act.{act}" not in catalogue(language)] == []


@pytest.mark.parametrize("typed", ["zhou", "周知白", "知白", "zhouzhibai", "zzb", "ZZB"])
def test_a_person_is_found_by_account_name_and_pinyin_of_the_own_house_only(reader, typed, qh2):
    for institution, account in ((reader.institution_id, "zhou"), (qh2, "zhou.other")):
        who = database.write(
            opening.open_account,
            opening.CONSOLE,
            account,
            "周知白",
            "a long password",
            Role.REPORTER,
            institution_id=institution,
        )
        acted(Actor(who, "周知白", reader.institution_id, frozenset()), 1)
    assert len(shown(reader, person=typed)) == 1
