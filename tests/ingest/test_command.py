"""`mip ingest`: what it says, and with what it ends."""

import io
import json
import multiprocessing
import os
import tarfile
import zipfile

import pytest

from mip_app.core.blobs import blobs
from mip_app.core.errors import NotVisible
from mip_app.core.settings import settings
from mip_app.ingest.checkers import Checkers
from mip_app.ingest.command import ingest
from mip_app.studies.models import Instance
from tests.ingest.made import image, series
from tests.maintenance.conftest import rows


@pytest.fixture
def run(db, jn1):
    """Exit code and what was said on standard error."""

    def command(*paths, report=None, **how) -> tuple[int, str]:
        said = io.StringIO()
        return ingest(list(paths), "JN1", report, said, **how), said.getvalue()

    return command


def test_a_folder_with_other_files_in_it_goes_in_and_ends_well(run, tmp_path):
    series(tmp_path / "cd" / "IMAGES", 3)
    (tmp_path / "cd" / "README.txt").write_text("viewer")
    code, said = run(tmp_path / "cd")
    assert code == 0
    assert "cd/README.txt: Not a DICOM file" in said
    assert said.endswith("3 stored, 0 unchanged, 0 refused, 1 not DICOM\n")
    assert run(tmp_path / "cd", again=True)[1].endswith("0 stored, 3 unchanged, 0 refused, 1 not DICOM\n")


def test_an_archive_is_taken_in_and_what_is_damaged_in_it_is_named(run, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("片子/好.dcm", image(1))
        archive.writestr("broken.dcm", image(2)[:-100])
        archive.writestr("notes.txt", "-")
    code, said = run(tmp_path / "a.zip")
    assert code == 1
    assert "✗ a.zip/broken.dcm: The file is incomplete" in said
    assert said.endswith("1 stored, 0 unchanged, 1 refused, 1 not DICOM\n")


@pytest.mark.parametrize("name", ["given.txt", "in/sent.dcm"])
def test_what_was_given_itself_or_calls_itself_dicom_and_is_not_is_refused(run, tmp_path, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("no image")
    code, said = run(path if name == "given.txt" else path.parent)
    assert code == 1
    assert f"✗ {name}: Not a DICOM file" in said


def test_a_path_that_is_not_there_is_named_and_the_others_go_in(run, tmp_path):
    [path] = series(tmp_path, 1)
    code, said = run(tmp_path / "nowhere", path)
    assert code == 1
    assert f"{tmp_path}/nowhere: There is no such file or folder" in said
    assert "1 stored" in said


def test_an_unknown_institution_is_said(db, tmp_path):
    with pytest.raises(NotVisible) as error:
        ingest([tmp_path], "XX", None)
    assert (error.value.code, error.value.detail) == ("account.no_institution", {"institution": "XX"})


def test_the_report_names_every_file_as_it_is_done(run, tmp_path):
    series(tmp_path / "ct", 2)
    report = io.StringIO()
    run(tmp_path / "ct", report=report)
    lines = [json.loads(line) for line in report.getvalue().splitlines()]
    assert [(line["name"], line["kind"]) for line in lines] == [
        ("ct/0001.dcm", "stored"),
        ("ct/0002.dcm", "stored"),
    ]
    assert lines[0]["sop_instance_uid"].endswith(".1.1.1")


def test_what_three_processes_read_is_named_in_order_and_stored_once(run, tmp_path):
    folder = series(tmp_path / "ct", 90)[0].parent
    (folder / "0080.dcm").write_bytes(image(80)[:-100])
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for number in range(1, 40):
            archive.writestr(f"{number:04}.dcm", image(number, study=2, patient="P2"))
        archive.writestr("notes.txt", "-")
    with tarfile.open(tmp_path / "z.tar.gz", "w:gz") as archive:
        archive.add(folder / "0001.dcm", "again.dcm")
    report = io.StringIO()
    code, said = run(folder, tmp_path / "z.zip", tmp_path / "z.tar.gz", report=report, jobs=3)
    names = [f"ct/{n:04}.dcm" for n in range(1, 91)] + [f"z.zip/{n:04}.dcm" for n in range(1, 40)]
    lines = [json.loads(line) for line in report.getvalue().splitlines()]
    assert [line["name"] for line in lines] == [*names, "z.zip/notes.txt", "z.tar.gz/again.dcm"]
    assert (code, lines[79]["code"]) == (1, "ingest.incomplete")
    assert said.endswith("128 stored, 1 unchanged, 1 refused, 1 not DICOM\n")
    again = run(folder, tmp_path / "z.zip", jobs=3)[1]
    assert again.endswith(
        "0 stored, 39 unchanged, 1 refused, 1 not DICOM, 89 taken in before (--again reads them)\n"
    )


def test_a_process_that_dies_takes_no_file_along(run, tmp_path, monkeypatch):
    whole = Checkers._start

    def start(checkers):
        connection = whole(checkers)
        for process in multiprocessing.active_children():
            process.kill()
        return connection

    monkeypatch.setattr(Checkers, "_start", start)
    series(tmp_path / "ct", 100)
    assert run(tmp_path / "ct", jobs=2) == (0, "100 stored, 0 unchanged, 0 refused\n")


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
@pytest.mark.parametrize("at", [3, 16 * 5])
def test_who_interrupts_leaves_no_file_that_is_nobodys(run, tmp_path, at):
    """Neither in the waiting room nor in its place: what was handed over is committed, the rest is not there."""

    class Interrupted(io.StringIO):
        def write(self, line: str) -> int:
            if len(self.getvalue().splitlines()) == at:
                raise KeyboardInterrupt
            return super().write(line)

    series(tmp_path / "ct", 16 * 14)
    with tarfile.open(tmp_path / "z.tar.gz", "w:gz") as archive:  # what comes by once is received here
        for path in (tmp_path / "ct").iterdir():
            archive.add(path, path.name)
    for paths in ([tmp_path / "ct"], [tmp_path / "z.tar.gz"]):
        with pytest.raises(KeyboardInterrupt):
            run(*paths, report=Interrupted(), jobs=2)
        assert list(blobs().incoming.iterdir()) == []
        assert set(dict(blobs().keys())) == {row.blob for row in rows(Instance)}
    assert run(tmp_path / "ct", jobs=2)[0] == 0


def test_a_second_run_reads_what_is_new_changed_or_was_never_acknowledged(run, tmp_path):
    folder = tmp_path / "ct"
    series(folder, 2)
    (folder / "broken.dcm").write_bytes(image(9)[:-100])
    assert run(folder)[1].endswith("2 stored, 0 unchanged, 1 refused\n")
    assert run(folder)[1].endswith(
        "0 stored, 0 unchanged, 1 refused, 2 taken in before (--again reads them)\n"
    )

    [journal] = (settings().data_dir / "ingest").iterdir()
    assert journal.stat().st_mode & 0o777 == 0o600
    kept = journal.read_bytes()
    journal.write_bytes(kept[:-10])  # as a process leaves it that is killed while it writes
    (folder / "broken.dcm").write_bytes(image(9))
    said = run(folder)[1]
    assert said.endswith("1 stored, 1 unchanged, 0 refused, 1 taken in before (--again reads them)\n")

    os.utime(folder / "0001.dcm")
    assert run(folder)[1].endswith(
        "0 stored, 1 unchanged, 0 refused, 2 taken in before (--again reads them)\n"
    )
    assert run(folder, again=True)[1].endswith("0 stored, 3 unchanged, 0 refused\n")
