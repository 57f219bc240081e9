"""Decoded pixels, made in child processes: a C codec must not take the web process down nor fill its memory.

Two workers are kept ready, since numpy and the codecs take half a second to load; one that crashes, hangs or has done
its share is replaced. They are programs of their own (no fork, no pickles), so any thread of any server may call.
"""

import atexit
import json
import os
import queue
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from mip_app.core.errors import MipError

WALL_SECONDS = 20.0
JOBS_PER_WORKER = 1000
WORKERS = 2
ANSWER = struct.Struct(">BI")  # 0 bytes, 1 JSON with a reason; length
MAX_ANSWER = 1024**3


class CannotDraw(MipError):
    """`reason` of the detail: no_pixels, damaged, size (of code stream and header differ), palette, syntax, …"""

    code = "image.cannot_draw"
    status: ClassVar[int] = 406


@dataclass(frozen=True, slots=True)
class Picture:
    """How a frame is to be drawn. Without a window the file's own counts (VOI LUT, then window, then all values)."""

    size: int = 0  # at most so many pixels wide and high; 0: as stored, or as the viewport says
    window: tuple[float, float] | tuple[()] = ()  # center, width
    function: str = "LINEAR"  # of the window: LINEAR, LINEAR_EXACT, SIGMOID
    viewport: tuple[int, int] | tuple[()] = ()
    region: tuple[float, ...] = ()  # x, y, width, height in the stored picture; a negative side mirrors
    share: tuple[float, ...] = ()  # the same by its edges, each between 0 and 1: left, top, right, bottom
    form: str = "image/jpeg"
    quality: int = 0  # of JPEG, 1 to 100; 0: ours
    profile: str = "no"  # ICC: no, yes, srgb

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Picture":
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in told.items()}
        return cls(**values)


def render(path: Path, frame: int = 1, asked: Picture | None = None) -> bytes:
    """One frame (from 1) as a picture. Raises CannotDraw."""
    picture = asdict(asked or Picture())
    return _pool().ask({"op": "render", "path": str(path), "frame": frame, "picture": picture})


def decode_frame(path: Path, frame: int = 1) -> bytes:
    """One frame (from 1) as native little endian samples, bits packed where one is allocated. Raises CannotDraw."""
    return _pool().ask({"op": "decode", "path": str(path), "frame": frame})


def encode_frame(path: Path, frame: int, syntax: str) -> bytes:
    """One frame (from 1) encoded in the transfer syntax `syntax`. Raises CannotDraw."""
    return _pool().ask({"op": "encode", "path": str(path), "frame": frame, "syntax": syntax})


def recoded_head(
    path: Path, syntax: str, uid: str = "", corrections: Mapping[str, Any] | None = None
) -> tuple[bytes, bytes]:
    """A Part 10 file in another transfer syntax, up to where its frames begin; and the first frame.

    `uid`: a new SOP Instance UID. `corrections`: see correcting.py. Raises CannotDraw.
    """
    right = dict(corrections or {})
    asked: dict[str, object] = {
        "op": "head",
        "path": str(path),
        "syntax": syntax,
        "uid": uid,
        "corrections": right,
    }
    answer = _pool().ask(asked)
    length = int.from_bytes(answer[:4], "big")
    return answer[4 : 4 + length], answer[4 + length :]


class _Died(Exception):
    pass


class Worker:
    """One child process, asked one thing at a time."""

    def __init__(self) -> None:
        package = Path(__file__).resolve().parents[2]
        kept = {
            k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
        }
        threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
        self.jobs = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mip_app.dicom.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=package,
            env={**kept, **threads, "PYTHONPATH": str(package), "PYTHONIOENCODING": "utf-8"},
            start_new_session=True,  # Ctrl-C is for the server, which then ends us
        )

    def ask(self, request: dict[str, object], seconds: float) -> bytes:
        """Raises CannotDraw; after a reason of timeout or crashed this worker is of no use any more."""
        self.jobs += 1
        end = time.monotonic() + seconds
        try:
            assert self.process.stdin is not None
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            failed, length = ANSWER.unpack(self._read(ANSWER.size, end))
            if length > MAX_ANSWER:
                raise _Died("crashed")
            answer = self._read(length, end)
        except OSError as error:
            raise _Died("crashed") from error
        if failed:
            raise CannotDraw(reason=json.loads(answer))
        return answer

    def _read(self, count: int, end: float) -> bytes:
        assert self.process.stdout is not None
        pipe = self.process.stdout.fileno()
        found = bytearray()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while len(found) < count:
            if not poll.poll(max((end - time.monotonic()) * 1000, 0)):
                raise _Died("timeout")
            if not (chunk := os.read(pipe, min(count - len(found), 1024 * 1024))):
                raise _Died("crashed")
            found += chunk
        return bytes(found)

    @property
    def usable(self) -> bool:
        return self.jobs < JOBS_PER_WORKER and self.process.poll() is None

    def end(self) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        self.process.wait()


class Pool:
    """`size` workers, started when first needed."""

    def __init__(self, size: int = WORKERS, seconds: float = WALL_SECONDS) -> None:
        self.seconds, self.pid = seconds, os.getpid()
        self._free: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(None)

    def ask(self, request: dict[str, object]) -> bytes:
        """Waits for a free worker. Raises CannotDraw."""
        try:
            worker = self._free.get(timeout=6 * self.seconds)
        except queue.Empty:
            raise CannotDraw(reason="busy") from None
        try:
            if worker is None or not worker.usable:
                if worker:
                    worker.end()
                worker = None
                worker = Worker()
            return worker.ask(request, self.seconds)
        except _Died as error:
            if worker:
                worker.end()
            worker = None
            raise CannotDraw(reason=str(error)) from error
        except CannotDraw:
            raise
        except BaseException:  # an answer left in the pipe would be taken for that of the next image
            if worker:
                worker.end()
            worker = None
            raise
        finally:
            self._free.put(worker)

    def end(self) -> None:
        while not self._free.empty():
            if worker := self._free.get_nowait():
                worker.end()


_current: Pool | None = None
_making = threading.Lock()


def _pool() -> Pool:
    global _current
    with _making:
        if _current is None or _current.pid != os.getpid():  # a fork must not share its parent's pipes
            _current = Pool()
            atexit.register(_current.end)
        return _current
