"""C-ECHO and C-STORE as modalities do them: what was sent is what is kept, and the answer is true."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID
from sqlmodel import Session, select

from mip_app.accounts.models import Role
from mip_app.accounts.roles import PERMISSIONS
from mip_app.audit.models import Act, AuditEntry
from mip_app.core.actor import Actor, Permission
from mip_app.core.blobs import Arriving, blobs
from mip_app.core.database import engine, write
from mip_app.core.settings import settings
from mip_app.dimse import registering
from mip_app.dimse.models import Node
from mip_app.ingest.service import take_in
from mip_app.studies import door
from mip_app.studies.models import PatientConflict, SetAside
from tests.conftest import OnDisk
from tests.dimse.callers import associated, data_set_of, dcmtk, send, stored
from tests.dimse.conftest import register, rows, serving, waiting
from tests.ingest.made import image, in_front_of, series

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"


@pytest.fixture
def jn1_uploads(scp) -> Callable[[Path], str]:
    """Takes a file in as the pages and STOW-RS do, in the institution of CT1; what became of it."""
    with Session(engine()) as session:
        jn1 = session.exec(select(Node)).one().institution_id
    gateway = Actor(None, "gateway", jn1, PERMISSIONS[Role.TECHNICIAN])
    return lambda path: str(next(take_in(gateway, [OnDisk(path)])).kind)


@pytest.fixture
def slice_1(tmp_path: Path) -> Path:
    path = tmp_path / "1.dcm"
    path.write_bytes(image(1))
    return path


def test_a_scanner_is_registered_verifies_and_stores(db, hospital, tmp_path):
    register(hospital("JN1"), "STORESCU")
    files = series(tmp_path / "ct", 12, side=64)
    with serving() as scp:
        assert "Calling AE Title" in dcmtk("echoscu", "-aec", "MIP", "127.0.0.1", scp.port).stderr
        echo = dcmtk("echoscu", "-v", "-aet", "STORESCU", "-aec", "MIP", "127.0.0.1", scp.port)
        assert echo.returncode == 0, echo.stderr
        done = dcmtk("storescu", "-v", "-aec", "MIP", "127.0.0.1", scp.port, *files)
        assert done.returncode == 0 and "Success" in done.stderr + done.stdout, done.stderr
    assert {row.sop_instance_uid for row in rows()} == {dcmread(path).SOPInstanceUID for path in files}
    assert waiting() == []
    with Session(engine()) as session:
        (node,) = session.exec(select(Node))
        assert node.last_seen_at is not None
        (entry,) = {
            (e.act, e.actor, e.address, e.institution_id)
            for e in session.exec(select(AuditEntry).where(AuditEntry.act == Act.IMAGE_RECEIVED))
        }
        assert entry == (Act.IMAGE_RECEIVED, "node:STORESCU", "127.0.0.1", node.institution_id)


def by_syntax() -> dict[str, Path]:
    """One of pydicom's own files for each transfer syntax that there is."""
    found: dict[str, Path] = {}
    seen: set[str] = set()
    here = Path(str(get_testdata_file("CT_small.dcm", download=False))).parent
    for path in sorted(here.glob("*.dcm")):
        try:
            made = dcmread(path, stop_before_pixels=True)
            whole = made.file_meta.MediaStorageSOPClassUID == made.SOPClassUID and made.StudyInstanceUID
        except Exception:  # some are broken on purpose, some are no objects to store
            continue
        if whole and made.SeriesInstanceUID and made.SOPInstanceUID not in seen:
            seen.add(made.SOPInstanceUID)
            found.setdefault(str(made.file_meta.TransferSyntaxUID), path)
    return found


def test_every_transfer_syntax_is_kept_bit_for_bit(scp):
    found = by_syntax()
    assert len(found) >= 9
    for path in found.values():
        assert send(scp.port, path).Status == 0, path.name
    kept = {row.sop_instance_uid: row for row in rows()}
    for syntax, path in found.items():
        sent = dcmread(path, stop_before_pixels=True)
        row = kept[sent.SOPInstanceUID]
        file = blobs().path(row.blob).read_bytes()
        assert data_set_of(file) == data_set_of(path.read_bytes()), path.name
        assert dcmread(BytesIO(file), stop_before_pixels=True).file_meta.TransferSyntaxUID == UID(syntax)
        assert row.transfer_syntax_uid == syntax


