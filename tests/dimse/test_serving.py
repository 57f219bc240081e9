"""The processes: what they acknowledged is there after a kill, they come back, and end with what started them."""

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from pydicom import dcmread

from mip_app.accounts import opening
from mip_app.core.blobs import blobs
from mip_app.core.database import write
from tests.conftest import REPOSITORY
from tests.dimse.callers import associated, data_set_of, dcmtk, send, stored
from tests.dimse.conftest import register, rows, serving, waiting
from tests.ingest.made import image, series
from tests.site import free_port, inside

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
VERIFICATION, IMPLICIT = "1.2.840.10008.1.1", "1.2.840.10008.1.2"


@dataclass
class Scp:
    """`mip scp` over the data folder of the test."""

    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        environment = {
            **os.environ,
            "MIP_HOST": "127.0.0.1",
            "MIP_DIMSE_PORT": str(self.port),
            **self.settings,
        }
        command = [sys.executable, "-m", "mip_app.cli", "scp"]
        self.process = subprocess.Popen(
            command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, text=True
        )

    def said(self) -> str:
        """The next line of what it says."""
        assert self.process and self.process.stdout
        return self.process.stdout.readline()

    def workers(self) -> list[psutil.Process]:
        assert self.process
        return psutil.Process(self.process.pid).children()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


@pytest.fixture(scope="module")
def house(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scp]:
    """One data folder and one `mip scp` for the tests of this file that let it live."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(sqlite_template, folder / "mip.sqlite3")
    with inside(folder):
        alliance = write(opening.open_alliance, opening.CONSOLE, "江南医联体")
        register(write(opening.open_institution, opening.CONSOLE, alliance, "JN1", "JN1"))
        made = Scp(settings={"MIP_DATA_DIR": str(folder), "MIP_DATABASE_URL": ""})
        yield made
        made.stop()


@pytest.fixture
def scp(house: Scp) -> Scp:
    if house.process is None or house.process.poll() is not None:
        house.start()
        assert f"port {house.port}" in house.said()
    return house


def verified(port: int, seconds: float = 40, title: str = "CT1") -> bool:
    """Somebody answers within that time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with associated(port, [(VERIFICATION, [IMPLICIT])], title) as made:
            if made.is_established and made.send_c_echo().get("Status") == 0:
                return True
        time.sleep(0.02)
    return False


def test_kill_9_loses_nothing_acknowledged(scp, tmp_path):
    pick = random.Random(11)
    files = series(tmp_path / "ct", 30, study=2, side=64)
    uid_of = {path: str(dcmread(path).SOPInstanceUID) for path in files}
    acknowledged: set[str] = set()
    for _ in range(2):
        assert verified(scp.port)
        until = len(acknowledged) + pick.randrange(3, 9)
        with contextlib.suppress(Exception), associated(scp.port, [(CT, [EXPLICIT])]) as association:
            for path in files:
                answer = stored(association, path)
                if answer.get("Status") != 0:
                    break
                acknowledged.add(uid_of[path])
                if len(acknowledged) >= until:
                    for worker in scp.workers():
                        worker.kill()
                    until = len(files) + 1
        there = {row.sop_instance_uid: row for row in rows()}
        assert acknowledged <= there.keys()
        for path, uid in uid_of.items():
            if uid in there:
                kept = blobs().path(there[uid].blob).read_bytes()
                assert data_set_of(kept) == data_set_of(path.read_bytes())
    assert 0 < len(acknowledged) < len(files)
    assert verified(scp.port)
    with associated(scp.port, [(CT, [EXPLICIT])]) as association:
        assert {stored(association, path).Status for path in files} == {0}
    assert {row.sop_instance_uid for row in rows()} >= set(uid_of.values())


def test_a_worker_dies_alone_and_comes_back(scp, tmp_path):
    path = tmp_path / "1.dcm"
    path.write_bytes(image(1))
    assert verified(scp.port)
    first, second = scp.workers()
    first.kill()
    assert verified(scp.port, 2)
    until = time.monotonic() + 5
    while time.monotonic() < until:
        pids = {worker.pid for worker in scp.workers() if worker.status() != psutil.STATUS_ZOMBIE}
        if len(pids) == 2 and first.pid not in pids:
            break
        time.sleep(0.02)
    assert len(pids) == 2 and second.pid in pids
    assert send(scp.port, path).Status == 0


def test_a_taken_port_gives_way_and_the_end_takes_all_with_it(scp):
    second = Scp(port=scp.port)
    second.start()
    said = second.said()
    assert f"port {scp.port} is taken" in said and f"port {scp.port}," not in said
    family = [psutil.Process(second.process.pid), *second.workers()]
    second.process.kill()  # kill -9: its workers hear of it from the kernel
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []
    family = [psutil.Process(scp.process.pid), *scp.workers()]
    scp.process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []


