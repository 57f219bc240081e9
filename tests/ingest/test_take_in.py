"""Images come in whole or are refused in words, and one bad file never keeps a good one out."""

from pathlib import Path

from sqlmodel import Session, func, select, text

from mip_app.accounts.models import Role
from mip_app.core.blobs import blobs
from mip_app.core.database import engine, write
from mip_app.core.texts import catalogue
from mip_app.dicom.walk import files_in
from mip_app.ingest import beginning, checking, same, storing
from mip_app.ingest.service import Kind, take_in
from mip_app.studies import door
from mip_app.studies.models import (
    Instance,
    Patient,
    PatientConflict,
    PatientKey,
    PatientTail,
    Series,
    SetAside,
    Study,
    StudyModality,
)
from tests.conftest import OnDisk, shared
from tests.dicom.conftest import WHEEL
from tests.ingest.made import image, in_front_of, series


def rows(model) -> list:
    with Session(engine()) as session:
        return list(session.exec(door.marked(select(model))))


def offer(folder: Path, **files: bytes) -> list[Path]:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in files]


def test_a_series_is_stored_bit_for_bit(ingest, tmp_path):
    paths = series(tmp_path / "ct", 40)
    outcomes = ingest(paths)
    assert [o.kind for o in outcomes] == [Kind.STORED] * 40
    assert [o.name for o in outcomes] == [path.name for path in paths]
    kept = {blobs().path(row.blob).read_bytes() for row in rows(Instance)}
    assert kept == {path.read_bytes() for path in paths}
    study, line = rows(Study)[0], rows(Series)[0]
    assert (study.instance_count, study.series_count, study.modality, line.instance_count) == (
        40,
        1,
        "CT",
        40,
    )
    assert not list(blobs().incoming.iterdir())


def test_sending_again_changes_nothing(ingest, tmp_path):
    paths = series(tmp_path / "ct", 3)
    ingest(paths)
    before = rows(Instance)
    assert [o.kind for o in ingest(paths + paths)] == [Kind.UNCHANGED] * 6
    assert rows(Instance) == before
    assert rows(Study)[0].instance_count == 3


def test_the_same_file_twice_in_one_sending_is_stored_once(ingest, tmp_path):
    [path] = series(tmp_path / "ct", 1)
    assert [o.kind for o in ingest([path, path])] == [Kind.STORED, Kind.UNCHANGED]


def test_a_data_set_twice_under_headers_of_two_writers_is_stored_once(ingest, tmp_path):
    first, again = image(1), in_front_of(image(1), "ANOTHER")
    outcomes = ingest(offer(tmp_path, a=first, b=again, c=again)) + ingest([tmp_path / "b"])
    assert [o.kind for o in outcomes] == [Kind.STORED, *[Kind.UNCHANGED] * 3]
    assert [blobs().path(row.blob).read_bytes() for row in rows(Instance)] == [first]
    assert [size for _, size in blobs().keys("1/")] == [len(first)] and rows(SetAside) == []


def test_a_file_that_was_not_needed_stays_when_it_is_needed_by_then(ingest, actor, tmp_path, monkeypatch):
    first, again = offer(tmp_path, a=image(1), b=in_front_of(image(1), "ANOTHER"))
    technician = actor(Role.TECHNICIAN)

    def late(service, who, *given):
        """The image is erased and the second file sent again, between the commit and the removal."""
        with Session(engine()) as session, session.begin():
            session.execute(text("DELETE FROM instance"))
        item = checking.check(technician, OnDisk(again))
        assert [o.kind for o in write(storing.store, technician, [item])] == [Kind.STORED]
        item.kept.result()
        return write(service, who, *given)

    ingest([first])
    monkeypatch.setattr(same, "write", late)
    assert [o.kind for o in ingest([again])] == [Kind.UNCHANGED]
    assert [blobs().path(row.blob).read_bytes() for row in rows(Instance)] == [again.read_bytes()]


def test_other_bytes_under_a_known_uid_are_set_aside_and_the_first_stay(ingest, tmp_path):
    first, other = image(1), image(1, side=17)
    for _ in range(2):
        outcomes = ingest(offer(tmp_path, a=first, b=other))
    assert [o.code for o in outcomes] == ["ingest.unchanged", "ingest.other_bytes"]
    [row], [aside] = rows(Instance), rows(SetAside)
    assert blobs().path(row.blob).read_bytes() == first
    assert blobs().path(aside.blob).read_bytes() == other