def test_of_several_syntaxes_the_first_one_named_is_taken(scp):
    jpeg = "1.2.840.10008.1.2.4.50"
    with associated(scp.port, [(CT, [jpeg, EXPLICIT])]) as association:
        assert [str(c.transfer_syntax[0]) for c in association.accepted_contexts] == [jpeg]


def test_objects_of_a_maker_and_of_a_later_standard_are_taken_and_other_services_are_not(scp):
    worklist, unknown, private = (
        "1.2.840.10008.5.1.4.31",
        "1.2.840.10008.5.1.4.1.1.999",
        "1.3.12.2.1107.5.9.1",
    )
    proposed = [(uid, [EXPLICIT]) for uid in (worklist, unknown, private)]
    with associated(scp.port, proposed) as association:
        assert {str(c.abstract_syntax) for c in association.accepted_contexts} == {unknown, private}


def test_strangers_are_refused_and_written_down_once(on_sqlite, hospital, slice_1):
    jn1 = hospital("JN1")
    register(jn1, "CT1")
    register(jn1, "ELSEWHERE", "192.0.2.7")
    register(jn1, "NET", "127.0.0.0/8")
    with serving() as scp:
        for title, called in (("NOBODY", "MIP"), ("ELSEWHERE", "MIP"), ("CT1", "PACS"), ("NOBODY", "MIP")):
            with associated(scp.port, [(CT, [EXPLICIT])], title, called) as association:
                assert association.is_rejected
                reason = 7 if called == "PACS" else 3
                answer = association.acceptor.primitive
                assert (answer.result, answer.result_source, answer.diagnostic) == (1, 1, reason)
        assert send(scp.port, slice_1, "NET").Status == 0
        with Session(engine()) as session, session.begin():
            session.exec(select(Node).where(Node.ae_title == "NET")).one().disabled = True
        assert "Status" not in send(scp.port, slice_1, "NET")
    with Session(engine()) as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.act == Act.ASSOCIATION_REFUSED)).all()
    assert sorted((e.scope, e.actor, e.detail["why"]) for e in entries) == sorted(
        [
            ("p", "node:NOBODY", "association.unknown"),
            ("p", "node:ELSEWHERE", "association.unknown"),
            ("p", "node:NET", "association.unknown"),
            (f"i:{jn1}", "node:CT1", "association.called"),
        ]
    )


def test_the_same_instance_in_two_institutions_is_each_ones_own(on_sqlite, hospital, slice_1):
    jn1, qh2 = hospital("JN1"), hospital("QH2")
    register(jn1, "CT1")
    register(qh2, "CT2")
    register(qh2, "CT1", "127.0.0.0/8")  # wider: the address itself decides
    with serving() as scp:
        assert send(scp.port, slice_1, "CT1").Status == send(scp.port, slice_1, "CT2").Status == 0
    assert sorted(row.institution_id for row in rows()) == [jn1, qh2]


def test_an_archive_of_several_institutions_is_called_by_all_and_calls_for_one(on_sqlite, hospital, slice_1):
    jn1, qh2 = hospital("JN1"), hospital("QH2")
    register(jn1, "PACS", port=104, may_store=False)
    shared = register(qh2, "PACS", port=104, may_store=False)
    with serving() as scp:
        assert "Status" not in send(scp.port, slice_1, "PACS")  # known to two, and may do nothing
        admin = Actor(None, "admin", qh2, frozenset({Permission.ADMIN_NODES}))
        form = {"ae_title": "PACS", "address": "127.0.0.1", "port": "104", "may_store": True}
        write(registering.change, admin, shared, form)
        assert send(scp.port, slice_1, "PACS").Status == 0
        assert [row.institution_id for row in rows()] == [qh2]
        with Session(engine()) as session:
            ours = session.exec(select(Node.id).where(Node.institution_id == jn1)).one()
        admin = replace(admin, institution_id=jn1)
        with pytest.raises(registering.NodeTaken, match="node.calls_elsewhere"):
            write(registering.change, admin, ours, form)
        with pytest.raises(registering.NodeTaken, match="node.exists"):
            register(qh2, "PACS", may_store=False)
        assert send(scp.port, slice_1, "PACS").Status == 0


