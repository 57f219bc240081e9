"""A zip of a study: other programs read its directory, its files are those that came, and memory stays flat."""

import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydicom.fileset import FileSet

from tests.conftest import OnDisk, shared
from tests.dicomweb.conftest import apart, study_of
from tests.images import study
from tests.site import Site

DCMDUMP = "/usr/bin/dcmdump"  # pynetdicom's and pydicom's commands have other names, dcmtk's is meant
Take = Callable[[str | Path], Path]


def unpacked(answer: httpx.Response, folder: Path) -> FileSet:
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return FileSet(folder / "DICOMDIR")


def test_a_study_by_zip_is_a_file_set(site: Site, jn: httpx.Client, tmp_path: Path) -> None:
    made = study("WANG^XiaoDong=王^小东", slices=5)
    other = study("WANG^XiaoDong=王^小东", slices=2, patient_id=made[0].PatientID)
    for data in other:
        data.StudyInstanceUID, data.SeriesNumber = made[0].StudyInstanceUID, 2
        data.StudyID = ""
    files = []
    for number, data in enumerate([*made, *other]):
        files.append(tmp_path / f"{number}.dcm")
        data.save_as(files[-1], enforce_file_format=True)
    assert {outcome.kind for outcome in site.store([OnDisk(path) for path in files])} == {"stored"}
    at = f"/studies/{made[0].StudyInstanceUID}"
    found = unpacked(jn.get(at, headers={"Accept": "application/zip"}), tmp_path / "zip")
    assert len(found) == 7
    assert sorted(Path(one.path).read_bytes() for one in found) == sorted(path.read_bytes() for path in files)
    (patient,) = found.find_values("PatientName")
    assert str(patient) == "WANG^XiaoDong=王^小东"
    assert len(found.find_values("SeriesInstanceUID")) == 2
    assert all(
        len(part) <= 8 and part == part.upper()
        for one in found
        for part in Path(one.path).relative_to(tmp_path / "zip").parts
    )
    one = unpacked(
        jn.get(f"{at}/series/{other[0].SeriesInstanceUID}", params={"accept": "application/zip"}),
        tmp_path / "one",
    )
    assert len(one) == 2


@pytest.mark.skipif(not Path(DCMDUMP).exists(), reason="dcmtk is not here")
def test_dcmtk_reads_the_directory_of_every_kind_of_object(
    site: Site, jn: httpx.Client, taken: Take, tmp_path: Path
) -> None:
    names = (
        sorted(shared("dicom", "objects").glob("*.dcm"))
        + sorted(shared("dicom", "charsets").glob("*.dcm"))[:4]
    )
    for number, path in enumerate(names):
        path = apart(path, tmp_path)
        answer = jn.get(study_of(taken(path)), headers={"Accept": "application/zip"})
        folder = tmp_path / str(number)
        found = unpacked(answer, folder)
        assert path.read_bytes() in [Path(one.path).read_bytes() for one in found]
        dumped = subprocess.run([DCMDUMP, "-q", folder / "DICOMDIR"], capture_output=True, text=True)
        assert dumped.returncode == 0, dumped.stderr
        assert dumped.stdout.count("ReferencedFileID") == len(found)
        shutil.rmtree(folder)


def test_others_get_nothing(site: Site, taken: Take) -> None:
    there = study_of(taken("CT_small.dcm"))
    headers = {"Authorization": f"Bearer {site.keys['QH2']}", "Accept": "application/zip"}
    other = httpx.get(f"{site.url}/dicom-web{there}", headers=headers)
    absent = httpx.get(f"{site.url}/dicom-web/studies/1.2.3", headers=headers)
    assert (other.status_code, other.content) == (404, absent.content)
