"""Two files under one UID: an administrator sees what differs and says which one is right."""

import io

import pytest
from pydicom import dcmread
from pydicom.uid import MRImageStorage

from mip_app.accounts import opening
from mip_app.accounts.models import Role
from mip_app.core.actor import Actor, Permission
from mip_app.core.blobs import blobs
from mip_app.core.database import read, write
from mip_app.core.errors import NotVisible
from mip_app.dicomweb import locating, metadata
from mip_app.dimse import registering
from mip_app.ingest.service import take_in
from mip_app.maintenance import quarantine
from mip_app.studies.models import Instance, SetAside
from tests.conftest import OnDisk
from tests.ingest.made import ROOT, image
from tests.maintenance.conftest import rows, stored_bytes

FIRST, OTHER = image(1), image(1, name="ZHANG^SAN=张^三", side=17)


@pytest.fixture
def aside(store) -> int:
    assert store(FIRST) == ["ingest.stored"]
    assert store(OTHER) == ["ingest.other_bytes"]
    return rows(SetAside)[0].id


def test_both_are_shown_with_what_differs(guanli, aside):
    [row] = read(quarantine.listed, guanli)
    assert (row["uid"], row["study"]["uid"], row["bytes"]) == (f"{ROOT}.1.1.1", f"{ROOT}.1", len(OTHER))
    both = read(quarantine.compared, guanli, aside)
    assert (both["kept"]["bytes"], both["aside"]["bytes"]) == (len(FIRST), len(OTHER))
    found = {one["name"]: (one["kept"], one["aside"]) for one in both["differences"]}
    assert found == {
        "PatientName": ("张^三", "ZHANG^SAN=张^三"),
        "Rows": ("16", "17"),
        "Columns": ("16", "17"),
    }
    assert both["pixels"] and both["replaceable"]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_what_a_device_sent_names_the_device(guanli, store, jn1, tmp_path):
    write(registering.register, opening.CONSOLE, jn1, "CT1", "192.0.2.7", name="急诊 CT")
    assert store(FIRST) == ["ingest.stored"]
    for side, title in ((17, "CT1"), (18, "GONE")):
        (tmp_path / title).write_bytes(image(1, side=side))
        node = Actor(None, f"node:{title}", jn1, frozenset({Permission.STUDY_UPLOAD}))
        assert [o.code for o in take_in(node, [OnDisk(tmp_path / title)])] == ["ingest.other_bytes"]
    assert {row["sender"] for row in read(quarantine.listed, guanli)} == {"急诊 CT · CT1", "GONE"}


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_the_first_is_kept_and_the_other_is_gone(guanli, aside):
    blob = rows(SetAside)[0].blob
    write(quarantine.discard, guanli, aside)
    assert stored_bytes() == [FIRST] and not blobs().path(blob).exists()
    assert read(quarantine.count, guanli) == 0
    with pytest.raises(NotVisible):
        write(quarantine.discard, guanli, aside)
    assert [row["decision"] for row in read(quarantine.listed, guanli)] == ["discarded"]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_what_is_decided_is_so_where_the_bytes_cannot_be_removed(guanli, aside, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError()

    monkeypatch.setattr(type(blobs()), "remove", refuse)
    write(quarantine.discard, guanli, aside)
    assert [row["decision"] for row in read(quarantine.listed, guanli)] == ["discarded"]


def test_the_other_takes_the_place_and_can_give_it_back(guanli, actor, aside, store):
    reader = actor(Role.CLINICIAN)
    before = read(metadata.documents, reader, f"{ROOT}.1")
    write(quarantine.replace, guanli, aside)
    assert stored_bytes() == [OTHER]
    assert read(metadata.documents, reader, f"{ROOT}.1") != before
    assert read(locating.instances, reader, f"{ROOT}.1")[0].index.count == 1
    assert store(OTHER) == ["ingest.unchanged"]
    assert blobs().path(rows(SetAside)[0].blob).read_bytes() == FIRST
    write(quarantine.replace, guanli, aside)
    assert stored_bytes() == [FIRST]


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_what_takes_the_place_is_of_its_own_sop_class(guanli, store):
    """Or it would be offered to nobody who takes it (C-MOVE), and named wrongly in a DICOMDIR."""
    other = dcmread(io.BytesIO(FIRST))
    other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = MRImageStorage
    written = io.BytesIO()
    other.save_as(written, enforce_file_format=True)
    assert store(FIRST) + store(written.getvalue()) == ["ingest.stored", "ingest.other_bytes"]
    write(quarantine.replace, guanli, rows(SetAside)[0].id)
    assert rows(Instance)[0].sop_class_uid == MRImageStorage


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_another_institution_sees_nothing(aside, actor, qh2):
    stranger = actor(Role.INSTITUTION_ADMIN, institution=qh2)
    assert read(quarantine.listed, stranger) == []
    for act in (
        lambda: read(quarantine.compared, stranger, aside),
        lambda: read(quarantine.picture, stranger, aside, "kept"),
        lambda: write(quarantine.replace, stranger, aside),
        lambda: write(quarantine.discard, stranger, aside),
    ):
        with pytest.raises(NotVisible):
            act()