def test_a_study_that_names_two_patients_stays_one_and_is_flagged_once(ingest, tmp_path):
    files = offer(tmp_path, a=image(1), b=image(2, patient="P2"), c=image(3), d=image(4, patient="P2"))
    assert {o.code for o in ingest(files)} == {"ingest.stored"}
    [study], [flag] = rows(Study), rows(PatientConflict)
    by_id = {p.patient_id: p.id for p in rows(Patient)}
    assert (study.patient_pk, study.instance_count) == (by_id["P1"], 4)
    assert (flag.study_pk, flag.patient_pk, flag.other_pk) == (study.id, by_id["P1"], by_id["P2"])
    assert {blobs().path(row.blob).read_bytes() for row in rows(Instance)} == {p.read_bytes() for p in files}


def test_two_institutions_have_each_their_own(ingest, actor, qh2, tmp_path):
    paths = series(tmp_path / "ct", 2)
    ingest(paths)
    there = ingest(paths, by=actor(Role.TECHNICIAN, institution=qh2))
    assert [o.kind for o in there] == [Kind.STORED] * 2
    assert {study.institution_id for study in rows(Study)} >= {qh2}
    assert len(rows(Study)) == 2


def said_of(institution: int) -> list[tuple]:
    """All that rows say, without their keys and when they were written."""
    keys = {"id", "institution_id", "patient_pk", "origin_pk", "study_pk", "series_pk", "blob", "received_at"}
    said = []
    for model in (Patient, PatientKey, PatientTail, Study, StudyModality, Series, Instance):
        for row in rows(model):
            if row.institution_id != institution:
                continue
            told = {name: value for name, value in row.model_dump().items() if name not in keys}
            if model is PatientKey:
                told.pop("patient_id")
            if told.get("study_date", row) is None:
                told.pop("studied_at")  # the moment it arrived
            said.append((model.__name__, *sorted(told.items(), key=str)))
    return sorted(said, key=str)


def test_the_short_way_for_a_new_study_writes_what_the_long_way_writes(
    ingest, actor, qh2, tmp_path, monkeypatch
):
    parts = ("test_files", "charset_files")
    paths = [path for part in parts for path in sorted((WHEEL / part).glob("*.dcm"))]
    paths += offer(
        tmp_path,
        first=image(1, name="ZHANG^SAN=张^三"),
        of_a_known_patient=image(1, study=2, name="ZHANG^SAN=张^三"),
        of_another_person=image(1, study=3, name="LI^SI"),
        of_nobody=image(1, study=4, patient="", name=""),
    )
    short, long = actor(Role.TECHNICIAN), actor(Role.TECHNICIAN, institution=qh2)
    assert Kind.STORED in {outcome.kind for outcome in ingest(paths, short)}
    monkeypatch.setattr(beginning, "begin", lambda *_: None)
    ingest(paths, long)
    assert said_of(short.institution) == said_of(long.institution)


def test_every_bad_file_is_answered_in_words_and_the_good_ones_go_in(ingest, actor):
    bad = shared("dicom", "bad")
    outcomes = list(take_in(actor(Role.TECHNICIAN), files_in([bad])))
    words = catalogue("zh")
    assert all(outcome.code in words for outcome in outcomes)
    by_name = {outcome.name: outcome.code for outcome in outcomes}
    assert by_name["bad/empty.dcm"] == by_name["bad/text.dcm"] == "ingest.not_dicom"
    assert by_name["bad/truncated_in_pixels.dcm"] == "ingest.incomplete"
    assert by_name["bad/uid_with_path.dcm"] == "ingest.bad_uid"
    assert by_name["bad/deep_sequences.dcm"] == "ingest.too_deep"
    assert by_name["bad/bomb.zip/zeros.dcm"] == "ingest.zip_bomb"
    assert by_name["bad/mixed.zip/文件/好.dcm"] in (
        "ingest.stored",
        "ingest.unchanged",
    )  # there by itself, too
    assert by_name["bad/mixed.zip/broken.dcm"] == "ingest.incomplete"
    assert by_name["bad/name_is_script.dcm"] == "ingest.stored"
    with Session(engine()) as session:
        count = session.exec(door.marked(select(func.count()).select_from(Instance))).one()
    assert count == sum(outcome.kind is Kind.STORED for outcome in outcomes) > 20
    assert not list(blobs().incoming.iterdir())


def test_a_file_nobody_can_store_does_not_take_its_neighbours_along(ingest, tmp_path, monkeypatch):
    from mip_app.ingest import storing

    whole = storing.reading.series

    def breaks(header):
        if header.study_uid.endswith(".2"):
            raise RuntimeError("not foreseen")
        return whole(header)

    monkeypatch.setattr(storing.reading, "series", breaks)
    outcomes = ingest(offer(tmp_path, a=image(1), b=image(1, study=2, patient="P2"), c=image(2)))
    assert [o.code for o in outcomes] == ["ingest.stored", "ingest.not_stored", "ingest.stored"]
    assert len(rows(Instance)) == 2
    assert [study.study_uid[-2:] for study in rows(Study)] == [".1"]