def test_sent_again_nothing_changes_and_other_bytes_are_set_aside(scp, slice_1, tmp_path):
    assert [send(scp.port, slice_1).Status for _ in range(2)] == [0, 0]
    (first,) = rows()
    other = tmp_path / "other.dcm"
    other.write_bytes(image(1, name="李^四"))
    answer = send(scp.port, other)
    assert answer.Status == 0x0111
    assert answer.ErrorComment.startswith("An image with the same UID") and len(answer.ErrorComment) <= 64
    assert [row.sha256 for row in rows()] == [first.sha256]
    with Session(engine()) as session:
        (aside,) = session.exec(door.marked(select(SetAside)))
        assert data_set_of(blobs().path(aside.blob).read_bytes()) == data_set_of(other.read_bytes())


@pytest.mark.parametrize("first", ["sent", "given"])
def test_the_same_data_set_in_another_file_changes_nothing(scp, slice_1, jn1_uploads, tmp_path, first: str):
    elsewhere = tmp_path / "elsewhere.dcm"
    elsewhere.write_bytes(in_front_of(slice_1.read_bytes(), "ELSEWHERE"))

    def sent() -> str:
        return "stored" if send(scp.port, slice_1).Status == 0 else "refused"

    def given() -> str:
        return jn1_uploads(elsewhere)

    one, other = (sent, given) if first == "sent" else (given, sent)
    assert one() == "stored"
    (row,) = rows()
    file = blobs().path(row.blob).read_bytes()
    assert {other(), other(), one()} <= {"stored", "unchanged"}  # success, by C-STORE
    assert [(row.blob, row.sha256) for row in rows()] == [(row.blob, row.sha256)]
    kept = blobs().keys()
    assert [blobs().path(key).read_bytes() for key, _ in kept] == [file]
    with Session(engine()) as session:
        assert session.exec(door.marked(select(SetAside))).all() == []


def test_a_data_set_of_another_class_is_refused_and_one_of_another_patient_is_flagged(scp, slice_1, tmp_path):
    made = dcmread(slice_1)
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"  # the file meta, and so the request, still say CT
    made.save_as(tmp_path / "mr.dcm")
    assert send(scp.port, tmp_path / "mr.dcm").Status == 0xA900
    assert send(scp.port, slice_1).Status == 0
    (tmp_path / "other.dcm").write_bytes(image(2, patient="P2"))
    assert send(scp.port, tmp_path / "other.dcm").Status == 0
    assert len(rows()) == 2 and waiting() == []
    with Session(engine()) as session:
        assert len(session.exec(door.marked(select(PatientConflict))).all()) == 1


def test_what_cannot_be_read_is_named_and_the_next_one_goes_in(scp, slice_1, tmp_path):
    bad = tmp_path / "bad.dcm"
    whole = slice_1.read_bytes()
    bad.write_bytes(whole[:-100])
    with associated(scp.port, [(CT, [EXPLICIT])]) as association:
        answer = stored(association, bad)
        assert answer.Status == 0xC000 and "incomplete" in answer.ErrorComment
        assert stored(association, slice_1).Status == 0
    assert waiting() == []


def test_a_full_disk_and_a_file_too_large_are_out_of_resources(scp, slice_1, monkeypatch, tmp_path):
    born = Arriving.__init__

    def full(self, path, limit):
        born(self, path, limit)
        self._file.close()
        self._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115

    with associated(scp.port, [(CT, [EXPLICIT])]) as association:
        with monkeypatch.context() as patch:
            patch.setattr(Arriving, "__init__", full)
            answer = stored(association, slice_1)
            assert answer.Status == 0xA700 and "disk is full" in answer.ErrorComment
        with monkeypatch.context() as patch:
            patch.setattr(settings(), "max_file_bytes", 1000)
            assert stored(association, slice_1).Status == 0xA700
        assert rows() == [] and waiting() == []
        assert stored(association, slice_1).Status == 0
    assert len(rows()) == 1


def test_a_node_that_may_not_store_may_still_verify(on_sqlite, hospital):
    node = register(hospital("JN1"))
    with Session(engine()) as session, session.begin():
        session.get_one(Node, node).may_store = False
    with (
        serving() as scp,
        associated(scp.port, [(CT, [EXPLICIT]), ("1.2.840.10008.1.1", [EXPLICIT])]) as made,
    ):
        assert [str(c.abstract_syntax) for c in made.accepted_contexts] == ["1.2.840.10008.1.1"]
        assert made.send_c_echo().Status == 0