WEB = """
import sys, threading
from mip_app.serving.beside import Beside
with Beside(int(sys.argv[1])):
    threading.Event().wait()
"""


def test_images_come_in_beside_the_pages_and_survive_kills(on_sqlite, hospital, tmp_path):
    """What serves the pages has it as a child: it comes back, and ends with it however that ends."""
    register(hospital("JN1"))
    path, port = tmp_path / "1.dcm", free_port()
    path.write_bytes(image(1))
    environment = {**os.environ, "MIP_HOST": "127.0.0.1"}
    web = subprocess.Popen([sys.executable, "-c", WEB, str(port)], cwd=REPOSITORY, env=environment)
    try:
        assert verified(port)
        (child,) = psutil.Process(web.pid).children()
        child.kill()
        child.wait(5)
        assert verified(port)
        assert send(port, path).Status == 0
        family = psutil.Process(web.pid).children(recursive=True)
        assert len(family) > 1
        web.kill()
        _, alive = psutil.wait_procs(family, timeout=30)
        assert alive == []
    finally:
        web.kill()
        web.wait()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A CA, and a certificate of it for the server and for a client: ca.pem, server.pem, server.key, …"""
    folder = tmp_path / "tls"
    folder.mkdir()

    def openssl(arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], cwd=folder, check=True, capture_output=True)

    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=hospital")
    for name in ("server", "client"):
        openssl(f"req -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.csr -subj /CN={name}")
        openssl(f"x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2")
    return folder


def test_tls_and_the_certificate_of_the_caller(on_sqlite, hospital, certificates, monkeypatch, tmp_path):
    register(hospital("JN1"), "STORESCU")
    for name, file in (("CERT", "server.pem"), ("KEY", "server.key"), ("CA", "ca.pem")):
        monkeypatch.setenv(f"MIP_DIMSE_TLS_{name}", str(certificates / file))
    monkeypatch.setenv("MIP_DIMSE_TLS_PORT", str(free_port()))
    files = series(tmp_path / "ct", 5, side=256)
    with serving() as scp:
        port = scp.acceptor.listening[1].socket.getsockname()[1]
        silent = socket.create_connection(("127.0.0.1", port))  # keeps nobody waiting
        ours = ("+cf", certificates / "ca.pem", "-aec", "MIP", "127.0.0.1", port)
        known = ("+tls", certificates / "client.key", certificates / "client.pem")
        assert dcmtk("storescu", *known, *ours, *files).returncode == 0
        assert dcmtk("storescu", "+tla", *ours, *files).returncode != 0
        assert dcmtk("storescu", "-aec", "MIP", "127.0.0.1", port, *files).returncode != 0
        silent.close()
    assert len(rows()) == 5 and waiting() == []


ORTHANC = shutil.which("Orthanc") or "/usr/sbin/Orthanc"


def test_orthanc_pushes_to_us(on_sqlite, hospital, tmp_path):
    if not Path(ORTHANC).exists():
        pytest.skip(f"Orthanc is not here: {ORTHANC}")
    register(hospital("JN1"), "ORTHANC")
    http, dicom = free_port(), free_port()
    with serving() as scp:
        configuration = tmp_path / "orthanc.json"
        configuration.write_text(
            f"""{{"Name": "test", "StorageDirectory": "{tmp_path}/o", "IndexDirectory": "{tmp_path}/o",
            "HttpPort": {http}, "DicomPort": {dicom}, "DicomAet": "ORTHANC", "RemoteAccessAllowed": false,
            "AuthenticationEnabled": false, "DicomModalities": {{"mip": ["MIP", "127.0.0.1", {scp.port}]}}}}"""
        )
        with (tmp_path / "orthanc.log").open("wb") as log:
            process = subprocess.Popen([ORTHANC, str(configuration)], stdout=log, stderr=log)
        try:
            files = series(tmp_path / "ct", 8, side=64)
            ids = [_orthanc(http, "/instances", path.read_bytes())["ID"] for path in files]
            done = _orthanc(
                http, "/modalities/mip/store", ("[" + ",".join(f'"{i}"' for i in ids) + "]").encode()
            )
            assert done["FailedInstancesCount"] == 0
        finally:
            process.terminate()
            process.wait(20)
    assert {row.sop_instance_uid for row in rows()} == {str(dcmread(p).SOPInstanceUID) for p in files}


def _orthanc(port: int, path: str, body: bytes) -> dict:
    until = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=30) as answer:
                return json.loads(answer.read())
        except OSError:  # it is not up yet
            if time.monotonic() > until:
                raise
        time.sleep(0.1)
