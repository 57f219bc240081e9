"""An administrator decides who is meant: bytes stay, answers change, and every decision can be taken back."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pydicom
import pytest
from sqlmodel import Session, select

from mip_app.accounts.models import Role
from mip_app.audit.models import Act, AuditEntry
from mip_app.core.database import engine, read, write
from mip_app.core.errors import Conflict, Invalid, NotPermitted, NotVisible
from mip_app.dicomweb import locating, metadata, retrieve
from mip_app.maintenance import changing, conflicts, finding
from mip_app.studies.models import Patient, PatientConflict, Study
from mip_app.studies.query import Asked, Level, find
from tests.ingest.made import ROOT, image
from tests.maintenance.conftest import rows, stored_bytes

ONE_DATABASE = pytest.mark.parametrize("db", ["sqlite"], indirect=True)


def said_by_search(reader, study: int) -> tuple[str, str]:
    [found] = read(find, reader, Asked(Level.STUDY, {"0020000D": f"{ROOT}.{study}"})).rows
    name = found["00100010"]["Value"][0]
    return name.get("Ideographic", name.get("Alphabetic", "")), found["00100020"]["Value"][0]


def said_by_metadata(reader, study: int) -> tuple[str, str]:
    parts = read(metadata.documents, reader, f"{ROOT}.{study}")
    [found] = json.loads(gzip.decompress(parts[0]))
    name = found["00100010"]["Value"][0]
    return name.get("Ideographic", name.get("Alphabetic", "")), found["00100020"]["Value"][0]


def said_by_file(reader, study: int) -> tuple[str, str]:
    [item] = read(locating.instances, reader, f"{ROOT}.{study}")
    data = pydicom.dcmread(BytesIO(b"".join(retrieve.whole(item))))
    return data.PatientName.ideographic or str(data.PatientName), data.PatientID


def everywhere(reader, study: int) -> tuple[str, str]:
    answers = {ask(reader, study) for ask in (said_by_search, said_by_metadata, said_by_file)}
    assert len(answers) == 1, answers
    return answers.pop()


def test_merged_people_are_one_on_every_way_out_and_two_again_after_undo(guanli, actor, two, store):
    reader = actor(Role.CLINICIAN)
    assert everywhere(reader, 2) == ("李^四", "P1")
    [flag] = read(conflicts.listed, guanli)
    assert (flag["kind"], flag["differs"]) == ("patient", ["name"])
    change = write(conflicts.merge, guanli, int(flag["key"]), False, "登记时写错")
    assert everywhere(reader, 1) == everywhere(reader, 2) == ("张^三", "P1")
    assert read(conflicts.count, guanli) == 0
    assert stored_bytes() == list(two)

    # What comes later under the wrong name is the right one's at once.
    assert store(image(1, 3, name="LI^SI=李^四")) == ["ingest.stored"]
    assert everywhere(reader, 3) == ("张^三", "P1")
    assert read(conflicts.count, guanli) == 0

    write(changing.undo, guanli, change)
    assert [everywhere(reader, n) for n in (1, 2, 3)] == [("张^三", "P1"), ("李^四", "P1"), ("李^四", "P1")]
    assert read(conflicts.count, guanli) == 1
    with Session(engine()) as session:
        acts = session.exec(select(AuditEntry.act, AuditEntry.subject)).all()
        text = repr(session.exec(select(AuditEntry.detail)).all())
    assert (Act.DATA_CHANGED, f"study:{ROOT}.2") in acts and (Act.DATA_UNDONE, f"study:{ROOT}.3") in acts
    assert "张" not in text and "李" not in text


@ONE_DATABASE
def test_either_of_the_two_may_be_the_right_one(guanli, actor, two):
    reader = actor(Role.CLINICIAN)
    [flag] = read(conflicts.listed, guanli)
    write(conflicts.merge, guanli, int(flag["key"]), True, "更名")
    assert everywhere(reader, 1) == everywhere(reader, 2) == ("李^四", "P1")


@ONE_DATABASE
def test_two_people_with_one_id_are_kept_apart(guanli, actor, two, store):
    reader = actor(Role.CLINICIAN)
    [flag] = read(conflicts.listed, guanli)
    change = write(conflicts.keep_apart, guanli, int(flag["key"]), "P1-2", "", "两名患者共用编号")
    assert everywhere(reader, 1) == ("张^三", "P1")
    assert everywhere(reader, 2) == ("李^四", "P1-2")
    store(image(1, 3, name="李^四"), image(1, 4, name="张^三"))
    assert (everywhere(reader, 3)[1], everywhere(reader, 4)[1]) == ("P1-2", "P1")
    assert read(conflicts.count, guanli) == 0
    write(changing.undo, guanli, change)
    assert (everywhere(reader, 2)[1], everywhere(reader, 3)[1]) == ("P1", "P1")
    assert len(rows(Patient)) == 2


@ONE_DATABASE
def test_demographics_accession_number_and_patient_of_a_study_are_corrected(guanli, actor, store):
    reader = actor(Role.CLINICIAN)
    store(image(1, 1, patient="A"), image(1, 2, patient="B", name="李^四"))
    first = rows(Patient)[0]
    form = {"name": "ZHANG^SHAN=张^山", "birth_date": "1970-01-02", "sex": "F", "patient_id": "A"}
    change = write(conflicts.correct, guanli, first.id, form, "姓名有误")
    assert everywhere(reader, 1) == ("张^山", "A")
    assert store(image(2, 1, patient="A")) == ["ingest.stored"]  # the scanner still says 张三
    assert rows(PatientConflict) == []

    write(conflicts.correct_accession, guanli, f"{ROOT}.1", "ACC-9", "检查号有误")
    [found] = read(find, reader, Asked(Level.STUDY, {"00080050": "ACC-9"})).rows
    assert found["0020000D"]["Value"] == [f"{ROOT}.1"]
    [item, _] = read(locating.instances, reader, f"{ROOT}.1")
    assert pydicom.dcmread(BytesIO(b"".join(retrieve.whole(item)))).AccessionNumber == "ACC-9"

    write(conflicts.move, guanli, f"{ROOT}.2", "A", "", "归错患者")
    assert everywhere(reader, 2) == ("张^山", "A")
    with pytest.raises(changing.UndoLaterFirst):
        write(changing.undo, guanli, change)
    last = read(conflicts.history, guanli)
    assert [row["new"]["text"] for row in last] == ["张山", "ACC-9", "张山"]
    assert (last[2]["old"]["sex"], last[2]["new"]) == (
        "",
        {"text": "张山", "sex": "F", "more": "1970-01-02 · A"},
    )
    for row in last:
        write(changing.undo, guanli, int(row["key"]))
    assert everywhere(reader, 2) == ("李^四", "B")
    assert rows(Study)[0].accession_number == "" and not any(study.corrections for study in rows(Study))
    assert [p.person_name for p in rows(Patient)] == ["张^三", "李^四"]


@ONE_DATABASE
def test_a_study_of_two_names_leaves_with_one(guanli, actor, store):
    reader = actor(Role.CLINICIAN)
    files = image(1, 1, patient="A"), image(2, 1, patient="B")
    store(*files)
    [flag] = read(conflicts.listed, guanli)
    assert flag["kind"] == "study" and flag["study"]
    write(conflicts.merge, guanli, int(flag["key"]), True, "编号更正")
    ids = set()
    for item in read(locating.instances, reader, f"{ROOT}.1"):
        ids.add(pydicom.dcmread(BytesIO(b"".join(retrieve.whole(item)))).PatientID)
    assert ids == {"B"}
    assert said_by_search(reader, 1)[1] == "B"
    assert stored_bytes() == list(files)


@ONE_DATABASE
def test_nothing_without_a_reason_and_no_id_that_is_taken(guanli, two, store):
    store(image(1, 5, patient="TAKEN", name="王^五"))
    [flag] = read(conflicts.listed, guanli)
    key = int(flag["key"])
    with pytest.raises(Invalid):
        write(conflicts.merge, guanli, key, False, " ")
    with pytest.raises(conflicts.IdTaken):
        write(conflicts.keep_apart, guanli, key, "TAKEN", "", "x")
    with pytest.raises(Invalid):
        write(conflicts.keep_apart, guanli, key, "P1", "", "x")
    assert read(conflicts.count, guanli) == 1


@ONE_DATABASE
def test_only_the_own_institutions_administrator(guanli, actor, two, qh2):
    [flag] = read(conflicts.listed, guanli)
    [change, key] = write(conflicts.merge, guanli, int(flag["key"]), False, "x"), rows(Patient)[0].id
    stranger = actor(Role.INSTITUTION_ADMIN, institution=qh2)
    assert read(conflicts.listed, stranger) == read(conflicts.history, stranger) == []
    assert read(finding.found, stranger, "P1") == []
    for act in (
        lambda: write(changing.undo, stranger, change),
        lambda: write(conflicts.correct, stranger, key, {"name": "x", "patient_id": "P1"}, "x"),
        lambda: write(conflicts.move, stranger, f"{ROOT}.1", "P1", "", "x"),
        lambda: write(conflicts.correct_accession, stranger, f"{ROOT}.1", "1", "x"),
    ):
        with pytest.raises(NotVisible):
            act()
    with pytest.raises(NotPermitted):
        read(conflicts.listed, actor(Role.REVIEWER))


def test_of_two_administrators_at_once_one_decides(guanli, actor, two):
    other = actor(Role.INSTITUTION_ADMIN, "管理二")
    [flag] = read(conflicts.listed, guanli)

    def decide(who, keep_other: bool) -> str:
        try:
            write(conflicts.merge, who, int(flag["key"]), keep_other, "x")
        except (NotVisible, Conflict) as error:
            return error.code
        return ""

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(decide, (guanli, other), (False, True)))
    assert sorted(answers) == ["", NotVisible.code]
    assert len(read(conflicts.history, guanli)) == 1
    assert sum(p.merged_into is None for p in rows(Patient)) == 1
