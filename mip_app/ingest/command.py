"""`mip ingest`: files, folders and zip archives from this machine."""

import json
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self, TextIO

import click

from mip_app.accounts import opening
from mip_app.core.actor import Actor, Permission
from mip_app.core.database import read
from mip_app.core.texts import words
from mip_app.dicom.walk import Found, files_in
from mip_app.ingest.checkers import Checkers
from mip_app.ingest.journal import Journal, Seen, seen
from mip_app.ingest.limits import archive_limits
from mip_app.ingest.outcome import NO_IMAGES, Kind, Outcome
from mip_app.ingest.service import take_in

SAYS_IT_IS = (".dcm", ".dicom", ".ima")


def ingest(
    paths: list[Path],
    institution: str,
    report: TextIO | None,
    out: TextIO = sys.stderr,
    *,
    again: bool = False,
    jobs: int = 1,
) -> int:
    """Take in what is below `paths` and say what became of it; the exit code.

    0: all that is DICOM went in. What is no DICOM inside a folder or an archive (a README, a viewer, the DICOMDIR) is
    named and counts for nothing, unless its name says that it is (.dcm) or it was given itself. 1: something was refused.
    Files that went in before and have not changed since are passed over, unless `again`; those of archives are not.
    """
    institution_id = read(opening.institution_of_code, opening.CONSOLE, institution)
    actor = Actor(None, "console", institution_id, _MAY)
    given = {path.name for path in paths if not path.is_dir()}
    counts: Counter[str] = Counter()
    for missing in (path for path in paths if not path.exists()):
        counts[Kind.REFUSED] += 1
        out.write(f"✗ {missing}: {words('ingest.not_found', {})}\n")
    there = [path for path in paths if path.exists()]
    with Journal(institution_id) as journal, _Progress(out, there) as progress, Checkers(jobs) as checkers:
        offered = _Offered(files_in(there, archive_limits()), journal, again, progress, counts)
        for outcome in take_in(actor, offered, checkers.check):
            counts[kind := _kind(outcome, given)] += 1
            if report:
                report.write(json.dumps(asdict(outcome), ensure_ascii=False) + "\n")
                report.flush()
            offered.ended(outcome)  # after the report: what a later run passes over has been named
            if outcome.kind is Kind.REFUSED:
                progress.clear()
                mark = "-" if kind == "passed over" else "✗"
                out.write(f"{mark} {outcome.name}: {words(outcome.code, outcome.detail)}\n")
    out.write(", ".join(_summary(counts)) + "\n")
    return 1 if counts["refused"] else 0


class _Offered:
    """The files that are offered, but those that went in before; their outcomes come back in the same order."""

    def __init__(
        self,
        found: Iterable[Found],
        journal: Journal,
        again: bool,
        progress: "_Progress",
        counts: Counter[str],
    ) -> None:
        self.found, self.journal, self.again = found, journal, again
        self.progress, self.counts = progress, counts
        self._waiting: deque[tuple[Found, Seen | None]] = deque()

    def __iter__(self) -> Iterator[Found]:
        for one in self.found:
            if one.path is not None and not self.again and self.journal.has(one.path):
                self.counts[BEFORE] += 1
                self.progress.add(one.size)
                continue
            self._waiting.append((one, seen(one.path) if one.path is not None else None))
            yield one

    def ended(self, outcome: Outcome) -> None:
        """What became of the first that waits: it is durable and committed where it went in."""
        one, as_offered = self._waiting.popleft()
        if one.path is not None and outcome.kind is not Kind.REFUSED:
            self.journal.add(one.path, as_offered)
            self.journal.flush()
        self.progress.add(one.size)


BEFORE = "before"
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
    if counts[BEFORE]:
        yield f"{counts[BEFORE]:,} taken in before (--again reads them)"


class _Progress:
    """On a terminal a bar with the rate and the time left; nothing elsewhere."""

    def __init__(self, out: TextIO, paths: list[Path]) -> None:
        self.out, self.paths = out, paths
        self.bar: Any = None
        self.files, self.bytes, self.begun = 0, 0, time.monotonic()

    def __enter__(self) -> Self:
        if self.out.isatty():
            whole = _bytes_below(self.paths)
            self.bar = click.progressbar(
                length=whole,
                file=self.out,
                item_show_func=lambda _: self._rate(),
                update_min_steps=max(whole // 500, 1),
            )
            self.bar.__enter__()
        return self

    def __exit__(self, *reason: object) -> None:
        self.clear()
        if self.bar is not None:
            self.bar.__exit__(*reason)  # the cursor comes back

    def add(self, size: int) -> None:
        self.files, self.bytes = self.files + 1, self.bytes + size
        if self.bar is not None:
            self.bar.update(size)

    def clear(self) -> None:
        if self.bar is not None:
            self.out.write("\r\x1b[K")

    def _rate(self) -> str:
        seconds = max(time.monotonic() - self.begun, 0.001)
        return f"{self.files:,} files, {self.files / seconds:,.0f}/s, {self.bytes / seconds / 1e6:,.1f} MB/s"


def _bytes_below(paths: list[Path]) -> int:
    """How much there is to read; of archives as they lie there, so that the time left is a guess for them."""
    files = (inner for path in paths for inner in (path.rglob("*") if path.is_dir() else [path]))
    return sum(about[0] for file in files if file.is_file() and (about := seen(file)))
