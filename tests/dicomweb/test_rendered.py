"""Pictures of a running server: what parameters do to them, and what cannot be drawn."""

import io
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pydicom
import pytest
from PIL import Image

from tests.conftest import shared
from tests.dicomweb.conftest import address, apart, study_of

Take = Callable[[str | Path], Path]


def picture(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def grey(answer: httpx.Response) -> np.ndarray:
    return np.asarray(picture(answer).convert("L")).astype(int)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_every_level_has_a_picture_and_a_thumbnail(jn: httpx.Client, taken: Take, level: int) -> None:
    path = taken("SC_rgb_rle_2frame.dcm")
    at = address(path)
    where = (study_of(path), at.split("/instances/")[0], at, f"{at}/frames/2")[level]
    large, small = jn.get(f"{where}/rendered"), jn.get(f"{where}/thumbnail")
    assert picture(large).size == (100, 100)
    assert large.headers["content-type"] == small.headers["content-type"] == "image/jpeg"
    assert max(picture(small).size) <= 128
    for answer in (large, small):
        assert answer.headers["cache-control"] == "private, no-cache"
        unchanged = jn.get(answer.request.url, headers={"If-None-Match": answer.headers["etag"]})
        assert unchanged.status_code == 304


def test_a_window_is_the_formula_of_the_standard(jn: httpx.Client, taken: Take) -> None:
    path = taken("CT_small.dcm")
    data = pydicom.dcmread(path)
    values = data.pixel_array * float(data.RescaleSlope) + float(data.RescaleIntercept)
    at, png = f"{address(path)}/rendered", {"Accept": "image/png"}
    expected = np.clip((values - 39.5) / 399 + 0.5, 0, 1) * 255
    assert np.abs(grey(jn.get(at, params={"window": "40,400,linear"}, headers=png)) - expected).max() <= 1
    exact = np.clip((values - 40) / 400 + 0.5, 0, 1) * 255
    assert np.abs(grey(jn.get(at, params={"window": "40,400,linear-exact"}, headers=png)) - exact).max() <= 1
    curved = 255 / (1 + np.exp(-4 * (values - 40) / 400))
    assert np.abs(grey(jn.get(at, params={"window": "40,400,sigmoid"}, headers=png)) - curved).max() <= 1


def test_a_viewport_cuts_mirrors_and_fits(jn: httpx.Client, taken: Take) -> None:
    at, png = f"{address(taken('CT_small.dcm'))}/rendered", {"Accept": "image/png"}
    whole = grey(jn.get(at, headers=png))
    part = grey(jn.get(at, params={"viewport": "32,16,10,20,32,16"}, headers=png))
    assert np.array_equal(part, whole[20:36, 10:42])
    mirrored = grey(jn.get(at, params={"viewport": "32,16,10,20,-32,16"}, headers=png))
    assert np.array_equal(mirrored, part[:, ::-1])
    rest = grey(jn.get(at, params={"viewport": "28,128,100,,,"}, headers=png))
    assert np.array_equal(rest, whole[:, 100:])
    assert picture(jn.get(at, params={"viewport": "300,64"})).size == (64, 64)
    assert picture(jn.get(at, params={"viewport": "256,512"})).size == (256, 256)


def test_forms_and_their_quality(jn: httpx.Client, taken: Take) -> None:
    at = f"{address(taken('CT_small.dcm'))}/rendered"
    for kind, form in (("image/png", "PNG"), ("image/gif", "GIF"), ("image/jp2", "JPEG2000")):
        answer = jn.get(at, params={"accept": kind}, headers={"Accept": "text/html"})
        assert (picture(answer).format, answer.headers["content-type"]) == (form, kind)
    rough, fine = (jn.get(at, params={"quality": q}).content for q in (10, 95))
    assert len(rough) < len(fine) / 2
    several = jn.get(f"{address(taken('SC_rgb_rle_2frame.dcm'))}/frames/1,2/rendered")
    assert several.content.count(b"Content-Type: image/jpeg") == 2
    profiled = jn.get(f"{address(taken('SC_rgb_rle_2frame.dcm'))}/rendered", params={"iccprofile": "srgb"})
    assert picture(profiled).info["icc_profile"]
    noted = jn.get(at, params={"annotation": "patient"})
    assert noted.content == jn.get(at).content
    assert "annotation" in noted.headers["warning"]


@pytest.mark.parametrize(
    "query",
    [
        "window=40", "window=40,0", "window=nan,400", "window=40,400,wavy", "window=1e400,1", "viewport=0,5",
        "viewport=5", "viewport=99999,5", "viewport=5,5,1,2,3", "viewport=5,5,500,0,10,10", "viewport=5,5,-1,0,10,10",
        "viewport=5,5,0,0,0,5", "viewport=5,5,0,0,nan,5", "quality=0", "quality=101", "quality=x", "iccprofile=mine",
    ],
)  # fmt: skip
def test_odd_parameters_are_told(jn: httpx.Client, taken: Take, query: str) -> None:
    answer = jn.get(f"{address(taken('CT_small.dcm'))}/rendered?{query}")
    assert answer.status_code == 400
    assert answer.json()["code"] in ("dicomweb.bad_parameter", "dicomweb.not_supported")


def test_what_cannot_be_drawn_is_told_and_shows_nothing_of_memory(
    jn: httpx.Client, taken: Take, tmp_path: Path
) -> None:
    reasons = {
        "palette_lut_short": "palette", "palette_without_lut": "palette", "j2k_claims_60000x60000": "size",
        "sof_size_other_than_header": "size", "rle_expands_short": "damaged", "jpeg_cut_in_scan": "damaged",
        "zero_rows": "no_pixels", "encapsulated_html": "no_pixels", "unknown_transfer_syntax": "syntax",
    }  # fmt: skip
    for name, reason in reasons.items():
        path = taken(apart(shared("dicom", "bad", f"{name}.dcm"), tmp_path))
        last = pydicom.dcmread(path, stop_before_pixels=True, force=True).get("NumberOfFrames", 1)
        frame = f"{address(path)}/frames/{last}"
        answer = jn.get(f"{frame}/rendered")
        assert answer.status_code == 406, name
        assert answer.json()["detail"] == {"reason": reason}, name
        assert jn.get(f"{frame}/thumbnail").status_code == 204, name


def test_wado_uri(jn: httpx.Client, taken: Take) -> None:
    path = taken("SC_rgb_rle_2frame.dcm")
    study, series, instance = address(path).split("/")[2::2]
    given = {"requestType": "WADO", "studyUID": study, "seriesUID": series, "objectUID": instance}
    root = str(jn.base_url).replace("/dicom-web/", "")
    for at in ("/wado", "/dicom-web/wado"):
        assert picture(jn.get(root + at, params=given)).size == (100, 100)

    def ask(**more: object) -> httpx.Response:
        return jn.get("/wado", params={**given, **more})

    assert ask(contentType="application/dicom").content == path.read_bytes()
    turned = ask(contentType="application/dicom", transferSyntax="1.2.840.10008.1.2.1")
    assert pydicom.dcmread(io.BytesIO(turned.content)).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert picture(ask(rows=50, frameNumber=2, contentType="image/png")).size == (50, 50)
    assert picture(ask(region="0,0,0.5,0.25")).size == (50, 25)
    assert picture(ask(windowCenter=1, windowWidth=50, imageQuality=20)).format == "JPEG"
    for odd in (
        {"requestType": "STORE"}, {"anonymize": "yes"}, {"studyUID": ""}, {"frameNumber": 0}, {"rows": "x"},
        {"region": "0,0,2,1"}, {"windowCenter": 5}, {"contentType": "application/dicom", "frameNumber": 1},
        {"presentationUID": "1.2"},
    ):  # fmt: skip
        assert ask(**odd).status_code == 400, odd
    assert ask(frameNumber=3).status_code == 404
    assert ask(objectUID="1.2.3").status_code == 404
    assert ask(contentType="text/html").status_code == 406
    assert ask(contentType="application/dicom", transferSyntax="1.2.3").status_code == 406
