"""How fast frames and metadata leave, who asks being checked each time.

python -m benchmarks.frames [--seconds 3] [--runs 3] [--many 20000] [--large]      needs wrk and nginx

A server of its own with a CT of 300 slices 512 × 512 × 16 bit; client and server share the machine. Frames at 1, 6 and
16 connections, straight and behind nginx that sends what the server allows (X-Accel-Redirect), and what nginx does alone
with the same bytes as plain files; a whole series over 6 connections; metadata cold and warm; how long an event of a page
takes meanwhile; memory before and after `--many` frames. `--large`: the first frame of a file of 1 GiB.
The best of the runs is what the machine allows; the range says how busy it was.
"""

import argparse
import contextlib
import http.client
import os
import queue
import re
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pydicom

from benchmarks.spending import spent
from benchmarks.viewer import chest
from benchmarks.wrk import TURN
from tests.conftest import OnDisk
from tests.site import Site, free_port, inside
from tests.socket import STATE, RawSocket

ACCEPT = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
INTERNAL = "/internal-blobs/"
NGINX = """
pid {folder}/nginx.pid; worker_processes 2; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; default_type application/octet-stream;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  upstream mip {{ server 127.0.0.1:{behind}; keepalive 32; }}
  server {{
    listen 127.0.0.1:{alone};
    location / {{ root {folder}/plain; }}
  }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
    location / {{ proxy_pass http://mip; }}
    location {internal} {{
      internal;
      alias {blobs}/;
      etag off; if_modified_since off; max_ranges 0;
      add_header ETag $upstream_http_etag;
    }}
  }}
}}
"""


