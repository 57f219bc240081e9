"""OHIF 3.13.2's calls (its dicomweb data source, and Cornerstone's image loader in it), as a browser sent them."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pydicom
import pytest

from tests.conftest import shared
from tests.dicomweb.conftest import address, study_of

JSON = "application/dicom+json"
LIST = "limit=101&offset=0&fuzzymatching=true&includefield=00081030%2C00080060%2C00080090%2C00100030"
# Without quotes: `omitQuotationForMultipartRequest`, which its documentation recommends.
STACK = "multipart/related; type=application/octet-stream; transfer-syntax=*"
SLIDES = ", ".join(
    f'multipart/related; type="{kind}"; transfer-syntax={syntax}'
    for kind, syntax in (
        ("image/jls", "1.2.840.10008.1.2.4.80"),
        ("image/jls", "1.2.840.10008.1.2.4.81"),
        ("image/jp2", "1.2.840.10008.1.2.4.90"),
        ("image/jp2", "1.2.840.10008.1.2.4.91"),
        ("image/jpx", "1.2.840.10008.1.2.4.92"),
        ("image/jpx", "1.2.840.10008.1.2.4.93"),
        ("application/octet-stream", "*"),
        ("image/jpeg", "1.2.840.10008.1.2.4.50"),
    )
)
DOCUMENT = 'multipart/related; type="application/pdf", multipart/related; type="application/octet-stream"'
Take = Callable[[str | Path], Path]


def asked(jn: httpx.Client, path: str, accept: str = JSON) -> httpx.Response:
    answer = jn.get(path, headers={"Accept": accept})
    assert answer.status_code == 200, (path, answer.text)
    return answer


@pytest.mark.parametrize("accept", [STACK, SLIDES])
def test_a_study_is_found_opened_and_read(jn: httpx.Client, taken: Take, accept: str) -> None:
    path = taken("CT_small.dcm")
    data, study = pydicom.dcmread(path), study_of(path)
    listed = asked(jn, f"/studies?{LIST}").json()
    found = asked(jn, f"/studies?00100020=*{data.PatientID}*&{LIST}").json()
    opened = asked(jn, f"/studies?{LIST}&StudyInstanceUID={data.StudyInstanceUID}").json()
    priors = asked(jn, f"/studies?00100020={quote(data.PatientID)}&{LIST}").json()
    for rows in (listed, found, opened, priors):
        (row,) = [row for row in rows if row["0020000D"]["Value"] == [data.StudyInstanceUID]]
        assert row["00081030"]["Value"] == [data.StudyDescription] and row["00080061"]["Value"] == ["CT"]
    fields = "00080021%2C00080031%2C0008103E%2C00200011"
    (series,) = asked(jn, f"{study}/series?includefield={fields}").json()
    assert series["00200011"]["Value"] == [data.SeriesNumber] and series["00201209"]["Value"] == [1]
    (header,) = asked(jn, f"{address(path).split('/instances/')[0]}/metadata").json()
    assert header["00280010"]["Value"] == [data.Rows]
    frame = asked(jn, f"{address(path)}/frames/1", accept)
    assert frame.headers["content-type"].startswith('multipart/related; type="application/octet-stream"')
    assert data.PixelData in frame.content


def test_a_document_is_shown(jn: httpx.Client, taken: Take) -> None:
    path = taken(shared("dicom", "objects", "encapsulated_pdf.dcm"))
    (header,) = asked(jn, f"{address(path).split('/instances/')[0]}/metadata").json()
    at = header["00420011"]["BulkDataURI"].removeprefix("/dicom-web")
    assert pydicom.dcmread(path).EncapsulatedDocument in asked(jn, at, DOCUMENT).content
    assert asked(jn, f"{study_of(path)}/series?includefield=00080021").json()
