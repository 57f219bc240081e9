"""What `mip ingest` has taken in from this machine, so that a second run over the same folder reads the rest alone.

A line of JSON for each acknowledged file: path, bytes, time of its last change in nanoseconds. Paths may name
patients: a file in the data folder for each institution, of mode 0600. A lost line costs reading a file again.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from mip_app.core.settings import settings

Seen = tuple[int, int]


class Journal:
    """One institution's. Written as it goes: whoever is killed loses at most what was not acknowledged."""

    def __init__(self, institution_id: int) -> None:
        self.path = settings().data_dir / "ingest" / f"{institution_id}.jsonl"
        self._known: dict[str, Seen] = {}

    def __enter__(self) -> Self:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = open(descriptor, "a+b")  # noqa: SIM115 - closed at the exit
        self._known = dict(self._read())
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _read(self) -> Iterator[tuple[str, Seen]]:
        self._file.seek(0)
        line = b"\n"
        for line in self._file:
            try:
                path, size, changed = json.loads(line)
            except ValueError:  # torn: its writer was killed
                continue
            yield path, (size, changed)
        if not line.endswith(b"\n"):
            self._file.write(b"\n")

    def has(self, path: Path) -> bool:
        """Whether this file, as it is now, went in."""
        known = self._known.get(_name(path))
        return known is not None and known == seen(path)

    def add(self, path: Path, as_offered: Seen | None) -> None:
        """It went in. `as_offered`: what `seen` said before it was read; None: it could not be said."""
        if as_offered is not None and self._known.get(_name(path)) != as_offered:
            self._known[_name(path)] = as_offered
            self._file.write(json.dumps([_name(path), *as_offered]).encode() + b"\n")

    def flush(self) -> None:
        self._file.flush()


def seen(path: Path) -> Seen | None:
    """Bytes and last change of a file; None where it is gone."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns


def _name(path: Path) -> str:
    return os.path.abspath(path)  # a link stays what it is called; surrogates of odd names survive JSON
