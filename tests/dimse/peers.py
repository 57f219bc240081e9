"""Applications that are not ours, at the other end of an association: dcmtk's and pynetdicom's."""

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification
from sqlmodel import Session, select

from mip_app.core import database
from mip_app.core.settings import settings
from mip_app.dimse.models import Node
from tests.site import free_port

DCMTK = Path("/usr/bin")  # pynetdicom has commands of the same names beside python


def dcmtk(name: str) -> str:
    """The path of a command of dcmtk; skips aloud where it is not installed."""
    path = DCMTK / name
    if not path.exists():
        pytest.skip(f"dcmtk is not here: {path}")
    said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
    assert "dcmtk" in said, f"{path} is another program"
    return str(path)


def listening(port: int, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < end, f"nothing listens on {port}"
        time.sleep(0.05)  # the only way to see another process come up


@contextlib.contextmanager
def storescp(folder: Path, *options: str, port: int = 0, title: str = "ARCHIVE") -> Iterator[int]:
    """dcmtk's storage SCP, which keeps what it gets in `folder` bit for bit; gives its port."""
    port = port or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    command = [dcmtk("storescp"), "+B", "-aet", title, "-od", str(folder), *options, str(port)]
    made = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        listening(port)
        yield port
    finally:
        made.kill()
        made.wait()


@contextlib.contextmanager
def orthanc(folder: Path, mip: int) -> Iterator[tuple[httpx.Client, int]]:
    """Orthanc with an empty storage that knows us at port `mip`; its REST client and DIMSE port."""
    program = Path("/usr/sbin/Orthanc")
    if not program.exists():
        pytest.skip("Orthanc is not here")
    http, dicom = free_port(), free_port()
    folder.mkdir()
    configuration = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "HttpPort": http,
        "DicomPort": dicom,
        "DicomAet": "ORTHANC",
        "AuthenticationEnabled": False,
        "RemoteAccessAllowed": False,
        "Plugins": [],
        "DefaultEncoding": "Utf8",
        "DicomModalities": {
            "mip": {"AET": "MIP", "Host": "127.0.0.1", "Port": mip, "AllowTranscoding": False}
        },
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    process = subprocess.Popen(
        [program, folder / "orthanc.json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        listening(http)
        listening(dicom)
        with httpx.Client(base_url=f"http://127.0.0.1:{http}", timeout=60) as client:
            yield client, dicom
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def peer(on_store: Callable[[evt.Event], int], **required: Any) -> Iterator[int]:
    """pynetdicom's storage SCP; `required`: of its AE. Gives its port."""
    entity = AE("ARCHIVE")
    for name, value in required.items():
        setattr(entity, name, value)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax)
    entity.add_supported_context(Verification)
    port = free_port()
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_STORE, on_store)])
    try:
        yield port
    finally:
        server.shutdown()


def node(institution: int, port: int, title: str = "ARCHIVE", **values: Any) -> int:
    """Register an application on this machine, or that it listens elsewhere now; its number."""
    values = {"address": "127.0.0.1", "name": f"归档 {port}", "port": port} | values
    with Session(database.engine()) as session, session.begin():
        same = (Node.ae_title == title, Node.address == values["address"])
        row = session.exec(select(Node).where(*same)).one_or_none()
        row = row or Node(institution_id=institution, ae_title=title, address=values["address"])
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)
        session.flush()
        return row.id or 0


@pytest.fixture
def local_nodes(monkeypatch: pytest.MonkeyPatch, db: str) -> None:
    """Nodes of the tests are on this machine, which is refused otherwise."""
    monkeypatch.setenv("MIP_DIMSE_LOCAL_NODES", "true")
    settings.cache_clear()


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **more}
