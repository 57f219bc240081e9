"""Killed at fifty random moments of taking images in: what was acknowledged is there, and sending again completes."""

import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import Session, select

from mip_app.accounts import opening
from mip_app.core.blobs import blobs
from mip_app.core.database import engine, write
from mip_app.dimse import registering
from mip_app.keeping.doctor import Checkup
from mip_app.studies import door
from mip_app.studies.models import Instance, Study
from tests.conftest import REPOSITORY
from tests.dimse.callers import data_set_of
from tests.ingest.made import series

MOMENTS = 50
FILES = 12


@pytest.fixture
def taker(db: str, jn1: int):
    key = write(opening.create_api_key, opening.CONSOLE, jn1, "gateway")
    write(registering.register, opening.CONSOLE, jn1, "CT1", "127.0.0.1")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.ingest.killed", key, str(jn1)],
        cwd=REPOSITORY,
        env=os.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout and process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()


def attempt(
    taker: subprocess.Popen[str], kind: str, source: Path, report: Path, until: Callable[[], None]
) -> set[str]:
    """One attempt, killed when `until` returns; what it had acknowledged, in whole lines."""
    report.unlink(missing_ok=True)
    assert taker.stdin and taker.stdout
    taker.stdin.write(f"{kind} {source} {report}\n")
    taker.stdin.flush()
    child = int(taker.stdout.readline())
    until()
    os.kill(child, signal.SIGKILL)
    assert taker.stdout.readline() == "ended\n"
    return set(report.read_text().split("\n")[:-1]) if report.exists() else set()


def stored() -> dict[str, Instance]:
    with Session(engine()) as session:
        return {row.sop_instance_uid: row for row in session.exec(door.marked(select(Instance)))}


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_fifty_kills_lose_nothing_acknowledged(taker, tmp_path, monkeypatch):
    pick = random.Random(50)
    seen: set[str] = set()
    sent: set[bytes] = set()
    sources: list[tuple[str, Path]] = []
    report = tmp_path / "report"
    for moment in range(MOMENTS):
        folder = tmp_path / f"{moment}"
        paths = series(folder, FILES, study=moment + 1, side=64)
        sent |= {path.read_bytes() for path in paths}
        sent |= {data_set_of(path.read_bytes()) for path in paths}  # by C-STORE nothing else is sent
        kind = ("zip", "stow", "cstore")[moment % 3]
        sources.append((kind, packed(folder) if kind == "zip" else folder))
        heard, more = pick.randrange(FILES - 4), pick.uniform(0, 0.03)
        seen |= attempt(
            taker, *sources[-1], report, lambda heard=heard, more=more: reported(report, heard, more)
        )
    there = stored()
    assert len(seen) > MOMENTS, "most attempts were killed before they had begun"
    assert len(there) < MOMENTS * FILES, "most attempts were done before they were killed"
    assert seen <= there.keys()
    for row in there.values():
        kept = blobs().get(row.blob) or b""
        assert kept in sent or data_set_of(kept) in sent
    for kind, source in sources:
        assert len(attempt(taker, kind, source, report, lambda: reported(report, FILES))) == FILES
    assert len(stored()) == MOMENTS * FILES
    with Session(engine()) as session:
        assert session.exec(door.marked(select(Study.instance_count))).all() == [FILES] * MOMENTS
    monkeypatch.setattr("mip_app.keeping.doctor.YOUNG", -60)  # nothing is on its way any more
    examined = Checkup(repair=True, whole_files=True)
    assert not [finding for finding in examined.findings() if finding.wrong]
    assert list(Checkup(whole_files=True).findings()) == []
    images = {key for key, _ in blobs().keys("") if key.endswith(".dcm")}
    assert images == {row.blob for row in stored().values()}


def reported(report: Path, lines: int, and_seconds: float = 0) -> None:
    """Wait until so much is acknowledged, and a moment that may be anywhere in the work on the next."""
    while lines and (not report.exists() or report.read_text().count("\n") < lines):
        time.sleep(0.003)  # the only way to see how far another process is
    time.sleep(and_seconds)


def packed(folder: Path) -> Path:
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as made:
        for path in sorted(folder.iterdir()):
            made.write(path, path.name)
    return archive
