"""The list of studies: every row once whatever the order, what the filters promise, and nobody else's patients."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import Session

from mip_app.accounts.models import Role
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.database import read, write
from mip_app.core.errors import NotPermitted
from mip_app.dicom.names import search_keys
from mip_app.studies import worklist
from mip_app.studies.filters import Days, Filters, Sort
from mip_app.studies.models import Patient, PatientKey, Study

ZONE = ZoneInfo("Asia/Shanghai")


def _add(session: Session, actor: Actor, name: str, number: str, **study: object) -> str:
    patient = Patient(institution_id=actor.institution, patient_id=number, name=name, person_name=name)
    session.add(patient)
    session.flush()
    for key in {*search_keys(name), number.lower()}:
        session.add(PatientKey(patient_id=patient.id or 0, key=key, institution_id=actor.institution))
    at = study.pop("at", None) or utc_now()
    uid = f"2.25.{random.getrandbits(96)}"
    row = {"studied_at": at, "study_date": at.date(), "received_at": at, "patient_pk": patient.id} | study
    session.add(Study(institution_id=actor.institution, study_uid=uid, **row))
    return uid


def add(actor: Actor, name: str = "张三", number: str = "001", **study: object) -> str:
    """A study of a patient of its own; `at` is its time."""
    return write(_add, actor, name, number, **study)


def found(actor: Actor, **filters: object) -> list[str]:
    return [row["uid"] for row in read(worklist.page, actor, Filters(**filters)).rows]


@pytest.fixture
def doctor(actor: Callable[..., Actor]) -> Actor:
    return actor(Role.REVIEWER)


@pytest.fixture
def thirty(doctor: Actor) -> list[str]:
    """Thirty studies; several share a time, a third has a print time, some share that."""
    start = utc_now() - timedelta(days=40)
    return [
        add(
            doctor,
            number=f"{n:03}",
            at=start + timedelta(hours=n // 3),
            printed_at=start + timedelta(days=1, hours=n // 9) if n % 3 == 0 else None,
        )
        for n in range(30)
    ]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("sort", list(Sort))
def test_paging_shows_every_study_once_both_ways(
    doctor: Actor, thirty: list[str], sort: Sort, newest_first: bool
) -> None:
    filters = Filters(sort=sort, newest_first=newest_first)
    pages = [read(worklist.page, doctor, filters, limit=4)]
    while pages[-1].more:
        pages.append(read(worklist.page, doctor, filters, pages[-1].places[-1], limit=4))
    down = [row["uid"] for page in pages for row in page.rows]
    assert sorted(down) == sorted(thirty)
    assert down == [row["uid"] for row in read(worklist.page, doctor, filters).rows]

    up = [row["uid"] for row in pages[-1].rows]
    place, more = pages[-1].places[0], True
    while more:
        page = read(worklist.page, doctor, filters, place, False, 4)
        up, place, more = [row["uid"] for row in page.rows] + up, page.places[0], page.more
    assert up == down


@pytest.mark.parametrize("newest_first", [True, False])
def test_studies_that_were_not_printed_come_last_both_ways(
    doctor: Actor, thirty: list[str], newest_first: bool
) -> None:
    rows = read(worklist.page, doctor, Filters(sort=Sort.PRINTED, newest_first=newest_first)).rows
    printed = [row["printed"] for row in rows if row["printed"]]
    assert [row["printed"] for row in rows] == printed + [""] * 20
    assert printed == sorted(printed, reverse=newest_first)


def test_a_day_begins_at_midnight_of_the_institution(doctor: Actor) -> None:
    midnight = datetime.combine(utc_now().astimezone(ZONE).date(), datetime.min.time(), ZONE)
    early = add(doctor, number="1", at=midnight)
    late = add(doctor, number="2", at=midnight - timedelta(seconds=1))
    old = add(doctor, number="3", at=midnight - timedelta(days=2, seconds=1))
    assert found(doctor, days=Days.TODAY) == [early]
    assert found(doctor, days=Days.THREE) == [early, late]
    yesterday = midnight.date() - timedelta(days=1)
    assert found(doctor, days=Days.RANGE, start=yesterday, end=yesterday) == [late]
    assert found(doctor, days=Days.RANGE, end=yesterday) == [late, old]


def test_filters_are_alternatives_inside_and_narrow_each_other(doctor: Actor) -> None:
    cr = add(doctor, number="1", modality="CR", patient_class="O", report_status="none")
    ct = add(doctor, number="2", modality="CT", patient_class="E", contrast="both", report_status="final")
    ecg = add(doctor, number="3", modality="ECG", patient_class="E", report_status="none")
    assert found(doctor, modalities=("DX",)) == [cr]
    assert set(found(doctor, modalities=("DX", "OTHER"))) == {cr, ecg}
    assert found(doctor, modalities=("OTHER",)) == [ecg]
    assert set(found(doctor, classes=("E",))) == {ct, ecg}
    assert found(doctor, classes=("E",), statuses=("none", "draft")) == [ecg]
    assert found(doctor, classes=("E",), contrasts=("both",), modalities=("CT",)) == [ct]


@pytest.mark.parametrize("word", ["张", "张三", "zs", "zhangsan", "Zhang San", "ZHANG", "san", "0012"])
def test_a_patient_is_found_by_name_pinyin_initials_and_number(doctor: Actor, word: str) -> None:
    zhang = add(doctor, "张三", "0012345")
    add(doctor, "李四", "9912345")
    assert found(doctor, keyword=word) == [zhang]


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("few", [0, 1, 2])
def test_however_many_patients_a_word_finds_the_order_is_the_list_s(
    doctor: Actor, thirty: list[str], sort: Sort, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The three ways of `keyword.named` answer alike."""
    monkeypatch.setattr("mip_app.studies.keyword.FEW", 1000 if few == 0 else 0)
    monkeypatch.setattr("mip_app.studies.keyword.MANY", 1000 if few < 2 else 1)
    add(doctor, "李四", "777")
    whole = Filters(keyword="zs", sort=sort)
    rows = [row["uid"] for row in read(worklist.page, doctor, whole).rows]
    assert rows == [u for u in found(doctor, sort=sort) if u in thirty]
    first = read(worklist.page, doctor, whole, limit=25)
    rest = read(worklist.page, doctor, whole, first.places[-1])
    assert [row["uid"] for row in first.rows + rest.rows] == rows
    assert read(worklist.count, doctor, whole) == 30


