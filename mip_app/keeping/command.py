"""`mip doctor`, `mip backup`, `mip restore`."""

import sys
import time
from collections import Counter
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TextIO

import click

from mip_app.core.actor import Actor, Permission
from mip_app.core.blobs import blobs
from mip_app.ingest.outcome import Kind as Taken
from mip_app.ingest.service import take_in as take_in_files
from mip_app.keeping import backup
from mip_app.keeping.doctor import Checkup
from mip_app.keeping.findings import Kind


def examine(*, repair: bool, whole_files: bool, take_in: bool) -> int:
    """Say what is found, each in a line; the exit code."""
    progress = Progress(sys.stderr)
    checkup = Checkup(repair, whole_files, _take_in if take_in else None, progress.show)
    counts: Counter[str] = Counter()
    wrong = 0
    for finding in checkup.findings():
        counts[finding.kind] += 1
        wrong += finding.wrong
        if finding.kind is not Kind.OUTDATED:  # thousands, and nothing to be done
            progress.clear()
            mended = "" if not finding.repaired or finding.detail in _ACTS else "repaired "
            click.echo(f"{finding.kind}  {finding.what}  {mended}{finding.detail}".rstrip())
    progress.clear()
    rows, files, size = checkup.totals
    click.echo(f"{rows:,} images in the database, {files:,} files of images, {size:,} bytes")
    said = ", ".join(f"{number:,} {kind}" for kind, number in sorted(counts.items()))
    click.echo(f"{'WRONG' if wrong else 'whole'}{': ' if said else ''}{said}")
    return 1 if wrong else 0


_ACTS = ("removed", "taken in", "dropped")


class _Orphan:
    """A file of an image without a row, offered as if somebody sent it."""

    error = ""

    def __init__(self, key: str) -> None:
        self.name = key

    def open(self) -> BinaryIO:
        with blobs().local(self.name) as path:
            return path.open("rb") if blobs().file(self.name) else BytesIO(path.read_bytes())


def _take_in(key: str) -> bool:
    institution = int(key.partition("/")[0])
    actor = Actor(None, "console", institution, frozenset({Permission.STUDY_UPLOAD}))
    [outcome] = take_in_files(actor, [_Orphan(key)])
    return outcome.kind is Taken.STORED or outcome.code == "ingest.other_bytes"


def back_up(folder: Path) -> None:
    progress = Progress(sys.stderr)
    copied, there = backup.back_up(folder, partial(progress.show, "files"))
    progress.clear()
    click.echo(f"backed up to {folder}: the database, {copied:,} files copied, {there:,} there already")
    click.echo(
        "The master key (MIP_SECRET_KEY or secret.key) is not part of it: keep it in a place of its own."
    )


def bring_back(folder: Path) -> None:
    progress = Progress(sys.stderr)
    files = backup.bring_back(folder, partial(progress.show, "files"))
    progress.clear()
    click.echo(
        f"restored from {folder}: the database and {files:,} files; run `mip doctor` and `mip audit verify` now"
    )


class Progress:
    """A line that counts, on a terminal; nothing elsewhere."""

    def __init__(self, out: TextIO) -> None:
        self.out, self.shown, self.next = out, False, 0.0

    def show(self, what: str, done: int) -> None:
        if self.out.isatty() and time.monotonic() >= self.next:
            self.next = time.monotonic() + 0.1
            self.out.write(f"\r\x1b[K  {what}: {done:,} …")
            self.out.flush()
            self.shown = True

    def clear(self) -> None:
        if self.shown:
            self.out.write("\r\x1b[K")
            self.shown = False
