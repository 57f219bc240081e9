"""Deletion takes two, shows what goes, spares what is signed, and survives being killed."""

import gzip
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlmodel import Session, select

from mip_app.accounts.models import Role
from mip_app.audit.models import Act, AuditEntry
from mip_app.core.blobs import blobs
from mip_app.core.clock import utc_now
from mip_app.core.database import engine, read, write
from mip_app.core.errors import Conflict, Invalid, NotVisible
from mip_app.core.settings import settings
from mip_app.dicomweb import locating, metadata, places
from mip_app.maintenance import changing, conflicts, erasing, erasures
from mip_app.reports.models import Report, ReportState
from mip_app.studies.models import ErasedBlob, Instance, Patient, Series, SetAside, Study, StudyErasure
from mip_app.studies.query import Asked, Level, find
from tests.conftest import REPOSITORY
from tests.ingest.made import ROOT, image, series
from tests.maintenance.conftest import rows, stored_bytes

UID = f"{ROOT}.1"
ONE_DATABASE = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


@pytest.fixture
def second(actor):
    return actor(Role.INSTITUTION_ADMIN, "管理二")


def files_left() -> list:
    return [path for path in blobs().root.rglob("*") if path.is_file()]


def test_asked_by_one_confirmed_by_another_gone_for_everybody(guanli, second, actor, store):
    reader = actor(Role.CLINICIAN)
    store(image(1), image(2), image(1, 2, patient="P2"))
    store(image(1, side=17))  # set aside
    read(metadata.documents, reader, UID)
    key = write(erasures.ask, guanli, UID, "重复上传")
    assert read(locating.instances, reader, UID)  # nothing goes yet
    found = read(erasures.extent, second, UID)
    assert (found.series, found.instances, found.aside, found.report, found.deletable) == (1, 2, 1, "", True)
    with pytest.raises(erasures.TooSoon):
        write(erasures.confirm, guanli, key, 2)
    with pytest.raises(erasures.Grown):
        write(erasures.confirm, second, key, 1)
    write(erasures.confirm, second, key, 2)
    for ask in (locating.instances, metadata.documents):
        with pytest.raises(NotVisible):
            read(ask, reader, UID)
    assert len(read(find, reader, Asked(Level.STUDY)).rows) == 1
    assert [len(rows(t)) for t in (Study, Series, Instance, SetAside, Patient)] == [1, 1, 1, 0, 1]
    assert erasing.remove(engine()) > 3
    assert len(files_left()) == 1
    [row] = rows(StudyErasure)
    assert (row.state, row.instances, row.decided_by) == ("done", 2, "管理二")
    assert rows(ErasedBlob) == []
    with Session(engine()) as session:
        acts = session.exec(select(AuditEntry.act).where(AuditEntry.subject == f"study:{UID}")).all()
    assert {Act.DATA_ERASURE_ASKED, Act.DATA_ERASED} <= set(acts)

    # The UIDs may come again.
    assert store(image(1), image(2)) == ["ingest.stored"] * 2
    assert erasing.remove(engine()) == 0
    assert image(1) in stored_bytes()


@ONE_DATABASE
def test_sent_again_while_its_bytes_are_being_removed(guanli, second, store):
    files = image(1), image(2)
    store(*files)
    write(erasures.confirm, second, write(erasures.ask, guanli, UID, "x"), 2)
    assert store(files[0]) == ["ingest.stored"]  # needed again before the remover came
    erasing.remove(engine())
    assert stored_bytes() == [files[0]]
    assert store(*files) == ["ingest.unchanged", "ingest.stored"]
    assert sorted(stored_bytes()) == sorted(files)


@ONE_DATABASE
def test_the_same_person_after_the_wait_and_a_way_back_before(guanli, second, store, monkeypatch):
    store(image(1))
    key = write(erasures.ask, guanli, UID, "x")
    with pytest.raises(erasures.AskedAlready):
        write(erasures.ask, second, UID, "x")
    with pytest.raises(Invalid):
        write(erasures.ask, guanli, UID, "")
    write(erasures.cancel, second, key)
    with pytest.raises(NotVisible):
        write(erasures.confirm, second, key, 1)
    key = write(erasures.ask, guanli, UID, "x")
    with Session(engine()) as session:
        row = session.get(StudyErasure, key)
        row.asked_at = utc_now() - erasures.timedelta(hours=settings().delete_wait_hours, seconds=1)
        session.add(row)
        session.commit()
    write(erasures.confirm, guanli, key, 1)
    assert rows(Study) == []


@ONE_DATABASE
@pytest.mark.parametrize("state", [ReportState.FINAL, ReportState.DRAFT])
def test_what_is_signed_stays(guanli, second, store, jn1, state):
    store(image(1))
    key = write(erasures.ask, guanli, UID, "x")
    with Session(engine()) as session:
        session.add(Report(study_pk=rows(Study)[0].id, institution_id=jn1, state=state))
        session.commit()
    if state is ReportState.DRAFT:
        write(erasures.confirm, second, key, 1)
        assert rows(Report) == []
        return
    with pytest.raises(erasures.Signed):
        write(erasures.confirm, second, key, 1)
    write(erasures.cancel, second, key)
    with pytest.raises(erasures.Signed):
        write(erasures.ask, guanli, UID, "x")


