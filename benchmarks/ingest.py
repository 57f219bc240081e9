"""How fast images come in, and in how much memory.

    python benchmarks/ingest.py zip [--gib 2] [--jobs 4]
    python benchmarks/ingest.py stow

`zip`: `mip ingest` of one archive of 512 KiB slices into a fresh SQLite installation; MIP_DATABASE_URL chooses another.
`stow`: STOW-RS against a server of its own (`mip run`), 300 slices: one a request over 1 and 4 connections, 20 a request;
then 250 small studies of two images, a study a request.
Prints instances/s and MB/s, the peak of resident memory, and the CPU seconds of the processes that take them in.
"""

import argparse
import contextlib
import http.client
import os
import queue
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.ingest.made import ROOT, image

SIDE = 512
SLICE = SIDE * SIDE * 2
MIP = [sys.executable, "-m", "mip_app.cli"]


def slices(count: int, study: int, side: int = SIDE) -> Iterator[tuple[str, bytes]]:
    """Slices that differ in their UID alone: made by replacing it, not by writing each."""
    first = image(10_000_000, study, patient=f"P{study}", side=side)
    mark = f"{ROOT}.{study}.1.10000000".encode()
    for number in range(count):
        yield f"{number:06}.dcm", first.replace(mark, f"{ROOT}.{study}.1.{20_000_000 + number}".encode())


def say(title: str, count: int, seconds: float, more: str = "") -> None:
    print(
        f"{title}: {count / seconds:.0f} instances/s, {count * SLICE / seconds / 1e6:.0f} MB/s{more}",
        flush=True,
    )


@contextlib.contextmanager
def installation(scratch: str | None) -> Iterator[tuple[Path, str]]:
    """A fresh data folder with one institution; gives it and an API key."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        os.environ["MIP_DATA_DIR"] = folder
        from mip_app.accounts import opening
        from mip_app.core.database import write
        from mip_app.serving.migration import migrate

        migrate()
        alliance = write(opening.open_alliance, opening.CONSOLE, "bench")
        institution = write(opening.open_institution, opening.CONSOLE, alliance, "BENCH", "bench")
        yield Path(folder), write(opening.create_api_key, opening.CONSOLE, institution, "bench")


def bench_zip(folder: Path, gib: float, more: list[str]) -> None:
    count = int(gib * 1024**3 / SLICE) + 1
    archive = folder / "images.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
        for name, data in slices(count, 1):
            out.writestr(name, data)
    begun = time.perf_counter()
    subprocess.run([*MIP, "ingest", str(archive), "--institution", "BENCH", *more], check=True)
    seconds = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime
    size = archive.stat().st_size / 1024**3
    say(f"zip of {size:.2f} GiB", count, seconds, f"; peak {used.ru_maxrss / 1024:.0f} MiB, CPU {cpu:.0f} s")


def bench_stow(folder: Path, key: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ["MIP_PORT"] = str(port)
    server = subprocess.Popen([*MIP, "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _serves(port):
            time.sleep(0.2)
        processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
        for study, (batch, connections) in enumerate(((20, 1), (1, 1), (1, 4), (20, 1)), 1):
            before = _cpu(processes)
            seconds = _send(port, key, list(slices(300, study)), batch, connections)
            cpu = (_cpu(processes) - before) / 300 * 1000
            if study > 1:  # the first warms up
                peak = max(p.memory_info().rss for p in processes) / 1024**2
                more = f"; CPU {cpu:.1f} ms an instance, {peak:.0f} MiB"
                say(f"STOW-RS {batch}/request, {connections} connections", 300, seconds, more)
        small = [file for study in range(1000, 1250) for file in slices(2, study, side=128)]
        for connections in (1, 4):
            seconds = _send(port, key, small, 2, connections)
            print(f"STOW-RS of small studies, {connections} connections: {500 / seconds:.0f} instances/s")
            small = [file for study in range(2000, 2250) for file in slices(2, study, side=128)]
    finally:
        server.terminate()
        server.wait()


def _serves(port: int) -> bool:
    with (
        contextlib.suppress(OSError),
        contextlib.closing(http.client.HTTPConnection("127.0.0.1", port)) as asked,
    ):
        asked.request("GET", "/healthz")
        return asked.getresponse().status == 200
    return False


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(p.cpu_times()[:2]) for p in processes)


def _send(port: int, key: str, files: list[tuple[str, bytes]], batch: int, connections: int) -> float:
    head = {
        "Authorization": f"Bearer {key}",
        "Content-Type": 'multipart/related; type="application/dicom"; boundary=bench',
        "Accept": "application/dicom+json",
    }
    jobs: queue.Queue[bytes] = queue.Queue()
    for at in range(0, len(files), batch):
        parts = (
            b"--bench\r\nContent-Type: application/dicom\r\n\r\n" + data for _, data in files[at : at + batch]
        )
        jobs.put(b"\r\n".join(parts) + b"\r\n--bench--\r\n")

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        with contextlib.closing(connection), contextlib.suppress(queue.Empty):
            while True:
                connection.request("POST", "/dicom-web/studies", jobs.get_nowait(), head)
                answer = connection.getresponse()
                assert answer.status == 200, answer.read()
                answer.read()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("zip", "stow"))
    parser.add_argument("--gib", type=float, default=2.0)
    parser.add_argument("--jobs", help="of `mip ingest`; its own default")
    parser.add_argument("--scratch", help="folder on the disk to be measured")
    asked = parser.parse_args()
    with installation(asked.scratch) as (folder, key):
        if asked.what == "zip":
            bench_zip(folder, asked.gib, ["--jobs", asked.jobs] if asked.jobs else [])
        else:
            bench_stow(folder, key)


if __name__ == "__main__":
    main()
