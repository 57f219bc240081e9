"""A process that takes images in until it is killed. Started once; every attempt is a fork of it, so that fifty are cheap.

Reads lines `<kind> <folder or zip> <report>`, answers each with the process id of the attempt. What an attempt has
heard acknowledged it writes into its report, a UID a line.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from pydicom import dcmread
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
from starlette.testclient import TestClient

from mip_app.accounts.models import Role
from mip_app.accounts.roles import PERMISSIONS
from mip_app.core.actor import Actor
from mip_app.core.http import Guard
from mip_app.dicom.names import search_keys
from mip_app.dicom.walk import entries_in
from mip_app.dicomweb.storing_shortcut import StoringShortcut
from mip_app.ingest.limits import archive_limits
from mip_app.ingest.outcome import Kind
from mip_app.ingest.service import take_in
from mip_app.mip_app import http_api, identity
from tests.dimse.callers import associated, stored
from tests.dimse.conftest import serving

TOGETHER = 4  # files of one STOW request
BOUNDARY = "part"


def by_stow(folder: Path, key: str) -> Iterator[str]:
    client = TestClient(Guard(http_api(), identity.find, None, [StoringShortcut(identity.lately)]))
    client.headers.update({"Authorization": f"Bearer {key}", "Accept": "application/dicom+json"})
    kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
    paths = sorted(folder.iterdir())
    for start in range(0, len(paths), TOGETHER):
        parts = (
            f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode() + path.read_bytes() + b"\r\n"
            for path in paths[start : start + TOGETHER]
        )
        body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
        answer = client.post("/dicom-web/studies", content=body, headers={"Content-Type": kind})
        for item in answer.json().get("00081199", {}).get("Value", []):
            yield item["00081155"]["Value"][0]


def by_zip(archive: Path, institution: int) -> Iterator[str]:
    gateway = Actor(None, "gateway", institution, PERMISSIONS[Role.TECHNICIAN])
    for outcome in take_in(gateway, entries_in(archive, archive.name, archive_limits())):
        if outcome.kind is not Kind.REFUSED:
            yield outcome.sop_instance_uid


def by_cstore(folder: Path) -> Iterator[str]:
    """From one thread of this process to others of it, over a socket."""
    context = (str(CTImageStorage), [str(ExplicitVRLittleEndian)])
    with serving() as scp, associated(scp.port, [context]) as association:
        for path in sorted(folder.iterdir()):
            if stored(association, path).get("Status") == 0:
                yield str(dcmread(path, stop_before_pixels=True).SOPInstanceUID)


def attempt(kind: str, source: Path, report: Path, key: str, institution: int) -> None:
    uids = {
        "stow": lambda: by_stow(source, key),
        "zip": lambda: by_zip(source, institution),
        "cstore": lambda: by_cstore(source),
    }
    with report.open("w", buffering=1) as said:
        for uid in uids[kind]():
            said.write(f"{uid}\n")


def main() -> None:
    key, institution = sys.argv[1], int(sys.argv[2])
    search_keys("张三")  # its dictionary, once for all
    print("ready", flush=True)
    for line in sys.stdin:
        kind, source, report = line.split()
        child = os.fork()
        if child == 0:
            attempt(kind, Path(source), Path(report), key, institution)
            signal.pause()  # whoever is done waits to be killed like the others
        print(child, flush=True)
        os.waitpid(child, 0)
        print("ended", flush=True)


if __name__ == "__main__":
    main()
