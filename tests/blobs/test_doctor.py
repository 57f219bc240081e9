"""`mip doctor` finds what database and store do not agree on, mends what it can, and never removes an image."""

import gzip
import io
import os
import time
import tracemalloc

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, text
from sqlmodel import Session, select

from mip_app.accounts.models import Role
from mip_app.audit.models import Act, AuditEntry
from mip_app.cli import mip
from mip_app.core.blobs import BlobsAway, blobs
from mip_app.core.clock import utc_now
from mip_app.core.database import engine, write
from mip_app.core.settings import settings
from mip_app.keeping.doctor import Checkup
from mip_app.keeping.findings import Kind
from mip_app.keeping.workbench import Workbench
from mip_app.maintenance import erasures, quarantine
from mip_app.studies import door
from mip_app.studies.models import ErasedBlob, Instance, Series, SetAside, Study
from tests.ingest.made import ROOT, image, series

on_sqlite = pytest.mark.parametrize("db", ["sqlite"], indirect=True)
HOURS_AGO = time.time() - 2 * 3600


def rows(model) -> list:
    with Session(engine()) as session:
        return list(session.exec(door.marked(select(model))))


def doctor(*options: str) -> tuple[int, list[str]]:
    answer = CliRunner().invoke(mip, ["doctor", *options], standalone_mode=False)
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return answer.exit_code, answer.stdout.splitlines()


def found(*options: str) -> dict[str, str]:
    """What it named, and how."""
    return {line.split("  ")[1]: line for line in doctor(*options)[1][:-2]}


@pytest.fixture
def stored(ingest, tmp_path) -> list[Instance]:
    """A series of four, and other bytes under the UID of its first, set aside."""
    paths = series(tmp_path / "ct", 4)
    other = tmp_path / "other.dcm"
    other.write_bytes(image(1, side=20))
    ingest([*paths, other])
    return rows(Instance)


def orphan(key: str = "1/ab/0123456789abcdef012345/" + "7" * 64 + ".dcm", data: bytes = b"x") -> str:
    blobs().keep(blobs().receive(io.BytesIO(data), len(data)), key)
    return key


def aged(key: str) -> str:
    os.utime(blobs().file(key), (HOURS_AGO,) * 2)
    return key


def test_a_whole_installation_is_whole(stored):
    code, lines = doctor("--bytes")
    assert code == 0
    assert lines[0].startswith("5 images in the database, 5 files of images, ")
    assert lines[1] == "whole"


@on_sqlite
def test_a_file_that_is_gone_or_damaged_is_named_and_its_row_stays(stored):
    gone, cut, changed, aside = stored[0], stored[1], stored[2], rows(SetAside)[0]
    blobs().remove(gone.blob)
    blobs().remove(aside.blob)
    os.truncate(blobs().file(cut.blob), cut.size - 10)
    with blobs().file(changed.blob).open("r+b") as file:
        file.seek(-5, os.SEEK_END)
        file.write(b"\7")
    code, lines = doctor("--repair")
    assert code == 1 and lines[-1] == "WRONG: 1 damaged, 2 missing"
    assert lines.count(f"missing  {gone.sop_instance_uid}  {gone.blob}") == 1
    assert f"missing  {aside.sop_instance_uid}  {aside.blob}" in lines
    assert (
        f"damaged  {cut.sop_instance_uid}  {cut.blob}: {cut.size - 10:,} bytes instead of {cut.size:,}"
        in lines
    )
    code, lines = doctor("--repair", "--bytes")
    assert code == 1 and lines[-1] == "WRONG: 2 damaged, 2 missing"
    assert f"damaged  {changed.sop_instance_uid}  {changed.blob}: other bytes" in lines
    assert len(rows(Instance)) == 4 and len(rows(SetAside)) == 1
    assert blobs().get(changed.blob)
    blobs().remove(cut.blob)  # brought back by hand: whole again
    for number, row in enumerate(stored, 1):
        orphan(row.blob, image(number))
    orphan(aside.blob, image(1, side=20))
    assert doctor("--bytes")[0] == 0


