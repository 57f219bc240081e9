"""A study sent to another system: bit for bit where it takes that, else decoded; what failed is sent again, no more."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pynetdicom import evt
from pynetdicom.dsutils import split_dataset
from sqlmodel import Session, select

from mip_app.accounts.models import Role
from mip_app.audit.models import Act, AuditEntry
from mip_app.core import database
from mip_app.core.actor import Actor
from mip_app.core.clock import utc_now
from mip_app.core.errors import NotPermitted, NotVisible
from mip_app.core.settings import settings
from mip_app.dimse import echoing, sending
from mip_app.dimse.models import Node
from mip_app.dimse.outgoing import Peer
from mip_app.jobs import relay, running
from mip_app.jobs.models import Job, JobPart, JobState
from tests.dimse import peers
from tests.dimse.peers import local_nodes
from tests.ingest import made
from tests.site import REPOSITORY, free_port

pytestmark = pytest.mark.usefixtures(local_nodes.__name__)

STUDY = f"{made.ROOT}.1"
# Each of another transfer syntax.
KINDS = [
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "image_dfl.dcm",
    "JPEG2000.dcm",
    "SC_rgb_rle_2frame.dcm",
    "GDCMJ2K_TextGBR.dcm",
]


@pytest.fixture
def db(on_sqlite: None) -> str:
    """The kind of database changes nothing here."""
    return "sqlite"


@pytest.fixture
def study(db: str, ingest: Callable[..., list], tmp_path: Path) -> str:
    assert all(one.kind == "stored" for one in ingest(made.series(tmp_path / "made", 6)))
    return STUDY


def row(job: int) -> Job:
    with Session(database.engine()) as session:
        return session.get_one(Job, job)


def errors(job: int) -> dict[str, str]:
    with Session(database.engine()) as session:
        return {part.key: part.error for part in session.exec(select(JobPart).where(JobPart.job_id == job))}


def sent(by: Actor, study: str, node: int, series: list[str] | None = None) -> Job:
    job = database.write(sending.send, by, study, series or [], node)
    running.run_one(job)
    return row(job)


def data_of(path: Path) -> bytes:
    """The data set's bytes, without the file meta information."""
    return path.read_bytes()[split_dataset(path)[1] :]


def pixels_of(path: Path | str) -> np.ndarray:
    return np.squeeze(pydicom.dcmread(path, force=True).pixel_array)


@pytest.mark.parametrize("takes", ["everything", "only what is uncompressed"])
def test_every_transfer_syntax_arrives(
    takes: str, jn1: int, ingest: Callable[..., list], actor: Callable[..., Actor], tmp_path: Path
) -> None:
    originals = [Path(str(get_testdata_file(name, download=False))) for name in KINDS]
    assert [one.name for one in ingest(originals) if one.kind != "stored"] == []
    by, arrived = actor(Role.TECHNICIAN), tmp_path / "arrived"
    with peers.storescp(arrived, *(["+xa"] if takes == "everything" else [])) as port:
        node = peers.node(jn1, port)
        for original in originals:
            wanted = pydicom.dcmread(original)
            job = sent(by, wanted.StudyInstanceUID, node)
            assert (job.state, job.error, job.done) == (JobState.DONE, "", 1), original.name
            (got,) = (path for path in peers.files(arrived) if wanted.SOPInstanceUID in path.name)
            if takes == "everything" and len(data_of(original)) % 2 == 0:
                assert data_of(got) == data_of(original), original.name
            found = pydicom.dcmread(got)
            assert found.StudyInstanceUID == wanted.StudyInstanceUID
            assert np.array_equal(pixels_of(got), pixels_of(original)), original.name
            if takes != "everything":
                assert not found.file_meta.TransferSyntaxUID.is_compressed
                rgb = wanted.PhotometricInterpretation.startswith("YBR")
                assert found.PhotometricInterpretation == ("RGB" if rgb else wanted.PhotometricInterpretation)


def test_orthanc_has_what_was_sent(jn1: int, study: str, actor: Callable[..., Actor], tmp_path: Path) -> None:
    with peers.orthanc(tmp_path / "orthanc", mip=free_port()) as (client, port):
        job = sent(actor(Role.REPORTER), study, peers.node(jn1, port, "ORTHANC"))
        assert (job.state, job.error, job.done) == (JobState.DONE, "", 6)
        came = [client.get(f"/instances/{key}/file").content for key in client.get("/instances").json()]
    first = b"\x08\x00\x05\x00"  # Orthanc writes a file meta of its own
    originals = [path.read_bytes() for path in peers.files(tmp_path / "made")]
    assert sorted(data[data.index(first) :] for data in came) == sorted(
        data[data.index(first) :] for data in originals
    )


