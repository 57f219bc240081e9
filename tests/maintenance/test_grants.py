"""Grants follow what an administrator decides about patients and studies, and go with what is deleted."""

import pytest

from mip_app.accounts import opening
from mip_app.accounts.models import Role
from mip_app.core.database import read, write
from mip_app.core.errors import Invalid
from mip_app.maintenance import changing, conflicts, erasures
from mip_app.studies import grants
from mip_app.studies.grants import Wanted
from mip_app.studies.models import Grant, GrantedStudy
from mip_app.studies.query import Asked, Level, find
from tests.ingest.made import ROOT, image
from tests.maintenance.conftest import rows


@pytest.fixture
def qinghe(actor, qh2):
    return actor(Role.CLINICIAN, "清河", qh2)


def seen(by) -> set[str]:
    found = read(find, by, Asked(Level.STUDY)).rows
    return {row["0020000D"]["Value"][0].removeprefix(f"{ROOT}.") for row in found}


def give(jn1: int, qh2: int, **wanted) -> int:
    return write(grants.give_for, opening.CONSOLE, jn1, Wanted(qh2, "会诊", **wanted))


def test_a_patients_grant_is_on_the_person_as_they_are_decided_to_be(guanli, qinghe, jn1, qh2, store):
    store(image(1, 1, name="ZHANG^SAN=张^三"))
    give(jn1, qh2, patient_id="P1", future=True)
    store(image(1, 2, name="LI^SI=李^四"), image(1, 3, name="ZHANG^SAN=张^三"))
    assert seen(qinghe) == {"1", "3"}
    with pytest.raises(Invalid, match="several"):  # until somebody decides who is meant
        give(jn1, qh2, patient_id="P1")
    [flag] = read(conflicts.listed, guanli)
    change = write(conflicts.merge, guanli, int(flag["key"]), False, "登记时写错")
    assert seen(qinghe) == {"1", "2", "3"}
    store(image(1, 4, name="LI^SI=李^四"))
    assert seen(qinghe) == {"1", "2", "3", "4"}
    write(changing.undo, guanli, change)
    assert seen(qinghe) == {"1", "3"}


def test_what_is_deleted_is_not_granted_any_more_when_it_comes_again(guanli, actor, qinghe, jn1, qh2, store):
    file = image(1)
    store(file)
    give(jn1, qh2, study_uid=f"{ROOT}.1")
    give(jn1, qh2, patient_id="P1", future=True)
    assert seen(qinghe) == {"1"}
    key = write(erasures.ask, guanli, f"{ROOT}.1", "重复上传")
    write(erasures.confirm, actor(Role.INSTITUTION_ADMIN), key, 1)
    assert seen(qinghe) == set()
    assert rows(GrantedStudy) == [] == rows(Grant)
    store(image(2))
    store(file)
    assert seen(qinghe) == set()