@on_sqlite
def test_nothing_about_a_patient_is_said(stored):
    for row in stored:
        blobs().remove(row.blob)
    said = "\n".join(doctor()[1])
    assert "missing" in said
    assert not any(word in said for word in ("张", "P1", "20260301"))


@on_sqlite
def test_files_that_nobody_was_told_of_are_removed_when_they_are_old(stored):
    young, old = orphan(), aged(orphan("1/ab/0123456789abcdef012345/" + "8" * 64 + ".dcm"))
    blobs().put("institutions/1/logo.png", b"of another feature")
    assert {key: line.split()[0] for key, line in found().items()} == {young: "arriving", old: "orphan"}
    assert doctor()[0] == 1
    code, lines = doctor("--repair")
    assert code == 0 and f"orphan  {old}  removed" in lines
    assert not blobs().stat(old) and blobs().stat(young) and blobs().get("institutions/1/logo.png")
    assert [(e.scope, e.detail) for e in rows(AuditEntry) if e.act == Act.DATA_REPAIRED] == [
        ("p", {"removed": 1, "dropped": 0})
    ]
    assert doctor("--repair")[0] == 0
    assert sum(e.act == Act.DATA_REPAIRED for e in rows(AuditEntry)) == 1


@on_sqlite
def test_an_old_file_that_is_sent_again_at_that_moment_stays(ingest, tmp_path, stored):
    """Its row is committed between the look at the database and the look at the file."""
    [path] = series(tmp_path / "late", 1, study=9)
    ingest([path])
    row = next(r for r in rows(Instance) if f"{ROOT}.9" in r.sop_instance_uid)
    with engine().begin() as connection:
        connection.execute(text("DELETE FROM instance WHERE id = :id"), {"id": row.id})
    aged(row.blob)
    checkup = Checkup(repair=True)
    stat = checkup.store.stat

    def sent_again(key):
        answer = stat(key)
        if key == row.blob and len(rows(Instance)) == 4:
            ingest([path])
        return answer

    checkup.store.stat = sent_again
    try:
        kinds = [finding.kind for finding in checkup.findings()]
    finally:
        del checkup.store.stat
    assert Kind.ORPHAN not in kinds and checkup.removed == 0
    assert blobs().get(row.blob) == path.read_bytes()


@on_sqlite
def test_what_is_deleted_by_two_is_neither_missing_nor_without_a_row(stored, actor, monkeypatch):
    """And a file set aside and discarded, whose bytes outlived a kill."""
    one, other = actor(Role.INSTITUTION_ADMIN), actor(Role.INSTITUTION_ADMIN, "管理二")
    left, last = rows(SetAside)[0].blob, stored[0].blob
    with monkeypatch.context() as killed:
        killed.setattr(type(blobs()), "remove", lambda *_: None)
        write(quarantine.discard, one, rows(SetAside)[0].id)
    write(erasures.confirm, other, write(erasures.ask, one, f"{ROOT}.1", "x"), 4)
    blobs().put("1/made/frames/ab/ab12", b"cut for a proxy")
    aged(last)
    assert found() == {left: f"arriving  {left}"}
    aged(left)
    code, lines = doctor("--repair")
    assert code == 0 and lines[-1] == "whole: 1 orphan"
    assert f"orphan  {left}  removed" in lines
    assert rows(ErasedBlob) == [] and not list(blobs().keys())


def test_counts_are_made_again_from_the_rows(stored):
    with engine().begin() as connection:
        connection.execute(text("UPDATE study SET instance_count = 9"))
        connection.execute(text("UPDATE series SET instance_count = 7"))
    revision = rows(Series)[0].revision
    assert doctor()[0] == 1
    uid = f"{ROOT}.1"
    assert found() == {uid: f"count  {uid}  1 series with 9 images instead of 1 with 4"}
    assert doctor("--repair")[0] == 0
    study, line = rows(Study)[0], rows(Series)[0]
    assert (study.series_count, study.instance_count, line.instance_count) == (1, 4, 4)
    assert line.revision == revision + 1
    assert [e.subject for e in rows(AuditEntry) if e.act == Act.DATA_REPAIRED] == [f"study:{uid}"]
    assert doctor()[1][-1] == "whole"


