"""The table of docs/conformance-tried.md: which SOP class in which transfer syntax went in and came out again.

`MIP_WRITE_TABLES=1 python -m pytest tests/dicomweb/test_round_trip.py` writes it.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from pydicom.uid import UID

from tests.conftest import REPOSITORY

DOCUMENT = REPOSITORY / "docs" / "conformance-tried.md"
HEAD = """# What was tried

Every file of pydicom's wheel and of the collection that the tests use beside the repository, by SOP class and transfer syntax. Each was sent by STOW-RS and fetched again by WADO-RS: the stored bytes are identical, the metadata says what pydicom's DICOM JSON model says. *Decoded* tells whether frames asked for as native samples are what pydicom decodes: `same`, `by the browser` where no decoder of ours reads them (they are served as stored), `-` for objects without pixels. Written by `tests/dicomweb/test_round_trip.py`; do not edit.

| SOP class | transfer syntax | files | decoded |
| --- | --- | ---: | --- |
"""


@dataclass
class Tried:
    files: int = 0
    decoded: set[str] = field(default_factory=set)


class Table:
    def __init__(self) -> None:
        self.rows: defaultdict[tuple[str, str], Tried] = defaultdict(Tried)

    def add(self, sop_class: str, syntax: str) -> Tried:
        row = self.rows[(UID(sop_class).name, UID(syntax).name)]
        row.files += 1
        return row

    def written(self) -> str:
        lines = (
            f"| {name} | {syntax} | {row.files} | {', '.join(sorted(row.decoded)) or '-'} |\n"
            for (name, syntax), row in sorted(self.rows.items())
        )
        return HEAD + "".join(lines)


def kept(path: Path = DOCUMENT) -> str:
    return path.read_text("utf-8") if path.exists() else ""