@ONE_DATABASE
def test_another_institution_finds_nothing_to_delete(guanli, actor, qh2, store):
    store(image(1))
    key = write(erasures.ask, guanli, UID, "x")
    stranger = actor(Role.INSTITUTION_ADMIN, institution=qh2)
    assert read(erasures.listed, stranger) == []
    for act in (
        lambda: write(erasures.ask, stranger, UID, "x"),
        lambda: write(erasures.confirm, stranger, key, 1),
        lambda: write(erasures.cancel, stranger, key),
        lambda: read(erasures.extent, stranger, UID),
    ):
        with pytest.raises(NotVisible):
            act()


def test_of_two_confirmations_at_once_one_counts(guanli, second, actor, store):
    third = actor(Role.INSTITUTION_ADMIN, "管理三")
    store(image(1))
    key = write(erasures.ask, guanli, UID, "x")

    def confirm(who) -> str:
        try:
            write(erasures.confirm, who, key, 1)
        except (NotVisible, Conflict) as error:
            return error.code
        return ""

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(confirm, (second, third))) == ["", NotVisible.code]


KILLED = """
import os, signal
from mip_app.core.blobs import blobs
from mip_app.core.database import engine
from mip_app.maintenance import erasing

store, removed = type(blobs()), []
whole = store.remove

def remove(self, key):
    removed.append(key)
    if len(removed) == 30:
        os.kill(os.getpid(), signal.SIGKILL)
    whole(self, key)

store.remove, erasing.TOGETHER = remove, 20
erasing.remove(engine())
"""


def test_kill_9_in_the_middle_is_taken_up_again(guanli, second, ingest, tmp_path):
    ingest(series(tmp_path / "ct", 40))
    write(erasures.confirm, second, write(erasures.ask, guanli, UID, "x"), 40)
    all_of_it = len(rows(ErasedBlob))
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=REPOSITORY, env=os.environ)
    assert killed.returncode == -signal.SIGKILL
    left = len(rows(ErasedBlob))
    assert left == all_of_it - 20
    assert erasing.remove(engine()) == left
    assert files_left() == [] and rows(StudyErasure)[0].state == "done"


def test_what_comes_after_a_deletion_is_not_taken_for_what_went(guanli, second, actor, store):
    """A database may use the keys of rows that are gone again, and files made of the old ones wait to be removed."""
    reader = actor(Role.CLINICIAN)
    store(image(1))
    old = read(places.series_now, reader, UID, f"{UID}.1")
    read(metadata.documents, reader, UID)
    write(erasures.confirm, second, write(erasures.ask, guanli, UID, "x"), 1)
    store(image(1, 2, patient="P2", name="LI^SI=李^四"))
    [document] = read(metadata.documents, reader, f"{ROOT}.2")
    assert "李^四" in gzip.decompress(document).decode()
    assert read(places.series_now, reader, f"{ROOT}.2", f"{ROOT}.2.1") != old


def test_a_decision_about_what_is_deleted_touches_nobody_else_when_it_is_taken_back(guanli, second, store):
    store(image(1, patient="P1"), image(1, 2, patient="P2", name="LI^SI=李^四"), image(1, 3, patient="P3"))
    uid = f"{ROOT}.3"
    moved = write(conflicts.move, guanli, uid, "P1", "", "x")
    again = write(conflicts.move, guanli, uid, "P2", "", "x")
    write(erasures.confirm, second, write(erasures.ask, guanli, f"{ROOT}.2", "x"), 1)
    write(erasures.confirm, second, write(erasures.ask, guanli, uid, "x"), 1)
    store(image(1, 4, patient="P4", name="WANG^WU=王^五"))
    for change in (again, moved):
        write(changing.undo, guanli, change)
    [study] = [row for row in rows(Study) if row.study_uid == f"{ROOT}.4"]
    people = {row.id: row for row in rows(Patient)}
    assert people[study.patient_pk].patient_id == "P4" and people[study.patient_pk].name == "王五"
    assert study.corrections == {}


@ONE_DATABASE
def test_a_deletion_that_meets_trouble_keeps_no_other_from_its_end(guanli, second, store, monkeypatch):
    store(image(1), image(1, 2, patient="P2"))
    stuck, other = (row.blob for row in rows(Instance))
    for uid in (UID, f"{ROOT}.2"):
        write(erasures.confirm, second, write(erasures.ask, guanli, uid, "x"), 1)
    with monkeypatch.context() as broken:
        whole = type(blobs()).remove

        def remove(store, key: str) -> None:
            if key == stuck:
                raise PermissionError(key)
            whole(store, key)

        broken.setattr(type(blobs()), "remove", remove)
        with pytest.raises(PermissionError):
            erasing.remove(engine())
    assert [row.state for row in rows(StudyErasure)] == ["confirmed", "done"]
    assert not blobs().path(other).exists()
    erasing.remove(engine())
    assert files_left() == []
