"""Searching over DICOMweb: clients that are not ours, and what viewers really send."""

import gzip
import json
from urllib.parse import quote
from xml.etree import ElementTree

import httpx
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient

from tests.images import Made, study
from tests.site import Site

NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
PEOPLE = (
    ("QIDO^Wang=祁^王小明", "Q001", "20240105", "CT"),
    ("QIDO^Fang=祁^王芳", "Q002", "20240107", "MR"),
    ("QIDOSMITH^John", "Q003", "20240106", "CT"),
)


@pytest.fixture(scope="module")
def uids(site: Site) -> list[str]:
    """Studies of two images each, and one of the other institution."""
    found = []
    for name, patient, day, modality in PEOPLE:
        made = study(
            name, patient, 2, day, AccessionNumber=f"QA{patient}", Modality=modality, StudyID=f"S{patient}"
        )
        requested = pydicom.Dataset()
        requested.ScheduledProcedureStepID, requested.RequestedProcedureID = f"SPS{patient}", f"RP{patient}"
        for data in made:
            data.RequestAttributesSequence = [requested]
            data.PerformedProcedureStepStartDate, data.TimezoneOffsetFromUTC = day, "+0800"
            data.ReferringPhysicianName, data.NumberOfFrames = "QIAN^Yi=钱^易", 1
        (outcome, *_) = site.store([Made(data) for data in made])
        assert outcome.kind == "stored"
        found.append(outcome.study_uid)
    site.store([Made(data) for data in study("QIDO^Other=祁^王", "Q009", 1, "20240106")], "QH2")
    return found


@pytest.fixture
def client(site: Site, uids: list[str]) -> DICOMwebClient:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {site.keys['JN1']}"
    return DICOMwebClient(url=f"{site.url}/dicom-web", session=session)


def ask(site: Site, address: str, **headers: str) -> httpx.Response:
    """The address as it is written, percent signs and all."""
    authorised = {"Authorization": f"Bearer {site.keys['JN1']}", **headers}
    return httpx.get(f"{site.url}/dicom-web{address}", headers=authorised, timeout=20)


def patients(rows: list[dict]) -> list[str]:
    return [row["00100020"]["Value"][0] for row in rows]


def test_a_client_searches_at_all_six_paths(client: DICOMwebClient, uids: list[str]) -> None:
    mine = {"PatientID": "Q001"}
    (found,) = client.search_for_studies(search_filters=mine)
    assert found["00081190"]["Value"][0].startswith("http")
    wanted = {
        "00080020": "20240105", "00080030": "101500", "00080050": "QAQ001", "00080056": "ONLINE",
        "00080061": "CT", "00080090": {"Alphabetic": "QIAN^Yi", "Ideographic": "钱^易"}, "00080201": "+0800",
        "00100010": {"Alphabetic": "QIDO^Wang", "Ideographic": "祁^王小明"}, "00100020": "Q001",
        "00100030": "19680305", "00100040": "M", "0020000D": uids[0], "00200010": "SQ001",
        "00201206": 1, "00201208": 2, "00081030": "胸部CT平扫",
    }  # fmt: skip
    assert {tag: found[tag]["Value"][0] for tag in wanted} == wanted
    (series,) = client.search_for_series(search_filters=mine)
    assert series["00080060"]["Value"] == ["CT"] and series["00100020"]["Value"] == ["Q001"]
    requested = series["00400275"]["Value"][0]
    assert requested["00400009"]["Value"] == ["SPSQ001"] and requested["00401001"]["Value"] == ["RPQ001"]
    assert series["00400244"]["Value"] == ["20240105"]
    (same,) = client.search_for_series(uids[0])
    assert same["0020000E"] == series["0020000E"] and "00100020" not in same
    series_uid = series["0020000E"]["Value"][0]
    for instances in (
        client.search_for_instances(search_filters=mine),
        client.search_for_instances(uids[0]),
        client.search_for_instances(uids[0], series_uid),
    ):
        assert [row["00200013"]["Value"][0] for row in instances] == [1, 2]
        row = instances[0]
        assert [row[tag]["Value"][0] for tag in ("00280010", "00280011", "00280100")] == [128, 128, 16]
        assert row["00280008"]["Value"] == [1] and row["00080016"]["Value"]
        again = client._session.get(row["00081190"]["Value"][0])
        assert again.status_code == 200 and b"DICM" in again.content
    assert client.search_for_series(
        search_filters={"RequestAttributesSequence.RequestedProcedureID": "RPQ00?"}
    )
    assert len(client.search_for_studies(search_filters={"PatientID": "Q00*"}, get_remaining=True)) == 3


@pytest.mark.parametrize(
    "sent",
    [
        # OHIF's list as DicomWebDataSource/qido.js makes it: wildcards round everything, commas as %2C.
        f"/studies?PatientName={quote('*王*')}&limit=101&offset=0&fuzzymatching=false"
        "&includefield=00081030%2C00080060%2C00080090%2C00100030",
        f"/studies?00100010={quote('*王*')}&limit=25&includefield=00081030&includefield=00080060",
        f"/studies?PatientName={quote('王*')}%2A&00100020=%2AQ00%2A&includefield=all",
        f"/studies?patientName={quote('祁')}",
    ],
)
def test_a_chinese_name_finds_its_studies_newest_first(site: Site, uids: list[str], sent: str) -> None:
    if "patientName" in sent:
        assert ask(site, sent).status_code == 400  # keywords are written one way
        sent = sent.replace("patientName", "PatientName")
    found = ask(site, sent.replace(quote("王*"), quote("祁*"))).json()
    assert patients(found) == ["Q002", "Q001"]
    assert found[0]["00081030"]["Value"] == ["胸部CT平扫"]