@on_sqlite
def test_what_is_made_from_images_is_dropped_when_it_is_of_no_use(stored, api):
    at = f"/dicom-web/studies/{ROOT}.1/series/{ROOT}.1.1"
    good = api.get(f"{at}/metadata").json()
    picture = api.get(f"{at}/thumbnail").content
    made = {key for key, _ in blobs().keys("") if "/made/" in key}
    assert len(made) == 2 and doctor("--bytes")[1][-1] == "whole"
    document = next(key for key in made if "metadata" in key)
    institution = document.partition("/")[0]
    outdated = [f"{institution}/made/metadata/{name}.json.gz" for name in ("1-1", "77-4", "odd")]
    outdated.append(f"{institution}/made/thumbnails/ff/{'f' * 64}-128.jpg")
    for key in outdated:
        blobs().put(key, gzip.compress(b"[]"))
    assert doctor()[1][-1] == "whole: 4 outdated"
    for key in made:
        blobs().put(key, b"torn")
    assert doctor()[0] == 0 and doctor("--bytes")[0] == 1
    assert doctor("--bytes", "--repair")[0] == 0
    assert not [key for key, _ in blobs().keys("") if "/made/" in key]
    assert api.get(f"{at}/metadata").json() == good and api.get(f"{at}/thumbnail").content == picture


@on_sqlite
def test_files_without_a_row_can_be_taken_in_again(stored, ingest, tmp_path):
    """After an older database was restored they are all there is of what came later."""
    with engine().begin() as connection:
        for table in (
            *("instance", "setaside", "series", "studymodality", "study"),
            *("patienttail", "patientkey", "patient"),
        ):
            connection.execute(text(f"DELETE FROM {table}"))
    code, lines = doctor("--take-in")
    assert code == 0 and sum(line.endswith("taken in") for line in lines) == 5
    assert len(rows(Instance)) == 4 and len(rows(SetAside)) == 1
    assert doctor("--bytes")[1][-1] == "whole"


@on_sqlite
def test_over_s3(on_s3, ingest, tmp_path, monkeypatch):
    ingest(series(tmp_path / "ct", 3))
    first, *_ = rows(Instance)
    key = orphan()
    assert doctor("--bytes")[1][-1] == "whole: 1 arriving"
    blobs().remove(first.blob)
    monkeypatch.setattr("mip_app.keeping.doctor.YOUNG", -60)
    code, lines = doctor("--repair")
    assert code == 1 and f"orphan  {key}  removed" in lines
    assert f"missing  {first.sop_instance_uid}  {first.blob}" in lines
    assert not blobs().stat(key)
    monkeypatch.setenv("MIP_S3_SECRET_KEY", "wrong")
    for cached in (settings, blobs):
        cached.cache_clear()
    with pytest.raises(BlobsAway):  # which is not "everything is missing"
        doctor()


@on_sqlite
def test_memory_stays_flat(stored, db):
    """Twenty thousand rows whose files are all gone: laid out, named one by one, and forgotten."""
    line = stored[0]
    with engine().begin() as connection:
        values = line.model_dump(exclude={"id"}) | {"received_at": utc_now(), "header": b""}
        for start in range(0, 20_000, 5000):
            many = [
                values
                | {"sop_instance_uid": f"2.25.{n}", "blob": f"1/aa/{n:022}/{n:064}.dcm", "sha256": f"{n:064}"}
                for n in range(start, start + 5000)
            ]
            connection.execute(insert(Instance), many)
    tracemalloc.start()
    missing = sum(finding.kind is Kind.MISSING for finding in Checkup().findings())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert missing == 20_000
    assert peak < 10_000_000


def test_the_workbench_leaves_nothing(tmp_path):
    with Workbench(tmp_path) as bench:
        bench.keep([("1/aa/x.dcm", 1)])
        bench.sort()
        assert list(bench.without_row()) == ["1/aa/x.dcm"]
    assert not list(tmp_path.iterdir())
