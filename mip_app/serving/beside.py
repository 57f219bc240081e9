"""The process that takes images by DIMSE, beside the one that serves pages: it ends with it and comes back alone."""

import os
import subprocess
import sys
import threading
import time

AGAIN_AFTER = 0.2  # seconds before it comes back
SLOWER_AFTER = 5.0  # seconds; one that ended sooner could not begin, and is tried again after as long


class Beside:
    """`mip scp` as a child. It asks to be told when this process ends, so that no kill leaves it behind."""

    def __init__(self, port: int) -> None:
        self._environment = {**os.environ, "MIP_DIMSE_PORT": str(port)}
        self._child: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        # The kernel tells a child when the thread that made it ends: this one lives as long as the process.
        self._thread = threading.Thread(target=self._watch, name="mip-dimse", daemon=True)

    def __enter__(self) -> "Beside":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._child is not None:
            self._child.terminate()
        self._thread.join(10)

    def _watch(self) -> None:
        while not self._over.is_set():
            begun = time.monotonic()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "mip_app.cli", "scp", "--parent", str(os.getpid())],
                env=self._environment,
            )
            if self._over.is_set():  # told in between
                self._child.terminate()
            self._child.wait()
            lived = time.monotonic() - begun
            self._over.wait(
                AGAIN_AFTER if lived > SLOWER_AFTER or self._child.returncode < 0 else SLOWER_AFTER
            )
