"""How fast pictures and whole studies leave, and in how much memory.

python -m benchmarks.retrieve [--slices 300] [--rounds 5]       a server of its own

Thumbnail and rendered slice (512 × 512, 16 bit): drawn for the first time, and again. A study by zip: MB/s, and the
resident memory of the server before, while and after. Figures are the fastest and the median of the rounds.
"""

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

import httpx
from pydicom.uid import generate_uid

from benchmarks.spending import spent
from benchmarks.viewer import chest
from tests.images import Made
from tests.site import Site, inside


def timed(client: httpx.Client, address: str, **more: object) -> float:
    """Milliseconds of one answer over a connection that stands."""
    begun = time.perf_counter()
    answer = client.get(address, **more)  # type: ignore[arg-type]
    took = (time.perf_counter() - begun) * 1000
    assert answer.status_code in (200, 204, 304), answer.text
    return took


def say(title: str, values: list[float], unit: str = "ms") -> None:
    best = max(values) if unit == "MB/s" else min(values)
    print(f"{title:<44} best {best:8.1f} {unit}   median {statistics.median(values):8.1f} {unit}", flush=True)


def pictures(site: Site, client: httpx.Client, slices: list[Made], rounds: int) -> None:
    def asked(title: str, addresses: list[str], **more: object) -> None:
        assert site.process
        before = spent(site.process.pid)
        took = [timed(client, one, **more) for one in addresses]
        say(title, took)
        print(
            f"{'':<44} server and workers {(spent(site.process.pid) - before) / len(took):.1f} ms of a core each"
        )

    data = slices[0].data
    series = f"/studies/{data.StudyInstanceUID}/series/{data.SeriesInstanceUID}"
    at = [f"{series}/instances/{one.data.SOPInstanceUID}" for one in slices]
    timed(client, f"{at[0]}/rendered")  # starts the workers
    fresh = at[1 : 1 + 10 * rounds]
    healthy = str(client.base_url).replace("/dicom-web/", "/healthz")
    asked("nothing at all: /healthz", [healthy for _ in fresh])
    asked("thumbnail of an instance, cold", [f"{one}/thumbnail" for one in fresh])
    asked("thumbnail of an instance, warm", [f"{one}/thumbnail" for one in fresh * 5])
    asked("thumbnail of the series, warm", [f"{series}/thumbnail" for _ in fresh * 5])
    asked("rendered 512 × 512 JPEG, cold", [f"{one}/rendered" for one in fresh])
    asked("rendered 512 × 512 JPEG, warm", [f"{one}/rendered" for one in fresh * 5])
    windows = [f"{at[0]}/rendered?window={number},400" for number in range(10 * rounds)]
    asked("rendered with a new window each time", windows)


def zips(site: Site, client: httpx.Client, uid: str, rounds: int) -> None:
    worker = site.workers()[0]
    before, highest, over = worker.memory_info().rss, 0, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not over.wait(0.02):
            highest = max(highest, worker.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    speeds = []
    for _ in range(rounds):
        begun, size = time.perf_counter(), 0
        with client.stream("GET", f"/studies/{uid}", headers={"Accept": "application/zip"}) as answer:
            for chunk in answer.iter_raw(1 << 20):
                size += len(chunk)
        speeds.append(size / 1e6 / (time.perf_counter() - begun))
    over.set()
    watching.join()
    say(f"zip with DICOMDIR, {size / 1e6:.0f} MB", speeds, "MB/s")
    after = worker.memory_info().rss
    print(f"memory of the server: before {before >> 20}, highest {highest >> 20}, after {after >> 20} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        with inside(site.data):
            site.open_up()
        slices = chest()[: asked.slices]
        for one in slices:  # each its own bytes, so that none is drawn before it is asked for
            one.data.InstanceCreatorUID = generate_uid()
        site.store(slices)
        headers = {"Authorization": f"Bearer {site.keys['JN1']}"}
        try:
            site.start()
            with httpx.Client(base_url=f"{site.url}/dicom-web", headers=headers, timeout=60) as client:
                pictures(site, client, slices, asked.rounds)
                zips(site, client, str(slices[0].data.StudyInstanceUID), asked.rounds)
        finally:
            site.stop()


if __name__ == "__main__":
    main()