def test_what_viewers_ask_for_besides(site: Site, uids: list[str]) -> None:
    # OHIF: a study opened by its address, two of them to compare, its days and its modality; Cornerstone: one's series.
    joined = quote("\\").join(uids[:2])
    assert patients(ask(site, f"/studies?StudyInstanceUID={joined}&limit=101&offset=0").json()) == [
        "Q002",
        "Q001",
    ]
    days = "StudyDate=20240105-20240106"
    assert patients(ask(site, f"/studies?{days}&PatientID=Q*").json()) == ["Q003", "Q001"]
    assert patients(
        ask(site, f"/studies?ModalitiesInStudy=MR&{days[:19]}20240107-20240107&00100020=Q*").json()
    )
    assert patients(ask(site, "/studies?00080061=CT&PatientID=Q*").json()) == ["Q003", "Q001"]
    series = ask(site, f"/studies/{uids[0]}/series?includefield=0008103E%2C00080021").json()
    assert series[0]["0008103E"]["Value"] == ["平扫 5mm"]
    assert ask(site, f"/studies/{uids[0]}/series?Modality=MR").json() == []


def test_what_is_asked_wrongly_is_said(site: Site, uids: list[str]) -> None:
    for wrong in (
        "/studies?StudyDate=yesterday", "/studies?NoSuchThing=1", "/studies?limit=many", "/studies?offset=-1",
        "/studies?offset=10001", "/studies?StudyInstanceUID=1.2.x", "/studies?includefield=NoSuchThing",
        "/studies?fuzzymatching=maybe", f"/studies?PatientName={'*a' * 20}", "/series?SeriesNumber=one",
    ):  # fmt: skip
        answer = ask(site, wrong)
        assert answer.status_code == 400, wrong
        assert answer.json()["code"].startswith("query."), answer.text


def test_answers_say_what_was_not_done(site: Site, uids: list[str]) -> None:
    few = ask(site, "/studies?PatientID=Q*&limit=2")
    assert "additional results" in few.headers["Warning"] and few.headers["Warning"].startswith("299 ")
    assert "Warning" not in ask(site, "/studies?PatientID=Q*")
    ignored = ask(site, "/studies?PatientID=Q001&SOPInstanceUID=1.2.3")
    assert "SOPInstanceUID" in ignored.headers["Warning"] and len(ignored.json()) == 1
    nothing = ask(site, "/studies?PatientID=QNOBODY")
    assert (nothing.status_code, nothing.json()) == (200, [])


def test_answers_come_as_json_packed_or_as_xml(site: Site, uids: list[str]) -> None:
    here = "/studies?PatientID=Q*"
    with httpx.stream(
        "GET",
        f"{site.url}/dicom-web{here}",
        headers={"Authorization": f"Bearer {site.keys['JN1']}", "Accept-Encoding": "gzip"},
    ) as packed:
        assert packed.headers["Content-Encoding"] == "gzip"
        assert len(json.loads(gzip.decompress(b"".join(packed.iter_raw())))) == 3
    answer = ask(site, here, Accept='multipart/related; type="application/dicom+xml"')
    boundary = answer.headers["Content-Type"].split("boundary=")[1]
    parts = answer.content.split(f"--{boundary}".encode())[1:-1]
    names = []
    for part in parts:
        model = ElementTree.fromstring(part.split(b"\r\n\r\n", 1)[1].strip())
        patient = model.find(f"{NATIVE}DicomAttribute[@keyword='PatientName']/{NATIVE}PersonName")
        names.append("".join(patient.itertext()))
    assert names == ["QIDOFang祁王芳", "QIDOSMITHJohn", "QIDOWang祁王小明"]
    assert ask(site, "/studies?PatientID=QNOBODY", Accept="application/dicom+xml").status_code == 204
    assert ask(site, here, Accept="image/png").status_code == 406
    assert ask(site, here, Accept="application/json").status_code == 200


def test_the_other_institution_finds_nothing_of_it(site: Site, uids: list[str]) -> None:
    headers = {"Authorization": f"Bearer {site.keys['QH2']}"}
    for level in ("studies", "series", "instances"):
        found = httpx.get(f"{site.url}/dicom-web/{level}?StudyInstanceUID={uids[0]}", headers=headers)
        assert (found.status_code, found.json()) == (200, [])
    for below in ("series", "instances"):
        assert (
            httpx.get(f"{site.url}/dicom-web/studies/{uids[0]}/{below}", headers=headers).status_code == 404
        )
    assert patients(httpx.get(f"{site.url}/dicom-web/studies?PatientID=Q*", headers=headers).json()) == [
        "Q009"
    ]
