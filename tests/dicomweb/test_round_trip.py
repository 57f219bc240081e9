"""Every real file there is, in and out again: the same bytes, the metadata and the pixels that pydicom sees in it."""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array
from starlette.testclient import TestClient

from mip_app.accounts.models import Role
from tests.conftest import OnDisk
from tests.dicom.conftest import SHARED, WHEEL
from tests.dicomweb import tried

DECODED_OF_A_KIND = 2  # files of one SOP class and transfer syntax whose pixels are compared
NATIVE = 'multipart/related; type="application/octet-stream"'
# What pydicom reads in them otherwise, and why ours is right or as good.
OTHERWISE = {
    "00080005",  # ours is UTF-8 whatever the file was in
    "00083002",  # told by ours besides: available transfer syntaxes
    "7FE00010",  # pixels are asked for as frames
    "FFFCFFFC",  # data set trailing padding
}


def good_files() -> list[Path]:
    """Of the wheel and of the collection, without what was made to be bad."""
    found = [path for part in ("test_files", "charset_files") for path in sorted((WHEEL / part).rglob("*"))]
    found += [path for path in sorted(SHARED.rglob("*")) if "bad" not in path.parts]
    return [path for path in found if path.is_file()]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_every_file_comes_out_as_it_went_in(db: str, api: TestClient, actor, ingest) -> None:
    paths = good_files()
    table = tried.Table()
    stored = zip(ingest([OnDisk(path).path for path in paths], actor(Role.TECHNICIAN)), paths, strict=True)
    for outcome, path in stored:
        if outcome.kind != "stored":
            continue
        at = f"/dicom-web/studies/{outcome.study_uid}/series/{outcome.series_uid}/instances/{outcome.sop_instance_uid}"
        assert path.read_bytes() in api.get(at).content, path
        row = table.add(outcome.sop_class_uid, outcome.transfer_syntax_uid)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path, force=True)
            _same_metadata(api, at, data, path)
            if row.files <= DECODED_OF_A_KIND:
                row.decoded |= _same_pixels(api, at, data, path)
    assert len(table.rows) > 40
    if not SHARED.is_dir():
        pytest.skip(f"the table is compared where {SHARED} is")
    if os.environ.get("MIP_WRITE_TABLES"):
        tried.DOCUMENT.write_text(table.written(), "utf-8")
    assert table.written() == tried.kept(), "MIP_WRITE_TABLES=1 writes it anew"


def _same_metadata(api: TestClient, at: str, data: pydicom.Dataset, path: Path) -> None:
    try:
        theirs = data.to_json_dict(bulk_data_threshold=1024, bulk_data_element_handler=lambda _: "elsewhere")
    except ValueError:  # pydicom stops at values that are none; ours tells the others
        return
    (ours,) = api.get(f"{at}/metadata").json()
    differences = list(_differences(ours, theirs))
    assert not differences, (path, differences[:3])


def _differences(ours: dict, theirs: dict, at: str = "") -> Iterator[tuple]:
    for tag in sorted(set(ours) | set(theirs)):
        if tag in OTHERWISE or tag.endswith("0000") or (tag > "7FE00010" and not at):
            continue
        a, b = ours.get(tag), theirs.get(tag)
        if a is None or b is None or a["vr"] != str(b["vr"]):
            yield at + tag, a, b
        elif a["vr"] == "SQ":
            yield from _in_items(a.get("Value", []), b.get("Value", []), at + tag)
        elif _value(a) != _value(b) and not _misread(b):
            yield at + tag, a, b


def _in_items(ours: list[dict], theirs: list[dict], at: str) -> Iterator[tuple]:
    if len(ours) != len(theirs):
        yield at, len(ours), len(theirs)
    for number, (a, b) in enumerate(zip(ours, theirs, strict=False), 1):
        yield from _differences(a, b, f"{at}[{number}].")


def _value(element: dict) -> object:
    """Of binary values that there is one; of text what is no padding."""
    if "BulkDataURI" in element or "InlineBinary" in element:
        return "bulk"
    values = element.get("Value", [])
    return [value.strip() or None if isinstance(value, str) else value or None for value in values]


def _misread(theirs: dict) -> bool:
    """Text whose character set is not the one declared: pydicom keeps to the declaration, ours to the text."""
    text = str(theirs.get("Value", ""))
    return "\\x1b" in text or any("\x7f" <= sign <= "\xff" or sign == "\ufffd" for sign in text)


def _same_pixels(api: TestClient, at: str, data: pydicom.Dataset, path: Path) -> set[str]:
    """Of the first frame."""
    if "PixelData" not in data:
        return set()
    try:
        theirs = pixel_array(data, index=0, raw=True)
    except Exception:  # no decoder of Python's reads it
        return {"by the browser"}
    answer = api.get(f"{at}/frames/1", headers={"Accept": NATIVE})
    assert answer.status_code == 200, (path, answer.text)
    samples = answer.content.split(b"\r\n\r\n", 1)[1].rpartition(b"\r\n--")[0]
    if data.BitsAllocated == 1:
        ours = np.unpackbits(np.frombuffer(samples, np.uint8), bitorder="little")[: theirs.size]
    else:
        ours = np.frombuffer(samples[: theirs.nbytes], theirs.dtype.newbyteorder("<"))
    if data.get("PlanarConfiguration") and not data.file_meta.TransferSyntaxUID.is_compressed:
        ours = np.moveaxis(
            ours.reshape(theirs.shape[-1], *theirs.shape[:-1]), 0, -1
        )  # a plane a colour, as told
    ours = ours.reshape(theirs.shape)
    assert np.array_equal(ours, theirs), path
    return {"same"}
