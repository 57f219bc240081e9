"""A killed ingest has lost nothing that it had acknowledged, and sending again completes it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from sqlmodel import Session, select

from mip_app.core.blobs import blobs
from mip_app.core.database import engine
from mip_app.studies import door
from mip_app.studies.models import Instance, Study
from tests.conftest import REPOSITORY
from tests.ingest.made import series

FILES = 200


def start(folder: Path, report: Path) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "mip_app.cli",
        "ingest",
        str(folder),
        "--institution",
        "JN1",
        "--report",
        str(report),
        "--jobs",
        "3",
    ]
    return subprocess.Popen(command, cwd=REPOSITORY, env=os.environ, stderr=subprocess.DEVNULL)


def acknowledged(report: Path) -> set[str]:
    """Instances the report named in whole lines; the last may be torn."""
    lines = report.read_text().split("\n")[:-1] if report.exists() else []
    return {found["sop_instance_uid"] for found in map(json.loads, lines) if found["kind"] != "refused"}


def stored() -> dict[str, Instance]:
    with Session(engine()) as session:
        return {row.sop_instance_uid: row for row in session.exec(door.marked(select(Instance)))}


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_kill_9_loses_nothing_acknowledged(db, jn1, tmp_path):
    paths = series(tmp_path / "ct", FILES, side=128)
    whole = {path.read_bytes() for path in paths}
    seen: set[str] = set()
    helped = 0
    for attempt, until in enumerate((1, 90, 7)):  # the second while other processes read
        report = tmp_path / f"{attempt}.ndjson"
        process = start(tmp_path / "ct", report)
        while len(acknowledged(report)) < until and process.poll() is None:
            time.sleep(0.005)  # waits for its progress, not for the clock
        helpers = psutil.Process(process.pid).children() if process.poll() is None else []
        process.send_signal(signal.SIGKILL)
        process.wait()
        helped += len(helpers)
        assert not psutil.wait_procs(helpers, timeout=60)[1]
        seen |= acknowledged(report)
        there = stored()
        assert seen <= there.keys()
        for row in there.values():
            assert blobs().path(row.blob).read_bytes() in whole
    assert seen and helped >= 3
    assert start(tmp_path / "ct", tmp_path / "last.ndjson").wait() == 0
    assert (
        seen | acknowledged(tmp_path / "last.ndjson") == stored().keys()
    )  # what was passed over was named before
    assert len(stored()) == FILES
    with Session(engine()) as session:
        assert session.exec(door.marked(select(Study.instance_count))).one() == FILES
