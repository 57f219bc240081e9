"""STOW-RS as PS3.18 10.5 has it, from raw bytes and from a client that is not ours."""

import gzip
import json
from xml.etree import ElementTree

import pytest
from dicomweb_client import DICOMwebClient
from pydicom import dcmread
from sqlmodel import Session, func, select
from starlette.testclient import TestClient

from mip_app.accounts.models import Role
from mip_app.core.blobs import blobs
from mip_app.core.database import engine
from mip_app.core.settings import settings
from mip_app.studies import door
from mip_app.studies.models import Instance, PatientConflict
from tests.ingest.made import ROOT, image

BOUNDARY = "part of=a message"  # quotes are needed round it
RELATED = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'
FAILED, STORED, OTHER = "00081198", "00081199", "0008119A"


def related(*parts: bytes, head: str = "Content-Type: application/dicom\r\n", before: bytes = b"") -> bytes:
    opened = (f"--{BOUNDARY}\r\n{head}\r\n".encode() + part + b"\r\n" for part in parts)
    return before + b"".join(opened) + f"--{BOUNDARY}--\r\n".encode()


def post(api, body, content_type=RELATED, path="", **headers):
    return api.post(
        f"/dicom-web/studies{path}", content=body, headers={"Content-Type": content_type, **headers}
    )


def references(found: dict, sequence: str) -> list[str]:
    return [item["00081155"]["Value"][0] for item in found.get(sequence, {}).get("Value", [])]


def reasons(found: dict, sequence: str = FAILED) -> list[int]:
    return [item["00081197"]["Value"][0] for item in found[sequence]["Value"]]


def count() -> int:
    with Session(engine()) as session:
        return session.exec(door.marked(select(func.count()).select_from(Instance))).one()


def test_all_stored_is_200_with_where_to_find_them(api):
    answer = post(api, related(image(1), image(2)))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/dicom+json")
    found = answer.json()
    assert references(found, STORED) == [f"{ROOT}.1.1.1", f"{ROOT}.1.1.2"]
    assert FAILED not in found
    at = found[STORED]["Value"][0]["00081190"]["Value"][0]
    assert at == f"http://testserver/dicom-web/studies/{ROOT}.1/series/{ROOT}.1.1/instances/{ROOT}.1.1.1"
    assert image(1) in api.get(at.removeprefix("http://testserver")).content
    again = post(api, related(image(1), image(2)))
    assert (again.status_code, references(again.json(), STORED)) == (200, [f"{ROOT}.1.1.1", f"{ROOT}.1.1.2"])
    assert count() == 2


def test_some_refused_is_202_and_says_which_and_why(api):
    answer = post(api, related(image(1), image(2), image(1, side=17), image(3)[:-20], b"no image"))
    assert answer.status_code == 202
    found = answer.json()
    assert references(found, STORED) == [f"{ROOT}.1.1.1", f"{ROOT}.1.1.2"]
    assert references(found, FAILED) == [f"{ROOT}.1.1.1", f"{ROOT}.1.1.3"]
    assert reasons(found) == [0x0111, 0xC000]
    assert reasons(found, OTHER) == [0xC000]


def test_another_patients_image_in_a_study_is_stored_and_shown_to_an_administrator(api):
    answer = post(api, related(image(1), image(2, patient="P2")))
    assert (answer.status_code, len(references(answer.json(), STORED))) == (200, 2)
    with Session(engine()) as session:
        flagged = session.exec(door.marked(select(PatientConflict))).one()
    assert flagged.study_pk is not None and flagged.resolved_at is None


def test_none_stored_is_409(api):
    assert post(api, related(b"no image")).status_code == 409


def test_a_study_in_the_path_takes_its_own_instances_only(api):
    answer = post(api, related(image(1), image(1, study=2, patient="P2")), path=f"/{ROOT}.2")
    found = answer.json()
    assert (answer.status_code, references(found, STORED)) == (202, [f"{ROOT}.2.1.1"])
    assert (references(found, FAILED), reasons(found)) == ([f"{ROOT}.1.1.1"], [0xA900])
    assert count() == 1


def test_one_file_as_the_whole_body(api):
    assert post(api, image(1), "application/dicom").status_code == 200


def test_xml_for_those_who_ask_for_it(api):
    answer = post(api, related(image(1), b"no image"), Accept="application/dicom+xml")
    assert answer.headers["content-type"] == "application/dicom+xml"
    space = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"
    model = ElementTree.fromstring(answer.content)
    assert model.tag == f"{space}NativeDicomModel"
    stored = model.find(f"{space}DicomAttribute[@keyword='ReferencedSOPSequence']/{space}Item")
    assert stored is not None
    uid = stored.findtext(f"{space}DicomAttribute[@keyword='ReferencedSOPInstanceUID']/{space}Value")
    assert uid == f"{ROOT}.1.1.1"


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_body_in_any_pieces_with_what_the_standard_allows_around_it(api, piece):
    data = image(1)[:-2] + b"\r\n"  # pixels that look like the edge of a boundary
    body = related(
        data,
        head="content-type: APPLICATION/DICOM; transfer-syntax=*\r\nContent-ID: <1>\r\n",
        before=b"preamble\r\n",
    )
    pieces = (body[place : place + piece] for place in range(0, len(body), piece))
    answer = post(api, pieces)  # chunked, without a Content-Length
    assert answer.status_code == 200
    with Session(engine()) as session:
        [row] = session.exec(door.marked(select(Instance)))
    assert blobs().path(row.blob).read_bytes() == data


