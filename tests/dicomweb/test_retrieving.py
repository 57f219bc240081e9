"""WADO-RS bytes of a running server: forms, parts, ranges, and what is refused; pydicom reads what comes."""

import email
import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import httpx
import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.encaps import generate_frames

from tests.conftest import shared
from tests.dicomweb.conftest import address, study_of
from tests.dimse.peers import dcmtk
from tests.site import Site

EXPLICIT, JPEG, JLS, NEAR, J2K = (
    f"1.2.840.10008.1.2{end}" for end in (".1", ".4.50", ".4.80", ".4.81", ".4.90")
)
Take = Callable[[str | Path], Path]


def dicom(answer: httpx.Response) -> pydicom.Dataset:
    assert answer.status_code == 200, answer.text
    return pydicom.dcmread(io.BytesIO(answer.content))


def test_one_file_by_itself_whole_and_in_parts(jn: httpx.Client, taken: Take) -> None:
    path = taken("CT_small.dcm")
    stored, at, plain = path.read_bytes(), address(path), {"Accept": "application/dicom"}
    whole = jn.get(at, headers=plain)
    assert whole.content == stored
    assert whole.headers["content-type"] == f"application/dicom; transfer-syntax={EXPLICIT}"
    assert whole.headers["content-location"] == f"/dicom-web{at}"
    assert whole.headers["content-disposition"] == f'attachment; filename="{at.rsplit("/", 1)[1]}.dcm"'
    assert whole.headers["cache-control"] == "private, no-cache"
    assert whole.headers["x-content-type-options"] == "nosniff"
    tag = whole.headers["etag"]
    assert jn.get(at, headers=plain | {"If-None-Match": f'"other", {tag}'}).status_code == 304
    for asked, expected in (("0-99", stored[:100]), ("39000-", stored[39000:]), ("-5", stored[-5:])):
        part = jn.get(at, headers=plain | {"Range": f"bytes={asked}"})
        assert (part.status_code, part.content) == (206, expected)
        assert part.headers["content-range"].endswith(f"/{len(stored)}")
    assert jn.get(at, headers=plain | {"Range": "bytes=0-9", "If-Range": '"old"'}).content == stored
    beyond = jn.get(at, headers=plain | {"Range": f"bytes={len(stored)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(stored)}")
    for odd in ("bytes=9-2", "bytes=0-1,4-5", "bytes=x", "lines=1-2", "bytes=-"):
        assert jn.get(at, headers=plain | {"Range": odd}).content == stored


def test_one_file_in_another_transfer_syntax(jn: httpx.Client, taken: Take) -> None:
    path = taken("SC_rgb_rle_2frame.dcm")
    original = pydicom.dcmread(path)
    made = dicom(jn.get(address(path), headers={"Accept": f"application/dicom; transfer-syntax={EXPLICIT}"}))
    assert (made.file_meta.TransferSyntaxUID, made.SOPInstanceUID) == (EXPLICIT, original.SOPInstanceUID)
    assert np.array_equal(made.pixel_array, original.pixel_array)
    lossy = [
        jn.get(address(path), headers={"Accept": f"application/dicom; transfer-syntax={JPEG}"}) for _ in "12"
    ]
    first, again = (dicom(answer) for answer in lossy)
    assert first.SOPInstanceUID == again.SOPInstanceUID != original.SOPInstanceUID
    assert first.LossyImageCompression == "01"
    assert len(pydicom.encaps.get_frame(first.PixelData, 1, number_of_frames=2)) > 100
    assert (
        lossy[0].headers["etag"]
        != jn.get(address(path), headers={"Accept": "application/dicom"}).headers["etag"]
    )


def test_a_client_gets_a_study_in_the_syntax_it_reads(site: Site, taken: Take) -> None:
    path = taken("MR_small_bigendian.dcm")
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {site.keys['JN1']}"
    client = DICOMwebClient(url=f"{site.url}/dicom-web", session=session)
    study, series, instance = address(path).split("/")[2::2]
    original = pydicom.dcmread(path)
    for syntax in (EXPLICIT, JLS, J2K):
        made = client.retrieve_instance(study, series, instance, media_types=(("application/dicom", syntax),))
        assert made.file_meta.TransferSyntaxUID == syntax
        assert np.array_equal(made.pixel_array, original.pixel_array)
    stored = client.retrieve_series(study, series)
    assert original.file_meta.TransferSyntaxUID in {one.file_meta.TransferSyntaxUID for one in stored}


def test_of_a_study_what_cannot_be_turned_leaves_as_stored(jn: httpx.Client, taken: Take) -> None:
    path = taken("CT_small.dcm")
    answer = jn.get(
        study_of(path),
        headers={"Accept": f"multipart/related; type=application/dicom; transfer-syntax={JPEG}"},
    )
    assert f"transfer-syntax={EXPLICIT}".encode() in answer.content
    assert path.read_bytes() in answer.content


def test_frames_one_by_one_and_in_lists(jn: httpx.Client, taken: Take) -> None:
    path = taken("SC_rgb_rle_2frame.dcm")
    original, at = pydicom.dcmread(path), address(path)
    native = jn.get(f"{at}/frames/2", headers={"Accept": "application/octet-stream"})
    assert native.content == original.pixel_array[1].tobytes()
    assert native.headers["content-type"] == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    stored = jn.get(f"{at}/frames/2", headers={"Accept": "image/dicom-rle"})
    assert stored.content == pydicom.encaps.get_frame(original.PixelData, 1, number_of_frames=2)
    part = jn.get(f"{at}/frames/2", headers={"Accept": "image/dicom-rle", "Range": "bytes=64-127"})
    assert (part.status_code, part.content) == (206, stored.content[64:128])
    again = {"Accept": "image/dicom-rle", "If-None-Match": stored.headers["etag"]}
    assert jn.get(f"{at}/frames/2", headers=again).status_code == 304
    both = jn.get(f"{at}/frames/2,1", headers={"Accept": 'multipart/related; type="image/jls"'})
    assert both.content.count(b"Content-Type: image/jls") == 2
    assert both.content.index(b"/frames/2\r\n") < both.content.index(b"/frames/1\r\n")
    asked = jn.get(
        f"{at}/frames/1", params={"accept": "application/octet-stream"}, headers={"Accept": "text/html"}
    )
    assert asked.content == original.pixel_array[0].tobytes()


@pytest.mark.parametrize(
    ("path", "accept", "status", "code"),
    [
        ("/frames/0", "*/*", 400, "dicomweb.bad_frames"),
        ("/frames/1,1", "*/*", 400, "dicomweb.bad_frames"),
        ("/frames/x", "*/*", 400, "dicomweb.bad_frames"),
        ("/frames/2", "*/*", 404, "error.not_visible"),
        ("/frames/1", "text/html", 406, "dicomweb.not_acceptable"),
        ("/frames/1", f"image/jpeg; transfer-syntax={JPEG}", 406, "image.cannot_draw"),
        ("", "text/html", 406, "dicomweb.not_acceptable"),
        ("", f"application/dicom; transfer-syntax={JPEG}", 406, "dicomweb.not_acceptable"),
        ("", "application/zip", 406, "dicomweb.not_acceptable"),
        ("/bulkdata/00100011", "*/*", 404, "error.not_visible"),
        ("/bulkdata/../../x", "*/*", 404, ""),
        ("/bulkdata/0/1000", "*/*", 404, "error.not_visible"),  # bytes of the file that are no value
        ("/bulkdata/0/99999999", "*/*", 404, "error.not_visible"),
        ("/bulkdata/-1/5", "*/*", 404, "error.not_visible"),
        ("/bulkdata/7FE00010", "image/jpeg", 406, "dicomweb.not_acceptable"),
    ],
)  # fmt: skip
def test_refusals_have_words(
    jn: httpx.Client, taken: Take, path: str, accept: str, status: int, code: str
) -> None:
    answer = jn.get(address(taken("CT_small.dcm")) + path, headers={"Accept": accept})
    assert answer.status_code == status
    assert not code or answer.json()["code"] == code


def test_values_that_stayed_in_the_file(jn: httpx.Client, taken: Take) -> None:
    path = taken("CT_small.dcm")
    original, at = pydicom.dcmread(path), address(path)
    pixels = jn.get(f"{at}/bulkdata/7FE00010")
    assert pixels.content == original.PixelData
    assert pixels.headers["content-type"] == "application/octet-stream"
    assert "sandbox" in pixels.headers["content-security-policy"]
    part = jn.get(f"{at}/bulkdata/7fe00010", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, original.PixelData[100:200])
    several = jn.get(
        f"{at}/bulkdata/7FE00010", headers={"Accept": 'multipart/related; type="application/octet-stream"'}
    )
    assert original.PixelData in several.content
    deflated = taken("image_dfl.dcm")
    there = jn.get(f"{address(deflated)}/bulkdata/7FE00010")
    assert there.content == pydicom.dcmread(deflated).PixelData


def test_pixels_leave_by_their_address_in_the_metadata(site: Site, jn: httpx.Client, taken: Take) -> None:
    def client(path: Path) -> tuple[list[bytes], dict]:
        """What dicomweb-client retrieves as pixels by the address that it found, and what was told of them."""
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {site.keys['JN1']}"
        _, study, _, series, _, instance = address(path).strip("/").split("/")
        web = DICOMwebClient(url=f"{site.url}/dicom-web", session=session)
        told = web.retrieve_instance_metadata(study, series, instance)["7FE00010"]
        return web.retrieve_bulkdata(f"{site.url}{told['BulkDataURI']}"), told

    native, cine, jpeg = (taken(name) for name in ("CT_small.dcm", "SC_rgb_rle_2frame.dcm", "JPEG2000.dcm"))
    (pixels,), told = client(native)
    assert (told["vr"], pixels) == ("OW", pydicom.dcmread(native).PixelData)
    assert list(jn.get(f"{address(native)}/metadata").json()[0])[-1] == "7FE00010"
    # Compressed ones, a part for each frame.
    frames, told = client(cine)
    original = pydicom.dcmread(cine).PixelData
    assert (told["vr"], frames) == ("OB", list(generate_frames(original, number_of_frames=2)))
    stored = jn.get(f"{address(jpeg)}/bulkdata/7FE00010", headers={"Accept": "image/jp2"}).content
    assert stored == next(generate_frames(pydicom.dcmread(jpeg).PixelData, number_of_frames=1))
    for without in ("rtplan.dcm", "test-SR.dcm"):
        assert "7FE00010" not in jn.get(f"{address(taken(without))}/metadata").json()[0]


def test_a_document_leaves_by_its_address_in_the_metadata(site: Site, jn: httpx.Client, taken: Take) -> None:
    path = taken(shared("dicom", "objects", "encapsulated_pdf.dcm"))
    (header,) = jn.get(f"{address(path)}/metadata").json()
    told = header["00420011"]
    original = pydicom.dcmread(path)
    if "BulkDataURI" in told:
        there = jn.get(told["BulkDataURI"].removeprefix("/dicom-web"))
        assert there.content == original.EncapsulatedDocument
        others = {"Authorization": f"Bearer {site.keys['QH2']}"}
        assert jn.get(there.url, headers=others).status_code == 404
    assert jn.get(f"{address(path)}/bulkdata/00420011").content == original.EncapsulatedDocument
    assert jn.get(f"{address(path)}/rendered").json()["code"] == "image.cannot_draw"
    explicit = jn.get(address(path), headers={"Accept": f"application/dicom; transfer-syntax={JLS}"})
    assert explicit.status_code == 406


def test_what_has_no_pixels_has_no_frames(jn: httpx.Client, taken: Take) -> None:
    answer = jn.get(f"{address(taken('rtplan.dcm'))}/frames/1")
    assert (answer.status_code, answer.json()["code"]) == (404, "error.not_visible")


Told = dict[tuple[str, ...], tuple[str, str, list[str]]]
# What an answer says of itself (its character set, how frames leave), and pixels and what follows them.
OTHERWISE = {"00080005", "00083002", "7FE00010", "FFFCFFFC"}
TEXTS = {"CS", "DA", "LO", "PN", "SH", "TM", "UI"}


def told(model: ElementTree.Element, at: tuple[str, ...] = ()) -> Told:
    """VR, private creator and text of every attribute of a Native DICOM Model, in items too; the File Meta not."""
    found: Told = {}
    for attribute in model.findall("{*}DicomAttribute"):
        tag, vr, creator = (
            attribute.get("tag", ""),
            attribute.get("vr", ""),
            attribute.get("privateCreator", ""),
        )
        place = (*at, f"{tag}{creator}")
        if tag[:4] == "0002" or tag in OTHERWISE:
            continue
        texts = [text.strip() for value in attribute.iter() if (text := value.text or "").strip()]
        found[place] = vr, creator, texts if vr in TEXTS else []
        for item in attribute.findall("{*}Item"):
            found |= told(item, (*place, item.get("number", "")))
    return found


@pytest.mark.parametrize("name", ["CT_small.dcm", "rtplan.dcm", "liver_1frame.dcm"])
def test_headers_leave_as_xml_as_dcmtk_writes_it(jn: httpx.Client, taken: Take, name: str) -> None:
    path = taken(name)
    accept = {"Accept": 'multipart/related; type="application/dicom+xml"'}
    answer = jn.get(f"{address(path)}/metadata", headers=accept)
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    [part] = email.message_from_bytes(head + answer.content).get_payload()
    assert part.get_content_type() == "application/dicom+xml"
    ours = part.get_payload(decode=True)
    command = [dcmtk("dcm2xml"), "--native-format", "--charset-assume", "latin-1", str(path)]
    theirs = subprocess.run(command, capture_output=True, check=True).stdout
    assert told(ElementTree.fromstring(ours)) == told(ElementTree.fromstring(theirs))


def test_headers_leave_in_no_other_form(jn: httpx.Client, taken: Take) -> None:
    at = f"{address(taken('CT_small.dcm'))}/metadata"
    assert jn.get(at, headers={"Accept": "image/png"}).status_code == 406
    assert jn.get(at, headers={"Accept": "image/png, application/json;q=0.1"}).json()
    found = jn.get(at, params={"accept": "application/dicom+xml"})
    assert found.headers["content-type"].startswith("multipart/related")
