"""Found and fetched by other systems: dcmtk's findscu, movescu and getscu, pynetdicom, Orthanc."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    CTImageStorage,
    PatientRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)
from sqlmodel import Session, select

from mip_app.accounts.models import Role
from mip_app.accounts.roles import PERMISSIONS
from mip_app.audit.models import Act, AuditEntry
from mip_app.core.actor import Actor
from mip_app.core.database import engine
from mip_app.core.settings import settings
from mip_app.dimse import answering
from mip_app.ingest.service import take_in
from tests.conftest import OnDisk
from tests.dimse import peers
from tests.dimse.conftest import Serving, serving
from tests.ingest import made

ZHANG, LI, THEIRS = (f"{made.ROOT}.{number}" for number in (1, 2, 3))
STUDIES = {1: ("P1", "ZHANG^SAN=张^三", 3), 2: ("P2", "LI^SI=李^四", 2), 3: ("P3", "WANG^WU=王^五", 2)}


def gateway(institution: int) -> Actor:
    return Actor(None, "gateway", institution, PERMISSIONS[Role.TECHNICIAN])


@pytest.fixture
def places(
    on_sqlite: None, hospital: Callable[[str], int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, int]:
    """Two studies in JN1, one in QH2; the institutions' numbers."""
    monkeypatch.setenv("MIP_DIMSE_LOCAL_NODES", "true")
    settings.cache_clear()
    found = {"JN1": hospital("JN1"), "QH2": hospital("QH2")}
    for study, (patient, name, count) in STUDIES.items():
        where = found["QH2"] if study == 3 else found["JN1"]
        paths = []
        for number in range(1, count + 1):
            paths.append(tmp_path / f"{study}-{number}.dcm")
            paths[-1].write_bytes(made.image(number, study, patient, name))
        assert all(one.kind == "stored" for one in take_in(gateway(where), [OnDisk(path) for path in paths]))
    return found


@pytest.fixture
def ours(places: dict[str, int]) -> Iterator[Serving]:
    """An SCP that knows WS of JN1, which may find and fetch, MUTE, which may not, and THEIRS of QH2."""
    peers.node(places["JN1"], 0, "WS", may_query=True, may_retrieve=True)
    peers.node(places["JN1"], 0, "MUTE")
    peers.node(places["QH2"], 0, "THEIRS", may_query=True, may_retrieve=True)
    with serving() as at:
        yield at


def dcmtk(name: str, port: int, *options: object, title: str = "WS") -> subprocess.CompletedProcess[str]:
    command = [peers.dcmtk(name), "-v", "-aet", title, "-aec", "MIP", *map(str, options)]
    return subprocess.run(
        [*command[:1], *command[1:], "127.0.0.1", str(port)], capture_output=True, text=True, timeout=60
    )


