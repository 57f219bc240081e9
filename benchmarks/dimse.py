"""How fast images come in by C-STORE, each acknowledged when it is durable.

    python benchmarks/dimse.py [--data FOLDER] [--repeat 2]

Sends 300 slices of 512 KiB with dcmtk's storescu to a `mip scp` of its own (SQLite; MIP_DATABASE_URL chooses another):
as it is and with TCP_NODELAY=1, over one association and over four. `--data`: a folder of files instead, as the `ct300`
of make_dataset.py. The fastest of the repetitions is said, with the CPU time of the workers.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.ingest import MIP, slices
from tests.site import inside

STORESCU, ECHOSCU = "/usr/bin/storescu", "/usr/bin/echoscu"  # pynetdicom's twins stand in the path
COUNT = 300


@contextlib.contextmanager
def scp(scratch: str | None) -> Iterator[tuple[int, psutil.Process]]:
    """A fresh installation that knows STORESCU; gives its port and the process that holds it."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        os.environ |= {"MIP_DATA_DIR": folder, "MIP_HOST": "127.0.0.1", "MIP_DIMSE_PORT": "21112"}
        for command in (["migrate"], ["node", "add", "--institution", "BENCH", *_NODE]):
            if command[0] == "node":
                with inside(Path(folder)):
                    _open_institution()
            subprocess.run([*MIP, *command], check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen([*MIP, "scp"], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout
            said = server.stdout.readline()
            port = int(said.split("port ")[1].split(";")[0])
            while subprocess.run([ECHOSCU, *_CALL, "127.0.0.1", str(port)], capture_output=True).returncode:
                time.sleep(0.1)
            yield port, psutil.Process(server.pid)
        finally:
            server.terminate()
            server.wait()


_NODE = ["--ae-title", "STORESCU", "--address", "127.0.0.1"]
_CALL = ["-aet", "STORESCU", "-aec", "MIP"]


def _open_institution() -> None:
    from mip_app.accounts import opening
    from mip_app.core.database import write

    alliance = write(opening.open_alliance, opening.CONSOLE, "bench")
    write(opening.open_institution, opening.CONSOLE, alliance, "BENCH", "bench")


def send(port: int, files: list[Path], associations: int, nodelay: bool) -> float:
    """Seconds until all are acknowledged."""
    environment = {**os.environ, **({"TCP_NODELAY": "1"} if nodelay else {})}
    begun = time.perf_counter()
    senders = [
        subprocess.Popen(
            [STORESCU, *_CALL, "127.0.0.1", str(port), *map(str, files[part::associations])],
            env=environment,
            stderr=subprocess.PIPE,
        )
        for part in range(associations)
    ]
    for sender in senders:
        _, errors = sender.communicate()
        assert sender.returncode == 0 and not errors, errors
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="a folder of DICOM files to send")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--scratch", help="folder on the disk to be measured")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        files = sorted(asked.data.glob("*.dcm")) if asked.data else []
        for name, data in () if files else slices(COUNT, 1):
            files.append(Path(made) / name)
            files[-1].write_bytes(data)
        for nodelay, associations in ((False, 1), (False, 4), (True, 1), (True, 4)):
            best, cpu = min(_run(asked.scratch, files, associations, nodelay) for _ in range(asked.repeat))
            how = "TCP_NODELAY=1" if nodelay else "as it is"
            print(
                f"C-STORE, storescu {how}, {associations} association(s): {len(files) / best:.0f} instances/s;"
                f" CPU {cpu / len(files) * 1000:.1f} ms an instance",
                flush=True,
            )


def _run(scratch: str | None, files: list[Path], associations: int, nodelay: bool) -> tuple[float, float]:
    with scp(scratch) as (port, process):
        send(port, files[:4], 4, nodelay)  # warms the workers up
        before = _cpu(process)
        return send(port, files[4:], associations, nodelay) * len(files) / len(files[4:]), _cpu(
            process
        ) - before


def _cpu(process: psutil.Process) -> float:
    return sum(sum(one.cpu_times()[:2]) for one in process.children())


if __name__ == "__main__":
    main()