def test_another_institution_sees_none_of_it(
    doctor: Actor, thirty: list[str], actor: Callable[..., Actor], qh2: int
) -> None:
    other = actor(Role.REVIEWER, institution=qh2)
    ids = [place.study for place in read(worklist.page, doctor, Filters()).places]
    assert read(worklist.page, other, Filters()).rows == []
    assert read(worklist.page, other, Filters(keyword="zs")).rows == []
    assert read(worklist.rows_of, other, ids) == []
    assert read(worklist.count, other, Filters()) == 0
    assert read(worklist.next_unwritten, other, Filters()) is None


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ALLIANCE_ADMIN, Role.AUDITOR])
def test_who_may_not_read_studies_gets_no_list(actor: Callable[..., Actor], role: Role) -> None:
    with pytest.raises(NotPermitted):
        read(worklist.page, actor(role), Filters())


def test_work_views_count_what_waits_and_returned_ones_only_for_their_writer(doctor: Actor) -> None:
    for n, status in enumerate(["none", "draft", "preliminary", "final", "returned", "returned"]):
        mine = {"report_author_id": doctor.user_id} if n == 5 else {}
        add(
            doctor,
            number=str(n),
            report_status=status,
            modality="CT",
            at=utc_now() - timedelta(days=90),
            **mine,
        )
    assert read(worklist.waiting, doctor, Filters(days=Days.TODAY)) == {
        "unwritten": 2,
        "review": 1,
        "returned": 1,
    }
    assert read(worklist.waiting, doctor, Filters(modalities=("MR",)))["unwritten"] == 0


def test_the_next_study_is_an_emergency_then_the_oldest_that_nobody_is_writing(doctor: Actor) -> None:
    now = utc_now()
    held = {"lock_holder_id": 1, "lock_holder": "何为", "lock_expires_at": now + timedelta(minutes=5)}
    add(doctor, number="1", at=now - timedelta(days=9), **held)
    old = add(doctor, number="2", at=now - timedelta(days=5))
    urgent = add(doctor, number="3", at=now, patient_class="E")
    assert read(worklist.next_unwritten, doctor, Filters()) == urgent
    write(_report, doctor, urgent)
    assert read(worklist.next_unwritten, doctor, Filters()) == old


def _report(session: Session, actor: Actor, uid: str) -> None:
    from mip_app.studies.service import head, note_report

    note_report(session, actor, head(session, actor, uid), report_status="draft")


def test_arrivals_are_what_would_stand_on_the_page_shown(doctor: Actor) -> None:
    now = utc_now()
    for n in range(4):
        add(doctor, number=str(n), at=now - timedelta(hours=n))
    page = read(worklist.page, doctor, Filters(), limit=3)
    shown, last = [place.study for place in page.places], page.places[-1]
    assert read(worklist.arrivals, doctor, Filters(), shown, last) == []
    add(doctor, number="older", at=now - timedelta(days=3))
    assert read(worklist.arrivals, doctor, Filters(), shown, last) == []
    add(doctor, number="new", at=now + timedelta(minutes=1))
    assert len(read(worklist.arrivals, doctor, Filters(), shown, last)) == 1


def test_a_row_says_who_holds_the_lock_until_it_expires(doctor: Actor) -> None:
    now = utc_now()
    lock = {"lock_holder_id": doctor.user_id, "lock_holder": doctor.name, "lock_since": now}
    add(doctor, number="1", at=now, **lock, lock_expires_at=now + timedelta(minutes=1))
    add(doctor, number="2", at=now - timedelta(hours=1), **lock, lock_expires_at=now - timedelta(minutes=1))
    mine, over = read(worklist.page, doctor, Filters()).rows
    assert (mine["holder"], mine["mine"]) == (doctor.name, True)
    assert (over["holder"], over["mine"], over["since"]) == ("", False, 0)


def test_a_study_without_a_date_shows_none(doctor: Actor) -> None:
    add(doctor, study_date=None)
    assert read(worklist.page, doctor, Filters()).rows[0]["time"] == ""
