"""How long a doctor's click takes while images come in at full speed.

python -m benchmarks.clicking [--seconds 15]      storescu of dcmtk; a server of its own, as `mip run` starts it

An event of a page, over its websocket: alone, while STOW-RS comes over four connections (one and twenty images a
request), while C-STORE comes over four associations, and while `mip ingest` reads an archive. Senders are processes of
their own on the same machine, and send until the last round trip is taken.
"""

import argparse
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path

from benchmarks.dimse import STORESCU
from benchmarks.frames import say
from benchmarks.ingest import MIP, _send, slices
from tests.site import Site, free_port, inside
from tests.socket import STATE, RawSocket

TOGETHER = 40  # images made in advance, in one round of a sender


def round_trips(page: RawSocket, seconds: float) -> list[float]:
    """Milliseconds, a click every 50 ms or so."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        while not page.heard.empty():
            page.heard.get()
        begun = time.perf_counter()
        page.send(f"{STATE}.mip_app___ui___state____shell.load")
        page.heard.get(timeout=60)
        took.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.05)
    return took


def stow(port: int, key: str, batch: int, over: Event, sent: object) -> None:
    study = 10_000 * batch
    while not over.is_set():
        study += 1
        _send(port, key, list(slices(TOGETHER, study)), batch, 4)
        sent.value += TOGETHER  # type: ignore[attr-defined]


def store(port: int, folder: str, over: Event, sent: object) -> None:
    study = 900_000
    while not over.is_set():
        study += 1
        files = []
        for name, data in slices(TOGETHER, study):
            files.append(Path(folder) / name)
            files[-1].write_bytes(data)
        command = [STORESCU, "-aet", "STORESCU", "-aec", "MIP", "127.0.0.1", str(port)]
        senders = [subprocess.Popen([*command, *map(str, files[part::4])]) for part in range(4)]
        assert all(code == 0 for code in [sender.wait() for sender in senders])
        sent.value += TOGETHER  # type: ignore[attr-defined]


def ingest(data: str, archive: str, over: Event, sent: object) -> None:
    study = 990_000
    while not over.is_set():
        study += 1
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as out:
            for name, image in slices(400, study):
                out.writestr(name, image)
        with inside(Path(data)):
            command = [*MIP, "ingest", archive, "--institution", "JN1"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        sent.value += 400  # type: ignore[attr-defined]


def meanwhile(title: str, page: RawSocket, seconds: float, work: Callable[..., None], *given: object) -> None:
    over, sent = multiprocessing.Event(), multiprocessing.Value("l", 0)
    sender = multiprocessing.Process(target=work, args=(*given, over, sent))
    begun = time.perf_counter()
    sender.start()
    try:
        time.sleep(2)
        took = round_trips(page, seconds)
    finally:
        over.set()
        sender.join(120)
    rate = sent.value / (time.perf_counter() - begun)
    late = statistics.quantiles(took, n=20)[-1]
    say(f"a click, {title}", took, "ms", f", p95 {late:.0f}; {rate:.0f} images/s meanwhile")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=15)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder) / "data", dimse_port=free_port())
        site.data.mkdir()
        with inside(site.data):
            site.open_up()
            node = ["node", "add", "--institution", "JN1", "--ae-title", "STORESCU", "--address", "127.0.0.1"]
            subprocess.run([*MIP, *node], check=True, stdout=subprocess.DEVNULL)
        site.start()
        try:
            with RawSocket(site.url, cookie=site.cookie("linwangshu")) as page:
                page.hydrate()
                page.answers()
                key, port = site.keys["JN1"], site.port
                took = round_trips(page, seconds)
                say("a click, alone", took, "ms", f", p95 {statistics.quantiles(took, n=20)[-1]:.0f}")
                for batch in (1, 20):
                    title = f"STOW-RS over 4 connections, {batch} a request"
                    meanwhile(title, page, seconds, stow, port, key, batch)
                meanwhile("C-STORE over 4 associations", page, seconds, store, site.dimse_port, folder)
                archive = str(Path(folder) / "images.zip")
                meanwhile("`mip ingest`", page, seconds, ingest, str(site.data), archive)
        finally:
            site.stop()


if __name__ == "__main__":
    sys.exit(main())
