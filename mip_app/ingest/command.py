"""`mip ingest`: files, folders and zip archives from this machine."""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from mip_app.accounts import opening
from mip_app.core.actor import Actor, Permission
from mip_app.core.database import read
from mip_app.core.texts import words
from mip_app.dicom.walk import files_in
from mip_app.ingest.limits import archive_limits
from mip_app.ingest.outcome import NO_IMAGES, Kind, Outcome
from mip_app.ingest.service import take_in

SAYS_IT_IS = (".dcm", ".dicom", ".ima")


def ingest(paths: list[Path], institution: str, report: TextIO | None, out: TextIO = sys.stderr) -> int:
    """Take in what is below `paths` and say what became of it; the exit code.

    0: all that is DICOM went in. What is no DICOM inside a folder or an archive (a README, a viewer, the DICOMDIR) is
    named and counts for nothing, unless its name says that it is (.dcm) or it was given itself. 1: something was refused.
    """
    actor = Actor(None, "console", read(opening.institution_of_code, opening.CONSOLE, institution), _MAY)
    given = {path.name for path in paths if not path.is_dir()}
    counts: Counter[str] = Counter()
    progress = _Progress(out)
    for missing in (path for path in paths if not path.exists()):
        counts[Kind.REFUSED] += 1
        out.write(f"✗ {missing}: {words('ingest.not_found', {})}\n")
    for outcome in take_in(actor, files_in((path for path in paths if path.exists()), archive_limits())):
        counts[kind := _kind(outcome, given)] += 1
        if report:
            report.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
            report.flush()
        if outcome.kind is Kind.REFUSED:
            progress.clear()
            mark = "-" if kind == "passed over" else "✗"
            out.write(f"{mark} {outcome.name}: {words(outcome.code, outcome.detail)}\n")
        progress.show(counts)
    progress.clear()
    out.write(", ".join(_summary(counts)) + "\n")
    return 1 if counts["refused"] else 0


_MAY = frozenset({Permission.STUDY_UPLOAD})


def _kind(outcome: Outcome, given: set[str]) -> str:
    named = outcome.name in given or outcome.name.lower().endswith(SAYS_IT_IS)
    if outcome.code in NO_IMAGES and not named:
        return "passed over"
    return outcome.kind


def _summary(counts: Counter[str]) -> Iterator[str]:
    for kind in (Kind.STORED, Kind.UNCHANGED, Kind.REFUSED):
        yield f"{counts[kind]:,} {kind}"
    if counts["passed over"]:
        yield f"{counts['passed over']:,} not DICOM"


class _Progress:
    """A line that counts, on a terminal; nothing elsewhere."""

    def __init__(self, out: TextIO) -> None:
        self.out, self.shown, self.next = out, False, 0.0

    def show(self, counts: Counter[str]) -> None:
        if self.out.isatty() and time.monotonic() >= self.next:
            self.next = time.monotonic() + 0.1
            self.out.write(f"\r\x1b[K  {counts.total():,} files: {', '.join(_summary(counts))} …")
            self.out.flush()
            self.shown = True

    def clear(self) -> None:
        if self.shown:
            self.out.write("\r\x1b[K")
            self.shown = False
