"""A patient is put right once, and every way out says so; the stored bytes stay what they were."""

import io
import zipfile

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    CTImageStorage,
    StudyRootQueryRetrieveInformationModelGet,
)

from mip_app.core.database import write
from mip_app.core.settings import settings
from mip_app.maintenance import conflicts
from mip_app.studies.models import Patient
from tests.dimse import peers
from tests.dimse.conftest import serving
from tests.ingest.made import ROOT, image
from tests.maintenance.conftest import rows, stored_bytes

FORM = {"name": "ZHANG^SHAN=张^山", "birth_date": "1970-01-02", "sex": "F", "patient_id": "B"}
AT = f"/dicom-web/studies/{ROOT}.1/series/{ROOT}.1.1/instances/{ROOT}.1.1.1"
URI = {
    "requestType": "WADO",
    "studyUID": f"{ROOT}.1",
    "seriesUID": f"{ROOT}.1.1",
    "objectUID": f"{ROOT}.1.1.1",
}
DICOM, RLE = "application/dicom", "1.2.840.10008.1.2.5"


def said(file: bytes) -> tuple[str, str, str, str, str]:
    data = dcmread(io.BytesIO(file))
    assert len(data.PixelData) > 0
    return (
        str(data.PatientName), data.PatientID, data.PatientBirthDate, data.PatientSex, data.AccessionNumber
    )  # fmt: skip


def fetched_by_dicom(port: int) -> list[Dataset]:
    got: list[Dataset] = []

    def store(event: evt.Event) -> int:
        got.append(event.dataset)
        return 0

    ae, model = AE("WS"), StudyRootQueryRetrieveInformationModelGet
    ae.add_requested_context(model)
    ae.add_requested_context(CTImageStorage)
    role = build_role(CTImageStorage, scp_role=True)
    association = ae.associate(
        "127.0.0.1", port, ae_title="MIP", ext_neg=[role], evt_handlers=[(evt.EVT_C_STORE, store)]
    )
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", f"{ROOT}.1"
    assert [int(status.Status) for status, _ in association.send_c_get(asked, model)][-1] == 0
    association.release()
    return got


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_who_is_put_right_leaves_right_on_every_way(guanli, store, api, jn1, tmp_path, monkeypatch):
    files = image(1), image(2)
    store(*files)
    before = api.get(AT, headers={"Accept": DICOM})
    assert before.content == files[0]
    write(conflicts.correct, guanli, rows(Patient)[0].id, FORM, "姓名有误")
    write(conflicts.correct_accession, guanli, f"{ROOT}.1", "ACC-9", "检查号有误")
    right = (FORM["name"], "B", "19700102", "F", "ACC-9")

    [found] = api.get("/dicom-web/studies", params={"PatientID": "B"}).json()
    assert found["00100010"]["Value"] == [{"Alphabetic": "ZHANG^SHAN", "Ideographic": "张^山"}]
    assert found["00080050"]["Value"] == ["ACC-9"]
    [document, _] = api.get(f"/dicom-web/studies/{ROOT}.1/metadata").json()
    assert (document["00100020"]["Value"], document["00080050"]["Value"]) == (["B"], ["ACC-9"])

    one = api.get(
        AT, headers={"Accept": DICOM, "Range": "bytes=0-9", "If-None-Match": before.headers["etag"]}
    )
    assert (one.status_code, said(one.content)) == (200, right)
    assert api.get(AT, headers={"Accept": DICOM, "If-None-Match": one.headers["etag"]}).status_code == 304
    turned = api.get(AT, headers={"Accept": f"{DICOM}; transfer-syntax={RLE}"})
    assert turned.status_code == 200, turned.text
    assert dcmread(io.BytesIO(turned.content)).file_meta.TransferSyntaxUID == RLE
    assert said(turned.content) == right
    assert said(api.get("/dicom-web/wado", params=URI | {"contentType": DICOM}).content) == right
    related = api.get(f"/dicom-web/studies/{ROOT}.1")
    assert related.content.count("张^山".encode()) == 2 and "张^三".encode() not in related.content
    # The stored name, and a piece of the file that is no value of its own.
    for place in ("00100010", "0/9", f"0/{len(files[0])}"):
        assert api.get(f"{AT}/bulkdata/{place}").status_code == 404, place

    packed = api.get(f"/dicom-web/studies/{ROOT}.1", headers={"Accept": "application/zip"})
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "zip")
    directory = FileSet(tmp_path / "zip" / "DICOMDIR")
    assert [str(name) for name in directory.find_values("PatientName")] == [FORM["name"]]
    assert directory.find_values("AccessionNumber") == ["ACC-9"]
    assert {said((tmp_path / "zip" / one.path).read_bytes()) for one in directory} == {right}

    monkeypatch.setenv("MIP_DIMSE_LOCAL_NODES", "true")
    settings.cache_clear()
    peers.node(jn1, 0, "WS", may_query=True, may_retrieve=True)
    with serving() as at:
        got = fetched_by_dicom(at.port)
    assert [(str(data.PatientName), data.PatientID, data.AccessionNumber) for data in got] == [
        (FORM["name"], "B", "ACC-9")
    ] * 2
    assert stored_bytes() == list(files)