def test_only_what_failed_is_sent_again(
    jn1: int, study: str, actor: Callable[..., Actor], tmp_path: Path
) -> None:
    came: Counter[str] = Counter()

    def store(event: evt.Event) -> int:
        uid = str(event.request.AffectedSOPInstanceUID)
        came[uid] += 1
        return 0xA700 if uid.endswith(".3") and came[uid] == 1 else 0x0000

    with peers.peer(store) as port:
        job = sent(actor(Role.REPORTER), study, peers.node(jn1, port))
        assert (job.state, job.error) == (JobState.WAITING, "dimse.peer_full")
        assert (job.done, job.failed, job.total) == (5, 1, 6)
        with Session(database.engine()) as session, session.begin():
            session.get_one(Job, job.id).next_at = utc_now()
        running.run_one(job.id or 0)
    assert (row(job.id).state, row(job.id).done, row(job.id).failed) == (JobState.DONE, 6, 0)
    assert sorted(came.values()) == [1, 1, 1, 1, 1, 2]
    with Session(database.engine()) as session:
        told = session.exec(select(AuditEntry).where(AuditEntry.act == Act.IMAGE_SENT)).all()
    assert [(entry.result, entry.detail["instances"]) for entry in told] == [("failed", 5), ("done", 1)]
    assert {entry.subject for entry in told} == {f"study:{study}"}


def test_what_can_never_arrive_is_not_tried_for_ever(
    jn1: int, study: str, actor: Callable[..., Actor]
) -> None:
    with peers.peer(lambda event: 0xA900) as port:
        job = sent(actor(Role.REPORTER), study, peers.node(jn1, port))
    assert (job.state, job.error, job.failed) == (JobState.FAILED, "dimse.refused_instance", 6)


def test_a_refused_or_unreachable_node_is_tried_again_and_named(
    jn1: int, study: str, actor: Callable[..., Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    by = actor(Role.REPORTER)
    with peers.peer(lambda event: 0, require_calling_aet=["SOMEBODY"]) as port:
        job = sent(by, study, peers.node(jn1, port))
        assert (job.state, job.error) == (JobState.WAITING, "dimse.rejected_calling")
    with peers.peer(lambda event: 0, require_called_aet=True) as port:
        assert sent(by, study, peers.node(jn1, port, "ELSE")).error == "dimse.rejected_called"
    nobody = free_port()
    assert sent(by, study, peers.node(jn1, nobody)).error == "dimse.unreachable"
    # This machine and the metadata services of clouds are no nodes, whoever registers them.
    monkeypatch.setenv("MIP_DIMSE_LOCAL_NODES", "false")
    settings.cache_clear()
    for address in ("localhost", "::1", "169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1"):
        job = sent(by, study, peers.node(jn1, nobody, "LOCAL", address=address))
        assert job.error == "dimse.forbidden_address", address


def test_echo_says_in_words_what_is_wrong(jn1: int) -> None:
    with peers.peer(lambda event: 0, require_calling_aet=["SOMEBODY"]) as port:
        assert echoing.echo(_peer(peers.node(jn1, port))).code == "dimse.rejected_calling"
    with peers.peer(lambda event: 0) as port:
        said = echoing.echo(_peer(peers.node(jn1, port)))
        assert said.good and said.milliseconds < 5000
    assert not echoing.echo(_peer(peers.node(jn1, free_port()))).good


def _peer(node: int) -> Peer:
    with Session(database.engine()) as session:
        return Peer.of(session.get_one(Node, node))


def test_neither_study_nor_node_of_others(
    jn1: int, qh2: int, study: str, actor: Callable[..., Actor]
) -> None:
    ours, theirs = peers.node(jn1, 1), peers.node(qh2, 1, "THEIRS")
    by, stranger = actor(Role.REPORTER), actor(Role.REPORTER, institution=qh2)
    for who, node in ((by, theirs), (stranger, ours), (stranger, theirs), (by, 999)):
        with pytest.raises(NotVisible):
            database.write(sending.send, who, study, [], node)
    with pytest.raises(NotPermitted):
        database.write(sending.send, actor(Role.CLINICIAN), study, [], ours)
    job = database.write(sending.send, by, study, [], ours)
    with Session(database.engine()) as session, session.begin():
        session.get_one(Node, ours).disabled = True
    running.run_one(job)
    assert (row(job).state, row(job).error) == (JobState.FAILED, "node.not_found")


WORKER = """
import time
from mip_app.jobs import relay
from mip_app.serving import work
work.load()
relay.worker()
while True:
    relay.hand_over()
    time.sleep(0.05)
"""


def test_a_sending_survives_kill_9(
    jn1: int,
    ingest: Callable[..., list],
    actor: Callable[..., Actor],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ingest(made.series(tmp_path / "made", 60))
    arrived: Counter[str] = Counter()

    def store(event: evt.Event) -> int:
        arrived[str(event.request.AffectedSOPInstanceUID)] += 1
        time.sleep(0.02)  # as slow as an archive
        return 0

    with peers.peer(store) as port:
        job = database.write(sending.send, actor(Role.REPORTER), STUDY, [], peers.node(jn1, port))
        environment = peers.environment(MIP_JOB_LEASE_SECONDS="1")
        for kill in (True, False):
            before = row(job).done
            made_process = subprocess.Popen([sys.executable, "-c", WORKER], cwd=REPOSITORY, env=environment)
            try:
                end = time.monotonic() + 30
                while row(job).state != JobState.DONE and not (kill and row(job).done > before + 5):
                    assert time.monotonic() < end
                    time.sleep(0.02)  # another process is at work
                made_process.send_signal(signal.SIGKILL)
            finally:
                made_process.kill()
                made_process.wait()
    found = row(job)
    assert (found.state, found.done, found.attempts) == (JobState.DONE, 60, 1)
    assert len(arrived) == 60
    assert sum(arrived.values()) < 60 + 40  # and not all of it anew
    assert relay.hand_over() == 0