def found(folder: Path, port: int, keys: Dataset, title: str = "WS") -> list[Dataset]:
    """By findscu, which sends the keys byte for byte out of a file."""
    folder.mkdir(parents=True, exist_ok=True)
    query = folder / "query"
    keys.save_as(query, implicit_vr=True, little_endian=True)
    command = [peers.dcmtk("findscu"), "-S", "-X", "-od", str(folder), "-aet", title, "-aec", "MIP"]
    done = subprocess.run(
        [*command, "127.0.0.1", str(port), str(query)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return [dcmread(path, force=True) for path in sorted(folder.glob("rsp*"))]


def keys(**values: str) -> Dataset:
    asked = Dataset()
    asked.QueryRetrieveLevel = "STUDY"
    for name, value in {"StudyInstanceUID": "", "PatientName": "", "ModalitiesInStudy": "", **values}.items():
        setattr(asked, name, value)
    return asked


@pytest.mark.parametrize("charset", ["ISO_IR 192", "GB18030", ""])
def test_a_chinese_name_finds_its_study_in_any_encoding(charset: str, ours: Serving, tmp_path: Path) -> None:
    asked = keys(PatientName="张*", NumberOfStudyRelatedInstances="")
    asked.SpecificCharacterSet = charset or "GB18030"
    if not charset:  # as devices do that write GBK and say nothing of it
        _ = asked.PatientName
        asked.PatientName = "张*".encode("gb18030").decode("latin-1")
        asked.SpecificCharacterSet = "ISO_IR 100"
    (one,) = found(tmp_path / "found", ours.port, asked)
    assert one.StudyInstanceUID == ZHANG
    assert one.PatientName.ideographic == "张^三"
    assert one.SpecificCharacterSet == (charset or "ISO_IR 192")
    assert (one.ModalitiesInStudy, one.NumberOfStudyRelatedInstances) == ("CT", 3)
    assert (one.QueryRetrieveLevel, one.RetrieveAETitle) == ("STUDY", "MIP")
    assert "PatientID" in one and "AccessionNumber" not in one  # what was asked for, and the unique keys


def test_every_level_of_both_roots_and_no_relational_queries(ours: Serving) -> None:
    def ask(model: str, **values: str) -> list[tuple[int, Dataset | None]]:
        asked = Dataset()
        for name, value in values.items():
            setattr(asked, name, value)
        with associated(ours.port, model) as association:
            return [(int(status.Status), row) for status, row in association.send_c_find(asked, model)]

    patient, study = PatientRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelFind
    first = ask(patient, QueryRetrieveLevel="PATIENT", PatientID="", PatientName="ZHANG*")
    assert [(status, row and row.PatientID) for status, row in first] == [(0xFF00, "P1"), (0, None)]
    answers = ask(patient, QueryRetrieveLevel="STUDY", PatientID="P2", StudyInstanceUID="")
    assert [row.StudyInstanceUID for _, row in answers if row] == [LI]
    answers = ask(study, QueryRetrieveLevel="SERIES", StudyInstanceUID=ZHANG, SeriesInstanceUID="")
    assert [row.SeriesInstanceUID for _, row in answers if row] == [f"{ZHANG}.1"]
    image = {"QueryRetrieveLevel": "IMAGE", "StudyInstanceUID": ZHANG, "SeriesInstanceUID": f"{ZHANG}.1"}
    answers = ask(study, **image, SOPInstanceUID="", InstanceNumber="2")
    assert [row.SOPInstanceUID for _, row in answers if row] == [f"{ZHANG}.1.2"]
    # An optional key that is not supported is said, and answered without.
    odd = ask(study, QueryRetrieveLevel="STUDY", StudyInstanceUID=ZHANG, ProtocolName="")
    assert [status for status, _ in odd] == [0xFF01, 0]
    for wrong in (
        {"QueryRetrieveLevel": "SERIES", "SeriesInstanceUID": ""},
        {"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": "*"},
        {"QueryRetrieveLevel": "PATIENT", "PatientID": ""},
        {"QueryRetrieveLevel": "NONE"},
        {"PatientID": "P1"},
    ):
        assert [status for status, _ in ask(study, **wrong)] == [0xA900], wrong
    assert [status for status, _ in ask(patient, QueryRetrieveLevel="STUDY", StudyInstanceUID=LI)] == [0xA900]


@contextlib.contextmanager
def associated(port: int, *models: str, title: str = "WS", roles: bool = False, on_store=None) -> Iterator:
    entity = AE(title)
    for model in models:
        entity.add_requested_context(model)
    more = {}
    if roles:
        entity.add_requested_context(CTImageStorage)
        more = {
            "ext_neg": [build_role(CTImageStorage, scp_role=True)],
            "evt_handlers": [(evt.EVT_C_STORE, on_store)],
        }
    association = entity.associate("127.0.0.1", port, ae_title="MIP", **more)
    assert association.is_established
    yield association
    association.release()


def test_a_study_is_moved_to_a_known_node_and_to_nobody_else(
    ours: Serving, places: dict[str, int], tmp_path: Path
) -> None:
    arrived = tmp_path / "arrived"
    with peers.storescp(arrived, "+xa") as port:
        peers.node(places["JN1"], port, "ARCHIVE")
        peers.node(places["QH2"], port, "FOREIGN")
        study = ["-S", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={ZHANG}"]
        done = dcmtk("movescu", ours.port, "-aem", "ARCHIVE", *study)
        assert done.returncode == 0, done.stderr
        originals = sorted(tmp_path.glob("1-*.dcm"))
        assert sorted(map(_data, peers.files(arrived))) == sorted(map(_data, originals))
        for unknown in ("FOREIGN", "NOBODY"):
            said = dcmtk("movescu", ours.port, "-aem", unknown, *study)
            assert "MoveDestinationUnknown" in said.stderr  # 0xA801
        # Another institution's study is as one that does not exist: nothing to do.
        others = ["-S", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={THEIRS}"]
        assert dcmtk("movescu", ours.port, "-aem", "ARCHIVE", *others).returncode == 0
        assert len(peers.files(arrived)) == 3
    with Session(engine()) as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.act == Act.IMAGE_RETRIEVED)).all()
    assert [(one.subject, one.result) for one in entries] == [
        (f"study:{ZHANG}", "done"),
        ("", "refused"),
        ("", "refused"),
    ]
    assert entries[0].actor == "node:WS" and entries[0].institution_id == places["JN1"]


def _data(path: Path) -> bytes:
    from pynetdicom.dsutils import split_dataset

    return path.read_bytes()[split_dataset(path)[1] :]


def test_getscu_gets_the_stored_bytes(ours: Serving, tmp_path: Path) -> None:
    got = tmp_path / "got"
    got.mkdir()
    asked = ["-S", "-k", "QueryRetrieveLevel=SERIES", "-k", f"StudyInstanceUID={ZHANG}"]
    asked += ["-k", f"SeriesInstanceUID={ZHANG}.1"]
    done = dcmtk("getscu", ours.port, "+B", "-od", got, *asked)
    assert done.returncode == 0, done.stderr
    assert sorted(map(_data, peers.files(got))) == sorted(map(_data, tmp_path.glob("1-*.dcm")))


def test_suboperations_are_counted_and_a_cancel_ends_them(ours: Serving, places: dict[str, int]) -> None:
    came: list[str] = []

    def store(event: evt.Event) -> int:
        came.append(str(event.request.AffectedSOPInstanceUID))
        return {"1": 0x0000, "2": 0xB000, "3": 0xA700}[came[-1][-1]]

    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", ZHANG
    model = StudyRootQueryRetrieveInformationModelGet
    with associated(ours.port, model, roles=True, on_store=store) as association:
        answers = list(association.send_c_get(asked, model))
    assert [int(status.Status) for status, _ in answers] == [0xFF00, 0xFF00, 0xB000]
    last, identifier = answers[-1]
    counts = (
        last.NumberOfCompletedSuboperations,
        last.NumberOfWarningSuboperations,
        last.NumberOfFailedSuboperations,
    )
    assert counts == (1, 1, 1)
    assert identifier.FailedSOPInstanceUIDList == f"{ZHANG}.1.3"

    move = StudyRootQueryRetrieveInformationModelMove
    came.clear()

    def slow(event: evt.Event) -> int:
        came.append("")
        time.sleep(0.5)  # the cancel comes meanwhile
        return 0

    with peers.peer(slow) as port, associated(ours.port, move) as association:
        peers.node(places["JN1"], port, "ARCHIVE")
        statuses = []
        for status, _ in association.send_c_move(asked, "ARCHIVE", move, msg_id=7):
            statuses.append(int(status.Status))
            if len(statuses) == 1:
                association.send_c_cancel(7, query_model=move)
    assert statuses == [0xFF00, 0xFE00]
    assert len(came) == 2


def test_who_may_not_is_told_and_written_down_and_who_is_another_finds_their_own(
    ours: Serving, tmp_path: Path
) -> None:
    assert [one.StudyInstanceUID for one in found(tmp_path / "a", ours.port, keys(), "THEIRS")] == [THEIRS]
    assert found(tmp_path / "b", ours.port, keys(StudyInstanceUID=ZHANG), "THEIRS") == []
    find, move = StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelMove
    with associated(ours.port, find, move, title="MUTE") as association:
        assert [int(s.Status) for s, _ in association.send_c_find(keys(), find)] == [0x0124]
        assert [int(s.Status) for s, _ in association.send_c_move(keys(), "WS", move)] == [0x0124]
    with Session(engine()) as session:
        refused = session.exec(select(AuditEntry).where(AuditEntry.result == "refused")).all()
    assert [(one.act, one.actor) for one in refused] == [
        (Act.STUDY_SEARCHED, "node:MUTE"),
        (Act.IMAGE_RETRIEVED, "node:MUTE"),
    ]


def test_a_search_that_finds_too_much_says_so(ours: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "dimse_find_most", 1)
    model = StudyRootQueryRetrieveInformationModelFind
    with associated(ours.port, model) as association:
        answers = list(association.send_c_find(keys(), model))
    assert [int(status.Status) for status, _ in answers] == [0xFF00, 0xA700]
    assert "more than 1" in answers[-1][0].ErrorComment


def test_who_asks_cannot_be_looked_up_and_is_answered_all_the_same(
    ours: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = StudyRootQueryRetrieveInformationModelFind
    with associated(ours.port, model) as association:
        with monkeypatch.context() as away:
            away.setattr(answering.admitting, "caller", lambda *_: 1 / 0)
            (status, _), *_ = association.send_c_find(keys(StudyInstanceUID=""), model)
            assert int(status.Status) == 0xC000
        (*_, (status, _)) = association.send_c_find(keys(StudyInstanceUID=""), model)
        assert int(status.Status) == 0


def test_a_search_ends_when_it_is_cancelled(ours: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    said = answering.Exchange.respond

    def slow(exchange: answering.Exchange, status: int, *values: object, **more: object) -> None:
        said(exchange, status, *values, **more)  # type: ignore[arg-type]
        until = time.monotonic() + 10
        while status == answering.PENDING and not exchange.cancelled and time.monotonic() < until:
            time.sleep(0.01)  # the cancel comes meanwhile

    model, statuses = StudyRootQueryRetrieveInformationModelFind, []
    with associated(ours.port, model) as association:
        with monkeypatch.context() as patch:
            patch.setattr(answering.Exchange, "respond", slow)
            for status, _ in association.send_c_find(keys(), model, msg_id=7):
                statuses.append(int(status.Status))
                if len(statuses) == 1:
                    association.send_c_cancel(7, query_model=model)
        again = [int(status.Status) for status, _ in association.send_c_find(keys(), model, msg_id=9)]
    assert statuses == [0xFF00, 0xFE00]
    assert again == [0xFF00, 0xFF00, 0x0000]


def test_orthanc_pulls_from_us(ours: Serving, places: dict[str, int], tmp_path: Path) -> None:
    with peers.orthanc(tmp_path / "orthanc", ours.port) as (client, port):
        peers.node(places["JN1"], port, "ORTHANC", may_query=True, may_retrieve=True)
        query = {"PatientName": "李*", "StudyInstanceUID": ""}
        asked = client.post("/modalities/mip/query", json={"Level": "Study", "Query": query}).json()
        answers = client.get(f"{asked['Path']}/answers?expand&simplify").json()
        assert [answer["StudyInstanceUID"] for answer in answers] == [LI]
        body = {"TargetAet": "ORTHANC", "Synchronous": True}
        assert client.post(f"{asked['Path']}/retrieve", json=body).status_code == 200
        stored = client.get("/instances?expand").json()
        assert sorted(one["MainDicomTags"]["SOPInstanceUID"] for one in stored) == [f"{LI}.1.1", f"{LI}.1.2"]
        originals = {path.read_bytes() for path in tmp_path.glob("2-*.dcm")}
        came = {client.get(f"/instances/{one['ID']}/file").content for one in stored}
        assert {data[data.index(b"\x08\x00\x05\x00") :] for data in came} == {
            data[data.index(b"\x08\x00\x05\x00") :] for data in originals
        }
