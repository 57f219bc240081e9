"""`mip run` and `mip demo`, step by step: each says what it does, and what to do when it cannot."""

import contextlib
import errno
import os
import socket
import sys
import time
from collections.abc import Callable

from mip_app.core.settings import settings
from mip_app.dimse import command
from mip_app.serving import bundle
from mip_app.serving.beside import Beside
from mip_app.serving.migration import migrate


class CannotStart(Exception):
    """In words: what went wrong and what to do."""


def step(words: str, work: Callable[[], object]) -> None:
    """Run one step of the start with its time; its failure is the user's to read."""
    print(f"  {words} …", end="", flush=True)
    begun = time.monotonic()
    try:
        work()
    except bundle.BuildFailed as error:
        raise CannotStart(str(error)) from error
    except OSError as error:
        raise CannotStart(f"{words}: {error.strerror or error}.\n{_what_to_do(error)}") from error
    print(f" {time.monotonic() - begun:.1f} s", flush=True)


def _what_to_do(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "The disk is full: free some room and run the same command again; nothing is lost."
    if error.errno in (errno.EACCES, errno.EROFS):
        return f"Give this user the right to write into {settings().data_dir.resolve()}, or set MIP_DATA_DIR."
    return "Run the same command again; if it fails again, the line above says where."


def prepare() -> None:
    """The front end and the database, made or renewed only when something changed."""
    if bundle.is_current():
        print("  front end: unchanged", flush=True)
    else:
        step("building the front end (the first time about a minute, later seconds)", bundle.build)
    step(f"database {_shown(settings().database)}", migrate)


def _shown(url: str) -> str:
    # An address may carry a password.
    return url.split("@")[-1].removeprefix("sqlite:///")


def free_port(host: str, wanted: int, variable: str = "MIP_PORT") -> int:
    """`wanted`, or the next free port of the hundred after it."""
    for port in range(wanted, min(wanted + 100, 65536)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise CannotStart(f"No port from {wanted} to {wanted + 99} is free. Set {variable} to one that is.")


def addresses(host: str, port: int) -> list[str]:
    """Where the pages can be opened: on this machine and, when it listens there, from the network."""
    found = [f"http://localhost:{port}"]
    if host in ("0.0.0.0", "::"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))  # sends nothing: only asks which address would be used
                found.append(f"http://{probe.getsockname()[0]}:{port}")
            except OSError:
                pass
    return found


def serve(before: Callable[[], None] | None = None, after: Callable[[], None] | None = None) -> None:
    """Prepare, say where, and serve until Ctrl-C."""
    prepare()
    if before:
        before()
    port = free_port(settings().host, settings().port)
    if port != settings().port:
        print(f"\n  Port {settings().port} is taken; using {port}.")
    print("\n  MIP is at  " + "\n             ".join(addresses(settings().host, port)))
    dimse = _dimse() if settings().dimse else contextlib.nullcontext()
    if after:
        after()
    print("\n  Ctrl-C ends it.\n", flush=True)
    from mip_app.serving.server import serve as run

    with dimse:
        run(settings().host, port)
    print("  Stopped.", file=sys.stderr)


def _dimse() -> contextlib.AbstractContextManager[object]:
    """Images come in by DIMSE in a process beside this one; it is said where."""
    port = free_port(settings().host, settings().dimse_port, "MIP_DIMSE_PORT")
    print(command.said(port, tls=False))
    if settings().dimse_tls_cert:
        print(command.said(settings().dimse_tls_port, tls=True))
    os.environ["MIP_DIMSE_PORT"] = str(port)  # the pages say where images are sent to
    return Beside(port)