class Bench:
    def __init__(self, site: Site, folder: Path, asked: argparse.Namespace) -> None:
        self.site, self.folder, self.asked = site, folder, asked
        self.headers = {"Authorization": f"Bearer {site.keys['JN1']}", "Accept": ACCEPT}

    @property
    def server(self) -> int:
        assert self.site.process
        return self.site.process.pid

    def frames(self, title: str, paths: list[str], port: int) -> None:
        for connections in (1, 6, 16):
            rates, waits = [], []
            for _ in range(self.asked.runs):
                rate, wait = self.wrk(paths, port, connections, self.asked.seconds)
                rates.append(rate)
                waits.append(wait)
            say(f"{title}, {connections} connections", rates, "frames/s", f", median {min(waits):.2f} ms")

    def wrk(self, paths: list[str], port: int, connections: int, seconds: int) -> tuple[float, float]:
        """Requests a second and the median in ms. Raises when one was not answered with 200."""
        (self.folder / "paths").write_text("\n".join(paths) + "\n")
        (self.folder / "turn.lua").write_text(TURN.format(paths=self.folder / "paths"))
        headers = [word for name, value in self.headers.items() for word in ("-H", f"{name}: {value}")]
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *headers, "-s"]
        command += [str(self.folder / "turn.lua"), f"http://127.0.0.1:{port}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in said or "Socket errors" in said:
            raise RuntimeError(said)
        rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
        half = re.search(r"50%\s+([\d.]+)(us|ms|s)", said)
        assert rate and half
        return float(rate[1]), float(half[1]) * {"us": 0.001, "ms": 1, "s": 1000}[half[2]]

    def series(self, paths: list[str]) -> None:
        """All frames over six connections of a client in Python."""
        took = []
        for _ in range(self.asked.runs + 1):
            begun = time.perf_counter()
            self.fetch(paths, 6)
            took.append((time.perf_counter() - begun) * 1000)
        say(f"series of {len(paths)} over 6 connections, first {took[0]:.0f} ms, then", took[1:], "ms")

    def fetch(self, paths: Iterable[str], connections: int) -> None:
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        for path in paths:
            waiting.put(path)

        def work() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", self.site.port)
            buffer = bytearray(1 << 20)
            while True:
                try:
                    connection.request("GET", waiting.get_nowait(), headers=self.headers)
                except queue.Empty:
                    return
                answer = connection.getresponse()
                assert answer.status == 200, answer.read()
                while answer.readinto(buffer):
                    pass

        threads = [threading.Thread(target=work) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def metadata(self, paths: list[str]) -> None:
        for zipped in ("gzip", "identity"):
            cold, warm, cores = [], [], [0.0, 0.0]
            for path in paths:
                before = spent(self.server)
                cold.append(self.once(path, zipped))
                between = spent(self.server)
                warm += [self.once(path, zipped) for _ in range(10)]
                cores[0] += between - before
                cores[1] += spent(self.server) - between
            if zipped == "gzip":
                say("metadata of 300 slices, cold", cold, "ms", f", {cores[0] / len(cold):.0f} of a core")
            say(
                f"metadata of 300 slices, warm, {zipped}",
                warm,
                "ms",
                f", {cores[1] / len(warm):.1f} of a core",
            )

    def once(self, path: str, encoding: str) -> float:
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port)
        connection.connect()
        headers = {**self.headers, "Accept": "application/dicom+json", "Accept-Encoding": encoding}
        begun = time.perf_counter()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200 and answer.headers.get("content-encoding", "identity") == encoding
        return (time.perf_counter() - begun) * 1000

    def event(self, paths: list[str]) -> None:
        """An event of a page, alone and while six connections fetch frames as fast as they can."""
        with RawSocket(self.site.url, cookie=self.site.cookie("linwangshu")) as page:
            page.hydrate()
            page.answers()
            say("an event of a page, alone", _round_trips(page), "ms")
            load = threading.Thread(target=self.wrk, args=(paths, self.site.port, 6, 6))
            load.start()
            time.sleep(1)
            say("an event of a page, frames over 6 connections meanwhile", _round_trips(page), "ms")
            load.join()

    def memory(self, paths: list[str]) -> None:
        before, done = self.resident(), 0
        while done < self.asked.many:
            rate, _ = self.wrk(paths, self.site.port, 6, 10)
            done += int(rate * 10)
        print(
            f"{'memory of the server before and after':<66} {before:.0f}, {self.resident():.0f} MB; {done:,} frames"
        )

    def resident(self) -> float:
        return sum(worker.memory_info().rss for worker in self.site.workers()) / 1e6

    def large(self) -> None:
        """An enhanced multi-frame CT of 1 GiB: its first and its last frame, and what was read for them."""
        data = chest()[0].data
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
        for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(data, name, pydicom.uid.generate_uid())
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.NumberOfFrames, data.PixelData = 2048, bytes(1 << 30)
        path = self.folder / "large.dcm"
        data.save_as(path, enforce_file_format=True)
        assert [outcome.kind for outcome in self.site.store([OnDisk(path)])] == ["stored"]
        path.unlink()
        at = frame_path(data).rpartition("/")[0]
        (worker,) = self.site.workers()
        before = worker.io_counters().read_chars
        for number in (1, 2048):
            begun = time.perf_counter()
            self.fetch([f"{at}/{number}"], 1)
            print(f"frame {number} of 2,048 of 1 GiB: {(time.perf_counter() - begun) * 1000:.1f} ms")
        print(f"read for both: {(worker.io_counters().read_chars - before) / 1e6:.1f} MB")


def _round_trips(page: RawSocket) -> list[float]:
    took = []
    for _ in range(20):
        while not page.heard.empty():
            page.heard.get()
        begun = time.perf_counter()
        page.send(f"{STATE}.mip_app___ui___state____shell.load")
        page.heard.get(timeout=30)
        took.append((time.perf_counter() - begun) * 1000)
    return took


def say(title: str, values: list[float], unit: str, more: str = "") -> None:
    middle = statistics.median(values)
    print(f"{title:<66} {middle:8.1f} {unit} ({min(values):.1f}-{max(values):.1f}){more}", flush=True)


def frame_path(data: pydicom.Dataset) -> str:
    return f"{series_path(data)}/instances/{data.SOPInstanceUID}/frames/1"


def series_path(data: pydicom.Dataset) -> str:
    return f"/dicom-web/studies/{data.StudyInstanceUID}/series/{data.SeriesInstanceUID}"


def behind_nginx(bench: Bench, slices: list[pydicom.Dataset], paths: list[str]) -> None:
    """nginx alone with the same bytes, then nginx that asks the server and sends what it may."""
    site, folder = bench.site, bench.folder
    for data, path in zip(slices, paths, strict=True):
        file = folder / "plain" / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.PixelData)
    site.stop()
    os.environ["MIP_X_ACCEL"] = INTERNAL
    site.start()
    alone, port = free_port(), free_port()
    text = NGINX.format(
        folder=folder, behind=site.port, alone=alone, port=port, internal=INTERNAL, blobs=site.data / "blobs"
    )
    (folder / "nginx.conf").write_text(text)
    # In the foreground, and ended with this process: nothing is left behind.
    nginx = subprocess.Popen(
        ["/usr/sbin/nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf", "-g", "daemon off;"]
    )
    try:
        _wait_for(port)
        bench.frames("nginx alone", paths, alone)
        bench.frames("behind nginx, authorised here", paths, port)
    finally:
        nginx.terminate()
        nginx.wait(10)
        del os.environ["MIP_X_ACCEL"]


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--many", type=int, default=20_000)
    parser.add_argument("--large", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # nginx's workers are somebody else
        site = Site(Path(folder) / "data")
        site.data.mkdir()
        with inside(site.data):
            site.open_up()
        sets = [chest() for _ in range(3)]
        for made in sets:
            site.store(made)
        slices = [made.data for made in sets[-1]]
        paths = [frame_path(data) for data in slices]
        bench = Bench(site, Path(folder), asked)
        site.start()
        try:
            bench.metadata([series_path(made[0].data) + "/metadata" for made in sets])
            bench.series(paths)
            bench.frames("frames", paths, site.port)
            bench.event(paths)
            bench.memory(paths)
            if asked.large:
                bench.large()
            behind_nginx(bench, slices, paths)
        finally:
            site.stop()


if __name__ == "__main__":
    main()
