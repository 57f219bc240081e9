"""Reading over DICOMweb with a client that is not ours, and what another institution gets."""

from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from tests.conftest import OnDisk
from tests.site import Site

# Native both ways round, deflated, and each family of compression; one with several frames.
FILES = (
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "SC_rgb_rle_2frame.dcm",
    "JPEG2000.dcm",
    "rtdose.dcm",
    "examples_jpeg2k.dcm",
)


@pytest.fixture(scope="module")
def files(site: Site) -> dict[str, Path]:
    found = {name: Path(str(get_testdata_file(name, download=False))) for name in FILES}
    outcomes = site.store([OnDisk(path) for path in found.values()])
    assert {o.kind for o in outcomes} <= {"stored", "unchanged"}, [(o.name, o.code) for o in outcomes]
    return found


@pytest.fixture
def client(site: Site) -> DICOMwebClient:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {site.keys['JN1']}"
    return DICOMwebClient(url=f"{site.url}/dicom-web", session=session)


def uids(path: Path) -> tuple[str, str, str]:
    data = pydicom.dcmread(path, stop_before_pixels=True)
    return data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID


@pytest.mark.parametrize("name", FILES)
def test_a_client_finds_a_study_and_reads_its_headers_and_its_file_bit_for_bit(
    client: DICOMwebClient, files: dict[str, Path], name: str
) -> None:
    study, series, instance = uids(files[name])
    original = pydicom.dcmread(files[name])
    (found,) = client.search_for_studies(search_filters={"StudyInstanceUID": study})
    assert found["00100020"].get("Value", [""]) == [str(original.PatientID)]
    assert [s["0020000E"]["Value"][0] for s in client.search_for_series(study)] == [series]
    assert [i["00080018"]["Value"][0] for i in client.search_for_instances(study, series)] == [instance]
    (header,) = client.retrieve_series_metadata(study, series)
    assert pydicom.Dataset.from_json(header).Rows == original.Rows
    address = f"{client.base_url}/studies/{study}/series/{series}/instances/{instance}"
    answer = client._session.get(address)
    assert files[name].read_bytes() in answer.content


@pytest.mark.parametrize("name", FILES)
def test_frames_leave_as_stored_or_decoded_as_asked(
    site: Site, client: DICOMwebClient, files: dict[str, Path], name: str
) -> None:
    study, series, instance = uids(files[name])
    original = pydicom.dcmread(files[name])
    decoded = client.retrieve_instance_frames(
        study, series, instance, [1], media_types=(("application/octet-stream", "1.2.840.10008.1.2.1"),)
    )[0]
    pixels = original.pixel_array if int(original.get("NumberOfFrames", 1)) == 1 else original.pixel_array[0]
    expected = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    if "YBR" not in original.PhotometricInterpretation:
        assert np.frombuffer(decoded, np.uint8)[: len(expected)].tobytes() == expected
    address = f"{client.base_url}/studies/{study}/series/{series}/instances/{instance}/frames"
    anything = {"Accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=*'}
    answer = client._session.get(f"{address}/1", headers=anything)
    assert answer.status_code == 200
    if original.file_meta.TransferSyntaxUID.is_encapsulated:
        assert f"transfer-syntax={original.file_meta.TransferSyntaxUID}".encode() in answer.content
        again = client._session.get(
            f"{address}/1", headers={**anything, "If-None-Match": answer.headers["etag"]}
        )
        assert again.status_code == 304
    frames = int(original.get("NumberOfFrames", 1))
    assert client._session.get(f"{address}/{frames + 1}", headers=anything).status_code == 404


def test_a_thumbnail_is_a_small_picture(client: DICOMwebClient, files: dict[str, Path]) -> None:
    study, _, _ = uids(files["CT_small.dcm"])
    answer = client._session.get(f"{client.base_url}/studies/{study}/thumbnail")
    assert answer.headers["content-type"] == "image/jpeg"
    assert 500 < len(answer.content) < 20_000


ADDRESSES = (
    "studies/{study}/metadata",
    "studies/{study}/series",
    "studies/{study}/series/{series}/metadata",
    "studies/{study}/series/{series}/instances",
    "studies/{study}/series/{series}/instances/{instance}/frames/1",
    "studies/{study}/series/{series}/instances/{instance}",
    "studies/{study}/series/{series}/instances/{instance}/bulkdata/7FE00010",
    "studies/{study}/series/{series}/instances/{instance}/frames/1/rendered",
    "studies/{study}/rendered",
    "wado?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}",
    "studies/{study}/series/{series}/thumbnail",
    "studies/{study}/thumbnail",
    "studies/{study}",
)


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_another_institutions_answers_as_what_does_not_exist(
    site: Site, files: dict[str, Path], address: str
) -> None:
    study, series, instance = uids(files["CT_small.dcm"])
    there = address.format(study=study, series=series, instance=instance)
    nowhere = address.format(study="1.2.3", series="1.2.3.4", instance="1.2.3.4.5")
    own = {"Authorization": f"Bearer {site.keys['JN1']}"}
    assert httpx.get(f"{site.url}/dicom-web/{there}", headers=own).status_code == 200
    for headers in (
        {"Authorization": f"Bearer {site.keys['QH2']}"},
        {"Cookie": site.cookie("qinghe")},
    ):
        other = httpx.get(f"{site.url}/dicom-web/{there}", headers=headers)
        absent = httpx.get(f"{site.url}/dicom-web/{nowhere}", headers=headers)
        assert (other.status_code, other.content) == (404, absent.content)


@pytest.mark.parametrize("account", ["yunying", "lianmeng", "shenji"])
def test_who_sees_no_patient_data_is_refused(site: Site, account: str) -> None:
    answer = httpx.get(f"{site.url}/dicom-web/studies", headers={"Cookie": site.cookie(account)})
    assert answer.status_code == 403


def test_searching_by_a_chinese_name_and_by_dates(site: Site, client: DICOMwebClient, tmp_path: Path) -> None:
    data = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    data.SpecificCharacterSet = "GB18030"
    data.PatientName, data.PatientID, data.StudyDate = "Wang^XiaoDong=王^小东", "王-1", "20261103"
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.save_as(tmp_path / "wang.dcm")
    site.store([OnDisk(tmp_path / "wang.dcm")])
    for match in (
        {"PatientName": "*小东*"},
        {"PatientName": "Wang*"},
        {"PatientID": "王-1"},
        {"StudyDate": "20261101-20261105", "PatientName": "王"},
    ):
        found = client.search_for_studies(search_filters=match)
        assert data.StudyInstanceUID in [item["0020000D"]["Value"][0] for item in found], match
        assert found[0]["00100010"]["Value"][0]["Ideographic"] == "王^小东"
    with pytest.raises(requests.HTTPError, match="400"):
        client.search_for_studies(search_filters={"StudyDate": "not a date"})
