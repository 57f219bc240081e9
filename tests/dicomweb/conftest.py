"""What tests of retrieving share: files of the wheel taken in, and a plain client with a key."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pydicom
import pytest
from pydicom.data import get_testdata_file

from tests.conftest import OnDisk
from tests.site import Site


@pytest.fixture
def jn(site: Site) -> Iterator[httpx.Client]:
    """A program of JN1."""
    headers = {"Authorization": f"Bearer {site.keys['JN1']}"}
    with httpx.Client(base_url=f"{site.url}/dicom-web", headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def taken(site: Site) -> Callable[[str | Path], Path]:
    """Take a file in, by its name in pydicom's wheel or its path; gives its path."""
    known: dict[str | Path, Path] = {}

    def take(name: str | Path) -> Path:
        if name not in known:
            path = name if isinstance(name, Path) else Path(str(get_testdata_file(name, download=False)))
            (outcome,) = site.store([OnDisk(path)])
            assert outcome.kind in ("stored", "unchanged"), (name, outcome.code)
            known[name] = path
        return known[name]

    return take


def apart(path: Path, folder: Path) -> Path:
    """The same bytes as a study of its own: each UID with other last digits."""
    data = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    stored = path.read_bytes()
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        uid = data[keyword].value.encode()
        stored = stored.replace(uid, uid[:-7] + f".{secrets.randbelow(900_000) + 100_000}".encode())
    made = folder / f"{secrets.token_hex(4)}-{path.name}"
    made.write_bytes(stored)
    return made


def address(path: Path) -> str:
    data = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    return f"/studies/{data.StudyInstanceUID}/series/{data.SeriesInstanceUID}/instances/{data.SOPInstanceUID}"


def study_of(path: Path) -> str:
    return address(path).split("/series/")[0]