def test_a_body_that_was_cut_is_400_and_its_last_part_is_not_taken_in(api):
    body = related(image(1), image(2))
    answer = post(api, body[: -len(BOUNDARY) - 30])
    assert (answer.status_code, answer.json()["code"]) == (400, "dicomweb.bad_multipart")
    assert not list(blobs().incoming.iterdir())
    assert post(api, body).status_code == 200
    assert count() == 2


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 415),
        ("multipart/form-data; boundary=x", 415),
        ('multipart/related; type="application/dicom+json"; boundary=x', 415),
        ('multipart/related; type="application/dicom"', 400),
        ("", 415),
    ],
)
def test_other_content_is_refused(api, content_type, status):
    assert post(api, related(image(1)), content_type).status_code == status
    assert count() == 0


def test_what_is_refused_before_a_byte_is_read(api):
    assert post(api, related(image(1)), **{"Content-Encoding": "br"}).status_code == 415
    assert post(api, related(image(1)), Accept="text/html").status_code == 406
    assert post(api, b"x", **{"Content-Length": str(2**50)}).status_code == 413
    assert post(api, related()).status_code == 400


def test_a_part_over_the_limit_fails_alone(api, monkeypatch):
    monkeypatch.setattr(settings(), "max_file_bytes", 5000)
    answer = post(api, related(image(1, side=300), image(2)))
    assert (answer.status_code, reasons(answer.json(), OTHER)) == (202, [0xA700])


PACKED = {"Content-Encoding": "gzip"}


def test_a_body_packed_with_gzip_is_stored_as_it_was(api):
    whole = related(image(1), image(2))
    assert post(api, gzip.compress(whole[:900]) + gzip.compress(whole[900:]), **PACKED).status_code == 200
    assert count() == 2
    assert post(api, gzip.compress(whole)[:-9], **PACKED).status_code == 400
    assert post(api, b"no gzip", **PACKED).json()["code"] == "dicomweb.bad_gzip"


@pytest.mark.parametrize("setting", ["max_archive_ratio", "max_archive_bytes"])
def test_a_packed_body_that_grows_too_much_is_413_before_it_is_all_there(api, monkeypatch, setting):
    from mip_app.dicomweb import packed

    monkeypatch.setattr(settings(), setting, 20 if setting == "max_archive_ratio" else 9_000_000)
    monkeypatch.setattr(settings(), "max_archive_ratio_from", 4_000_000)
    bomb = gzip.compress(related(image(1) + bytes(60_000_000)))
    seen = []
    kept = packed.Gunzip._give
    monkeypatch.setattr(
        packed.Gunzip, "_give", lambda self, piece: (seen.append(len(piece)), kept(self, piece))
    )
    assert post(api, bomb, **PACKED).status_code == 413
    assert sum(seen) < 12_000_000
    assert count() == 0
    assert not list(blobs().incoming.iterdir())


def test_a_part_of_another_kind_fails_alone(api):
    body = related(b"{}", head="Content-Type: application/json\r\n")[: -len(BOUNDARY) - 6] + related(image(1))
    answer = post(api, body)
    assert (answer.status_code, reasons(answer.json(), OTHER)) == (202, [0xC000])


def test_only_those_who_may(api, actor):
    for authorization, status in (("", 401), ("Bearer mip_wrong", 401)):
        assert post(api, related(image(1)), Authorization=authorization).status_code == status
    from mip_app.mip_app import http_api

    app, clinician = http_api(), actor(Role.CLINICIAN)

    async def as_clinician(scope, receive, send):
        await app({**scope, "mip_actor": clinician}, receive, send)

    assert post(TestClient(as_clinician), related(image(1))).status_code == 403
    assert count() == 0


@pytest.mark.parametrize("change", [{}, {"Accept": "text/html"}, {"Content-Encoding": "gzip"}])
def test_in_front_of_the_framework_and_in_its_route_the_answer_is_the_same(api, actor, change):
    from mip_app.mip_app import http_api

    app, technician, body = http_api(), actor(Role.TECHNICIAN), related(image(1), b"no image")

    async def by_the_route(scope, receive, send):
        await app({**scope, "mip_actor": technician}, receive, send)

    answers = [post(client, body, **change) for client in (api, TestClient(by_the_route))]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].json() == answers[1].json()


def test_a_client_that_is_not_ours(api, tmp_path):
    """dicomweb-client through `requests`, whose adapter hands over to the routes."""
    from requests import PreparedRequest, Response, Session
    from requests.adapters import BaseAdapter

    class Here(BaseAdapter):
        def send(self, request: PreparedRequest, **options) -> Response:
            theirs = {k: v for k, v in request.headers.items() if k.lower() != "content-length"}
            answer = api.request(request.method, request.path_url, content=request.body, headers=theirs)
            response = Response()
            response.status_code, response._content = answer.status_code, answer.content
            response.headers.update(answer.headers)
            response.request, response.url = request, request.url
            return response

        def close(self) -> None: ...

    session = Session()
    session.mount("http://here", Here())
    client = DICOMwebClient("http://here/dicom-web", session=session)
    (tmp_path / "1.dcm").write_bytes(image(1))
    (tmp_path / "2.dcm").write_bytes(image(2))
    told = client.store_instances([dcmread(tmp_path / "1.dcm"), dcmread(tmp_path / "2.dcm")], f"{ROOT}.1")
    assert [item.ReferencedSOPInstanceUID for item in told.ReferencedSOPSequence] == [
        f"{ROOT}.1.1.1",
        f"{ROOT}.1.1.2",
    ]
    assert json.loads(told.to_json())[STORED]
    assert len(client.retrieve_series_metadata(f"{ROOT}.1", f"{ROOT}.1.1")) == 2
