"""Starting, staying up and ending, as an operator sees it."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from mip_app.serving import bundle
from tests.site import REPOSITORY, Site, inside


@pytest.fixture
def fresh(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    with inside(tmp_path):
        made.open_up()
    return made


def test_a_killed_worker_comes_back_and_sign_ins_are_still_good(fresh: Site) -> None:
    fresh.start()
    try:
        client = fresh.sign_in("linwangshu")
        for _ in range(3):  # and again as soon as it is back
            (worker,) = fresh.workers()
            worker.kill()
            worker.wait(10)
            fresh.wait_until_serving(20)
            assert [w.pid for w in fresh.workers()] != [worker.pid]
        assert client.get("/dicom-web/studies").status_code == 200
    finally:
        fresh.stop()


def test_two_builds_at_once_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "WEB", tmp_path / "web")
    for name, path in {"KEPT": ".", "STAMP": "stamp", "FONTS": "fonts"}.items():
        monkeypatch.setattr(bundle, name, tmp_path / path)
    asked = threading.Semaphore(0)
    exports: list[int] = []
    other = threading.Thread(target=bundle.build)

    def flock(file: object, how: int, real=fcntl.flock) -> None:
        asked.release()
        real(file, how)

    def export(*_: object, **__: object) -> subprocess.CompletedProcess[bytes]:
        exports.append(1)
        if len(exports) == 1:
            asked.acquire()  # our own
            other.start()
            asked.acquire()
        (tmp_path / "web/build/client").mkdir(parents=True, exist_ok=True)
        (tmp_path / "web/routes.json").write_text("{}")
        return subprocess.CompletedProcess([], 0)

    monkeypatch.setattr(bundle.fcntl, "flock", flock)
    monkeypatch.setattr(bundle.subprocess, "run", export)
    bundle.build()
    other.join()
    assert exports == [1] and bundle.is_current()


def test_ctrl_c_ends_everything(fresh: Site) -> None:
    fresh.start()
    assert fresh.process
    family = [psutil.Process(fresh.process.pid), *psutil.Process(fresh.process.pid).children(recursive=True)]
    fresh.process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(family, timeout=15)
    assert alive == []
    assert "Traceback" not in fresh.log.read_text()


def test_a_taken_port_gives_way_to_the_next_one_and_says_so(fresh: Site) -> None:
    fresh.start()
    second = Site(fresh.data.parent / "second", port=fresh.port)
    second.data.mkdir()
    environment = {
        **os.environ,
        "MIP_DATA_DIR": str(second.data),
        "MIP_PORT": str(fresh.port),
        "MIP_HOST": "127.0.0.1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "mip_app.cli", "run"],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        assert f"Port {fresh.port} is taken" in said
        address = next(word for word in said.split() if word.startswith("http://localhost:"))
        assert address != f"http://localhost:{fresh.port}"
        until = time.monotonic() + 20
        while True:
            try:
                assert httpx.get(f"{address}/healthz").status_code == 200
                break
            except httpx.ConnectError:
                assert time.monotonic() < until
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(15)
        fresh.stop()


def test_the_first_account_is_an_operators_and_sees_no_patient(fresh: Site) -> None:
    environment = {**os.environ, "MIP_DATA_DIR": str(fresh.data)}
    command = [
        sys.executable,
        "-m",
        "mip_app.cli",
        "operator",
        "create",
        "--account",
        "first",
        "--name",
        "运营",
    ]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, input="correct horse battery\n", text=True
    )
    assert done.returncode == 0
    fresh.start()
    try:
        assert fresh.sign_in("first").get("/dicom-web/studies").status_code == 403
    finally:
        fresh.stop()
