"""Who is meant: the same person however a device writes the name; anything else is stored and flagged."""

from datetime import date

import pytest
from sqlmodel import Session, select

from mip_app.core.database import engine
from mip_app.ingest.matching import Person, find, is_same_name, richer
from mip_app.studies import door
from mip_app.studies.models import Patient, PatientConflict, Study
from tests.ingest.made import image


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ZHANG^SAN", "ZHANG^SAN=张^三"),
        ("ZHANG^SAN", "张三"),
        ("zhang san", "ZHANG^SAN"),
        ("ZHANGSAN", "张^三"),
        ("SHAN^XIONG=单^雄", "单雄"),
        ("LV^BU", "吕布"),
        ("SMITH^JOHN", "Smith^John^^Dr"),
        ("JÉRÔME^Anne", "Jerome^ANNE"),
        ("", "张三"),
    ],
)
def test_one_person(one, other):
    assert is_same_name(one, other)
    assert is_same_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("张三", "张山"),
        ("ZHANG^SAN", "李四"),
        ("SMITH^JOHN", "SMITH^JANE"),
        ("ZS", "张三"),
        ("ZHANG", "张三"),
    ],
)
def test_not_surely_one_person(one, other):
    assert not is_same_name(one, other)
    assert not is_same_name(other, one)


def test_birth_date_and_sex_count_where_they_are_known():
    stored = Person("张三", date(1968, 3, 5), "M")
    assert find([stored], Person("ZHANG^SAN")) == 0
    assert find([stored], Person("张三", date(1968, 5, 3), "M")) is None
    assert find([stored, Person("张三", date(1968, 3, 5), "F")], Person("张三", None, "F")) == 1
    assert richer(Person("ZHANG^SAN"), stored) == Person("ZHANG^SAN=张三", date(1968, 3, 5), "M")


def test_the_same_id_with_another_name_is_a_patient_of_its_own_and_flagged(db, ingest, tmp_path):
    names = ["ZHANG^SAN", "ZHANG^SAN=张^三", "李^四", "zhang san", "LI^SI"]
    for study, name in enumerate(names, 1):
        (tmp_path / str(study)).write_bytes(image(1, study, name=name))
    outcomes = ingest(sorted(tmp_path.glob("?")))
    assert {o.code for o in outcomes} == {"ingest.stored"}
    with Session(engine()) as session:
        people = session.exec(door.marked(select(Patient).order_by(Patient.id))).all()
        assert [(p.person_name, p.variant) for p in people] == [("ZHANG^SAN=张^三", 0), ("LI^SI=李^四", 1)]
        studies = session.exec(door.marked(select(Study.patient_pk).order_by(Study.study_uid))).all()
        assert [people[0].id, people[0].id, people[1].id, people[0].id, people[1].id] == list(studies)
        [flag] = session.exec(door.marked(select(PatientConflict))).all()
        assert (flag.patient_pk, flag.other_pk, flag.study_pk) == (people[0].id, people[1].id, None)
