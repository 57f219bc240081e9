"""Searches in front of the framework: the answers of the routes, authorised each time."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from sqlalchemy import update
from sqlmodel import Session, select

from mip_app.accounts import opening, sessions
from mip_app.accounts.identity import Accounts
from mip_app.accounts.models import ApiKey, Role
from mip_app.accounts.recognising import nobody
from mip_app.accounts.remembering import remembered
from mip_app.audit import looks
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.dicomweb import searching
from mip_app.dicomweb.searching_shortcut import SearchingShortcut
from mip_app.ingest.service import take_in
from tests.dicomweb.two_ways import House
from tests.images import Made, study

UNKNOWN = "1.2.826.0.1.3680043.10.1401.404"


@pytest.fixture
def house(db: str, jn1: int) -> House:
    remembered.forget()
    looks.forget_all()
    key = database.write(opening.create_api_key, opening.CONSOLE, jn1, "viewer")
    return House(key, searching.router, SearchingShortcut(Accounts().lately))


@pytest.fixture
def uids(actor: Callable[..., Actor], house: House) -> list[str]:
    """Two studies of four images."""
    found = []
    for name, patient, day in (
        ("Wang^Xiaoming=王^小明", "Q1", "20240105"),
        ("Smith^John", 'Q"2\\', "20240106"),
    ):
        made = study(name, patient, 4, day, RequestedProcedureDescription="胸部")
        (outcome, *_) = take_in(actor(Role.TECHNICIAN), [Made(data) for data in made])
        found.append(outcome.study_uid)
    return found


def test_what_viewers_ask_is_answered_as_by_the_route(house: House, uids: list[str]) -> None:
    both = quote("\\").join(uids)
    asked = [
        # OHIF: the list, a word typed into it, a study by its address, what it holds; days and modalities.
        "/studies?limit=101&offset=0&fuzzymatching=false&includefield=00081030%2C00080060%2C00080090",
        f"/studies?PatientName={quote('*王*')}&limit=1&includefield=00081030%2C00080060",
        f"/studies?StudyInstanceUID={both}&limit=101&offset=0",
        f"/studies/{uids[0]}/series?includefield=0008103E%2C00080021",
        "/studies?StudyDate=20240101-20240105&ModalitiesInStudy=CT,MR&00100020=*Q*&fuzzymatching=true",
        # dicomweb-client and Cornerstone: all levels, with and without a study; what only a header holds.
        f"/studies/{uids[0]}/instances",
        "/series?PatientID=Q1",
        "/instances?PatientID=Q1&limit=3&offset=2",
        "/studies?includefield=all",
        "/studies?includefield=RequestedProcedureDescription&includefield=00080051",
        "/studies?SOPInstanceUID=1.2.3&emptyvaluematching=true",  # both are said not to be heeded
        "/studies?PatientID=nobody",
        "/studies?AccessionNumber=&PatientID=*",
    ]
    for address in asked:
        for encoding in ("gzip, deflate, br", "identity"):
            answer = house.same(address, accept="application/dicom+json", accept_encoding=encoding)
            assert answer.status_code == 200
    series = house.get(f"/studies/{uids[0]}/series").json()[0]["0020000E"]["Value"][0]
    (_, second, *_) = house.same(f"/studies/{uids[0]}/series/{series}/instances").json()
    assert second["00081190"]["Value"][0].startswith(f"http://house:8000/dicom-web/studies/{uids[0]}/series/")
    assert house.left == []


def test_what_is_odd_is_answered_in_the_words_of_the_route(house: House, uids: list[str]) -> None:
    wrong = {
        "/studies?StudyDate=yesterday": 400,
        "/studies?NoSuchThing=1": 400,
        "/studies?limit=many": 400,
        "/series?SeriesNumber=one": 400,
        "/studies?offset=10001": 400,
        "/studies?accept=image/png": 406,
        f"/studies/{UNKNOWN}/series": 404,
        f"/studies/{uids[0]}/series/{UNKNOWN}/instances": 404,
        "/studies/nonsense/instances": 404,
    }
    for address, status in wrong.items():
        assert house.same(address).status_code == status, address
    assert house.same("/studies", accept="text/html").status_code == 406
    assert len(house.left) == len(wrong) + 1
    assert house.same(f"/studies/{uids[0]}/series?Modality=US").json() == []  # it is there, and has none
    for other in (f"{uids[0]}9", f"{uids[0][:-1]}", uids[1]):  # the address says one study, the key another
        assert house.same(f"/studies/{uids[0]}/series?StudyInstanceUID={other}").json() == [], other
    assert len(house.same(f"/studies/{uids[0]}/series?StudyInstanceUID={uids[1]},{uids[0]}").json()) == 1
    assert house.get("/studies", accept="application/dicom+xml").content.startswith(b"--")


def test_another_institution_finds_nothing_of_it(house: House, uids: list[str], qh2: int) -> None:
    theirs = f"Bearer {database.write(opening.create_api_key, opening.CONSOLE, qh2, 'theirs')}"
    assert len(house.get("/studies").json()) == 2  # what one may see is nothing that another is told
    for level in ("studies", "series", "instances"):
        for address in (f"/{level}", f"/{level}?StudyInstanceUID={uids[0]}", f"/{level}?includefield=all"):
            assert house.same(address, authorization=theirs).json() == []
    for below in ("series", "instances"):
        there, nowhere = (
            house.same(f"/studies/{uid}/{below}", authorization=theirs) for uid in (uids[0], UNKNOWN)
        )
        assert there.status_code == nowhere.status_code == 404 and there.content == nowhere.content


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_what_is_stored_is_found_by_the_next_search(
    house: House, uids: list[str], actor: Callable[..., Actor]
) -> None:
    assert len(house.get("/studies").json()) == 2
    list(take_in(actor(Role.TECHNICIAN), [Made(data) for data in study("Li^Lei", "Q3", 1, "20240107")]))
    assert [row["00100020"]["Value"] for row in house.get("/studies").json()][0] == ["Q3"]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_sign_in_or_key_that_ends_counts_for_the_next_search(
    house: House, uids: list[str], actor: Callable[..., Actor]
) -> None:
    person = actor(Role.REPORTER)
    cookie = f"mip_session={database.write(sessions.open_session, nobody(), person.user).token}"
    assert house.get("/studies", cookie=cookie).status_code == house.get("/studies").status_code == 200
    assert house.left == []
    database.write(lambda session, _: sessions.end_sessions(session, [person.user]), person)
    revoked = update(ApiKey).values(revoked_at=utc_now())
    database.write(lambda session, _: session.execute(revoked), opening.CONSOLE)
    assert house.get("/studies", cookie=cookie).status_code == house.get("/studies").status_code == 401
    auditor = actor(Role.AUDITOR)
    cookie = f"mip_session={database.write(sessions.open_session, nobody(), auditor.user).token}"
    assert house.get("/studies", cookie=cookie).status_code == 403


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_by_what_was_searched_is_written_down_once_and_never_whom(house: House, uids: list[str]) -> None:
    for name in ("Wang", "Smith", "Wang"):
        house.get(f"/studies?PatientName={name}")
    house.get(f"/studies/{uids[0]}/series")  # below a study is no search for one
    assert house.left == []
    with Session(database.engine()) as session:
        (entry,) = session.exec(select(AuditEntry).where(AuditEntry.act == Act.STUDY_SEARCHED)).all()
    assert entry.detail == {"by": ["PatientName"]}
